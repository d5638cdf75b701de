"""Checkers of lesson 08. Sizes differ wherever equal ones would hide a mix-up of axes; ids of special tokens are unusual ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from numbers import Integral
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.feed_forward import gelu
from course_lib.language import say
from course_lib.normalisation import layer_norm
from course_lib.sampling import distribution, draw

_IGNORED = -100
"""The target of a place that is not scored, as in ``F.cross_entropy``."""

# ---------------------------------------------------------------- 1


def _corrupt(ids: Tensor, chosen: Tensor, kind: Tensor, replacement: Tensor, mask_id: int) -> tuple[Tensor, Tensor]:
    """Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers …", section 3.1 and appendix A.1."""
    inputs = torch.where(chosen & (kind < 0.9), replacement, ids).masked_fill(chosen & (kind < 0.8), mask_id)
    return inputs, ids.masked_fill(~chosen, _IGNORED)


def _wrong_inputs(
    ids: Tensor, chosen: Tensor, kind: Tensor, replacement: Tensor, mask_id: int
) -> list[tuple[str, Tensor]]:
    """What comes of one slip, and the name of the slip."""
    masked, replaced, kept = kind < 0.8, (kind >= 0.8) & (kind < 0.9), kind >= 0.9
    masks = torch.full_like(ids, mask_id)
    in_order = replacement.clone()
    in_order[chosen & replaced] = replacement[: int((chosen & replaced).sum())]

    def of(mask: Tensor, other: Tensor, others: Tensor = replacement) -> Tensor:
        return torch.where(mask, masks, torch.where(other, others, ids))

    return [
        ("all-tokens", of(masked, replaced)),
        ("inverted", of(~chosen & masked, ~chosen & replaced)),
        ("untouched", ids),
        ("only-mask", of(chosen, ~chosen & chosen)),
        ("no-random", of(chosen & masked, ~chosen & chosen)),
        ("none-stays", of(chosen & masked, chosen & ~masked)),
        ("overwritten", of(~chosen & chosen, chosen & ~kept)),
        ("exchanged", of(chosen & masked, chosen & kept)),
        *(
            ("shares", of(chosen & first, chosen & second))
            for first, second in (
                (kind < 0.1, (kind >= 0.1) & (kind < 0.9)),
                (kind < 0.1, (kind >= 0.1) & (kind < 0.2)),
                (kind < 0.1, kind >= 0.1),
                (kind >= 0.2, kind < 0.1),
                (kind > 0.1, kind <= 0.1),
                (kind > 0.8, kind <= 0.1),
                (kind > 0.8, (kind > 0.1) & (kind <= 0.8)),
                (replaced, masked),
                (kept, masked),
                (kept, replaced),
                (replaced, kept),
            )
        ),
        ("other-place", of(chosen & masked, chosen & replaced, in_order)),
    ]


