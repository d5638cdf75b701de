"""The map of lesson 00: the architecture that the course builds, each part a link to its lesson, with the shapes between.

The parts have the names and the nesting of :func:`course_lib.figures.course.course_map`, which the other lessons show.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from course_lib.explorers.page import Explorer, control
from course_lib.language import language, say
from course_lib.lessons import LESSONS, PRIMER

__all__ = ["FLOWS", "explore_course_map"]

FLOWS = (
    "{text} → {text}",
    "{ids} → (T, D)",
    "{text} → {ids}",
    "(T, D) → (T, T) → (T, d_v)",
    "(T, D) → H × (T, d_v) → (T, D)",
    "(T, D) + (T, D) → (T, D)",
    "(T, D) → (T, d_ff) → (T, D)",
    "(T, D), (T_s, D) → (T, n_vocab)",
    "(T, D) → (T, n_vocab)",
)
"""By lesson, the shapes of one sequence on its way through the part; a batch puts a B in front of each."""

WIDTH, HEIGHT = 744, 356
AXIS = 168
"""Height of the road from text to logits, in CSS pixels from the top, as all places below."""


@dataclass(frozen=True)
class _Place:
    """A part's rectangle; one that ``holds`` others keeps its words at its top."""

    x: int
    y: int
    w: int
    h: int
    look: str = ""


PLACES = (
    _Place(0, 0, WIDTH, 36, "bar"),
    _Place(212, AXIS - 32, 86, 64),
    _Place(56, AXIS - 32, 82, 64),
    _Place(439, AXIS - 14, 92, 58),
    _Place(425, AXIS - 60, 120, 112, "holds"),
    _Place(308, AXIS + 72, 96, 64),
    _Place(420, 60, 180, 178, "holds outer"),
    _Place(654, 60, 90, 178),
    _Place(420, 310, 324, 40, "bar"),
)
"""By lesson, where its part lies."""

PRIMER_PLACE = _Place(0, 310, 306, 40, "bar aside")


def explore_course_map(here: int = 0) -> Explorer:
    """The architecture from the text to BERT and GPT; a click on a part opens its lesson.

    Two buttons walk through primer and lessons in their order. For each the page says which question it answers and
    what shapes come in and go out; so does the part that has the focus or the mouse. The links are relative to the
    folder of the notebooks; JupyterLab opens them in a tab of its own.

    Args:
        here: number of the lesson that shows the map, 0 to 8; its part is marked, and those before it are tinted.

    Raises:
        ValueError: for any other number.
    """
    if here not in range(len(LESSONS)):
        raise ValueError(f"the lessons are numbered 0 to {len(LESSONS) - 1}, not {here!r}")
    questions = [say(f"explorer.course_map.question{lesson.number}") for lesson in LESSONS]
    flows = [flow.format(text=_word("text"), ids=_word("ids")) for flow in FLOWS]
    titles = [lesson.title[language()] for lesson in LESSONS]
    sentences = [
        _word("sentence", number=lesson.number, title=title, question=question, flow=flow)
        for lesson, title, question, flow in zip(LESSONS, titles, questions, flows, strict=True)
    ]
    return Explorer(
        "course_map",
        data={
            "frame": _frame(here),
            "here": 1 + here,
            "said": [_word("primer_sentence", question=_word("primer_question")), *sentences],
        },
        label=_word("label"),
        summary=_word("summary", lessons=len(LESSONS)),
        static=_table(
            _word("table"),
            [_word(name) for name in ("lesson", "answers", "shapes")],
            [
                (PRIMER.notebook().name, _word("primer"), _word("primer_question"), "–"),
                *(
                    (lesson.notebook().name, f"{lesson.number:02d} · {title}", question, flow)
                    for lesson, title, question, flow in zip(LESSONS, titles, questions, flows, strict=True)
                ),
            ],
        ),
    )


def _word(name: str, **values: object) -> str:
    return say(f"explorer.course_map.{name}", **values)


