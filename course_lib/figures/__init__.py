"""Static pictures: the diagrams of the lessons and cards, and the one way a picture is shown.

Every diagram is a function that returns a matplotlib ``Figure`` drawn in the session's language::

    from course_lib.figures import attention as drawings, show
    show(drawings.scaled_dot_product(), "scaled_dot_product")

Nothing here imports torch.
"""

from __future__ import annotations

import base64
import importlib
import io
from typing import TYPE_CHECKING

from course_lib.language import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from course_lib.figures.draw import Drawing

__all__ = ["drawings", "png", "show"]

MODULES = (
    "course",
    "primer",
    "recurrence",
    "word2vec",
    "bpe",
    "attention",
    "multi_head",
    "positions",
    "encoder_block",
    "decoder",
    "bert_gpt",
)
"""The modules that hold diagrams, in the order of the course."""


def drawings() -> dict[str, Drawing]:
    """All diagrams of the course by name."""
    from course_lib.figures.draw import DRAWINGS

    for module in MODULES:
        importlib.import_module(f"course_lib.figures.{module}")
    return DRAWINGS


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes: white ground, 160 pixels per inch, the canvas's own size.

    Equal figures give equal bytes under one version of matplotlib, whose name the PNG's ``Software`` field keeps.
    """
    from course_lib.figures.style import PNG_DPI, drawing_style

    buffer = io.BytesIO()
    # Some settings are read only when the picture is drawn, so a session that changed them must not change the result.
    with drawing_style():
        figure.savefig(buffer, format="png", dpi=PNG_DPI, bbox_inches=None, pil_kwargs={"optimize": True})
    return buffer.getvalue()


def show(figure: Figure, name: str, **values: object) -> None:
    """Display a figure with its alternative text, then its caption, and close it.

    The texts are ``figure.<name>.alt`` and ``figure.<name>.caption`` of the catalogue. The picture's metadata carry the
    alternative text and the width in CSS pixels; its ``text/plain`` form is the alternative text, which is what a
    screen reader or a terminal gets. The caption is an output of its own, in Markdown.

    Args:
        figure: any matplotlib figure; its size in inches decides its size on the page (100 CSS pixels per inch).
        name: the figure's name in the catalogue.
        values: what the two texts name in braces.

    Raises:
        KeyError: if the catalogue lacks a text, or a text names a value that is missing.
    """
    from IPython.display import display
    from matplotlib import pyplot

    from course_lib.figures.style import CSS_DPI

    alternative = say(f"figure.{name}.alt", **values)
    caption = say("figure.caption", caption=say(f"figure.{name}.caption", **values))
    display(
        {"image/png": base64.b64encode(png(figure)).decode("ascii"), "text/plain": alternative},
        metadata={"image/png": {"alt": alternative, "width": round(figure.get_figwidth() * CSS_DPI)}},
        raw=True,
    )
    display({"text/markdown": caption, "text/plain": caption}, raw=True)
    pyplot.close(figure)