@checker("corrupt", reference=_corrupt)
def _(corrupt) -> Verdicts:
    name = "corrupt"
    # 0 is a word and is chosen; [MASK] has an unusual id.
    mask_id = 4
    ids = torch.tensor([2, 9, 14, 0, 11, 7, 9, 12, 5, 14, 3, 8, 6, 13])
    chosen = torch.tensor([0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0]).bool()
    kind = torch.tensor(
        [0.31, 0.05, 0.83, 0.42, 0.86, 0.95, 0.93, 0.07, 0.15, 0.71, 0.62, 0.97, 0.84, 0.88], dtype=torch.float64
    )
    replacement = torch.tensor([10, 1, 12, 15, 1, 13, 8, 10, 11, 2, 15, 7, 10, 9])
    given = ids, chosen, kind, replacement
    copies = [each.clone() for each in given]
    out = corrupt(*copies, mask_id)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "pair"), isinstance(out, (tuple, list)) and len(out) == 2
    for which, part in zip(("inputs", "targets"), out, strict=True):
        yield hint(name, "tensor", which=which, kind=type(part).__name__), isinstance(part, Tensor)
        fits = part.shape == ids.shape
        yield hint(name, "shape", which=which, shape=tuple(part.shape), expected=tuple(ids.shape)), fits
        yield hint(name, "int64", which=which, dtype=part.dtype), part.dtype == torch.int64
    yield hint(name, "changed"), all(torch.equal(a, b) for a, b in zip(copies, given, strict=True))
    long = [torch.arange(300) % 17, torch.arange(300) % 3 > 0, random(300).abs() % 1, torch.arange(300) % 13]
    again = [corrupt(*(each.clone() for each in long), mask_id)[0] for _ in range(2)]
    yield hint(name, "own-random"), torch.equal(*again)
    inputs, targets = out
    right, wanted = _corrupt(*given, mask_id)
    yield hint(name, "swapped"), not torch.equal(inputs, wanted)

    for mistake, wrong in _wrong_inputs(*given, mask_id):
        yield hint(name, mistake), not torch.equal(inputs, wrong)
    yield hint(name, "not-chosen"), torch.equal(inputs[~chosen], ids[~chosen])
    for place in chosen.nonzero()[:, 0].tolist():
        numbers = {"place": place, "kind": f"{kind[place].item():.2f}", "value": inputs[place].item()}
        yield hint(name, "input", expected=right[place].item(), **numbers), inputs[place] == right[place]

    yield hint(name, "everywhere"), not torch.equal(targets, ids)
    yield hint(name, "inverted-targets"), not torch.equal(targets, ids.masked_fill(chosen, _IGNORED))
    for value, mistake in ((0, "zero"), (mask_id, "ignored-as-mask")):
        yield hint(name, mistake), not torch.equal(targets, ids.masked_fill(~chosen, value))
    for seen, mistake in ((inputs == mask_id, "only-masked"), (inputs != ids, "only-changed")):
        yield hint(name, mistake), not torch.equal(targets, wanted.masked_fill(~seen, _IGNORED))
    yield hint(name, "corrupted"), not torch.equal(targets[chosen], inputs[chosen])
    strange = targets[~chosen & (targets != _IGNORED)]
    yield hint(name, "ignored", value=strange[0].item() if len(strange) else ""), not len(strange)
    for place in chosen.nonzero()[:, 0].tolist():
        numbers = {"place": place, "value": targets[place].item(), "expected": wanted[place].item()}
        yield hint(name, "target", **numbers), targets[place] == wanted[place]

    bounds = torch.tensor([0.8, 0.9, 0.0], dtype=torch.float64)
    three = torch.tensor([7, 8, 9]), torch.ones(3, dtype=torch.bool), bounds, torch.tensor([1, 2, 3])
    at_bounds = corrupt(*(each.clone() for each in three), mask_id)[0]
    yield hint(name, "bounds"), torch.equal(at_bounds, _corrupt(*three, mask_id)[0])
    for T, some, mask_id in ((1, True, 0), (5, False, 3), (6, True, 103), (40, None, 2)):
        other = torch.arange(T) + 7, torch.full((T,), bool(some)), random(T).abs() % 1, torch.arange(T) % 5 + 50
        if some is None:
            other[1][::3] = True
        pair = corrupt(*(each.clone() for each in other), mask_id)
        same = [torch.equal(torch.as_tensor(a), b) for a, b in zip(pair, _corrupt(*other, mask_id), strict=True)]
        yield hint(name, "other-sizes", T=T, count=int(other[1].sum()), mask_id=mask_id), all(same)


# ---------------------------------------------------------------- 2

_Three = tuple[Tensor, Tensor, Tensor]


def _bert_input(first: list[int], second: list[int], cls: int, sep: int, pad: int, length: int) -> _Three:
    """Devlin et al. 2019, section 3, "Input/Output Representations", and figure 2."""
    tokens = [cls, *first, sep, *second, sep]
    if len(tokens) > length:
        raise ValueError(f"{len(tokens)} tokens do not fit into {length} places")
    rest = length - len(tokens)
    segments = [0] * (len(first) + 2) + [1] * (len(second) + 1) + [0] * rest
    return torch.tensor(tokens + [pad] * rest), torch.tensor(segments), torch.arange(length) < len(tokens)


