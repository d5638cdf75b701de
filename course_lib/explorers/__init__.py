"""Interactive pieces of the lessons: HTML, SVG and a short script that live in a notebook's output, without a kernel.

Each explorer is a function ``explore_<module>`` that returns an object to end a cell with::

    from course_lib.explorers import explore_qkv_steps
    explore_qkv_steps(tokens, X, W_Q, W_K, W_V)

The functions are looked up in the module of that name when first used, and importing this package imports no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Explorer"]

_PREFIX = "explore_"


def __getattr__(name: str) -> Any:
    if name == "Explorer":
        from course_lib.explorers.page import Explorer

        return Explorer
    # The functions do not bear their modules' names: an imported module would hide a function of the same name.
    if name.startswith(_PREFIX):
        home = f"{__name__}.{name.removeprefix(_PREFIX)}"
        try:
            return getattr(importlib.import_module(home), name)
        except ModuleNotFoundError as error:
            if error.name != home:
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
