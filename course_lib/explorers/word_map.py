"""Explorer 1, the word map: an analogy is an offset in all dimensions, of which a map keeps two."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from itertools import permutations
from typing import Any

import numpy as np

from course_lib.explorers.page import Explorer, control, radios, rounded, table, words
from course_lib.figures.labels import fit, place_labels, text_size, tie
from course_lib.language import catalogue, say
from course_lib.word_vectors import WordVectors, principal_plane

__all__ = ["answer_counts", "explore_word_map"]

LEAST_WORDS, MOST_WORDS = 4, 66
"""A question takes four words; with more than 66 of them the labels of the map hide each other."""

LEVELS = 127
"""A vector is stored as whole numbers from −127 to 127; of D = 50 a cosine moves by less than 0.005."""

MARKERS = (
    "M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0-4.5 0Z",
    "M-4-4H4V4H-4Z",
    "M0-6L5.5 4.5H-5.5Z",
    "M0-6L5.5 0L0 6L-5.5 0Z",
    "M0 6L5.5-4.5H-5.5Z",
    "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
)
"""The marker of each group, drawn about 0; the style sheet gives each a colour besides."""

WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 740, 380, 600
"""The map on a wide screen, in CSS pixels; its height follows from the words."""

ACROSS, UP = 46, 26
"""Room for labels at the sides, and above and below."""

SPOTS = (
    *((13, 4, "start"), (-13, 4, "end"), (0, -14, "middle"), (0, 22, "middle")),
    *((11, 18, "start"), (-11, 18, "end"), (11, -9, "start"), (-11, -9, "end")),
    *((0, 36, "middle"), (0, -28, "middle"), (40, 4, "start"), (-40, 4, "end"), (13, 4, "start")),
)
"""Where a label that has no place of its own may stand, relative to its word: the first that is free; else the last."""

BADGE = 8.0
"""Half the width of what may stand at a word: its marker, or the circle with the letter a, b or c."""

TYPE = 8.64
"""Size of the labels in points: 12 CSS pixels."""

BASELINE = 4
"""How far below its middle a label has its base line."""

LISTED = 5
"""Nearest words that the table names; the script counts on it."""

LETTERS = ("a", "b", "c")

SPACES = ("full", "plane")

COLUMNS = ("where", "excluded", "allowed", "itself")


def explore_word_map(
    vectors: WordVectors,
    groups: Mapping[str, Sequence[str]],
    relations: Mapping[str, Sequence[tuple[str, str]]],
    start: tuple[str, str, str] | None = None,
) -> Explorer:
    """A map of words on which the learner plays with analogies: a is to b as c is to …

    The words lie where the plane of :func:`course_lib.word_vectors.principal_plane` of their unit vectors puts them. The
    learner chooses a, b and c, whether these may be answers themselves, and where the word nearest to b − a + c is
    looked for: in all dimensions or in the plane. Only the words that are shown are candidates. The page computes all
    cosines and distances itself; shares over all questions are counted here, on the same numbers.

    In all dimensions the nearest word is that with the largest cosine; since all vectors have length 1, it is that with
    the least distance as well, and this is what the plane is asked for.

    Args:
        vectors: of all words that are shown, and any others.
        groups: the words by group, a name of the catalogue (``curves.group.<name>``): 4 to 66 words in six groups at
            most, no word twice.
        relations: by name, the pairs of words that a relation joins, as ``{"country–capital": [("france", "paris"), …]}``.
            Two pairs (a, b) and (c, x) of one relation make a question whose right answer is x.
        start: the words a, b and c to begin with; the first question if not given.

    Returns:
        the explorer; its ``repr`` holds the counts of :func:`answer_counts`.

    Raises:
        KeyError: if a word has no vector.
        ValueError: if a group has no name in the catalogue, a word stands twice or has no direction, there are too many
            or too few words or groups, a pair holds a word that is not shown or that its relation has already, there is
            no question to ask, or the block exceeds the size of an explorer.
    """
    shown = _checked(groups)
    at = {word: i for i, word in enumerate(shown)}
    pairs = _pairs(relations, at)
    # Two pairs that share a word ask for a word of the question itself.
    questions = [(*one, *other) for family in pairs for one, other in permutations(family, 2) if not {*one} & {*other}]
    if not questions:
        raise ValueError("there is no question to ask: a relation needs two pairs of four different words")
    begin = _start(start, at) or list(questions[0][:3])

    unit = vectors.unit_vectors[[vectors.index(word) for word in shown]].astype(float)
    dead = np.flatnonzero(~(np.linalg.norm(unit, axis=1) > 0.5))  # NaN is dead too
    if dead.size:
        raise ValueError(f"the vector of {shown[dead[0]]!r} has no direction: it is zero or not finite")
    levels = np.rint(unit * (LEVELS / np.abs(unit).max(axis=1, keepdims=True))).astype(np.int8)
    points, kept = principal_plane(unit)
    points = np.array(rounded(points.tolist()))
    # What is counted is what the page computes with.
    known = levels / np.linalg.norm(levels.astype(float), axis=1, keepdims=True)
    counts = answer_counts(known, points, np.array(questions))
    facts = {
        "count": len(questions),
        "dim": unit.shape[1],
        "kept": _percent(kept),
        "words": len(shown),
        "a": shown[begin[0]],
        "b": shown[begin[1]],
        "c": shown[begin[2]],
    }
    member = [n for n, group in enumerate(groups.values()) for _ in group]
    layout, ties = _layout(points, np.array(questions), shown)
    rows = [
        [say(f"explorer.word_map.{space}", **facts), *(_share(n, len(questions)) for n in counts[space])]
        for space in SPACES
    ]
    return Explorer(
        "word_map",
        data={
            "answers": say("explorer.word_map.answers").split("|"),
            # Each with the answer to the question how many they are: 0, 1 or 2.
            "counts": [
                [[_share(n, len(questions)), _third(n / len(questions))] for n in counts[space]] for space in SPACES
            ],
            "dim": unit.shape[1],
            "frame": _frame(groups, facts, ties),
            "groups": member,
            "markers": MARKERS[: len(groups)],
            "names": shown,
            "points": points.tolist(),
            "questions": _tour(questions),
            # Either way: france : paris, and paris : france.
            "relations": [{str(pair[k]): pair[1 - k] for pair in family} for family in pairs for k in (0, 1)],
            "spots": SPOTS,
            "start": begin,
            "vectors": base64.b64encode(levels.tobytes()).decode("ascii"),
            "words": {key: _filled(text, facts) for key, text in words("word_map").items()},
            **layout,
        },
        label=say("explorer.word_map.label"),
        summary=say(
            "explorer.word_map.summary",
            **facts,
            **{
                f"{space}_{what}": number
                for space in SPACES
                for what, number in zip(("without", "with", "input"), counts[space], strict=True)
            },
        ),
        static=table(
            say("explorer.word_map.table", **facts),
            [say(f"explorer.word_map.{column}") for column in COLUMNS],
            rows,
        ),
    )


def answer_counts(unit: np.ndarray, points: np.ndarray, questions: np.ndarray) -> dict[str, list[int]]:
    """How many analogy questions have the right answer as their nearest word, in all dimensions and in a plane.

    Args:
        unit: (n, D) the vectors of the n words among which the answer is looked for, each of length 1.
        points: (n, 2) their places in the plane.
        questions: (N, 4) rows a, b, c and x: a is to b as c is to x.

    Returns:
        for ``"full"`` (the largest cosine with b − a + c) and ``"plane"`` (the least distance from b − a + c) three
        counts: of right answers without a, b and c among the candidates; of right answers with them; and of questions
        which, with them, one of the three itself is the answer to.
    """
    a, b, c, x = questions.T
    target = points[b] - points[a] + points[c]
    closeness = {
        "full": (unit[b] - unit[a] + unit[c]) @ unit.T,
        "plane": -np.linalg.norm(points - target[:, None], axis=2),
    }
    found = {}
    for space, close in closeness.items():
        nearest = close.argmax(axis=1)
        inputs = (nearest[:, None] == questions[:, :3]).any(axis=1)
        np.put_along_axis(close, questions[:, :3], -np.inf, axis=1)
        found[space] = [int((close.argmax(axis=1) == x).sum()), int((nearest == x).sum()), int(inputs.sum())]
    return found


# ------------------------------------------------------------------------------------------------------- what is given


def _checked(groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The words of all groups."""
    nameless = [name for name in groups if f"curves.group.{name}" not in catalogue()]
    if nameless:
        known = sorted(key.rpartition(".")[2] for key in catalogue() if key.startswith("curves.group."))
        raise ValueError(f"the group {nameless[0]!r} has no name in the catalogue, which knows {', '.join(known)}")
    shown = [word for group in groups.values() for word in group]
    twice = next((word for i, word in enumerate(shown) if word in shown[:i]), None)
    if twice is not None:
        raise ValueError(f"the word {twice!r} stands in the groups twice")
    if not LEAST_WORDS <= len(shown) <= MOST_WORDS or len(groups) > len(MARKERS):
        raise ValueError(
            f"{len(shown)} words in {len(groups)} groups: a map shows {LEAST_WORDS} to {MOST_WORDS} words "
            f"in {len(MARKERS)} groups at most"
        )
    return shown