@checker("segments", reference=_bert_input)
def _(bert_input) -> Verdicts:
    name = "segments"
    # 0 is a word. One sentence is longer than the other, and there is padding.
    first, second, special, length = [21, 0, 30], [17, 21], (5, 3, 9), 11
    cls, sep, pad = special
    given = list(first), list(second)
    out = bert_input(*given, *special, length)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "three"), isinstance(out, (tuple, list)) and len(out) == 3
    for which, part in zip(("ids", "segments", "mask"), out, strict=True):
        yield hint(name, "tensor", which=which, kind=type(part).__name__), isinstance(part, Tensor)
    yield hint(name, "changed"), given == (first, second)
    ids, segments, mask = out
    tokens = [cls, *first, sep, *second, sep]
    yield hint(name, "not-padded"), ids.tolist() != tokens
    for which, part in zip(("ids", "segments", "mask"), out, strict=True):
        shape = tuple(part.shape)
        yield hint(name, "shape", which=which, shape=shape, expected=(length,)), shape == (length,)
        dtype = torch.bool if which == "mask" else torch.int64
        yield hint(name, "dtype", which=which, dtype=part.dtype, expected=dtype), part.dtype == dtype

    row = ids.tolist()
    count, rest = len(tokens), length - len(tokens)
    slips = [
        ("no-cls", [*first, sep, *second, sep]),
        ("no-first-sep", [cls, *first, *second, sep]),
        ("no-last-sep", [cls, *first, sep, *second]),
        ("no-sep", [cls, *first, *second]),
        ("second-cls", [cls, *first, sep, cls, *second, sep]),
        ("second-cls", [cls, *first, cls, *second, sep]),
        ("cls-last", [*first, sep, *second, sep, cls]),
        ("order", [cls, *second, sep, *first, sep]),
    ]
    for mistake, wrong in slips:
        yield hint(name, mistake), row != wrong + [pad] * (length - len(wrong))
    yield hint(name, "pad-first"), row != [pad] * rest + tokens
    yield hint(name, "sep-behind-padding"), row != tokens[:-1] + [pad] * rest + [sep]
    behind = row[count:]
    strange = behind[0] if row[:count] == tokens and behind != [pad] * rest else ""
    yield hint(name, "pad", value=strange, pad=pad), strange == ""
    yield hint(name, "ids", value=row, expected=tokens + [pad] * rest), row == tokens + [pad] * rest

    row = segments.tolist()
    right = _bert_input(first, second, *special, length)
    a, b = len(first), len(second)
    slips = [
        ("one-segment", [0] * length),
        ("first-sep", [0] * (a + 1) + [1] * (b + 2) + [0] * rest),
        ("last-sep", [0] * (a + 2) + [1] * b + [0] * (rest + 1)),
        ("padding-segment", [0] * (a + 2) + [1] * (length - a - 2)),
        ("padding-segment", [0] * (a + 2) + [1] * (b + 1) + [2] * rest),
        ("from-one", [1] * (a + 2) + [2] * (b + 1) + [0] * rest),
        ("from-one", [1] * (a + 2) + [2] * (b + 1) + [1] * rest),
        ("exchanged", [1] * (a + 2) + [0] * (length - a - 2)),
        ("cls-apart", [0] + [1] * (a + 1) + [2] * (b + 1) + [0] * rest),
    ]
    for mistake, wrong in slips:
        yield hint(name, mistake), row != wrong
    yield hint(name, "segments", value=row, expected=right[1].tolist()), row == right[1].tolist()

    row, expected = mask.tolist(), right[2].tolist()
    yield hint(name, "all-true"), not all(row)
    yield hint(name, "inverted"), row != [not one for one in expected]
    words = [one and token not in special for one, token in zip(expected, ids.tolist(), strict=True)]
    yield hint(name, "special-hidden"), row != words
    place = next((n for n, (one, other) in enumerate(zip(row, expected, strict=True)) if one != other), 0)
    yield hint(name, "mask", place=place, value=row[place], expected=expected[place]), row == expected

    def refuses(length: int) -> tuple[object, BaseException | None]:
        """What comes of two sentences in ``length`` places: what was returned, or the error."""
        try:
            return bert_input(list(first), list(second), *special, length), None
        except Exception as error:
            return None, error

    out, error = refuses(count)
    yield hint(name, "exact-fit"), not isinstance(error, ValueError)
    for short in (count - 1, 4):
        out, error = refuses(short)
        if error is None:
            fits = isinstance(out, (tuple, list)) and all(isinstance(part, Tensor) for part in out)
            shapes = {len(part) for part in out} if fits else set()
            yield hint(name, "cut", count=count, length=short), shapes != {short}
            yield hint(name, "too-long", count=count, length=short), False
        yield hint(name, "other-error", error=type(error).__name__), isinstance(error, ValueError)
    for first, second, special, length in (
        ([21, 0, 30], [17, 21], (5, 3, 9), 8),
        ([7], [8], (0, 1, 2), 9),
        ([7, 7, 7, 7, 7], [8], (1, 2, 0), 30),
        ([4], [5, 6, 7, 8], (3, 1, 2), 8),
    ):
        three = bert_input(list(first), list(second), *special, length)
        same = [torch.equal(a, b) for a, b in zip(three, _bert_input(first, second, *special, length), strict=True)]
        yield hint(name, "other-texts", first=first, second=second, length=length), all(same)


# ---------------------------------------------------------------- 3


def _sample(logits: Tensor, u: float, temperature: float, top_k: int | None, top_p: float | None) -> int:
    return int(draw(distribution(logits, temperature, top_k, top_p), u))