def _table(caption: str, head: list[str], rows: list[tuple[str, str, str, str]]) -> str:
    """The table that a page without scripts shows: each row's heading, its second entry, leads to its first."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row"><a href="{escape(target)}">{escape(name)}</a></th>'
        f"<td>{escape(question)}</td><td>{escape(flow)}</td></tr>"
        for target, name, question, flow in rows
    )
    return (
        f'<div class="tx-scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


# ------------------------------------------------------------------------------------------------------------ the frame


def _frame(here: int) -> str:
    # JupyterLab opens a link to a notebook in a tab of its own if the link is HTML (not SVG) and was there before any
    # script ran. So the parts are places above the drawing, into which the script puts the links of the table.
    parts = [_part(PRIMER_PLACE, "", _word("primer"), "")]
    for lesson, place in zip(LESSONS, PLACES, strict=True):
        look = "here" if lesson.number == here else "behind" if lesson.number < here else ""
        number = f"{lesson.number:02d}"
        # As in the figure: the short names fit the parts, the lessons' titles would not.
        name = say(f"figure.course_map.lesson{lesson.number}")
        if look == "here":
            number = say("figure.course_map.here", number=number)
        parts.append(_part(place, number, name, look))
    ids, vectors, logits = _word("ids"), "(T, D)", "(T, n_vocab)"
    marks = [
        (0, AXIS - 9, _word("text"), "start"),
        (176, AXIS - 26, ids, ""),
        (319, AXIS - 26, vectors, ""),
        (392, AXIS - 26, vectors, ""),
        (362, AXIS + 34, vectors, "start"),
        (627, AXIS - 26, vectors, ""),
        (516, 264, vectors, "start"),
        (654, 264, logits, "end"),
    ]
    labels = "".join(
        f'<span class="tx-shape {at}" style="left:{x}px;top:{y}px">{escape(text)}</span>' for x, y, text, at in marks
    )
    return (
        f'<p class="tx-title">{escape(_word("title"))}</p>'
        f'<div class="tx-scroll" role="group" aria-label="{escape(_word("map"))}">'
        f'<div class="tx-road" style="width:{WIDTH}px;height:{HEIGHT}px">{_arrows()}{labels}{"".join(parts)}</div></div>'
        f'<div class="tx-row">{control(_word("back"), "back")}{control(_word("next"), "next")}</div>'
        f'<div class="tx-slot"></div><p class="tx-quiet">{escape(_word("legend"))}</p>'
    )


def _part(place: _Place, number: str, name: str, look: str) -> str:
    classes = " ".join(filter(None, ("tx-part", *(f"tx-{one}" for one in f"{place.look} {look}".split()))))
    now = ' aria-current="page"' if look == "here" else ""
    return (
        f'<span class="{classes}"{now} style="left:{place.x}px;top:{place.y}px;'
        f'width:{place.w}px;height:{place.h}px">{f"<small>{escape(number)}</small> " if number else ""}'
        f"<b>{escape(name)}</b></span>"
    )


def _arrows() -> str:
    """What flows, drawn: lines with heads, the sum of vectors and positions, and the feed-forward layer."""
    tokens, vectors, encoder, decoder = PLACES[2], PLACES[1], PLACES[6], PLACES[7]
    heads, positions, families = PLACES[4], PLACES[5], PLACES[8]
    plus = positions.x + positions.w // 2
    ways = [
        (40, AXIS, tokens.x, AXIS),
        (tokens.x + tokens.w, AXIS, vectors.x, AXIS),
        (vectors.x + vectors.w, AXIS, plus - 12, AXIS),
        (plus, positions.y, plus, AXIS + 12),
        (plus + 12, AXIS, encoder.x, AXIS),
        (heads.x + heads.w, AXIS, 558, AXIS),
        (encoder.x + encoder.w, AXIS, decoder.x, AXIS),
        (510, encoder.y + encoder.h, 510, families.y),
        (699, decoder.y + decoder.h, 699, families.y),
    ]
    lines = ""
    for x, y, to_x, to_y in ways:
        dx, dy = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
        back_x, back_y = to_x - 7 * dx, to_y - 7 * dy
        lines += (
            f'<path d="M{x} {y}L{back_x} {back_y}"/>'
            f'<path class="tx-head" d="M{to_x} {to_y}L{back_x + 4 * dy} {back_y + 4 * dx}L{back_x - 4 * dy} {back_y - 4 * dx}Z"/>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">{lines}'
        f'<circle cx="{plus}" cy="{AXIS}" r="12"/><path d="M{plus - 6} {AXIS}h12M{plus} {AXIS - 6}v12"/></svg>'
        f'<span class="tx-ffn" style="left:558px;top:{AXIS - 23}px">{escape(say("figure.course_map.ffn"))}</span>'
    )
