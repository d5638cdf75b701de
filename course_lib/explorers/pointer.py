"""The pointer of lesson 03 with PyTorch behind it: another sentence, a forbidden look, a missing sum, a missing layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import torch

from course_lib import coreference
from course_lib.attention import padding_mask
from course_lib.corpora import crossing
from course_lib.explorers.kernel import LIVE_DPI, KernelExplorer
from course_lib.figures.style import COLOURS, drawing_style, tint
from course_lib.language import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

__all__ = ["answer", "explore_pointer", "sentence"]

PRINTED = 0.005
"""Smaller weights would be printed as 0.00, so the picture leaves their numbers out."""


@cache
def adjectives() -> tuple[str, ...]:
    """Every adjective of the crossing corpus's first part, in alphabetical order."""
    return tuple(
        sorted({*crossing.AGENT_ADJECTIVES, *(a for some in crossing.PLACE_ADJECTIVES.values() for a in some)})
    )


def sentence(agent: str, place: str, adjective: str, exchange: bool = False) -> tuple[crossing.Sentence, bool]:
    """The sentence "The … didn't cross the … because it was too …", and whether the corpus has its answer.

    Args:
        agent, place, adjective: words of the corpus.
        exchange: whether the two nouns change places.

    Returns:
        the sentence, and False if the corpus has the adjective for neither noun; ``referent`` then means nothing.
    """
    surface = next(surface for surface, places in crossing.PLACES.items() if place in places)
    of_place = adjective in crossing.PLACE_ADJECTIVES[surface]
    frame = crossing.example()[of_place]
    words = list(frame.tokens)
    words[frame.nouns[0]], words[frame.nouns[1]], words[frame.adjective] = agent, place, adjective
    text = replace(frame, tokens=tuple(words))
    if exchange:
        # The adjective decides, not the place in the sentence: the referent moves with its noun.
        first, second = text.nouns
        text = replace(crossing.exchange_nouns(text), referent=first + second - text.referent)
    return text, of_place or adjective in crossing.AGENT_ADJECTIVES


def answer(
    model: nn.Module, text: crossing.Sentence, *, blind: bool = False, residual: bool = True
) -> list[np.ndarray]:
    """The weights (T, T) of every layer, the answering one last.

    Args:
        model: has an ``embedding`` (n_vocab, D) and ``layers``, as :class:`course_lib.coreference.Pointer` and the
            class of the same name in lesson 03.
        blind: *it* may not look at the adjective in layer 1.
        residual: whether a layer's output is added to its input; without it, it replaces the input.
    """
    ids, lengths, it, _ = coreference.batch([text])
    mask = padding_mask(lengths, ids.shape[1])
    first = mask.repeat(1, ids.shape[1], 1)
    first[0, it, text.adjective] = not blind
    masks = [first, *[mask] * (len(model.layers) - 1)]
    with torch.no_grad():
        maps = coreference._attend(model.embedding[ids], model.layers, masks, residual)
    return [weights[0].numpy() for weights in maps]


