"""Checkers of lesson 04. The numbers of tokens and heads and all sizes differ, so that a mix-up of axes shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real

import torch
from torch import Tensor

from course_lib.attention import causal_mask
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say
from course_lib.multi_head import key_value_cache, merge_heads, split_heads

# ---------------------------------------------------------------- 1


def _mixed(x: Tensor, H: int) -> Tensor:
    """The numbers read anew in the shape (H, T, d): tokens are mixed."""
    return x.reshape(H, len(x), -1)


def _interleaved(x: Tensor, H: int) -> Tensor:
    """Head h has every H-th column, beginning at h."""
    return x.reshape(len(x), -1, H).permute(2, 0, 1)


@checker("split-heads", reference=split_heads)
def _(split) -> Verdicts:
    name = "split-heads"
    T, H, d = 3, 4, 6
    x = random(T, H * d)
    out = split(x, H)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "heads-second"), shape != (T, H, d)
    yield hint(name, "last-axes"), shape != (H, d, T)
    yield hint(name, "size-of-head"), shape not in ((T, d, H), (d, T, H))
    yield hint(name, "tokens-for-heads"), shape != (T, T, H * d // T)
    yield hint(name, "shape", shape=shape, expected=(H, T, d)), shape == (H, T, d)
    token = torch.arange(T, dtype=torch.float64)
    rows = split(token[:, None].repeat(1, H * d), H)
    yield hint(name, "mixes"), close(rows, token[:, None].expand(H, T, d))
    yield hint(name, "interleaved"), not close(out, _interleaved(x, H))
    yield hint(name, "order"), not close(out, split_heads(x, H).flip(0))
    yield hint(name, "value"), close(out, split_heads(x, H))
    yield hint(name, "one-token"), close(split(x[:1], H), split_heads(x[:1], H))
    yield hint(name, "one-head"), close(split(x, 1), x[None])
    for T, H, d in ((5, 5, 2), (2, 3, 7), (7, 2, 1)):
        x = random(T, H * d)
        yield hint(name, "other-sizes", T=T, H=H, d=d), close(split(x, H), split_heads(x, H))


# ---------------------------------------------------------------- 2


def _attention(
    x: Tensor,
    W_Q: Tensor,
    W_K: Tensor,
    W_V: Tensor,
    W_O: Tensor,
    H: int,
    mask: Tensor | None = None,
    *,
    divisor: float | None = None,
    axis: int = -1,
    cut_scores: Callable[[Tensor, int], Tensor] = split_heads,
    cut_values: Callable[[Tensor, int], Tensor] = split_heads,
    change: Callable[[Tensor], Tensor] = lambda weights: weights,
    merge: Callable[[Tensor], Tensor] = merge_heads,
) -> Tensor:
    """Self-attention of H heads, (T, D) → (T, D), right if nothing is given after ``mask``: then one slip is made."""
    query, key = cut_scores(x @ W_Q, H), cut_scores(x @ W_K, H)
    scores = query @ key.mT / (math.sqrt(W_Q.shape[-1] // H) if divisor is None else divisor)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return merge(change(scores.softmax(axis)) @ cut_values(x @ W_V, H)) @ W_O


def _multi_head(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, W_O: Tensor, H: int) -> Tensor:
    return _attention(x, W_Q, W_K, W_V, W_O, H)


def _matrices(D: int, H: int, d_k: int, d_v: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    sizes = (D, H * d_k), (D, H * d_k), (D, H * d_v), (H * d_v, D)
    return tuple(random(*size, seed=4 + i) for i, size in enumerate(sizes))


def _cut(cut: Callable[[Tensor, int], Tensor], **others: Callable) -> dict[str, Callable]:
    return {"cut_scores": cut, "cut_values": cut, **others}


def _ones(x: Tensor, W_V: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens and a matrix that make values of 1 for every token, in every head: each proper set of weights returns them."""
    constant = torch.zeros_like(W_V)
    constant[0] = 1
    return torch.cat([torch.ones_like(x[:, :1]), x[:, 1:]], dim=-1), constant


