"""Explorers that need a kernel: native widgets that drive one picture, which PyTorch recomputes at every change.

Only where the learner edits what a model must recompute; everything else is an explorer of
:mod:`course_lib.explorers.page`, which also works where no kernel runs.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from course_lib.figures import png
from course_lib.figures.style import drawing_style
from course_lib.language import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["KernelExplorer"]

LIVE_DPI = 80
"""Pixels per inch of the picture that follows the controls: half of the stored one's, so that a change shows at once."""

ROOT_CLASS, SAID_CLASS = "tx-kernel", "tx-kernel-said"

# Two things that widgets cannot say of themselves, said by a few lines of script in the HTML of one of them, which an
# image brings to life as soon as it is loaded; that may be before its widget stands on the page, hence the second look.
# First, which keys are theirs: JupyterLab takes letters typed on a list or a box for commands of the notebook, "a"
# inserts a cell, "x" cuts one out. Second, that the sentence is a live region: it must be the element that stays, as what
# stands in it is replaced at every change, and few screen readers announce a region that is new itself.
_GUARD = (
    '<img hidden alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==" onload="'
    "var me = this; (function look(left) {"
    f"var root = me.closest('.{ROOT_CLASS}');"
    "if (!root) { if (left) setTimeout(look, 50, left - 1); return; }"
    "if (!root.dataset.guarded) root.addEventListener('keydown', function (e) {"
    "if (!(e.ctrlKey || e.metaKey || e.altKey || e.key === 'Tab' || (e.shiftKey && e.key === 'Enter')))"
    " e.stopPropagation(); });"
    "root.dataset.guarded = 1;"
    f"var said = root.querySelector('.{SAID_CLASS}'); said.setAttribute('role', 'status');"
    "said.setAttribute('aria-live', 'polite');"
    '})(100)">'
)

WHOLE_ROW = {"flex": "1 1 100%", "width": "100%", "margin": "0 0 4px 0"}


class _Picture(ipywidgets.Image):
    """An image with a name for screen readers: ipywidgets has no alternative text, but makes a tooltip the title.

    It does so only where a widget has a description and that is empty; an image lacks one, and then its view fails.
    """

    description = traitlets.Unicode().tag(sync=True)


class KernelExplorer(ipywidgets.VBox):
    """Controls, a sentence and a picture; every change of a control calls ``update`` and shows what it drew.

    One figure lives as long as the explorer, and ``update`` changes its artists instead of drawing it anew. Displayed
    in a notebook it gives, in one bundle, the live view, a picture for readers without a kernel, and the sentence as
    plain text, which is what the validation of the notebooks compares. A screen reader hears the sentence at every
    change.

    Args:
        figure: shown 80 CSS pixels wide per inch; made within :func:`~course_lib.figures.style.drawing_style`, so that
            no setting of a session is in it.
        update: called with the value of every control by its name; changes the figure's artists and returns one
            sentence of plain text, the result in words. What it raises is shown in the sentence's place.
        controls: widgets with a ``value`` and a ``description`` (their visible label), by the name of the argument.
        alt: what the picture shows, for screen readers, in one sentence that holds for every setting.
        prompt: what to predict before touching anything; plain text above the controls.

    Attributes:
        controls: the widgets by name: ``explorer.controls["d_k"].value = 64`` does what moving the slider does.
        sentence: the result in words.

    Raises:
        ValueError: if a control has no description or no value, or there is no alternative text.
        Exception: whatever ``update`` raises for the controls' first values: a fault that an author must see.
    """

    def __init__(
        self,
        figure: Figure,
        update: Callable[..., str],
        controls: Mapping[str, ipywidgets.DOMWidget],
        *,
        alt: str,
        prompt: str = "",
    ) -> None:
        from matplotlib import pyplot
        from matplotlib.layout_engine import PlaceHolderLayoutEngine

        for name, control in controls.items():
            if not control.has_trait("value") or not getattr(control, "description", ""):
                raise ValueError(f"the control {name!r} needs a value and a description, its visible label")
        if not alt.strip():
            raise ValueError("the picture needs an alternative text")
        pyplot.close(figure)  # otherwise the notebook would show the figure a second time, below its cell
        if figure.get_layout_engine() is None:
            # Saving puts the engine back, and to put None back means the session's own: fixed axes would be laid out anew.
            figure.set_layout_engine(PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=False))
        self._figure, self._update, self._alt = figure, update, alt
        width = round(figure.get_figwidth() * LIVE_DPI)
        self._width = width
        self._picture = _Picture(
            format="png",
            tooltip=alt,
            layout=ipywidgets.Layout(max_width="100%", width=f"{width}px", height="auto", object_fit="contain"),
        )
        self._status = ipywidgets.HTML(layout=ipywidgets.Layout(**WHOLE_ROW))
        self._status.add_class(SAID_CLASS)
        for control in controls.values():
            control.style = {"description_width": "initial"}
        above = ipywidgets.HTML(_GUARD + _paragraph(prompt), layout=ipywidgets.Layout(**WHOLE_ROW))
        parts = [above, *controls.values(), self._status, self._picture]
        layout = ipywidgets.Layout(
            flex_flow="row wrap", align_items="center", align_content="flex-start", max_width=f"{max(width, 560)}px"
        )
        # Controls stand side by side where there is room: a column of them would push the picture off the screen.
        super().__init__(parts, layout=layout)
        self.add_class(ROOT_CLASS)
        self.controls = dict(controls)
        self._draw()
        for control in controls.values():
            control.observe(self._follow, "value")

    # ------------------------------------------------------------------------------------------------ drawing

    def _draw(self) -> None:
        with drawing_style():
            self.sentence = self._update(**{name: control.value for name, control in self.controls.items()})
            buffer = io.BytesIO()
            # A tight bounding box would change the picture's size from step to step, and takes twice as long.
            self._figure.savefig(buffer, format="png", dpi=LIVE_DPI, bbox_inches=None, pil_kwargs={"compress_level": 1})
        self._picture.value = buffer.getvalue()
        self._status.value = _paragraph(self.sentence)
        self._picture.layout.display = None

    def _follow(self, _change: Any) -> None:
        try:
            self._draw()
        except Exception as error:  # in a callback it would end in a log that no learner opens
            self.sentence = say("explorer.kernel.failed", error=f"{type(error).__name__}: {error}")
            self._status.value = _paragraph(self.sentence)
            self._picture.layout.display = "none"  # the last picture belongs to other settings

    # ------------------------------------------------------------------------------------------------ display

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, the picture at twice the pixels, and the sentence; the picture's metadata for its alt text."""
        bundle = super()._repr_mimebundle_(**options) or {}
        bundle = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        bundle["image/png"] = base64.b64encode(png(self._figure)).decode("ascii")
        bundle["text/plain"] = repr(self)
        return bundle, {"image/png": {"alt": f"{self._alt} {self.sentence}", "width": self._width}}

    def __repr__(self) -> str:
        return self.sentence


def _paragraph(text: str) -> str:
    return text and f'<p style="margin:2px 0;line-height:1.45;white-space:normal">{html.escape(text)}</p>'