def _pairs(relations: Mapping[str, Sequence[tuple[str, str]]], at: Mapping[str, int]) -> list[list[list[int]]]:
    """The pairs of each relation, as places of their words."""
    for name, family in relations.items():
        for pair in family:
            if len(pair) != 2 or not {*pair} <= at.keys():
                raise ValueError(f"{name}: {pair!r} must be two words of the groups")
        for column in zip(*family, strict=True):
            twice = next((word for i, word in enumerate(column) if word in column[:i]), None)
            if twice is not None:
                raise ValueError(f"{name}: {twice!r} stands in two pairs, so a question would have two right answers")
    return [[[at[word] for word in pair] for pair in family] for family in relations.values()]


def _start(start: Sequence[str] | None, at: Mapping[str, int]) -> list[int] | None:
    if start is None:
        return None
    if len(start) != 3 or not {*start} <= at.keys():
        raise ValueError(f"the start must be three words of the groups, not {start!r}")
    return [at[word] for word in start]


# ---------------------------------------------------------------------------------------------------------- what is seen


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    """A text for the script with those of its fields filled in that never change."""
    for name in ("count", "dim", "kept"):
        text = text.replace(f"{{{name}}}", str(facts[name]))
    return text


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _share(number: int, count: int) -> str:
    return f"{number} ({_percent(number / count)}\u202f%)"


