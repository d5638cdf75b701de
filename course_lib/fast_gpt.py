"""The function of :class:`course_lib.gpt.GPT`, from the same parameters, computed in less time on a processor (CPU).

The clear version teaches, the fast one passes the same tests. What it does otherwise:

- queries, keys and values of all heads are one matrix product, the scores of all heads and texts another one, into which the
  causal mask goes as its additive input: 0 where a token may look, −∞ where it may not;
- a product with its bias, LayerNorm and GELU are one operation each instead of several, so that fewer intermediate results
  are written to memory and kept for the gradients; attention weights are not handed out;
- writing reads the weights out of the modules once, and has room for all keys and values from the start.

Shapes use the course's letters: B texts, T tokens, D the size of a token's vector, H heads, L blocks, n_vocab tokens in the
vocabulary. Inside, the tokens of all texts stand below one another, (B·T, D).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.gpt import GPT
from course_lib.normalisation import LayerNorm

Mode = Literal["exact", "medium", "bf16"]

_ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "gelu_tanh": partial(F.gelu, approximate="tanh")}
_Affine = tuple[Tensor, Tensor | None]
"""A matrix, applied on the right, and its bias."""


class _Block(NamedTuple):
    """What a block computes with; ``project`` has W_Q, W_K and W_V side by side, (D, 3·H·d_k)."""

    heads: int
    d_k: int
    norm_1: LayerNorm
    project: _Affine
    join: _Affine
    norm_2: LayerNorm
    widen: _Affine
    narrow: _Affine
    activation: Callable[[Tensor], Tensor]


def _read(model: GPT) -> list[_Block]:
    """The weights of all blocks; gradients flow back through ``project`` into its three parts.

    Raises:
        ValueError: if a part of the model has no fast counterpart.
    """
    _require(type(model.stack.norm) is LayerNorm, "a last LayerNorm")
    read = []
    for block in model.stack.blocks:
        own, wide = block.attention, block.feed_forward
        _require(block.norm == "pre" and block.residual, "the order 'pre' and residual connections")
        _require({type(block.norm_1), type(block.norm_2)} == {LayerNorm}, "LayerNorm")
        _require(own.kv_heads == own.heads and own.d_v == own.d_k, "H = H_KV and d_k = d_v")
        _require(wide.activation in _ACTIVATIONS, f"the activations {', '.join(_ACTIVATIONS)}")
        bias = None if own.b_Q is None else torch.cat([own.b_Q, own.b_K, own.b_V])
        first = own.heads, own.d_k, block.norm_1, (torch.cat([own.W_Q, own.W_K, own.W_V], dim=1), bias)
        second = block.norm_2, (wide.W_1, wide.b_1), (wide.W_2, wide.b_2), _ACTIVATIONS[wide.activation]
        read.append(_Block(*first, (own.W_O, own.b_O), *second))
    return read


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(f"the fast GPT is made for {what}: use the model itself")


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x @ weight if bias is None else torch.addmm(bias, x, weight)


def _normalised(x: Tensor, norm: LayerNorm) -> Tensor:
    return F.layer_norm(x, norm.gamma.shape, norm.gamma, norm.beta, norm.eps)


def _embedded(model: GPT, ids: Tensor, start: int) -> Tensor:
    stop = start + ids.shape[-1]
    if stop > model.longest:
        raise ValueError(f"a text of {stop} tokens, but there are {model.longest} positions")
    return (F.embedding(ids, model.embedding) + model.positions[start:stop]).flatten(0, 1)


def _causal(length: int, like: Tensor) -> Tensor:
    """(T, T), to be added to the scores. Of a single new token, which sees everything, it is one 0."""
    return like.new_full((length, length), -math.inf).triu(1)


def _through(
    blocks: list[_Block], x: Tensor, shape: torch.Size, mask: Tensor, cache: Tensor | None = None, start: int = 0
) -> Tensor:
    """The vectors (B·T, D) after all blocks, from x (B·T, D) and the shape (B, T).

    The mask, broadcastable to (B·H, T, start + T), is added to the scores. In the cache (L, 2, B·H, longest, d_k) are the
    keys and values of ``start`` earlier tokens; those of x go into it.
    """
    batch, length = shape
    stop = start + length
    for number, block in enumerate(blocks):
        heads, d_k = block.heads, block.d_k
        parts = _affine(_normalised(x, block.norm_1), *block.project).view(batch, length, 3, heads, d_k)
        parts = parts.permute(2, 0, 3, 1, 4).reshape(3, batch * heads, length, d_k)
        query, key, value = parts.unbind()
        if cache is not None:
            cache[number, :, :, start:stop] = parts[1:]
            key, value = cache[number, :, :, :stop].unbind()
        weights = torch.baddbmm(mask, query, key.mT, alpha=1 / math.sqrt(d_k)).softmax(dim=-1)
        z = torch.bmm(weights, value).view(batch, heads, length, d_k).transpose(1, 2).reshape(-1, heads * d_k)
        x = x + _affine(z, *block.join)
        x = x + _affine(block.activation(_affine(_normalised(x, block.norm_2), *block.widen)), *block.narrow)
    return x


# ----------------------------------------------------------------------------------------------------------- training


def logits(model: GPT, ids: Tensor) -> Tensor:
    """What ``model(ids)`` gives, with gradients that flow into the model's own parameters: ids (B, T) → (B, T, n_vocab).

    Raises:
        ValueError: if the text is longer than the table of positions, or a part of the model has no fast counterpart.
    """
    x = _embedded(model, ids, 0)
    x = _through(_read(model), x, ids.shape, _causal(ids.shape[1], x))
    return F.linear(_normalised(x, model.stack.norm), model.embedding).unflatten(0, ids.shape)


def loss(model: GPT, ids: Tensor, ignore: int = -100) -> Tensor:
    """The mean cross-entropy of a token given those before it, in nats: every row's first token is given.

    Args:
        model, ids: a GPT and its texts, (B, T + 1).
        ignore: a token that is not to be predicted, as padding.

    Raises:
        ValueError: as :func:`logits`.
    """
    return F.cross_entropy(logits(model, ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), ignore_index=ignore)


# ------------------------------------------------------------------------------------------------------------ writing


def generate(model: GPT, prompt: Tensor, count: int, stop: int | None = None) -> Tensor:
    """What ``model.generate(prompt, count, stop=stop)`` gives: the most probable token, again and again.

    Args:
        model, prompt: a GPT and (B, T), one token or more.
        count: how many tokens are written at most.
        stop: a token after which a text is finished; the rest of its row is filled with it.

    Returns:
        the new tokens (B, at most ``count``): fewer if all texts are finished.

    Raises:
        ValueError: if there is no prompt; as :func:`logits`.
    """
    if prompt.shape[-1] < 1:
        raise ValueError("there is nothing to continue: give one token at least")
    with torch.inference_mode():
        written = _written(model, prompt, count, stop)
    return written.clone()  # a tensor made in there could not be learned from


def _written(model: GPT, prompt: Tensor, count: int, stop: int | None) -> Tensor:
    blocks = _read(model)
    batch, length = prompt.shape
    room = (len(blocks), 2, batch * blocks[0].heads, length + count, blocks[0].d_k)
    cache, start = model.embedding.new_empty(room), 0
    mask, single = _causal(length, cache), _causal(1, cache)
    written = prompt.new_empty(batch, count)
    finished = torch.zeros(batch, dtype=torch.bool, device=prompt.device)
    new = prompt
    for place in range(count):
        x = _through(blocks, _embedded(model, new, start), new.shape, mask, cache, start)
        last = _normalised(x.view(batch, -1, x.shape[-1])[:, -1], model.stack.norm)
        following = F.linear(last, model.embedding).argmax(dim=-1)
        if stop is not None:
            following = torch.where(finished, stop, following)
            finished = following == stop
        written[:, place] = following
        if stop is not None and finished.all():
            return written[:, : place + 1]
        start, new, mask = start + new.shape[1], following[:, None], single
    return written


# ---------------------------------------------------------------------------------------------------------- precision


@contextmanager
def precision(*modes: Mode) -> Iterator[None]:
    """How exactly float32 models compute within; what held before holds again afterwards. float64 is never reduced.

    - "exact", or nothing: float32 throughout.
    - "medium": PyTorch may round the factors of products of float32 matrices to bfloat16 (8 significant bits), whose results
      are float32. Whether it does, and whether that is faster, is up to the processor. The gradients' products are meant,
      too: call ``backward`` within.
    - "bf16": automatic mixed precision (Micikevicius et al. 2018, "Mixed Precision Training", section 3, there with float16).
      The factors and the results of all matrix products are rounded to bfloat16, and what is computed of them before the
      next sum: queries, keys, values, attention weights, the feed-forward layer's hidden vectors, the logits. The parameters
      and their gradients, the residual sums, LayerNorm and the cross-entropy stay in float32.

    "medium" and "bf16" go together.

    Raises:
        ValueError: for an unknown mode, or "exact" beside another one.
    """
    if unknown := set(modes) - set(get_args(Mode)):
        raise ValueError(f"unknown mode {', '.join(map(repr, unknown))}: use one of {', '.join(get_args(Mode))}")
    if "exact" in modes and set(modes) != {"exact"}:
        raise ValueError("a computation is exact or it is not: give no mode beside 'exact'")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if "medium" in modes else "highest")
    try:
        # PyTorch would remember the rounded weights, even over a step of the optimiser; here each is used only once.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled="bf16" in modes, cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@torch.no_grad()
def error(model: GPT, ids: Tensor, *modes: Mode) -> tuple[float, float]:
    """What reduced precision costs: the largest error of a logit, and the error of the loss, both without their sign.

    Args:
        model, ids: a GPT with float32 weights, and texts (B, T + 1) as for :func:`loss`.
        modes: see :func:`precision`; compared with "exact".

    Raises:
        ValueError: if the weights are not float32; as :func:`logits` and :func:`precision`.
    """
    if model.embedding.dtype != torch.float32:
        raise ValueError(f"the precision of float32 models is reduced, not that of {model.embedding.dtype}")

    def computed(*modes: Mode) -> tuple[Tensor, Tensor]:
        with precision(*modes):
            return logits(model, ids[:, :-1]).float(), loss(model, ids)

    (exact, exact_loss), (rough, rough_loss) = computed("exact"), computed(*modes)
    return float((rough - exact).abs().max()), abs(float(rough_loss - exact_loss))
