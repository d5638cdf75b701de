"""The look of every picture: one palette, one set of matplotlib settings.

A query is blue, a key vermilion, a value green and an output purple in every figure, explorer and card of the course.
The hues are those of Okabe and Ito ("Color Universal Design", 2008), darkened until each can be read as text on white
(contrast of at least 4.5, WCAG 2.2 level AA) and set apart in lightness, so that the four stay distinct for readers
with any of the three kinds of colour blindness. No figure says anything by colour alone.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

COLOURS: dict[str, str] = {
    "query": "#0072B2",
    "key": "#C04E00",
    "value": "#00664A",
    "output": "#74246C",
    "input": "#4A5568",  # token vectors x, before any projection
    "neutral": "#5B5F66",  # arrows, frames, secondary text
    "accent": "#8A6500",  # attention: scores and weights; "you are here"
    "warning": "#A8003C",  # what breaks, what is masked
    "ink": "#1F2328",
    "ground": "#FFFFFF",
}
"""Colour names to hexadecimal values; each but ``ground`` has a contrast of at least 4.5 on white."""

CSS_DPI = 100
"""CSS pixels per inch of figure: a figure 7.6 inches wide is shown 760 pixels wide."""

PNG_DPI = 160
"""Pixels per inch of the stored PNG: sharp on screens with 1.6 pixels per CSS pixel."""

STYLE: dict[str, Any] = {
    "figure.dpi": CSS_DPI,
    "figure.figsize": (7.2, 3.6),
    "figure.facecolor": COLOURS["ground"],
    "figure.edgecolor": COLOURS["ground"],
    "figure.constrained_layout.use": True,
    "savefig.dpi": PNG_DPI,
    "savefig.facecolor": COLOURS["ground"],
    "savefig.edgecolor": COLOURS["ground"],
    "savefig.transparent": False,
    # A tight bounding box makes the picture's size depend on its text, so the same figure would differ by language.
    "savefig.bbox": "standard",
    "savefig.format": "png",
    "svg.hashsalt": "course",
    # DejaVu Sans comes with matplotlib and has Cyrillic and mathematics: no machine substitutes another font.
    "font.family": ["DejaVu Sans"],
    "font.size": 10.0,
    "mathtext.fontset": "dejavusans",
    "text.color": COLOURS["ink"],
    "text.usetex": False,
    "axes.facecolor": COLOURS["ground"],
    "axes.edgecolor": COLOURS["neutral"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.labelsize": 10.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,  # a grid would be drawn over heatmaps; curves ask for it
    "axes.axisbelow": True,
    "axes.formatter.use_locale": False,
    "axes.formatter.useoffset": False,
    "grid.color": "#E3E5E8",
    "grid.linewidth": 0.8,
    "xtick.color": COLOURS["neutral"],
    "ytick.color": COLOURS["neutral"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.0,
    "legend.frameon": False,
    "legend.handlelength": 3.2,  # long enough to tell a dashed line from a solid one
    "legend.fontsize": 9.0,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
}
"""matplotlib settings; :func:`use_style` applies them and every stored picture is drawn under them."""


def settings() -> dict[str, Any]:
    """:data:`STYLE` with the cycle of line colours, which differ in dash as well, so that no curve needs its colour."""
    import matplotlib as mpl
    from cycler import cycler

    names = ("query", "key", "value", "output", "accent", "neutral")
    dashes = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 1)))
    # matplotlib 3.11 renamed the value that sets letters in italics and digits upright: its own default is that value.
    upright_digits = {"mathtext.default": mpl.rcParamsDefault["mathtext.default"]}
    return (
        STYLE
        | upright_digits
        | {"axes.prop_cycle": cycler(color=[COLOURS[name] for name in names]) + cycler(linestyle=dashes)}
    )


def drawing_style() -> AbstractContextManager[None]:
    """A context with the course's settings over matplotlib's defaults.

    Diagrams are drawn and pictures are stored in it: neither a session nor a machine's own matplotlibrc changes them.
    """
    from matplotlib import style

    return style.context(["default", settings()])


def use_style() -> None:
    """Apply the course's settings to matplotlib; in a notebook also switch off the tight bounding box of plain plots."""
    import matplotlib as mpl

    mpl.rcParams.update(settings())
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        from matplotlib_inline.config import InlineBackend

        InlineBackend.instance(parent=shell).print_figure_kwargs = {"bbox_inches": None}


def tint(name: str, amount: float = 0.14) -> str:
    """The named colour mixed with white: 0 is white, 1 the colour itself."""
    value = COLOURS[name].lstrip("#")
    channels = (int(value[i : i + 2], 16) for i in (0, 2, 4))
    return "#" + "".join(f"{round(255 + (channel - 255) * amount):02X}" for channel in channels)


def contrast(one: str, other: str = COLOURS["ground"]) -> float:
    """The contrast ratio of two hexadecimal colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""

    def luminance(colour: str) -> float:
        value = colour.lstrip("#")
        linear = []
        for i in (0, 2, 4):
            channel = int(value[i : i + 2], 16) / 255
            linear.append(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
