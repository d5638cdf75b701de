"""Explorer 6, the heads viewer: where every query of every head of every layer looks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_lib.explorers.page import MAX_TOKENS, Explorer, table, words
from course_lib.language import say

__all__ = ["explore_heads"]

LEVELS = 254
"""A weight is stored as the nearest of the levels 0 … 254, so what is shown differs from it by 1/508 at most."""

MASKED = 255
"""The level of a cell that holds no weight at all."""

ROW_TOLERANCE = 1e-3
"""How far the sum of a row may be from 1: half-precision models are that inexact, a forgotten softmax is not."""

LISTED_KEYS = 3
"""Keys of a query that sentences and the static table name."""

SHOWN = 0.005
"""Smaller weights would be printed as 0.00."""

CIVIDIS = "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8c8878 9b9476 aba072 bcae6c cdbb63 dec958 f0d846 fee838"
"""matplotlib's colour map for all heatmaps of the course: red, green and blue at 17 places from 0 to 1."""


def explore_heads(
    weights: Any,
    tokens: Sequence[str],
    *,
    keys: Sequence[str] | None = None,
    layer: int = 0,
    head: int = 0,
    query: int = 0,
    shuffled: tuple[Any, Sequence[int]] | None = None,
    title: str | None = None,
) -> Explorer:
    """The attention weights of a model, to look through head by head and query by query.

    The learner chooses a layer, a head and a query and reads the weights of all keys as numbers; small maps show all
    heads at once. The weights are stored in 255 levels: each that is shown is within 1/508 of the true one.

    Args:
        weights: (layers, heads, T_q, T_k), an array or a tensor, or one array (heads, T_q, T_k) per layer; each row
            sums to 1, or is 0 throughout for a query that may look at nobody. A cell that is exactly 0 in every head
            of every layer is shown as masked.
        tokens: the T_q queries; at most 32.
        keys: the T_k keys, in cross-attention; by default they are the queries.
        layer, head, query: what is chosen at first, counted from 0 as in ``weights``.
        shuffled: the same model's weights for the same tokens in another order, and that order: ``order[i]`` is the
            place in ``tokens`` of the token that now stands at ``i``. Only in self-attention.
        title: a heading in place of the usual one.

    Raises:
        ValueError: if shapes and tokens do not fit, a weight is negative or not a number, a row does not sum to 1,
            there are more than 32 tokens, ``order`` is no permutation, or the block exceeds the size of an explorer.
        IndexError: if there is no such layer, head or query.
    """
    values = _checked(weights, len(tokens), len(tokens if keys is None else keys), "weights")
    for index, size, name in zip((layer, head, query), values.shape, ("layer", "head", "query"), strict=False):
        if not 0 <= index < size:
            raise IndexError(f"{name}={index}: there are {size}, counted from 0")
    rows, columns = ([_visible(token) for token in some] for some in (tokens, tokens if keys is None else keys))
    data: dict[str, Any] = {
        "colours": [list(bytes.fromhex(colour)) for colour in CIVIDIS.split()],
        "shape": list(values.shape),
        "start": [layer, head, query],
        "title": say("explorer.heads.title") if title is None else title,
        "tokens": rows,
        "keys": None if keys is None else columns,
        "words": words("heads"),
        "weights": _packed(values),
    }
    if shuffled is not None:
        if keys is not None:
            raise ValueError("shuffled= is for self-attention: with keys= there are two orders, not one")
        data["shuffled"] = _second(values, rows, *shuffled)
    return Explorer(
        "heads",
        data=data,
        label=data["title"],
        summary=_summary(values, rows, columns, layer, head, query),
        static=_static(values, rows, columns, layer, head),
        tokens=max(rows, columns, key=len),
    )


# ------------------------------------------------------------------------------------------------------- the weights


def _array(weights: Any) -> np.ndarray:
    """As float64; tensors are recognised by what they can do, so that torch need not be imported."""
    if isinstance(weights, (list, tuple)) and len(weights) and hasattr(weights[0], "shape"):
        layers = [_array(layer) for layer in weights]
        if len({layer.shape for layer in layers}) > 1:
            raise ValueError(f"the layers have different shapes: {[layer.shape for layer in layers]}")
        return np.stack(layers)
    if hasattr(weights, "detach"):
        weights = weights.detach().cpu().double().numpy()
    return np.asarray(weights, dtype=np.float64)