def _third(share: float) -> int:
    """Which of the learner's answers is true: fewer than a quarter, more than three quarters (2), or between (1)."""
    return (share >= 0.25) + (share > 0.75)


def _tour(questions: Sequence[Sequence[int]]) -> list[list[int]]:
    """The words a, b and c of all questions, neighbours in the list far apart."""
    count = len(questions)
    stride = next(n for n in (89, 97, 1) if count % n or n == 1)
    return [list(questions[(i + 1) * stride % count][:3]) for i in range(count)]


def _layout(points: np.ndarray, questions: np.ndarray, shown: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Where the words and their labels stand on a wide screen; y points down, as in SVG.

    Returns:
        ``size``: width and height; ``scale`` and ``shift``: a point's place is point · scale + shift; ``labels``: for
        each word where its label begins, ends or has its middle, relative to its place, and which of the three; None
        where there is no room for it.
    """
    down = points * [1, -1]
    a, b, c, _ = questions.T
    # The point b − a + c of every question lies on the map as well.
    everything = np.concatenate([down, down[b] - down[a] + down[c]])
    across, along = np.ptp(everything, axis=0)
    height = 2 * UP + along * (WIDTH - 2 * ACROSS) / max(across, 1e-12)
    height = int(min(max(height, LEAST_HEIGHT), MOST_HEIGHT))
    frame = (0.0, 0.0, float(WIDTH), float(height))
    places, scale, shift = fit(everything, frame, ACROSS, UP)
    places = places[: len(shown)]
    rects = place_labels(places, [text_size(word, TYPE, "bold") for word in shown], frame, BADGE)
    labels: list[list[Any] | None] = []
    ties = ""
    for (x, y), rect in zip(places, rects, strict=True):
        if rect is None:
            labels.append(None)
            continue
        left, low, right, high = rect
        edge, anchor = (
            (left + 2, "start") if left > x else (right - 2, "end") if right < x else ((left + right) / 2, "middle")
        )
        labels.append([round(edge - x), round((low + high) / 2 - y) + BASELINE, anchor])
        line = tie((x, y), rect)
        if line is not None:
            ties += "M{:.0f} {:.0f}L{:.0f} {:.0f}".format(*line[0], *line[1])
    return {"labels": labels, "scale": scale, "shift": shift.tolist(), "size": [WIDTH, height]}, ties


def _frame(groups: Mapping[str, Sequence[str]], facts: Mapping[str, Any], ties: str) -> str:
    names = [escape(say(f"curves.group.{name}")) for name in groups]
    keys = ("title", "only", "map", "near", "word", "cosine", "distance", "table", "key", "lens", *COLUMNS, *SPACES)
    text = {key: escape(say(f"explorer.word_map.{key}", **facts)) for key in keys}
    options = "".join(
        f'<optgroup label="{name}">{"".join(f"<option>{escape(word)}" for word in group)}</optgroup>'
        for name, group in zip(names, groups.values(), strict=True)
    )
    a, b, c = (f"<label>{letter} <select>{options}</select></label>" for letter in LETTERS)
    legend = "".join(
        f'<span class="tx-g{n}"><svg viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">'
        f'<path d="{MARKERS[n]}"></path></svg>{name}</span>'
        for n, name in enumerate(names)
    )
    badges = "".join(
        f'<g class="tx-badge"><circle r="8"/><text y="{BASELINE}">{letter}</text></g>' for letter in LETTERS
    )
    picture = (
        f'<div class="tx-scroll tx-map"><svg data-ref="map" role="radiogroup" aria-label="{text["map"]}"><path class="tx-ties" d="{ties}"></path><path data-ref="arrows"></path>'
        f'<path data-ref="line"></path><g data-ref="over" aria-hidden="true">{badges}'
        '<g><path d="M-6-6L6 6M6-6L-6 6"></path><text>b − a + c</text></g>'
        '<circle r="11"></circle><circle r="14"></circle></g></svg></div>'
    )
    return (
        f'<p class="tx-title">{text["title"]}</p><p class="tx-quiet">{text["only"]}</p>'
        f'<div class="tx-row tx-equation">{a} : {b} = {c} : <b data-ref="answer"></b></div>'
        + '<div class="tx-row tx-switches">'
        + radios(say("explorer.word_map.search"), [say(f"explorer.word_map.{s}", **facts) for s in SPACES], "space")
        + radios("a, b, c", [say("explorer.word_map.out"), say("explorer.word_map.in")], "allowed")
        + control(say("explorer.word_map.next"), "next")
        + '</div><div data-ref="question"></div><div class="tx-slot"></div>'
        + f'<div class="tx-row tx-legend">{legend}<label><input type="checkbox" data-ref="lens">{text["lens"]}</label></div>'
        + f'{picture}<div class="tx-row tx-under"><span class="tx-quiet">{text["key"]}</span>'
        + radios(say("explorer.word_map.click"), LETTERS, "slot")
        + '</div><p class="tx-spell" data-ref="spelled"></p><div class="tx-sides">'
        + _empty(
            "near", text["near"], ["", *(text[key] for key in ("word", "cosine", "distance"))], [""] * (LISTED + 1)
        )
        + _empty("sums", text["table"], [text[key] for key in COLUMNS], [text[space] for space in SPACES])
        + "</div>"
    )


def _empty(ref: str, caption: str, head: Sequence[str], rows: Sequence[str]) -> str:
    """A table for the script to fill: all texts are HTML; the first cell of each row has one already."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(f'<tr><th scope="row">{first}</th>{"<td></td>" * (len(head) - 1)}</tr>' for first in rows)
    return (
        f'<div class="tx-scroll"><table data-ref="{ref}"><caption>{caption}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
