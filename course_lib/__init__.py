"""The helper package of the course: the finished version of what each lesson builds, and the three kinds of proof.

``import course_lib`` is cheap on purpose: it imports no torch and no matplotlib. What a name needs is imported when the
name is first used, so that the deck builds in a fraction of a second.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["start", "__version__"]


def __getattr__(name: str):
    if name == "start":
        from course_lib.session import start

        return start
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