def _checked(weights: Any, rows: int, columns: int, name: str) -> np.ndarray:
    values = _array(weights)
    if values.ndim != 4 or 0 in values.shape:
        raise ValueError(f"{name} must have the shape (layers, heads, T_q, T_k), not {values.shape}")
    if values.shape[2:] != (rows, columns):
        raise ValueError(
            f"{name} of shape {values.shape} are for {values.shape[2]} queries and {values.shape[3]} keys, "
            f"but there are {rows} and {columns} tokens"
        )
    if max(rows, columns) > MAX_TOKENS:
        raise ValueError(f"{max(rows, columns)} tokens do not fit a screen: show {MAX_TOKENS} at most")
    if not np.isfinite(values).all():
        where = tuple(int(n) for n in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(
            f"{name}{list(where)} is not a number: softmax gives NaN for a query that may look at no key; use 0 there"
        )
    if (values < 0).any():
        where = tuple(int(n) for n in np.argwhere(values < 0)[0])
        raise ValueError(f"{name}{list(where)} is negative: these are scores, not weights; softmax comes first")
    sums = values.sum(-1)
    wrong = (np.abs(sums - 1) > ROW_TOLERANCE) & (sums != 0)
    if wrong.any():
        where = tuple(int(n) for n in np.argwhere(wrong)[0])
        raise ValueError(
            f"the row {name}{list(where)} sums to {sums[where]:.4f}, not 1: softmax goes along the last dimension"
        )
    return values


def _packed(values: np.ndarray) -> str:
    """The levels in base64, layer by layer, head by head, row by row."""
    levels = np.rint(np.minimum(values, 1) * LEVELS).astype(np.uint8)
    levels[..., (values == 0).all(axis=(0, 1))] = MASKED
    return base64.b64encode(levels.tobytes()).decode("ascii")


def _second(values: np.ndarray, tokens: Sequence[str], weights: Any, order: Sequence[int]) -> dict[str, Any]:
    """The second set of weights, the order, and for every head the largest change of a weight between two tokens."""
    order = [int(place) for place in order]
    if sorted(order) != list(range(len(tokens))):
        raise ValueError(f"the order must hold each of 0 … {len(tokens) - 1} once: {order}")
    other = _checked(weights, len(order), len(order), "shuffled weights")
    if other.shape != values.shape:
        raise ValueError(f"shuffled weights have the shape {other.shape}, the others {values.shape}")
    change = np.abs(other - values[:, :, order][:, :, :, order]).max(axis=(2, 3))
    return {
        "order": order,
        # Two digits: 0.43, 0.0034; what is nothing but rounding becomes 0.
        "change": [[float(f"{size:.2g}") if size >= 1e-4 else 0 for size in row] for row in change.tolist()],
        "tokens": [tokens[place] for place in order],
        "weights": _packed(other),
    }


# --------------------------------------------------------------------------------------------------------- the words

_SIGNS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"})


def _visible(token: str) -> str:
    """A token with its white space as signs: a tokenizer's pieces may consist of nothing else."""
    return str(token).translate(_SIGNS) or "∅"


def _named(tokens: Sequence[str], place: int) -> str:
    """A token in quotes, with its number where the same token stands in the sentence twice."""
    wording = "named" if tokens.count(tokens[place]) == 1 else "numbered"
    return say(f"explorer.heads.ui.{wording}", token=tokens[place], n=place + 1)


def _largest(keys: Sequence[str], row: np.ndarray) -> list[str]:
    """The keys with the largest weights, and these; of equal weights the first, and none that would be 0.00."""
    places = [place for place in np.argsort(-row, kind="stable")[:LISTED_KEYS].tolist() if row[place] >= SHOWN]
    return [f"{_named(keys, place)} {row[place]:.2f}" for place in places]


def _summary(values: np.ndarray, tokens: Sequence[str], keys: Sequence[str], layer: int, head: int, query: int) -> str:
    layers, heads, rows, columns = values.shape
    return say(
        "explorer.heads.summary",
        layers=layers,
        heads=heads,
        rows=rows,
        columns=columns,
        layer=layer + 1,
        head=head + 1,
        query=_named(tokens, query),
        keys=", ".join(_largest(keys, values[layer, head, query])) or say("explorer.heads.none"),
    )


def _static(values: np.ndarray, tokens: Sequence[str], keys: Sequence[str], layer: int, head: int) -> str:
    rows = []
    for place, row in enumerate(values[layer, head]):
        rows.append([_named(tokens, place), ", ".join(_largest(keys, row)) or say("explorer.heads.none")])
    heading = [say("explorer.heads.ui.query"), say("explorer.heads.keys")]
    return table(say("explorer.heads.table", layer=layer + 1, head=head + 1), heading, rows)
