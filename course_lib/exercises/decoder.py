"""Checkers of lesson 07. Sizes differ wherever equal ones would hide a mix-up of axes; ids of special tokens are unusual ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from numbers import Integral
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.attention import causal_mask, padding_mask, scaled_dot_product_attention
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say
from course_lib.normalisation import layer_norm
from course_lib.translator_model import penalty

# ---------------------------------------------------------------- 1


def _masked_attention(query: Tensor, key: Tensor, value: Tensor, lengths: Tensor) -> Tensor:
    """The triangle alone: padding stands behind all real tokens, so that it hides the padding from them as well."""
    return scaled_dot_product_attention(query, key, value, causal_mask(query.shape[1]))[0]


def _wrong_masks(query: Tensor, key: Tensor, value: Tensor, lengths: Tensor) -> list[tuple[str, Tensor]]:
    """What comes of one slip, and the name of the slip."""
    T, d_k, d_v = query.shape[1], query.shape[2], value.shape[2]
    triangle, real = causal_mask(T), padding_mask(lengths, T)
    both = triangle & real
    products = query @ key.mT
    found = []
    # A slip of the mask may come with one of the scale: the mask is mended first.
    for scores in (products / math.sqrt(d_k), products):
        found += [
            ("no-mask", scores.softmax(-1)),
            ("padding-only", scores.masked_fill(~real, -math.inf).softmax(-1)),
            ("mirrored", scores.masked_fill(~triangle.mT, -math.inf).softmax(-1)),
            ("mirrored", scores.masked_fill(~(triangle.mT & real), -math.inf).softmax(-1)),
            *(("after-softmax", scores.softmax(-1) * mask) for mask in (triangle, both)),
            ("after-softmax", scores.masked_fill(~real, -math.inf).softmax(-1) * triangle),
            *(("zeroed", (scores * mask).softmax(-1)) for mask in (triangle, both)),
            ("zeroed", (scores * triangle).masked_fill(~real, -math.inf).softmax(-1)),
            *(("over-queries", scores.masked_fill(~mask, -math.inf).softmax(-2)) for mask in (triangle, both)),
        ]
    found += [
        (name, (products / divisor).masked_fill(~triangle, -math.inf).softmax(-1))
        for name, divisor in (
            ("no-scale", 1),
            ("scale-square", d_k),
            ("scale-other", d_v**0.5),
            ("scale-other", T**0.5),
        )
    ]
    return [(name, weights @ value) for name, weights in found]


@checker("masked-attention", reference=_masked_attention)
def _(attention) -> Verdicts:
    name = "masked-attention"
    B, T, d_k, d_v = 3, 5, 4, 2
    lengths = torch.tensor([5, 3, 1])

    def inputs(B: int, T: int, d_k: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
        return random(B, T, d_k), random(B, T, d_k, seed=4), random(B, T, d_v, seed=5)

    given = query, key, value = inputs(B, T, d_k, d_v)
    copies = [each.clone() for each in (*given, lengths)]
    out = attention(*copies)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "weights"), tuple(out.shape) != (B, T, T)
    yield hint(name, "shape", shape=tuple(out.shape), expected=(B, T, d_v)), tuple(out.shape) == (B, T, d_v)
    real = torch.arange(T) < lengths[:, None]
    strictly = (query @ key.mT).masked_fill(~causal_mask(T).tril(-1), -math.inf)
    rows = real & (torch.arange(T) > 0)  # the first row sees nothing then, and is NaN, or whatever was put there
    for scores in (strictly / math.sqrt(d_k), strictly):
        yield hint(name, "strict"), not close(out[rows], (scores.softmax(-1) @ value)[rows], 1e-4)
    yield hint(name, "nan"), bool(out[real].isfinite().all())
    for mistake, wrong in _wrong_masks(*given, lengths):
        yield hint(name, mistake), not close(out[real], wrong[real], 1e-4)

    # Any other slip, by what depends on what.
    def moved(text: int, place: int, *, keys: bool = False) -> Tensor:
        """(B, T), which outputs change with the value, or the key as well, of one token."""
        key_, value_ = key.clone(), value.clone()
        value_[text, place] += 1000
        if keys:
            key_[text, place] += 1
        return ~torch.isclose(attention(query.clone(), key_, value_, lengths.clone()), out, rtol=0, atol=1e-6).all(-1)

    for place in range(1, T):
        yield hint(name, "future"), not moved(0, place, keys=True)[0, :place].any()
    yield hint(name, "texts"), not (moved(0, 0, keys=True)[1:] & real[1:]).any()
    for text, length in enumerate(lengths.tolist()):
        for place in range(length):
            changed = moved(text, place)[text]
            for row in range(place, length):
                yield hint(name, "hidden", text=text, row=row, place=place), changed[row]
    ones = torch.ones_like(value)
    sums = attention(query.clone(), key.clone(), ones, lengths.clone())
    yield hint(name, "rows"), close(sums[real], ones[real], 1e-4)
    right = _masked_attention(*given, lengths)
    yield hint(name, "value"), close(out[real], right[real], 1e-4)
    # A padding row may be anything but NaN: in the next block its weight is 0, and 0 · NaN is NaN.
    yield hint(name, "padding-nan"), bool(out.isfinite().all())
    yield hint(name, "changed"), all(torch.equal(a, b) for a, b in zip(copies, (*given, lengths), strict=True))
    yield hint(name, "precision"), close(out[real], right[real], 1e-10)
    # One number for each query and key, so that the scores are what the keys say.
    two = torch.ones(1, 2, 1, dtype=torch.float64), torch.eye(2, dtype=torch.float64)[None], torch.tensor([2])
    high = attention(two[0].clone(), torch.tensor([[[1e6], [0.0]]], dtype=torch.float64), two[1].clone(), two[2])
    yield hint(name, "overflow"), bool(high.isfinite().all())
    low = attention(two[0].clone(), torch.tensor([[[-1e6], [0.0]]], dtype=torch.float64), two[1].clone(), two[2])
    yield hint(name, "underflow"), bool(low.isfinite().all())
    yield hint(name, "small-infinity"), close(low[0, 0], two[1][0, 0])
    for B, T, d_k, d_v, tokens in ((1, 1, 3, 2, [1]), (4, 4, 4, 4, [4, 1, 2, 3]), (2, 7, 1, 5, [6, 7])):
        other, lengths = inputs(B, T, d_k, d_v), torch.tensor(tokens)
        out = attention(*(each.clone() for each in other), lengths.clone())
        real = torch.arange(T) < lengths[:, None]
        fits = isinstance(out, Tensor) and tuple(out.shape) == (B, T, d_v)
        same = fits and close(out[real], _masked_attention(*other, lengths)[real])
        yield hint(name, "other-sizes", B=B, T=T, d_k=d_k, d_v=d_v, lengths=tokens), same


# ---------------------------------------------------------------- 2

_Texts = list[list[int]]


def _training_pair(texts: _Texts, start: int, stop: int, pad: int) -> tuple[Tensor, Tensor]:
    longest = max(map(len, texts)) + 1

    def padded(ids: list[int]) -> list[int]:
        return ids + [pad] * (longest - len(ids))

    inputs = torch.tensor([padded([start, *text]) for text in texts])
    return inputs, torch.tensor([padded([*text, stop]) for text in texts])


@checker("training-pair", reference=_training_pair)
def _(training_pair) -> Verdicts:
    name = "training-pair"
    # 0 is a word; the special tokens are none of the ids that are usual.
    texts, start, stop, pad = [[4, 0, 6], [5], [7, 4, 5, 0], [6, 7]], 9, 8, 3
    B, T = len(texts), 5
    given = [list(text) for text in texts]
    out = training_pair(given, start, stop, pad)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "pair"), isinstance(out, (tuple, list)) and len(out) == 2
    for which, part in zip(("inputs", "targets"), out, strict=True):
        yield hint(name, "tensor", which=which, kind=type(part).__name__), isinstance(part, Tensor)
        yield hint(name, "axes", which=which, shape=tuple(part.shape)), part.ndim == 2 and len(part) == B
        yield hint(name, "int64", which=which, dtype=part.dtype), part.dtype == torch.int64
    inputs, targets = out
    yield hint(name, "changed"), given == texts
    # Rows without their padding, wherever it stands; an id that was put there instead of it stays.
    rows = [[[id_ for id_ in row if id_ != pad] for row in part.tolist()] for part in out]
    right = [[start, *text] for text in texts], [[*text, stop] for text in texts]
    framed = [[start, *text, stop] for text in texts]
    yield hint(name, "no-shift"), not (rows[0] == rows[1] and inputs.shape == targets.shape)
    yield hint(name, "backwards"), not (rows[0] == right[1] and rows[1] == right[0])
    yield hint(name, "start-in-targets"), not any(start in row for row in rows[1])
    yield hint(name, "no-start"), any(start in row for row in rows[0])
    yield hint(name, "no-stop"), any(stop in row for row in rows[1])
    yield hint(name, "stop-some"), all(stop in row for row in rows[1])
    lengths = [len(text) + 1 for text in texts]
    # In front of the text: its last token stands in the last place, whatever its length.
    yield hint(name, "padded-before"), not all(part[1, -1] == row[1][-1] for part, row in zip(out, right, strict=True))
    last = targets[:, -1] == stop
    yield hint(name, "stop-after-padding"), not (last.all() and (targets == stop).sum() == B)
    yield hint(name, "stop-read"), rows[0] != framed
    yield hint(name, "shorter"), inputs.shape[1] != targets.shape[1] + 1
    yield hint(name, "differ"), inputs.shape == targets.shape
    yield hint(name, "shape", shape=tuple(inputs.shape), expected=(B, T)), tuple(inputs.shape) == (B, T)
    yield hint(name, "order"), sorted(rows[1]) != sorted(right[1]) or rows[1] == right[1]

    def inside(part: Tensor) -> list[list[int]]:
        return [row[:length] for row, length in zip(part.tolist(), lengths, strict=True)]

    for which, part, expected in zip(("inputs", "targets"), out, right, strict=True):
        for text, (row, ids) in enumerate(zip(inside(part), expected, strict=True)):
            yield hint(name, "row", which=which, text=text, row=row, expected=ids), row == ids
    behind = torch.arange(T) >= torch.tensor(lengths)[:, None]
    yield hint(name, "pad", which="targets", pad=pad), (targets[behind] == pad).all()
    # What is read where nothing is scored is all one, as long as it can be looked up: cut from one framed text, it is `stop`.
    yield hint(name, "pad", which="inputs", pad=pad), torch.isin(inputs[behind], torch.tensor([pad, stop])).all()
    for texts, special in (
        ([[]], (1, 2, 0)),
        ([[3, 4, 5]], (1, 2, 0)),
        ([[3], [], [4, 5]], (1, 2, 0)),
        ([[1, 2]] * 3, (5, 0, 6)),
    ):
        pair, right = training_pair([list(text) for text in texts], *special), _training_pair(texts, *special)
        behind = torch.arange(right[0].shape[1]) >= torch.tensor([len(text) + 1 for text in texts])[:, None]
        same = [torch.as_tensor(part).shape == expected.shape for part, expected in zip(pair, right, strict=True)]
        fits = all(same) and torch.equal(pair[1], right[1]) and torch.equal(pair[0][~behind], right[0][~behind])
        yield hint(name, "other-texts", texts=texts, start=special[0], stop=special[1], pad=special[2]), fits


# ---------------------------------------------------------------- 3


def _cross_entropy(logits: Tensor, targets: Tensor, pad: int, smoothing: float) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=pad, label_smoothing=smoothing)


def _wrong_losses(z: Tensor, targets: Tensor, pad: int) -> list[tuple[str, Tensor]]:
    """What comes of one slip without smoothing, and the name of the slip."""
    real = targets != pad
    B, T = targets.shape

    def of_token(log_p: Tensor) -> Tensor:
        return -log_p.gather(-1, targets[..., None])[..., 0]

    each = of_token(z.log_softmax(-1))
    right = each[real].mean()
    kept = torch.arange(z.shape[-1]) != pad
    without = z.masked_fill(~kept, -math.inf).log_softmax(-1)
    later = -z.log_softmax(-1)[:, :-1].gather(-1, targets[:, 1:, None])[..., 0]
    return [
        ("padding", each.mean()),
        ("padding", each.sum() / B),
        ("padding", each.sum()),
        ("padding-fixed", each[targets != 0].mean()),
        ("divided-by-all", each[real].sum() / (B * T)),
        ("per-text", each[real].sum() / B),
        ("mean-of-means", torch.stack([row[kept_].mean() for row, kept_ in zip(each, real, strict=True)]).mean()),
        ("sum", each[real].sum()),
        ("bits", right / math.log(2)),
        ("sign", -right),
        ("perplexity", right.exp()),
        ("no-log", 1 - (-each[real]).exp().mean()),
        ("no-log", -(-each[real]).exp().mean()),
        ("log-of-mean", -(-each[real]).exp().mean().log()),
        ("no-softmax", of_token(z)[real].mean()),
        ("twice", of_token(z.softmax(-1).log_softmax(-1))[real].mean()),
        ("over-places", of_token(z.log_softmax(1))[real].mean()),
        ("over-texts", of_token(z.log_softmax(0))[real].mean()),
        ("without-pad", of_token(without)[real].mean()),
        ("shifted", later[real[:, 1:]].mean()),
        ("swapped", -z.log_softmax(-1)[real].mean()),
    ]


def _wrong_smoothing(z: Tensor, targets: Tensor, pad: int, smoothing: float) -> list[tuple[str, Tensor]]:
    """What comes of one slip of the smoothing, and the name of the slip."""
    real, n = targets != pad, z.shape[-1]
    log_p = z.log_softmax(-1)[real]
    wanted = F.one_hot(targets[real], n).double()
    others, kept = 1 - wanted, (torch.arange(n) != pad).double()
    sure, e = (1 - smoothing) * wanted, smoothing

    def of(q: Tensor) -> Tensor:
        return -(q * log_p).sum(-1).mean()

    q = sure + e / n
    everywhere = -z.log_softmax(-1).mean()
    return [
        ("no-smoothing", of(wanted)),
        ("others", of(sure + e / (n - 1) * others)),
        ("less-than-1", of(sure + e / n * others)),
        ("less-than-1", of(sure)),
        ("more-than-1", of(sure + e)),
        ("more-than-1", of(wanted + e / n)),
        ("more-than-1", of(wanted + e)),
        ("swapped", of(e * wanted + (1 - e) / n)),
        ("pad-left-out", of(sure + e / (n - 1) * kept)),
        ("pad-left-out", of(sure + e / n * kept)),
        ("over-padding", of(sure) + e * everywhere),
        ("divergence", of(q) + (q * q.log()).sum(-1).mean()),
        ("log-outside", -(q * log_p.exp()).sum(-1).log().mean()),
    ]


@checker("cross-entropy", reference=_cross_entropy)
def _(cross_entropy) -> Verdicts:
    name = "cross-entropy"
    n, pad, e = 7, 3, 0.3
    logits = 2 * random(3, 5, n)
    targets = torch.tensor([[0, 5, 2, 6, 4], [1, 0, 6, pad, pad], [4, pad, pad, pad, pad]])
    given = logits.clone(), targets.clone()
    out = cross_entropy(*given, pad, 0.0)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "not-reduced", shape=tuple(out.shape)), out.numel() == 1

    def number(answer: Tensor) -> float:
        return float(torch.as_tensor(answer).detach())

    def near(answer: Tensor, other: Tensor, tolerance: float = 1e-5) -> bool:
        return abs(number(answer) - number(other)) <= tolerance  # NaN is near nothing

    right = _cross_entropy(logits, targets, pad, 0.0)
    for mistake, wrong in _wrong_losses(logits, targets, pad):
        yield hint(name, mistake), not near(out, wrong)
    one = cross_entropy(logits[:1, :1].clone(), targets[:1, :1].clone(), pad, 0.0)
    expected = _cross_entropy(logits[:1, :1], targets[:1, :1], pad, 0.0)
    numbers = {"value": f"{number(one):.4f}", "expected": f"{number(expected):.4f}"}
    yield hint(name, "one-token", **numbers), near(one, expected)
    numbers = {"value": f"{number(out):.4f}", "expected": f"{number(right):.4f}"}
    yield hint(name, "mean", **numbers), near(out, right)

    again = logits.clone(), targets.clone()
    smoothed, right = cross_entropy(*again, pad, e), _cross_entropy(logits, targets, pad, e)
    for mistake, wrong in _wrong_smoothing(logits, targets, pad, e):
        yield hint(name, mistake), not near(smoothed, wrong)
    numbers = {"value": f"{number(smoothed):.4f}", "expected": f"{number(right):.4f}"}
    yield hint(name, "smoothing", **numbers), near(smoothed, right)
    unchanged = [torch.equal(z, logits) and torch.equal(ids, targets) for z, ids in (given, again)]
    yield hint(name, "changed"), all(unchanged)
    large = 1000 * random(3, 5, n, seed=6)
    for smoothing in (0.0, e):
        got = number(cross_entropy(large.clone(), targets.clone(), pad, smoothing))
        expected = number(_cross_entropy(large, targets, pad, smoothing))
        yield hint(name, "not-finite", value=got), math.isfinite(got)
        numbers = {"value": f"{got:.1f}", "expected": f"{expected:.1f}"}
        yield hint(name, "clipped", **numbers), abs(got - expected) <= 1e-6 * expected
    yield hint(name, "precision"), near(smoothed, right, 1e-10)

    def gradient(of: Callable[..., Tensor], z: Tensor) -> Tensor | None:
        leaf = z.clone().requires_grad_()
        loss = of(leaf, targets.clone(), pad, e)
        if not (isinstance(loss, Tensor) and loss.requires_grad):
            return None
        loss.sum().backward()
        return leaf.grad

    for z in (logits, large):
        got = gradient(cross_entropy, z)
        yield hint(name, "no-gradient"), got is not None
        yield hint(name, "gradient"), close(got, gradient(_cross_entropy, z))
    for B, T, n, pad, smoothing in ((1, 1, 2, 0, 0.5), (2, 3, 4, 0, 0.1), (4, 2, 9, 8, 0.0), (3, 6, 5, 2, 0.9)):
        z = 3 * random(B, T, n, seed=7)
        ids = torch.arange(B * T).reshape(B, T) * 7 % n
        ids[ids == pad] = (pad + 1) % n
        ids[-1, 1:] = pad
        answer = cross_entropy(z.clone(), ids.clone(), pad, smoothing)
        same = near(answer, _cross_entropy(z, ids, pad, smoothing), 1e-8)
        yield hint(name, "other-sizes", B=B, T=T, n=n, pad=pad, smoothing=smoothing), same


# ---------------------------------------------------------------- 4

_Next = Callable[[Sequence[int]], Tensor]


def _beam_search(next_log_probs: _Next, start: int, stop: int, width: int, max_length: int, alpha: float) -> list[int]:
    """As :meth:`course_lib.translator_model.Transformer.beam`, for one text and without a model."""
    growing: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for length in range(1, max_length + 1):
        grown = [
            (total + log_p, [*ids, token])
            for total, ids in growing
            for token, log_p in enumerate(next_log_probs([start, *ids]).tolist())
        ]
        kept = sorted(grown, reverse=True, key=lambda text: text[0])[:width]
        ended += [(total / penalty(length, alpha), ids) for total, ids in kept if ids[-1] == stop]
        growing = [(total, ids) for total, ids in kept if ids[-1] != stop]
        if not growing:
            break
    return max(ended or growing, key=lambda text: text[0])[1]


_LETTERS = "a.b^c"
"""The tokens of the tables below, by id: words, a full stop that ends a text and the token before its beginning."""
_STOP, _START = _LETTERS.index("."), _LETTERS.index("^")


class _Table:
    """Probabilities of the next token after every text, most of them made up for one of the cases below.

    Args:
        rows: from a text to the probabilities of some tokens, "a .6 b .3"; the others share the rest, in unequal parts.
            A text that is not named ends with a probability of 0.9.

    Attributes:
        asked: what it was asked for, in order, as tuples of ids.
    """

    def __init__(self, rows: dict[str, str]) -> None:
        self.rows, self.asked = rows, []

    def __call__(self, prefix: Sequence[int]) -> Tensor:
        ids = tuple(int(one) for one in prefix)
        self.asked.append(ids)
        words = self.rows.get("".join(_LETTERS[one] for one in ids if one != _START), ". .9").split()
        given = dict(zip(words[::2], map(float, words[1::2]), strict=True))
        others = [letter for letter in _LETTERS if letter not in given]
        parts = sum(range(1, len(others) + 1))
        given |= {letter: (1 - sum(given.values())) * i / parts for i, letter in enumerate(others, 1)}
        return torch.tensor([given[letter] for letter in _LETTERS], dtype=torch.float64).log()


def _two_texts(short: float, long: float) -> dict[str, str]:
    """A table with two likely texts: "b." and "acb.", of these probabilities."""
    return {
        "": "a .6 b .39",
        "a": "c .99",
        "ac": "b .99",
        "acb": f". {long / (0.6 * 0.99 * 0.99):.4f}",
        "b": f". {short / 0.39:.4f}",
    }


class _Case(NamedTuple):
    """A table, what is asked of it, the answer, and the answers that a slip leads to, with the name of the slip."""

    rows: dict[str, str]
    width: int
    max_length: int
    alpha: float
    right: str
    slips: dict[str, str]


_EASY = {"": "a .9", "a": "b .9", "ab": ". .9"}
_CASES = [
    _Case(_EASY, 1, 6, 0, "ab.", {}),
    # The last token of "b." is the most probable one, the text is not.
    _Case({"": "a .9 b .09", "a": ". .5", "b": ". .95"}, 2, 5, 0, "a.", {"b.": "last-only"}),
    _Case({"": "a .5 b .4", "a": "a .35 c .3", "b": ". .9"}, 2, 5, 0, "b.", {"aa.": "greedy"}),
    # "b." is a worse text that ends sooner.
    _Case({"": "a .55 b .4", "a": "c .9", "b": ". .5"}, 2, 5, 0, "ac.", {"b.": "first"}),
    # Both of the best begin with a, and the best of those with b is worse.
    _Case({"": "a .6 b .3", "a": "a .4 b .35", "b": "a .6", "aa": ". .4"}, 2, 5, 0, "ab.", {"ba.": "one-each"}),
    # "ba" is given up, though it would have ended well.
    _Case(
        {"": "a .5 b .4", "a": "a .5 b .4", "b": "a .45 b .2 c .2", "aa": ". .5", "ab": ". .5", "ba": ". .95"},
        2, 5, 0, "aa.", {"ba.": "too-many"},
    ),
    _Case(_two_texts(0.2, 0.5), 2, 4, 0, "acb.", {"b.": "one-less", "acb": "one-less"}),
    _Case(_two_texts(0.2, 0.5), 2, 3, 0, "b.", {"acb.": "one-more", "acb": "unfinished"}),
    # Two texts have ended, and the best one has not.
    _Case(
        {"": "a .6 b .3", "a": "c .9", "b": ". .9", "ac": "b .75 . .2", "acb": ". .9"},
        2, 5, 0, "acb.", {"b.": "enough"},
    ),
    # No text ends in time.
    _Case(
        {"": "a .6 b .3", "a": "b .6", "ab": "c .6", "b": "b .5", "bb": "a .5"}, 2, 3, 0, "abc", {"abc.": "one-more"}
    ),
    # The penalty: texts of two and of four tokens. Whether the short one or the long one wins depends on the ratio of
    # their log P, with α = 1 against 9/7; if the start token counts, against 10/8, without the end token against 8/6.
    _Case(_two_texts(0.36, 0.36**1.15), 2, 4, 0, "b.", {"acb.": "alpha"}),
    _Case(_two_texts(0.24, 0.32), 2, 4, 1, "acb.", {"b.": "multiplied"}),
    _Case(_two_texts(0.28, 0.30), 2, 4, 1, "acb.", {"b.": "probability"}),
    _Case(_two_texts(0.36, 0.36**1.6), 2, 4, 1, "b.", {"acb.": "by-length"}),
    _Case(_two_texts(0.36, 0.36**1.15), 2, 4, 1, "acb.", {"b.": "not-divided"}),
    _Case(_two_texts(0.36, 0.36**1.5), 2, 4, 2, "acb.", {"b.": "alpha"}),
    _Case(_two_texts(0.36, 0.36**1.268), 2, 4, 1, "acb.", {"b.": "start-counted"}),
    _Case(_two_texts(0.36, 0.36**1.31), 2, 4, 1, "b.", {"acb.": "stop-not-counted"}),
    # When "b." ends, no growing text is as probable; the penalty lets one of them win all the same.
    _Case({"": "b .6 a .35", "b": ". .55", "a": "c .9", "ac": "b .95"}, 2, 5, 1, "acb.", {"b.": "too-early"}),
    # If "b." stays in the beam when it has ended, "acb" finds no place in it.
    _Case(
        {"": "a .6 b .32", "a": "c .45", "b": ". .575", "ac": "c .51 b .48", "acc": ". .5 a .3", "acb": ". .98"},
        2, 4, 1, "acb.", {"b.": "stays"},
    ),
    # "a." takes a place of its step, and "bb" is given up.
    _Case(
        {"": "a .55 b .4", "a": "a .29 . .28", "b": "b .37", "aa": ". .3 b .28", "bb": ". .99"},
        2, 5, 1, "a.", {"bb.": "filled-up"},
    ),
]  # fmt: skip


def _ids(text: str) -> list[int]:
    return [_LETTERS.index(letter) for letter in text]


def _drawn(n: int, seed: int) -> _Next:
    """A table of n tokens with random numbers."""

    def next_log_probs(prefix: Sequence[int]) -> Tensor:
        number = reduce(lambda so_far, one: (31 * so_far + int(one) + 1) % 2**31, prefix, seed)
        return (2 * random(n, seed=number)).log_softmax(-1)

    return next_log_probs


@checker("beam-search", reference=_beam_search)
def _(beam_search) -> Verdicts:
    name = "beam-search"
    for case in _CASES:
        table = _Table(case.rows)
        out = beam_search(table, _START, _STOP, case.width, case.max_length, case.alpha)
        right = _ids(case.right)
        yield say("exercise.returned-none"), out is not None
        yield hint(name, "list", kind=type(out).__name__), isinstance(out, list)
        strange = [type(one).__name__ for one in out if not isinstance(one, Integral)]
        yield hint(name, "ids", kind=strange[0] if strange else ""), not strange
        yield hint(name, "prompt"), all(ids[:1] == (_START,) for ids in table.asked)
        yield hint(name, "with-start"), out[:1] != [_START]
        yield hint(name, "beyond-stop"), _STOP not in out[:-1]
        yield hint(name, "no-stop"), not (right[-1] == _STOP and out == right[:-1])
        yield hint(name, "empty"), out != []
        mistake = next((slip for text, slip in case.slips.items() if out == _ids(text)), "")
        if mistake == "greedy" and len(set(table.asked)) < len(table.asked):
            mistake = "copies"
        if mistake:
            yield hint(name, mistake), False
        numbers = {"width": case.width, "max_length": case.max_length, "alpha": case.alpha}
        if right[-1] != _STOP:
            yield hint(name, "cut", answer=out, **numbers), out == right
        yield hint(name, "value", answer=out, expected=right, **numbers), out == right
    wide = beam_search(_Table(_EASY), _START, _STOP, len(_LETTERS) + 3, 3, 0.0)
    yield hint(name, "wide"), wide == _beam_search(_Table(_EASY), _START, _STOP, len(_LETTERS) + 3, 3, 0.0)
    for seed, (n, width, max_length, alpha) in enumerate(
        [(3, 1, 6, 0.6), (3, 2, 1, 0.0), (4, 3, 5, 1.0), (6, 2, 7, 0.6), (6, 4, 5, 2.0), (5, 3, 8, 0.0), (8, 5, 6, 0.6)]
    ):
        given = _drawn(n, seed), 1, 0, width, max_length, alpha
        sizes = {"n": n, "width": width, "max_length": max_length, "alpha": alpha}
        yield hint(name, "other-sizes", **sizes), beam_search(*given) == _beam_search(*given)


# ---------------------------------------------------------------- 5

_Attend = Callable[..., Tensor]
_Layer = Callable[[Tensor], Tensor]


def _decoder_block(
    x: Tensor,
    memory: Tensor,
    self_attention: _Attend,
    cross_attention: _Attend,
    feed_forward: _Layer,
    norm_1: _Layer,
    norm_2: _Layer,
    norm_3: _Layer,
) -> Tensor:
    y = norm_1(x)
    x = x + self_attention(y, y, causal_mask(len(x)))
    x = x + cross_attention(norm_2(x), memory, None)
    return x + feed_forward(norm_3(x))


class _Attention:
    """One head, which remembers what it got.

    Args:
        says: what it returns whatever it gets; None if it works.
        seed: of its weights.

    Attributes:
        got: the arguments of each call.
    """

    def __init__(self, says: Tensor | None = None, seed: int = 30) -> None:
        self.says, self.seed, self.got = says, seed, []

    def __call__(self, x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
        self.got.append([part.clone() if isinstance(part, Tensor) else part for part in (x, y, mask)])
        return self.works(x, y, mask) if self.says is None else self.says.clone()

    def works(self, x: Tensor, y: Tensor, mask: Tensor | None) -> Tensor:
        W = [random(x.shape[-1], x.shape[-1], seed=self.seed + i) / math.sqrt(x.shape[-1]) for i in range(3)]
        return scaled_dot_product_attention(x @ W[0], y @ W[1], y @ W[2], mask)[0]


class _FeedForward:
    """The feed-forward layer, likewise."""

    def __init__(self, says: Tensor | None = None, seed: int = 36) -> None:
        self.says, self.seed, self.got = says, seed, []

    def __call__(self, x: Tensor) -> Tensor:
        self.got.append([x.clone()])
        if self.says is not None:
            return self.says.clone()
        W_1, W_2 = random(x.shape[-1], 7, seed=self.seed), random(7, x.shape[-1], seed=self.seed + 1)
        return torch.relu(x @ W_1) @ W_2


def _sub_layers(*says: Tensor | None) -> tuple[_Attention, _Attention, _FeedForward]:
    """The three of a block; those work that are not told what to say."""
    own, across, layer = says or (None, None, None)
    return _Attention(own), _Attention(across, seed=33), _FeedForward(layer)


def _norms(D: int) -> list[_Layer]:
    """Three LayerNorms, each with a γ and a β of its own."""

    def one(seed: int) -> _Layer:
        gamma, beta = 1 + 0.3 * random(D, seed=seed), random(D, seed=seed + 1)
        return lambda y: layer_norm(y, gamma, beta)

    return [one(seed) for seed in (40, 42, 44)]


@checker("decoder-hunt", reference=_decoder_block)
def _(block) -> Verdicts:
    name = "decoder-hunt"
    T, T_s, D = 5, 4, 6
    tolerance = 1e-6
    norms = norm_1, norm_2, norm_3 = _norms(D)
    x, memory = 1 + 2 * random(T, D), 2 * random(T_s, D, seed=4)
    zero = torch.zeros_like(x)

    def run(
        x: Tensor,
        memory: Tensor,
        own: Tensor | None = None,
        across: Tensor | None = None,
        layer: Tensor | None = None,
    ) -> tuple[Tensor, tuple[_Attention, _Attention, _FeedForward]]:
        """The block's output, and its three sub-layers, of which those work that are not told what to say."""
        parts = _sub_layers(own, across, layer)
        return block(x, memory, *parts, *norms), parts

    given = x.clone(), memory.clone()
    out, parts = run(*given)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "shape"), isinstance(out, Tensor) and tuple(out.shape) == (T, D)
    for which, part in zip(("self_attention", "cross_attention", "feed_forward"), parts, strict=True):
        yield hint(name, "not-called", which=which), bool(part.got)
        yield hint(name, "called-twice", which=which), len(part.got) == 1

    # What self-attention tells a row, whatever becomes of it in the block.
    def told(x: Tensor) -> Tensor:
        (own, *_) = run(x.clone(), memory.clone())[1]
        return own.works(*own.got[0])

    moved = torch.zeros(T, T, dtype=torch.bool)  # row t of what self-attention returns moves with token j
    for place in range(T):
        other = x.clone()
        other[place] = random(D, seed=20)
        moved[:, place] = ~torch.isclose(told(other), told(x), rtol=0, atol=tolerance).all(-1)
    yield hint(name, "future"), not moved.triu(1).any()
    yield hint(name, "own"), moved.diagonal().all()
    yield hint(name, "past"), moved[causal_mask(T)].all()
    other = memory.clone()
    other[1] = random(D, seed=21)
    yield hint(name, "source"), not close(run(x.clone(), other)[0], out, tolerance)

    # The residual stream. Sub-layers say what they are told, whatever they get.
    own, across, layer = (random(T, D, seed=seed) for seed in (22, 23, 24))
    idle, _ = run(x.clone(), memory.clone(), zero, zero, zero)
    yield hint(name, "not-the-input"), close(idle, x, tolerance)
    for which, lost, said in (
        ("self_attention", "self-lost", (own, zero, zero)),
        ("cross_attention", "cross-lost", (zero, across, zero)),
        ("feed_forward", "layer-lost", (zero, zero, layer)),
    ):
        after, _ = run(x.clone(), memory.clone(), *said)
        yield hint(name, lost), not close(after, x, tolerance)
        yield hint(name, "added", which=which), close(after, x + sum(said), tolerance)
    after, parts = run(x.clone(), memory.clone(), own, across, layer)
    yield hint(name, "sum"), close(after, x + own + across + layer, tolerance)

    # What cross-attention reads.
    asks, reads, *_ = parts[1].got[0]
    tripled, _ = run(x.clone(), 3 * memory)
    if not close(reads, memory, tolerance):
        yield hint(name, "memory-scale"), not close(tripled, out, 1e-3)
    fits = isinstance(reads, Tensor) and tuple(reads.shape) == (T_s, D)
    yield hint(name, "memory-shape"), fits
    yield hint(name, "memory"), close(reads, memory, tolerance)
    masks = [part for part in parts[1].got[0][2:] if part is not None]
    yield hint(name, "cross-mask"), all(isinstance(mask, Tensor) and bool(mask.all()) for mask in masks)

    # What each sub-layer is asked with.
    stream, then = x + own, x + own + across
    queries, keys, *_ = parts[0].got[0]
    for vectors, which in ((queries, "self_attention"), (keys, "self_attention")):
        yield hint(name, "raw", which=which), not close(vectors, x, tolerance)
        wrong = any(close(vectors, norm(x), tolerance) for norm in (norm_2, norm_3))
        yield hint(name, "other-norm", which=which), not wrong
        yield hint(name, "self-fed"), close(vectors, norm_1(x), tolerance)
    yield hint(name, "raw", which="cross_attention"), not close(asks, stream, tolerance)
    yield hint(name, "before-self"), not any(close(asks, norm(x), tolerance) for norm in norms)
    wrong = any(close(asks, norm(stream), tolerance) for norm in (norm_1, norm_3))
    yield hint(name, "other-norm", which="cross_attention"), not wrong
    yield hint(name, "cross-fed"), close(asks, norm_2(stream), tolerance)
    (fed,) = parts[2].got[0]
    yield hint(name, "raw", which="feed_forward"), not close(fed, then, tolerance)
    yield hint(name, "before-cross"), not any(close(fed, norm(stream), tolerance) for norm in norms)
    wrong = any(close(fed, norm(then), tolerance) for norm in (norm_1, norm_2))
    yield hint(name, "other-norm", which="feed_forward"), not wrong
    yield hint(name, "layer-fed"), close(fed, norm_3(then), tolerance)

    def reference(x: Tensor, memory: Tensor, norms: list[_Layer]) -> Tensor:
        return _decoder_block(x, memory, *_sub_layers(), *norms)

    yield hint(name, "value"), close(out, reference(x, memory, norms), tolerance)
    yield hint(name, "changed"), torch.equal(given[0], x) and torch.equal(given[1], memory)
    for T, T_s, D in ((1, 3, 4), (4, 4, 4), (3, 7, 5)):
        x, memory, norms = random(T, D), random(T_s, D, seed=4), _norms(D)
        same = close(run(x.clone(), memory.clone())[0], reference(x, memory, norms), tolerance)
        yield hint(name, "other-sizes", T=T, T_s=T_s, D=D), same