def explore_pointer(models: nn.Module | Mapping[int, nn.Module]) -> KernelExplorer:
    """Trained pointers to ask about any sentence of the pattern "The … didn't cross the … because it was too …".

    The learner chooses both nouns and the adjective, exchanges the nouns, forbids *it* to look at the adjective in
    layer 1, leaves out the residual sum, or takes the model with one layer. Nothing is trained anew: the model
    computes its weights for the changed sentence or with the changed layer.

    Args:
        models: a pointer of one or two layers, or several by their number of layers.

    Raises:
        TypeError: if a model has no ``embedding`` and ``layers``.
        ValueError: if there is no model, a model has another number of layers than one or two, or than its key says.
    """
    by_depth = _checked(models)
    first = next(iter(by_depth))
    places = sorted(place for some in crossing.PLACES.values() for place in some)
    controls: dict[str, Any] = {
        "agent": ipywidgets.Dropdown(options=crossing.AGENTS, value="animal"),
        "place": ipywidgets.Dropdown(options=places, value="street"),
        "adjective": ipywidgets.Dropdown(options=adjectives(), value="tired"),
        "exchange": ipywidgets.Checkbox(indent=False),
        "blind": ipywidgets.Checkbox(indent=False),
        "residual": ipywidgets.Checkbox(value=getattr(by_depth[first], "residual", True), indent=False),
    }
    if len(by_depth) > 1:
        options = [(say(f"explorer.pointer.depth_{depth}"), depth) for depth in sorted(by_depth, reverse=True)]
        controls["layers"] = ipywidgets.Dropdown(options=options)
    for name, control in controls.items():
        control.description = say(f"explorer.pointer.{name}")
        control.layout = ipywidgets.Layout(width="auto", margin="2px 16px 2px 0")
    with drawing_style():
        picture = _Picture()

    def update(
        agent: str, place: str, adjective: str, exchange: bool, blind: bool, residual: bool, layers: int = first
    ) -> str:
        text, known = sentence(agent, place, adjective, exchange)
        maps = answer(by_depth[layers], text, blind=blind, residual=residual)
        row = maps[-1][text.it]
        chosen = int(row.argmax())
        verdict = "unknown" if not known else "right" if chosen == text.referent else "wrong"
        picture.draw(text, maps, chosen=chosen, verdict=verdict, blind=blind, residual=residual)
        named = [
            say("explorer.pointer.named", word=text.tokens[n], weight=f"{row[n]:.2f}")
            for n in (chosen, *(noun for noun in text.nouns if noun != chosen))
        ]
        held_out = (agent, place) in crossing.noun_pairs("place", "held-out")
        says = [
            say("explorer.pointer.reads", text=str(text)),
            say("explorer.pointer.points", chosen=named[0], others=", ".join(named[1:])),
            say(f"explorer.pointer.{verdict}", adjective=adjective, referent=text.tokens[text.referent]),
            say(f"explorer.pointer.{'new' if held_out else 'trained'}"),
        ]
        return " ".join(says)

    return KernelExplorer(
        picture.figure, update, controls, alt=say("explorer.pointer.alt"), prompt=say("explorer.pointer.prompt")
    )


def _checked(models: nn.Module | Mapping[int, nn.Module]) -> dict[int, nn.Module]:
    by_depth = dict(models) if isinstance(models, Mapping) else {len(getattr(models, "layers", ())): models}
    if not by_depth:
        raise ValueError("there is no model to explore")
    for depth, model in by_depth.items():
        if not hasattr(model, "embedding") or not hasattr(model, "layers"):
            raise TypeError(f"a pointer has an embedding and layers; this is a {type(model).__name__}")
        if len(model.layers) != depth or depth not in (1, 2):
            raise ValueError(f"the model under {depth} has {len(model.layers)} layers; use one or two: {{2: …, 1: …}}")
    return by_depth


# ------------------------------------------------------------------------------------------------------- the picture

WIDTHS = (34, 86, 52, 46, 34, 86, 64, 34, 38, 36, 86, 32)
"""Pixels for each word of the sentence; the three that can be chosen get room for the longest."""

LEFT, GAP, RIGHT = 92, 4, 4
WIDTH = LEFT + sum(WIDTHS) + GAP * len(WIDTHS) + RIGHT
TOP_ROW, MIDDLE_ROW, BOTTOM_ROW, LAST_LINE = 26, 140, 280, 315
"""Heights of the rows: the query of the answering layer, its keys, the keys of layer 1, the adjective's weights."""

HEIGHT, BOX, ASKING = 332, 40, 28


