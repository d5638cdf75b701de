"""Explorer 7, rotary positions: the score of a turned query and a turned key depends on m − n alone."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from course_lib.explorers.page import Explorer, control, radios, table, words
from course_lib.language import say

__all__ = ["explore_rotary"]

MOST_NUMBERS = 16
"""The largest d_k: each pair of components has a row of its own."""

MOST_POSITIONS = 512
"""The page computes the score of every pair of positions when it opens: with so many that takes a third of a second."""

LARGEST = 1000
"""Larger components would make sinusoids invisible and numbers wider than a phone."""

LARGEST_BASE = 1e9
"""Models have bases from 10⁴ to 10⁷."""

KEPT = 4
"""Decimals that are kept of every component: what the page shows and what the table holds are then one computation."""

STEPS = (-8, -1, 1, 8)
"""By how many positions a button shifts the query and the key."""

Vector = list[float]


def explore_rotary(
    query: Any, key: Any, *, base: float = 10_000.0, longest: int = 64, title: str | None = None
) -> Explorer:
    """One query and one key at positions of the learner's choice: their score, pair of components by pair.

    The learner moves the query's position m and the key's n, shifts both, and exchanges turning (rotary positions) for
    adding the sinusoids of the two positions to the same two vectors. The page computes in double precision what
    :func:`course_lib.positions.rotate` and :func:`course_lib.positions.sinusoidal_table` compute (a test compares them).
    Scores are not divided by √d_k.

    Args:
        query, key: (d_k,) each, as tensors, arrays or lists; d_k even, at most 16, no component above 1000 in absolute
            value. Four decimals are kept.
        base: of the wavelengths, greater than 1, at most 10⁹; four decimals are kept.
        longest: positions are 0 … ``longest`` − 1; 2 to 512.
        title: a heading in place of the usual one.

    Raises:
        ValueError: if the vectors are no vectors or of two sizes, the size is odd or too large, a component is not
            finite or too large, or ``base`` or ``longest`` is out of range.
    """
    vectors = {"query": _vector(query, "query"), "key": _vector(key, "key")}
    q, k = _checked(vectors)
    if not 1 < round(float(base), KEPT) <= LARGEST_BASE:
        raise ValueError(f"the base must be greater than 1 and at most {LARGEST_BASE:.0e}, not {base}")
    if not 2 <= longest <= MOST_POSITIONS or longest != int(longest):
        raise ValueError(f"longest must be a whole number from 2 to {MOST_POSITIONS}, not {longest}")
    base, longest = round(float(base), KEPT), int(longest)
    gap, n = max(1, longest * 3 // 64), longest * 9 // 64
    m = n + gap
    heading = say("explorer.rotary.title") if title is None else title
    rows = [
        [_signed(a - b), f"{a}, {b}", *(_number(score) for score in _scores(q, k, a, b, base))]
        for a, b in _listed(longest, gap, n)
    ]
    far = longest - 1
    (turned, added), (turned_far, added_far) = (_scores(q, k, *at, base) for at in ((m, n), (far, far - gap)))
    return Explorer(
        "rotary",
        data={
            "answers": say("explorer.rotary.answers").split("|"),
            "base": base,
            "frame": _frame(heading, len(q), base, longest),
            "k": k,
            "longest": longest,
            "q": q,
            "start": [m, n],
            "words": words("rotary"),
        },
        label=say("explorer.rotary.label"),
        summary=say(
            "explorer.rotary.summary",
            size=len(q),
            m=m,
            n=n,
            turned=_number(turned),
            added=_number(added),
            m_far=far,
            n_far=far - gap,
            turned_far=_number(turned_far),
            added_far=_number(added_far),
        ),
        static=table(
            say("explorer.rotary.table", size=len(q)),
            ["m − n", "m, n", say("explorer.rotary.turned"), say("explorer.rotary.added")],
            rows,
        ),
        digits=KEPT,
    )


# --------------------------------------------------------------------------------------------------- what is given


def _vector(given: Any, name: str) -> Vector:
    """The components, rounded; tensors and arrays are recognised by what they can do, so that torch need not be imported."""
    numbers = given.detach() if hasattr(given, "detach") else given
    numbers = numbers.tolist() if hasattr(numbers, "tolist") else numbers
    try:
        return [round(float(number), KEPT) for number in numbers]
    except (TypeError, ValueError):
        raise ValueError(f"the {name} must be one vector of d_k numbers, not {given!r:.60}") from None


def _checked(vectors: dict[str, Vector]) -> tuple[Vector, Vector]:
    q, k = vectors.values()
    if len(q) != len(k):
        raise ValueError(f"the query has {len(q)} components and the key {len(k)}: a score needs two of one size")
    if len(q) < 2 or len(q) % 2:
        raise ValueError(f"positions turn pairs of components, so their size must be even, not {len(q)}")
    if len(q) > MOST_NUMBERS:
        raise ValueError(f"vectors of size {len(q)} do not fit a screen: {MOST_NUMBERS} at most")
    for name, vector in vectors.items():
        for at, number in enumerate(vector):
            if not math.isfinite(number):
                raise ValueError(f"{name}[{at}] is not a finite number: {number}")
            if abs(number) > LARGEST:
                raise ValueError(f"{name}[{at}] is too large to be shown: {number}, allowed {LARGEST}")
    return q, k


# -------------------------------------------------------------------------------------------------------- the scores


def _angles(position: int, size: int, base: float) -> list[float]:
    return [position * base ** (-2 * i / size) for i in range(size // 2)]


def _turned(vector: Vector, position: int, base: float) -> Vector:
    """What :func:`course_lib.positions.rotate` gives."""
    found = []
    for i, angle in enumerate(_angles(position, len(vector), base)):
        (a, b), cos, sin = vector[2 * i : 2 * i + 2], math.cos(angle), math.sin(angle)
        found += [a * cos - b * sin, a * sin + b * cos]
    return found


def _added(vector: Vector, position: int, base: float) -> Vector:
    """The vector plus its position's row of :func:`course_lib.positions.sinusoidal_table`."""
    waves = [wave(angle) for angle in _angles(position, len(vector), base) for wave in (math.sin, math.cos)]
    return [number + wave for number, wave in zip(vector, waves, strict=True)]