_T, _D, _H, _D_K, _D_V = 5, 7, 3, 4, 2
_SLIPS: list[tuple[str, dict]] = [
    ("no-scale", {"divisor": 1}),
    ("scale-model", {"divisor": math.sqrt(_D)}),
    ("scale-all", {"divisor": math.sqrt(_H * _D_K)}),
    ("scale-square", {"divisor": _D_K}),
    ("scale-value", {"divisor": math.sqrt(_D_V)}),
    ("over-heads", {"axis": 0}),
    ("over-queries", {"axis": -2}),
    ("unsplit", _cut(lambda x, H: x[None], merge=lambda z: z[0], divisor=math.sqrt(_D_K))),
    ("unsplit", _cut(lambda x, H: x[None], merge=lambda z: z[0], divisor=math.sqrt(_H * _D_K))),
    ("mixes", _cut(_mixed)),
    ("mixes", _cut(_mixed, merge=lambda z: z.reshape(_T, -1))),
    ("interleaved", _cut(_interleaved)),
    ("interleaved", _cut(_interleaved, merge=lambda z: z.permute(1, 2, 0).flatten(1))),
    ("interleaved", {"merge": lambda z: z.permute(1, 2, 0).flatten(1)}),
    ("merge", {"merge": lambda z: z.reshape(_T, -1)}),
    ("reversed", {"merge": lambda z: merge_heads(z.flip(0))}),
    ("averaged", {"merge": lambda z: z.mean(0).repeat(1, _H)}),
    ("averaged", {"merge": lambda z: z.sum(0).repeat(1, _H)}),
    ("same-weights", {"change": lambda weights: weights[:1].expand_as(weights)}),
    ("same-weights", {"change": lambda weights: weights.mean(0).expand_as(weights)}),
    ("causal", {"mask": causal_mask(_T)}),
]


@checker("multi-head", reference=_multi_head)
def _(multi_head) -> Verdicts:
    name = "multi-head"
    x, (W_Q, W_K, W_V, W_O) = random(_T, _D), _matrices(_D, _H, _D_K, _D_V)
    given = x, W_Q, W_K, W_V, W_O, _H
    out = multi_head(*given)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "per-head"), shape not in ((_H, _T, _D_V), (_T, _H, _D_V))
    yield hint(name, "no-output"), shape != (_T, _H * _D_V)
    yield hint(name, "summed"), shape != (_T, _D_V)
    yield hint(name, "shape", shape=shape, expected=(_T, _D)), shape == (_T, _D)
    for mistake, slip in _SLIPS:
        yield hint(name, mistake), not close(out, _attention(*given, **slip))
    # Values of 1 come back unchanged if each query's weights sum to 1 in each head, whatever the scores are.
    ones, constant = _ones(x, W_V)
    yield hint(name, "axis"), close(multi_head(ones, W_Q, W_K, constant, W_O, _H), (ones @ constant) @ W_O)
    # Zero queries weigh all tokens alike: what is wrong here is wrong with the values, the merge or W_O.
    alike = multi_head(x, torch.zeros_like(W_Q), W_K, W_V, W_O, _H)
    yield hint(name, "values"), close(alike, ((x @ W_V).mean(0) @ W_O).expand(_T, _D))
    yield hint(name, "scores"), close(out, _multi_head(*given))
    yield hint(name, "one-token"), close(multi_head(x[:1], *given[1:]), x[:1] @ W_V @ W_O)
    first = x, W_Q[:, :_D_K], W_K[:, :_D_K], W_V[:, :_D_V], W_O[:_D_V], 1
    yield hint(name, "one-head"), close(multi_head(*first), _multi_head(*first))
    large = multi_head(1e4 * x, *given[1:])
    yield hint(name, "overflow"), bool(large.isfinite().all())
    for T, D, H, d_k, d_v in ((4, 6, 2, 3, 3), (3, 5, 4, 2, 6)):
        other = random(T, D), *_matrices(D, H, d_k, d_v), H
        yield hint(name, "other-sizes", D=D, H=H, d_k=d_k, d_v=d_v), close(multi_head(*other), _multi_head(*other))


# ---------------------------------------------------------------- 3