class _Options(NamedTuple):
    """What is asked of a draw besides the logits and u."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


_GRID = (torch.arange(61, dtype=torch.float64) + 0.5) / 61
"""Values of u close enough together to find every token of the tables below."""


class _Slip(NamedTuple):
    """The name of a slip, the ids that it leads to, one for each u, and the values of u for which it is sure to."""

    name: str
    ids: Tensor
    sure: Tensor | None = None


def _first_beyond(p: Tensor, u: Tensor = _GRID) -> Tensor:
    """For each u the first place whose cumulative sum exceeds it; the number of places if there is none."""
    return torch.searchsorted(p.cumsum(0), u, right=True)


def _of(name: str, p: Tensor) -> _Slip:
    """A slip that draws from other probabilities."""
    return _Slip(name, _first_beyond(p / p.sum()))


def _plain_slips(z: Tensor) -> list[_Slip]:
    p = z.softmax(0)
    order = p.argsort(descending=True)
    right = _first_beyond(p)
    return [
        _Slip("greedy", order[:1].expand(len(_GRID))),
        _Slip("no-softmax", (z.cumsum(0) > _GRID[:, None]).int().argmax(1)),
        *_in_order(p),
        _Slip("one-before", right - 1),
        _Slip("one-before", (right - 1).clamp(min=0)),
        _Slip("one-behind", (right + 1).clamp(max=len(z) - 1)),
        _Slip("complement", _first_beyond(p, 1 - _GRID)),
    ]


def _in_order(p: Tensor) -> list[_Slip]:
    """Cumulative sums in the order of probability, with the right id and with the place in that order instead."""
    order = p.argsort(descending=True)
    rank = _first_beyond(p[order])
    return [_Slip("by-probability", order[rank.clamp(max=len(p) - 1)]), _Slip("rank", rank)]


def _temperature_slips(z: Tensor, temperature: float) -> list[_Slip]:
    return [
        _of("temperature-ignored", z.softmax(0)),
        _of("temperature-multiplied", (z * temperature).softmax(0)),
        *_in_order((z / temperature).softmax(0)),
    ]


def _set_slips(p: Tensor, kept: Tensor) -> list[_Slip]:
    """Slips after the set has been found."""
    whole = p * kept
    sum_ = whole.sum()
    return [
        _Slip("not-rescaled", _first_beyond(whole), _GRID < sum_),
        *_in_order(whole / sum_),
    ]


def _best(p: Tensor, count: int) -> Tensor:
    """Which are the ``count`` most probable tokens: (n_vocab,) boolean."""
    return torch.zeros(len(p), dtype=torch.bool).index_fill(0, p.argsort(descending=True)[:count], True)


def _enough(p: Tensor, top_p: float) -> int:
    """How many of the most probable tokens are needed for a sum of ``top_p``."""
    return int((p.sort(descending=True).values.cumsum(0) < top_p).sum()) + 1


def _top_k_slips(z: Tensor, k: int) -> list[_Slip]:
    p, places = z.softmax(0), torch.arange(len(z))
    kept = _best(p, k)
    return [
        _of("k-ignored", p),
        _of("k-first-ids", p * (places < k)),
        _of("k-least", p * _best(-p, k)),
        _of("k-count", p * _best(p, k - 1)),
        _of("k-count", p * _best(p, k + 1)),
        _of("zeroed", (z * kept).softmax(0)),
        *_set_slips(p, kept),
    ]


def _top_p_slips(z: Tensor, top_p: float) -> list[_Slip]:
    p, places = z.softmax(0), torch.arange(len(z))
    count = _enough(p, top_p)
    kept = _best(p, count)
    by_ids = int((p.cumsum(0) < top_p).sum()) + 1
    least = int((p.sort().values.cumsum(0) < top_p).sum()) + 1
    return [
        _of("p-ignored", p),
        _of("p-short", p * _best(p, count - 1)),
        _of("p-one-more", p * _best(p, count + 1)),
        _of("p-by-ids", p * (places < by_ids)),
        _of("p-by-ids", p * (places < by_ids - 1)),
        _of("p-least", p * _best(-p, least)),
        _of("p-least", p * _best(-p, least - 1)),
        _of("p-least", p * ~_best(p, count)),
        _of("p-without-best", p * (kept & ~_best(p, 1))),
        _of("p-places", p * (places < count)),
        _of("zeroed", (z * kept).softmax(0)),
        *_set_slips(p, kept),
    ]


def _joint_slips(z: Tensor, k: int, top_p: float) -> list[_Slip]:
    p = z.softmax(0)
    first_k = p * _best(p, k)
    first_k = first_k / first_k.sum()
    return [
        _of("p-of-all", p * _best(p, min(k, _enough(p, top_p)))),
        _of("one-of-two", first_k),
        *_set_slips(first_k, _best(p, _enough(first_k, top_p))),
    ]


class _Stage(NamedTuple):
    """What is asked for, the slips that show there, and whether every other wrong answer is told there as well."""

    options: _Options
    slips: list[_Slip]
    all_told: bool = True


# From id 0: neither the order of the ids nor its reverse is that of the probabilities.
_LOGITS = torch.tensor([0.3, 1.6, -1.1, 0.9, 1.8, -0.2, 1.3], dtype=torch.float64)


def _stages() -> list[_Stage]:
    """What is asked for of ``_LOGITS``, one thing after another."""
    z = _LOGITS
    p, warm = z.softmax(0), (z / 1.8).softmax(0)
    return [
        _Stage(_Options(), _plain_slips(z)),
        _Stage(_Options(0.6), _temperature_slips(z, 0.6)),
        _Stage(_Options(1.0, 3), _top_k_slips(z, 3)),
        # Two tokens have at least 1 − 0.8 each, none has 1 − 0.65. The six least probable ones reach 0.65 but not 0.8.
        _Stage(_Options(1.0, None, 0.8), [_of("p-alone", p * (p >= 1 - 0.8))], False),
        _Stage(_Options(1.0, None, 0.65), _top_p_slips(z, 0.65)),
        _Stage(_Options(1.8, None, 0.7), [_of("p-before-temperature", warm * _best(p, _enough(p, 0.7)))]),
        # Of the two best, both are needed for 0.65, of all tokens three; of the four best, two for 0.62, of all three.
        _Stage(_Options(1.0, 2, 0.65), [_of("one-of-two", p * _best(p, _enough(p, 0.65)))]),
        _Stage(_Options(1.0, 4, 0.62), _joint_slips(z, 4, 0.62)),
    ]


@checker("sample", reference=_sample)
def _(sample) -> Verdicts:
    name = "sample"

    def asked(z: Tensor, options: _Options) -> list[object]:
        return [sample(z.clone(), u, *options) for u in _GRID.tolist()]

    def expected(z: Tensor, options: _Options) -> list[int]:
        return draw(distribution(z, *options).expand(len(_GRID), -1), _GRID).tolist()

    z, plain = _LOGITS, _Options()
    out = sample(z.clone(), 0.5, *plain)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "int", kind=type(out).__name__), isinstance(out, Integral) and not isinstance(out, bool)
    yield hint(name, "own-random"), asked(z, plain) == asked(z, plain)
    for options, slips, all_told in _stages():
        answers = asked(z, options)
        strange = [type(one).__name__ for one in answers if not isinstance(one, Integral)]
        yield hint(name, "int", kind=strange[0] if strange else ""), not strange
        ids = torch.tensor(answers)
        for slip in slips:
            sure = torch.ones_like(_GRID, dtype=torch.bool) if slip.sure is None else slip.sure
            yield hint(name, slip.name), not torch.equal(ids[sure], slip.ids[sure])
        right = expected(z, options)
        first = next((n for n, (one, other) in enumerate(zip(answers, right, strict=True)) if one != other), 0)
        numbers = {"u": f"{_GRID[first]:.4f}", "answer": answers[first], "expected": right[first]}
        yield hint(name, "value", **options._asdict(), **numbers), answers == right or not all_told
        given = z.clone()
        sample(given, 0.5, *options)
        yield hint(name, "changed"), torch.equal(given, z)

    yield hint(name, "overflow"), asked(z + 1000, plain) == expected(z, plain)
    yield hint(name, "underflow"), asked(z - 1000, plain) == expected(z, plain)
    cold = _Options(0.001)
    yield hint(name, "overflow"), asked(z, cold) == expected(z, cold)
    # Token 0 is not among the two best, so that the first sum is 0 and does not exceed u = 0.
    two, top = _Options(1.0, 2), 1 - 2.0**-40
    yield hint(name, "at-zero"), sample(z.clone(), 0.0, *two) == _sample(z, 0.0, *two)
    yield hint(name, "at-one"), all(sample(z.clone(), top, *one) == _sample(z, top, *one) for one in (plain, two))
    for options in (two, _Options(1.0, None, 0.65)):
        yield hint(name, "small-infinity"), asked(z - 1e6, options) == expected(z, options)
    for n, *rest in ((1, 0.7, 1, 0.5), (2, 1.0, 2, 0.3), (30, 1.3, None, 0.9), (50, 0.8, 20, 0.95), (40, 2.0, 7, None)):
        z, options = 2 * random(n, seed=n), _Options(*rest)
        yield hint(name, "other-sizes", n=n, **options._asdict()), asked(z, options) == expected(z, options)


# ---------------------------------------------------------------- 4


def _cached_attention(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return scaled_dot_product_attention(query, keys, values, causal_mask(len(keys))[-len(query) :])[0]


def _wrong_views(query: Tensor, keys: Tensor, values: Tensor) -> list[tuple[str, Tensor]]:
    """What comes of one slip, and the name of the slip."""
    new, (T, d_k) = len(query), keys.shape
    square = torch.ones(T, T, dtype=torch.bool)
    mask = square.tril()[-new:]
    recent = torch.arange(T) >= T - new
    products = query @ keys.mT
    masks = [
        ("no-mask", square[-new:]),
        ("top-left", square.tril()[:new]),
        ("strict", square.tril(-1)[-new:]),
        ("one-more", square.tril(1)[-new:]),
        ("only-cached", square[-new:] & ~recent),
        ("only-new", mask & recent),
        ("only-new", square[-new:] & recent),
        ("only-own", square[-new:].tril(T - new).triu(T - new)),
        ("mirrored", square.triu()[-new:]),
        ("mirrored", square[:new].triu()),
    ]
    found = []
    # A slip of the mask may come with one of the scale: the mask is mended first.
    for scores in (products / math.sqrt(d_k), products):
        hidden = scores.masked_fill(~mask, -math.inf)
        found += [(name, scores.masked_fill(~seen, -math.inf).softmax(-1)) for name, seen in masks]
        found += [
            ("after-softmax", scores.softmax(-1) * mask),
            ("zeroed", (scores * mask).softmax(-1)),
            ("over-queries", hidden.softmax(0).nan_to_num(0)),
            ("over-queries", scores.softmax(0)),
            ("over-queries", scores.softmax(0) * mask),
        ]
    found += [
        (name, (products / divisor).masked_fill(~mask, -math.inf).softmax(-1))
        for name, divisor in (
            ("no-scale", 1),
            ("scale-square", d_k),
            ("scale-other", values.shape[1] ** 0.5),
            ("scale-other", T**0.5),
            ("scale-other", new**0.5),
        )
    ]
    return [(name, weights @ values) for name, weights in found]


@checker("cached-attention", reference=_cached_attention)
def _(attention) -> Verdicts:
    name = "cached-attention"
    T, new, d_k, d_v = 7, 3, 4, 2

    def inputs(T: int, new: int, d_k: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
        return random(new, d_k), random(T, d_k, seed=4), random(T, d_v, seed=5)

    def run(*given: Tensor) -> Tensor:
        return attention(*(each.clone() for each in given))

    given = query, keys, values = inputs(T, new, d_k, d_v)
    copies = [each.clone() for each in given]
    out = attention(*copies)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "weights"), shape != (new, T)
    yield hint(name, "all-rows"), shape != (T, d_v)
    yield hint(name, "last-row"), shape not in ((d_v,), (1, d_v))
    yield hint(name, "shape", shape=shape, expected=(new, d_v)), shape == (new, d_v)
    yield hint(name, "nan"), bool(out.isfinite().all())
    for mistake, wrong in _wrong_views(*given):
        yield hint(name, mistake), not close(out, wrong, 1e-4)

    # Any other slip, by what depends on what.
    def moved(place: int, *, key: bool = False) -> Tensor:
        """(T_new,), which outputs change with the value, or the key as well, of one token."""
        keys_, values_ = keys.clone(), values.clone()
        values_[place] += 1000
        if key:
            keys_[place] += 1
        return ~torch.isclose(run(query, keys_, values_), out, rtol=0, atol=1e-6).all(-1)

    for place in range(T - new + 1, T):
        yield hint(name, "future"), not moved(place, key=True)[: place - (T - new)].any()
    for place in range(T):
        changed = moved(place)
        for row in range(max(0, place - (T - new)), new):
            yield hint(name, "hidden", row=row, at=T - new + row, place=place), changed[row]
    ones = torch.ones_like(values)
    yield hint(name, "rows"), close(run(query, keys, ones), ones[:new], 1e-4)
    right = _cached_attention(*given)
    yield hint(name, "value"), close(out, right, 1e-4)
    yield hint(name, "changed"), all(torch.equal(a, b) for a, b in zip(copies, given, strict=True))
    yield hint(name, "precision"), close(out, right, 1e-10)
    # One number for each query and key, so that the scores are what the keys say.
    one, value = torch.ones(2, 1, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    high = run(one, torch.tensor([[0.0], [1e6], [0.0]], dtype=torch.float64), value)
    yield hint(name, "overflow"), bool(high.isfinite().all())
    low = run(one, torch.tensor([[-1e6], [-1e6], [0.0]], dtype=torch.float64), value)
    yield hint(name, "underflow"), bool(low.isfinite().all())
    yield hint(name, "small-infinity"), close(low[0], torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64))
    for T, new, d_k, d_v in ((6, 1, 3, 4), (1, 1, 2, 3), (5, 5, 4, 3), (4, 4, 4, 4), (9, 2, 1, 5), (6, 4, 2, 2)):
        other = inputs(T, new, d_k, d_v)
        answer = run(*other)
        same = isinstance(answer, Tensor) and close(answer, _cached_attention(*other))
        if new == 1:
            yield hint(name, "one", T=T), same
        if new == T:
            yield hint(name, "empty-cache", T=T), same
        yield hint(name, "other-sizes", T=T, new=new, d_k=d_k, d_v=d_v), same


# ---------------------------------------------------------------- 5

_Layer = Callable[[Tensor], Tensor]
_Encoder = Callable[[Tensor, Tensor | None], Tensor]


def _masked_loss(
    ids: Tensor,
    segments: Tensor,
    real: Tensor,
    targets: Tensor,
    mask_id: int,
    E: Tensor,
    P: Tensor,
    E_segment: Tensor,
    norm: _Layer,
    encoder: _Encoder,
    head: _Layer,
    b_out: Tensor,
) -> Tensor:
    """Devlin et al. 2019, section 3.1, task 1; the input is that of figure 2, normalised."""
    x = norm(E[ids] + P[: ids.shape[1]] + E_segment[segments])
    vectors = encoder(x, real[:, None])
    scored = targets != _IGNORED
    return F.cross_entropy(head(vectors[scored]) @ E.T + b_out, targets[scored])


class _Recorded:
    """A part of the model that remembers what it got and what it gave, call by call."""

    def __init__(self, part: Callable[..., Tensor]) -> None:
        self.part, self.got, self.gave = part, [], []

    def __call__(self, x: Tensor, *args: Tensor | None, **named: Tensor | None) -> Tensor:
        y = self.part(x, *args, **named)
        self.got.append((x.detach().clone(), *args, *named.values()))
        self.gave.append(y.detach().clone())
        return y


def _norm(D: int, seed: int) -> _Layer:
    gamma, beta = 1 + 0.3 * random(D, seed=seed), 0.3 * random(D, seed=seed + 1)
    return lambda y: layer_norm(y, gamma, beta)


def _small_bert(D: int) -> tuple[_Layer, _Encoder, _Layer]:
    """The LayerNorm of the embeddings, an encoder of one head and a head, each with weights of its own."""
    W = [random(D, D, seed=30 + i) / math.sqrt(D) for i in range(4)]
    after, last = _norm(D, 40), _norm(D, 44)

    def encoder(x: Tensor, mask: Tensor | None = None) -> Tensor:
        if isinstance(mask, Tensor):
            mask = mask.expand(len(x), x.shape[1], x.shape[1])  # another shape would pass in silence, or fail obscurely
        return after(x + scaled_dot_product_attention(x @ W[0], x @ W[1], x @ W[2], mask)[0])

    return _norm(D, 42), encoder, lambda y: last(gelu(y @ W[3]))


class _Text(NamedTuple):
    """A batch for masked language modelling."""

    ids: Tensor
    segments: Tensor
    real: Tensor
    targets: Tensor
    mask_id: int


def _batch(B: int, T: int, n: int, lengths: list[int], mask_id: int, seed: int) -> _Text:
    """Random texts; the first place of each is a [MASK], and one more place is scored."""
    of = torch.Generator().manual_seed(seed)
    ids, was = (torch.randint(n, (B, T), generator=of) for _ in range(2))
    ids[ids == mask_id] = (mask_id + 1) % n
    real = torch.arange(T) < torch.tensor(lengths)[:, None]
    targets = torch.full((B, T), _IGNORED)
    for row, length in enumerate(lengths):
        ids[row, 0] = mask_id
        for place in {0, (row + 2) % length}:
            targets[row, place] = was[row, place]
    segments = (torch.arange(T) >= torch.arange(1, B + 1)[:, None]).long() * real
    return _Text(ids, segments, real, targets, mask_id)


def _tables(n: int, longest: int, D: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """E, P, E_segment and b_out."""
    return random(n, D), random(longest, D, seed=6), random(2, D, seed=7), random(n, seed=8)


@checker("bert-hunt", reference=_masked_loss)
def _(masked_loss) -> Verdicts:
    name = "bert-hunt"
    mask_id, n, D = 3, 11, 5
    # Two chosen places of each text: one is [MASK] in the first two, the other has another token, or has kept its own.
    ids = torch.tensor([[8, 3, 5, 0, 7, 9], [1, 6, 3, 10, 2, 2], [4, 9, 7, 2, 2, 2]])
    targets = torch.full_like(ids, _IGNORED)
    for row, place, token in ((0, 1, 6), (0, 4, 7), (1, 2, 0), (1, 1, 5), (2, 2, 1)):
        targets[row, place] = token
    real = torch.arange(6) < torch.tensor([6, 4, 3])[:, None]
    segments = torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0]])
    batch = _Text(ids, segments, real, targets, mask_id)
    E, P, E_segment, b_out = tables = _tables(n, 9, D)
    norm, encoder, head = parts = _small_bert(D)
    T = ids.shape[1]

    def run(batch: _Text) -> tuple[Tensor, list[_Recorded], list[Tensor | int]]:
        """The loss, the three parts, and all that was handed over besides."""
        given = [each.clone() if isinstance(each, Tensor) else each for each in (*batch, *tables)]
        recorded = [_Recorded(part) for part in parts]
        return masked_loss(*given[:-1], *recorded, given[-1]), recorded, given

    out, recorded, given = run(batch)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "number", shape=tuple(out.shape)), out.numel() == 1
    for which, part in zip(("norm", "encoder", "head"), recorded, strict=True):
        yield hint(name, "not-called", which=which), bool(part.got)
        yield hint(name, "called-twice", which=which), len(part.got) == 1 or which == "norm"

    # What goes into the encoder.
    def reads(batch: _Text) -> Tensor:
        return run(batch)[1][1].got[0][0]

    x = recorded[1].got[0][0]
    yield hint(name, "vectors", shape=tuple(x.shape), expected=(*ids.shape, D)), tuple(x.shape) == (*ids.shape, D)
    moved = torch.zeros(3, 3, dtype=torch.bool)  # row r of x moves with the segments of text s
    for text in range(3):
        other = segments.clone()
        other[text] = 1 - other[text]
        changed = ~torch.isclose(reads(batch._replace(segments=other)), x, rtol=0, atol=1e-6).all(-1)
        moved[:, text] = (changed & real).any(-1)
    yield hint(name, "segments-ignored"), moved.any()
    yield hint(name, "segments-of-others"), not (moved & ~torch.eye(3, dtype=torch.bool)).any()
    yield hint(name, "segments-own"), moved.diagonal().all()
    words, places, kinds = E[ids], P[:T].expand(3, T, D), E_segment[segments]
    for mistake, wrong in (
        ("no-norm", words + places + kinds),
        ("positions-outside", norm(words + kinds) + places),
        ("segments-outside", norm(words + places) + kinds),
        ("both-outside", norm(words) + places + kinds),
        ("each-alone", norm(words) + norm(places) + norm(kinds)),
        ("no-positions", norm(words + kinds)),
        ("positions-from-1", norm(words + P[1 : T + 1] + kinds)),
        ("positions-of-ids", norm(words + P[ids.clamp(max=8)] + kinds)),
        ("norm-twice", norm(norm(words + places + kinds))),
    ):
        yield hint(name, mistake), not close(x[real], wrong[real], 1e-6)
    yield hint(name, "sum"), close(x[real], norm(words + places + kinds)[real], 1e-6)

    # What the encoder may look at.
    masks = [part for part in recorded[1].got[0][1:] if part is not None]
    yield hint(name, "no-mask"), bool(masks)
    seen = masks[0].expand(3, T, T)
    pairs = real[:, :, None] & real[:, None]
    yield hint(name, "everything"), not seen.all()
    yield hint(name, "nothing"), seen[real].any(-1).all()
    yield hint(name, "padding"), not (seen & ~real[:, None])[real].any()
    text, row, place = (pairs & ~seen).nonzero()[0].tolist() if (pairs & ~seen).any() else (0, 0, 0)
    yield hint(name, "hidden", text=text, row=row, place=place), not (pairs & ~seen).any()

    # From the vectors to the loss.
    vectors = recorded[1].gave[0]
    scored = targets != _IGNORED
    read = head(vectors)
    right = read @ E.T + b_out
    each_logits = [
        ("value", right),
        ("no-bias", read @ E.T),
        ("head-of-input", head(x) @ E.T + b_out),
        ("probabilities", right.softmax(-1)),
    ]
    by = {
        "only-masked": scored & (ids == mask_id),
        "only-others": scored & (ids != mask_id),
        "": scored,
    }
    found = {}
    for (mistake, z), (which, at) in product(each_logits, by.items()):
        each = F.cross_entropy(z.flatten(0, 1), targets.masked_fill(~at, _IGNORED).flatten(), reduction="none")
        of_text = each.unflatten(0, ids.shape)
        total = each.sum()
        averages = {
            "": total / at.sum(),
            "sum-not-mean": total,
            "over-all": total / ids.numel(),
            "over-real": total / real.sum(),
            "per-text": total / len(ids),
            "mean-of-means": (of_text.sum(1) / at.sum(1).clamp(min=1)).mean(),
        }
        # A slip of the logits is told first, then one of the places, then one of the mean.
        found |= {
            (mistake if mistake != "value" else which or average or "value", which, average): loss
            for average, loss in averages.items()
        }
    value = float(out.detach())
    expected = float(found.pop(("value", "", "")))
    numbers = {"value": f"{value:.4f}", "expected": f"{expected:.4f}"}
    for (mistake, *_), wrong in found.items():
        yield hint(name, mistake), not abs(value - float(wrong)) <= 1e-6
    yield hint(name, "value", **numbers), abs(value - expected) <= 1e-6

    same = [a == b if isinstance(b, int) else torch.equal(a, b) for a, b in zip(given, (*batch, *tables), strict=True)]
    yield hint(name, "changed"), all(same)

    def gradients(loss: Callable[..., Tensor]) -> list[Tensor | None]:
        leaves = [table.clone().requires_grad_() for table in tables]
        E, P, E_segment, b_out = leaves
        answer = loss(*batch, E, P, E_segment, *parts, b_out)
        if not answer.requires_grad:
            return [None] * 4
        answer.sum().backward()
        return [leaf.grad for leaf in leaves]

    got = gradients(masked_loss)
    yield hint(name, "no-gradient"), any(grad is not None for grad in got)
    for which, one, other in zip(("E", "P", "E_segment", "b_out"), got, gradients(_masked_loss), strict=True):
        yield hint(name, "gradient", which=which), one is not None and close(one, other, 1e-6)
    for B, T, n, longest, lengths, mask_id in (
        (1, 4, 9, 4, [4], 0),
        (2, 7, 5, 8, [3, 7], 4),
        (5, 5, 20, 6, [5] * 5, 1),
    ):
        batch, tables = _batch(B, T, n, lengths, mask_id, seed=T), _tables(n, longest, D)
        E, P, E_segment, b_out = tables
        loss = masked_loss(*batch, E, P, E_segment, *parts, b_out)
        right = _masked_loss(*batch, E, P, E_segment, *parts, b_out)
        yield hint(name, "other-sizes", B=B, T=T, n=n), abs(float(loss) - float(right)) <= 1e-6