def _scores(q: Vector, k: Vector, m: int, n: int, base: float) -> tuple[float, float]:
    """The score of a query at m and a key at n: both turned, and both with the sinusoids added."""
    turned, added = (
        math.fsum(a * b for a, b in zip(way(q, m, base), way(k, n, base), strict=True)) for way in (_turned, _added)
    )
    return turned, added


def _listed(longest: int, gap: int, middle: int) -> list[tuple[int, int]]:
    """Pairs (m, n) for the table, by distance: at the beginning, in between and at the end of the text."""
    found = []
    for distance in sorted({-gap, gap, longest // 4}):
        last = longest - 1 - abs(distance)
        for first in sorted({0, min(middle, last), last}):
            found.append((first + max(distance, 0), first + max(-distance, 0)))
    return found


# --------------------------------------------------------------------------------------------------------- the frame


def _frame(heading: str, size: int, base: float, longest: int) -> str:
    names = ("query", "key", "pair", "shift", "guess", "pairs", "wavelength", "angle", "part", "sum", "curve", "legend")
    text = {name: escape(say(f"explorer.rotary.{name}")) for name in names}
    waves = [f"{wave:.1f}" if (wave := 2 * math.pi * base ** (2 * i / size)) < 1000 else f"{wave:.0f}" for i in range(size // 2)]  # fmt: skip
    options = "".join(
        f"<option>{escape(say('explorer.rotary.option', i=i, wave=wave))}</option>" for i, wave in enumerate(waves)
    )
    rows = "".join(
        f'<tr><th scope="row">{i}</th><td>{wave}</td><td></td><td></td></tr>' for i, wave in enumerate(waves)
    )
    head = "".join(f'<th scope="col">{text[name]}</th>' for name in ("pair", "wavelength", "angle", "part"))
    ways = [say("explorer.rotary.turn"), say("explorer.rotary.add")]
    return (
        f'<p class="tx-title">{escape(heading)}</p><div class="tx-row">'
        + "".join(
            f'<label><span class="tx-{role}">{text[name]} <b></b></span>'
            f'<input type="range" min="0" max="{longest - 1}" data-ref="{ref}"></label>'
            for name, role, ref in (("query", "q", "m"), ("key", "k", "n"))
        )
        + f'</div><div class="tx-row"><div class="tx-row tx-shift" role="group" aria-label="{text["shift"]}" data-ref="shift">'
        f"<span>{text['shift']}</span>"
        + "".join(control(_signed(step), value=str(step)) for step in STEPS)
        + f'</div><label>{text["pair"]} <select data-ref="pair">{options}</select></label></div>'
        + radios(say("explorer.rotary.ways"), ways, "ways")
        + f'<div class="tx-ask" data-ref="ask"><p>{text["guess"]}</p><div class="tx-row">'
        + "".join(control(answer) for answer in say("explorer.rotary.answers").split("|"))
        + '</div></div><div class="tx-slot"></div><div class="tx-sides" data-ref="sides"><div>'
        '<svg viewBox="-132 -132 264 264" aria-hidden="true" data-ref="circle"></svg>'
        f'<p class="tx-caption" data-ref="caption"></p><p class="tx-quiet">{text["legend"]}</p></div>'
        f'<div class="tx-open"><div class="tx-scroll"><table><caption>{text["pairs"]}</caption>'
        f'<thead><tr>{head}</tr></thead><tbody data-ref="rows">{rows}</tbody><tfoot><tr><th scope="row">Σ</th>'
        f'<td colspan="2">{text["sum"]}</td><td data-ref="sum"></td></tr></tfoot></table></div>'
        f'<p class="tx-spell" data-ref="spelled"></p><p class="tx-curve"><b>{text["curve"]}</b> <span data-ref="extent"></span></p>'
        '<svg viewBox="-5 -5 330 90" aria-hidden="true" data-ref="curve"></svg>'
        f'<div class="tx-axis" aria-hidden="true"><span>{_signed(1 - longest)}</span><span>0</span>'
        f"<span>{_signed(longest - 1)}</span></div></div></div>"
        '<p class="tx-quiet" data-ref="note"></p>'
    )


def _signed(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}" if number < 0 else "0"


def _number(value: float) -> str:
    return f"{value:z.4f}".replace("-", "−")