def _share_keys(K: Tensor, H: int) -> Tensor:
    return K.repeat_interleave(H // len(K), dim=0)


@checker("share-keys", reference=_share_keys)
def _(share) -> Verdicts:
    name = "share-keys"
    few, T, d_k, H = 3, 4, 5, 6
    K = random(few, T, d_k)
    out = share(K, H)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "unchanged"), shape != (few, T, d_k)
    yield hint(name, "tokens"), shape not in ((few, T * H // few, d_k), (few, T * H, d_k))
    yield hint(name, "components"), shape not in ((few, T, d_k * H // few), (few, T, d_k * H))
    yield hint(name, "how-often", heads=shape[0]), shape not in ((few * few, T, d_k), (few * H, T, d_k))
    yield hint(name, "shape", shape=shape, expected=(H, T, d_k)), shape == (H, T, d_k)

    def of(*heads: int) -> Tensor:
        return K[list(heads)]

    yield hint(name, "in-turn"), not close(out, of(0, 1, 2, 0, 1, 2))
    yield hint(name, "group-size"), not close(out, of(0, 0, 0, 1, 1, 1))
    yield hint(name, "one-for-all"), not close(out, out[:1].expand_as(out))
    strange = next((h for h, keys in enumerate(out) if not any(close(keys, own) for own in K)), -1)
    yield hint(name, "no-head", h=strange), strange == -1
    yield hint(name, "order"), close(out, of(0, 0, 1, 1, 2, 2))
    yield hint(name, "own-keys"), close(share(K, few), K)
    yield hint(name, "multi-query"), close(share(K[:1], 4), K[:1].expand(4, T, d_k))
    for few, H in ((2, 8), (4, 12), (5, 10)):
        K = random(few, 1, d_k)
        yield hint(name, "other-sizes", few=few, H=H), close(share(K, H), _share_keys(K, H))


# ---------------------------------------------------------------- 4


def _cache_bytes(L: int, H: int, H_KV: int, d_k: int, T: int, bytes_per_number: int) -> int:
    return key_value_cache(L, H_KV, d_k, T, bytes_per_number=bytes_per_number)


@checker("cache-size", reference=_cache_bytes)
def _(cache_bytes) -> Verdicts:
    name = "cache-size"
    sizes = L, H, H_KV, d_k, T, number = 5, 35, 7, 11, 13, 3
    right = _cache_bytes(*sizes)
    out = cache_bytes(*sizes)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "number", kind=type(out).__name__), isinstance(out, Real) and not isinstance(out, bool)

    def is_(*candidates: float) -> bool:
        return any(math.isclose(out, candidate, rel_tol=1e-9) for candidate in candidates)

    yield hint(name, "unit"), not is_(*(right / unit**power for unit in (1000, 1024) for power in (1, 2, 3)))
    yield hint(name, "bits"), not is_(8 * right)
    yield hint(name, "numbers"), not is_(right // number)
    yield hint(name, "one-of-two"), not is_(right / 2)
    yield hint(name, "query-heads"), not is_(right * H // H_KV)
    yield hint(name, "both-heads"), not is_(right * H)
    yield hint(name, "queries-too"), not is_(1.5 * right, right * (H + 2 * H_KV) / (2 * H_KV))
    yield hint(name, "one-layer"), not is_(right / L)
    yield hint(name, "one-kv-head"), not is_(right / H_KV)
    yield hint(name, "weights"), not is_(right * T, L * H * T**2 * number, L * H_KV * T**2 * number)
    yield hint(name, "one-token"), not is_(right / T)
    yield hint(name, "key-squared"), not is_(right * d_k)
    yield hint(name, "no-size"), not is_(right / d_k)
    yield hint(name, "size-divided"), not is_(right / H, 0)
    # Whatever else it is: each number that matters makes the cache as many times larger as it is itself.
    for place, letter in enumerate(("L", "H", "H_KV", "d_k", "T", "bytes_per_number")):
        larger = cache_bytes(*(3 * size if i == place else size for i, size in enumerate(sizes)))
        if letter == "H":
            yield hint(name, "depends-on-h"), math.isclose(larger, out)
        else:
            yield hint(name, "proportional", letter=letter), math.isclose(larger, 3 * out)
    yield hint(name, "value"), is_(right)
    yield hint(name, "whole"), isinstance(out, Integral)
    for other in ((1, 1, 1, 1, 1, 1), (32, 32, 8, 128, 8191, 2)):
        yield hint(name, "other-sizes"), cache_bytes(*other) == _cache_bytes(*other)


# ---------------------------------------------------------------- 5


@checker("head-bug-hunt", reference=_attention)
def _(attention) -> Verdicts:
    name = "head-bug-hunt"
    x, (W_Q, W_K, W_V, W_O) = random(_T, _D), _matrices(_D, _H, _D_K, _D_V)
    given = x, W_Q, W_K, W_V, W_O, _H
    everything, causal = torch.ones(_T, _T, dtype=torch.bool), causal_mask(_T)
    out = attention(*given, everything)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "shape"), isinstance(out, Tensor) and tuple(out.shape) == (_T, _D)
    yield hint(name, "all-hidden"), bool(out.isfinite().all())

    # Values of 1 for all tokens and heads: neither a mixed split, nor the merge, nor the scale can be seen in the output.
    ones, constant = _ones(x, W_V)
    summed = (ones @ constant) @ W_O
    yield hint(name, "axis"), close(attention(ones, W_Q, W_K, constant, W_O, _H, everything), summed)
    # Zero queries weigh all tokens alike. If a token's value is one number in all components of all heads too, what is to be
    # merged is one number everywhere: whatever the merge does with it, only the split of the values can go wrong.
    zero, same = torch.zeros_like(W_Q), W_V[:, :1].expand_as(W_V).contiguous()
    means = ((x @ same).mean(0) @ W_O).expand(_T, _D)
    yield hint(name, "split"), close(attention(x, zero, W_K, same, W_O, _H, everything), means)
    # With values that differ from head to head the merge is all that is new.
    merged = attention(x, zero, W_K, W_V, W_O, _H, everything)
    yield hint(name, "merge-mixes"), close(merged, merged[:1].expand(_T, _D))
    yield hint(name, "merge-order"), close(merged, ((x @ W_V).mean(0) @ W_O).expand(_T, _D))
    yield hint(name, "all-hidden"), not close(out, merged)
    scales = {"scale-all": math.sqrt(_H * _D_K), "scale-model": math.sqrt(_D), "no-scale": 1, "scale-square": _D_K}
    for divisor in (None, *scales.values()):
        mixed = _attention(*given, divisor=divisor, cut_scores=_mixed)
        yield hint(name, "split-scores"), not close(out, mixed)
    for mistake, divisor in scales.items():
        yield hint(name, mistake), not close(out, _attention(*given, divisor=divisor))
    yield hint(name, "unmasked"), close(out, _attention(*given))

    masked = attention(*given, causal)
    yield hint(name, "mask-ignored"), not close(masked, out)
    leaks = attention(ones, W_Q, W_K, constant, W_O, _H, causal)
    yield hint(name, "mask-after"), close(leaks, summed)

    def leak(head: int) -> bool:
        """Whether the first token's output changes with the later ones when only this head's rows of W_O are not zero."""
        alone = torch.zeros_like(W_O)
        alone[head * _D_V : (head + 1) * _D_V] = W_O[head * _D_V : (head + 1) * _D_V]
        changed = torch.cat([x[:1], 2 - x[1:]])
        before, after = (attention(tokens, W_Q, W_K, W_V, alone, _H, causal)[0] for tokens in (x, changed))
        return not close(before, after)

    leaking = [head for head in range(_H) if leak(head)]
    yield hint(name, "mask-some", heads=", ".join(map(str, leaking))), len(leaking) in (0, _H)
    yield hint(name, "mask-leaks"), not leaking
    yield hint(name, "masked"), close(masked, _attention(*given, causal))
    padding = everything.clone()
    padding[:, 3:] = False
    yield hint(name, "own-mask"), close(attention(*given, padding), _attention(*given, padding))
    for T, D, H, d_k, d_v in ((4, 6, 2, 3, 3), (3, 5, 4, 2, 6), (6, 4, 1, 3, 2)):
        other = random(T, D), *_matrices(D, H, d_k, d_v), H, causal_mask(T)
        yield hint(name, "other-sizes", D=D, H=H, d_k=d_k, d_v=d_v), close(attention(*other), _attention(*other))