class _Picture:
    """The words as rows of boxes, and lines from a query to its keys, each as thick as its weight.

    Above, the answering layer: *it* asks, and its weights are the answer. Below, layer 1 of two, where *it* and the
    adjective ask. All artists are made once; :meth:`draw` changes them.
    """

    def __init__(self) -> None:
        from matplotlib.figure import Figure

        self.figure: Figure = Figure(figsize=(WIDTH / LIVE_DPI, HEIGHT / LIVE_DPI), layout="none")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        self.axes.axis("off")
        frame = crossing.example()[0]
        self.it, self.adjective = frame.it, frame.adjective
        self.edges = (LEFT + np.cumsum([0, *(width + GAP for width in WIDTHS)])).tolist()
        self.centres = [edge + width / 2 for edge, width in zip(self.edges, WIDTHS, strict=False)]

        asking = self._box(self.it, TOP_ROW, ASKING)
        asking.set(facecolor=tint("query"), edgecolor=COLOURS["query"], linewidth=1.5)
        self._text(self.centres[self.it], TOP_ROW, bold=True, colour="query").set_text(frame.tokens[self.it])
        self.answering, self.first = self._row(MIDDLE_ROW), self._row(BOTTOM_ROW)
        top, middle = TOP_ROW + ASKING / 2, MIDDLE_ROW + BOX / 2
        self.pointing = self._fan(self.it, top, MIDDLE_ROW, color=COLOURS["accent"])
        self.fetching = self._fan(self.it, middle, BOTTOM_ROW, color=COLOURS["accent"])
        self.beside = self._fan(self.adjective, middle, BOTTOM_ROW, color=COLOURS["neutral"], dashes=(3, 2))
        self.numbers_beside = [self._text(x, LAST_LINE, size=10.5, colour="neutral") for x in self.centres]

        # On the left: which layer, whose weights, and what layer 1 hands over.
        self.title = self._text(8, TOP_ROW + 45, bold=True, align="left")
        self.title_below = self._text(8, MIDDLE_ROW + 64, bold=True, align="left")
        self.sum = self._text(8, MIDDLE_ROW + 84, size=11.5, align="left")
        self.labels = [
            self._text(LEFT - 8, y, size=10.5, colour=colour, align="right")
            for y, colour in ((MIDDLE_ROW + 9, "accent"), (BOTTOM_ROW + 9, "accent"), (LAST_LINE, "neutral"))
        ]
        self.badge = self.axes.plot(0, 0, "o", markersize=15, markeredgecolor=COLOURS["ground"], zorder=6)[0]
        self.mark = self._text(0, 0, bold=True, size=11, colour="ground")
        self.barred = self.axes.plot(0, 0, ":", color=COLOURS["warning"], linewidth=1.6, zorder=2)[0]
        self.barrier = self._text(0, 0, bold=True, size=14, colour="warning")
        self.barrier.set_bbox({"boxstyle": "circle,pad=0.15", "facecolor": COLOURS["ground"], "edgecolor": "none"})
        self.remark = self._text(LEFT, BOTTOM_ROW - 80, size=12.5, colour="neutral", align="left")
        for text in (self.mark, self.barrier):
            text.set_zorder(7)

    def _text(
        self, x: float, y: float, *, size: float = 12.5, bold: bool = False, colour: str = "ink", align: str = "center"
    ) -> Any:
        """An empty text, its size in CSS pixels."""
        weight = "bold" if bold else "normal"
        look = {"fontsize": size * 72 / LIVE_DPI, "color": COLOURS[colour], "weight": weight}
        return self.axes.text(x, y, "", ha=align, va="center", zorder=5, **look)

    def _box(self, place: int, y: float, height: float) -> Any:
        from matplotlib.patches import FancyBboxPatch

        corner = (self.edges[place], y - height / 2)
        style = "round,pad=0,rounding_size=5"
        return self.axes.add_patch(FancyBboxPatch(corner, WIDTHS[place], height, boxstyle=style, zorder=3))

    def _row(self, y: float) -> list[tuple[Any, Any, Any]]:
        """For each word its box, the word and its number."""
        return [
            (self._box(place, y, BOX), self._text(x, y - 8), self._text(x, y + 9, size=10.5))
            for place, x in enumerate(self.centres)
        ]

    def _fan(self, source: int, top: float, row: float, dashes: tuple = (), **look: Any) -> list[Any]:
        """For each word a line from the query's box, which ends at the height ``top``, to the word's box in the row."""
        # The ends lie a little inside the boxes, which hide them: a thick slanting line would show its corners.
        top, bottom = top - 4, row - BOX / 2 + 4
        return [
            self.axes.plot(
                (self.centres[source], x),
                (top, bottom),
                linestyle=(0, dashes) if dashes else "-",
                solid_capstyle="butt",
                zorder=1,
                **look,
            )[0]
            for x in self.centres
        ]

    # ------------------------------------------------------------------------------------------------ changing it

    def draw(
        self, text: crossing.Sentence, maps: list[np.ndarray], *, chosen: int, verdict: str, blind: bool, residual: bool
    ) -> None:
        """Show the weights (T, T) of one layer or two.

        Args:
            chosen: the word that gets the largest weight in the end.
            verdict: ``"right"``, ``"wrong"``, or ``"unknown"`` if the corpus has no answer.
        """
        two = len(maps) == 2
        forbidden = {self.adjective} if blind else set()
        self._fill(self.answering, text, maps[-1][text.it], set() if two else forbidden)
        self._spread(self.pointing, maps[-1][text.it])
        for box, word, number in self.first:
            for artist in (box, word, number):
                artist.set_visible(two)
        for artist in (
            *self.fetching,
            *self.beside,
            *self.numbers_beside,
            self.title_below,
            self.sum,
            *self.labels[1:],
        ):
            artist.set_visible(two)
        if two:
            self._fill(self.first, text, maps[0][text.it], forbidden)
            self._spread(self.fetching, maps[0][text.it])
            self._spread(self.beside, maps[0][text.adjective], widest=2.5)
            for shown, weight in zip(self.numbers_beside, maps[0][text.adjective], strict=True):
                shown.set_text(f"{weight:.2f}" if weight >= PRINTED else "")
        self._frame(chosen, verdict)
        self._bar(blind, two)
        self.title.set_text(say("curves.layer", layer=len(maps)))
        self.title_below.set_text(say("curves.layer", layer=1))
        self.sum.set(text="$h = x + z$" if residual else "$h = z$", color=COLOURS["ink" if residual else "warning"])
        for label, query in zip(self.labels, (text.it, text.it, text.adjective), strict=True):
            label.set_text(f"{text.tokens[query]} →")
        self.remark.set_text("" if two else say("explorer.pointer.one_layer"))

    def _fill(self, row: list, text: crossing.Sentence, weights: np.ndarray, forbidden: set[int]) -> None:
        for place, (box, word, number) in enumerate(row):
            candidate = place in text.nouns
            weight = float(weights[place])
            box.set(
                facecolor=tint("accent", 0.55 * weight),
                edgecolor=COLOURS["neutral" if candidate or place in (text.it, text.adjective) else "ground"],
                linewidth=1,
            )
            word.set(text=text.tokens[place], weight="bold" if candidate else "normal")
            number.set_text("–" if place in forbidden else f"{weight:.2f}" if candidate or weight >= PRINTED else "")

    def _spread(self, lines: list, weights: np.ndarray, widest: float = 7) -> None:
        for line, weight in zip(lines, weights.tolist(), strict=True):
            line.set(linewidth=0.4 + widest * weight, alpha=min(1.0, 0.15 + 1.2 * weight), visible=weight >= PRINTED)

    def _frame(self, chosen: int, verdict: str) -> None:
        """The word that the model points at: a thick frame, and a badge that says whether it is right."""
        colour = COLOURS["warning" if verdict == "wrong" else "ink"]
        self.answering[chosen][0].set(edgecolor=colour, linewidth=2.2)
        x, y = self.edges[chosen] + WIDTHS[chosen] - 2, MIDDLE_ROW - BOX / 2 + 2
        self.badge.set(xdata=[x], ydata=[y], markerfacecolor=colour)
        self.mark.set(x=x, y=y, text={"right": "✓", "wrong": "✗", "unknown": "?"}[verdict])

    def _bar(self, blind: bool, two: bool) -> None:
        """The look that is forbidden, from *it* at the adjective: a dotted line with a cross."""
        start = MIDDLE_ROW + BOX / 2 if two else TOP_ROW + ASKING / 2
        end = (BOTTOM_ROW if two else MIDDLE_ROW) - BOX / 2
        x, y = (self.centres[self.it], self.centres[self.adjective]), (start, end)
        self.barred.set(xdata=x, ydata=y, visible=blind)
        # Nearer to the adjective there are fewer lines to take it for another one's.
        self.barrier.set(x=x[0] + 0.8 * (x[1] - x[0]), y=y[0] + 0.8 * (y[1] - y[0]), text="✗" if blind else "")
