"""Normalisation: one definition of each kind that lesson 06 builds or compares.

Shapes use the course's letters: B sequences in a batch, T tokens, D the size of a token's vector, which stands on the last
axis. Leading dimensions are written ``...``. Variances are *biased*, the sum of squares divided by the number of values
and not by one less: the values are not a sample, they are all there is. ε is added to the variance, inside the root.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor, nn

EPS = 1e-5
"""ε by default: in PyTorch's LayerNorm and BatchNorm and in GPT-2 (BERT: 1e-12), in the RMSNorm of Llama 2 and 3."""


def layer_norm(x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, eps: float = EPS) -> Tensor:
    """(x − mean) / √(variance + ε) · γ + β, with the mean and the variance over the features of each token.

    Ba, Kiros & Hinton 2016, "Layer Normalization", section 3; γ and β are their gain and bias.

    Args:
        x: (..., D).
        gamma: (D,), the factor of each feature; 1 by default.
        beta: (D,), the shift of each feature; 0 by default.
        eps: ε > 0: a token whose features are all equal has no variance to divide by.

    Returns:
        (..., D). Without γ and β each token's features have mean 0 and variance σ² / (σ² + ε), all but 1.

    Raises:
        ValueError: if γ or β does not have one number per feature.
    """
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    return _rescale(centred / (variance + eps).sqrt(), gamma, beta)


def rms_norm(x: Tensor, gamma: Tensor | None = None, eps: float = EPS) -> Tensor:
    """x / √(mean of x² + ε) · γ, with the mean over the features of each token: LayerNorm that neither centres nor shifts.

    Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", section 4, equation 4 (there without ε).

    Args:
        x: (..., D).
        gamma: (D,), the factor of each feature; 1 by default.
        eps: ε > 0.

    Returns:
        (..., D).

    Raises:
        ValueError: if γ does not have one number per feature.
    """
    return _rescale(x / (x.square().mean(-1, keepdim=True) + eps).sqrt(), gamma, None)


def batch_norm(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    eps: float = EPS,
    *,
    mask: Tensor | None = None,
    running: tuple[Tensor, Tensor] | None = None,
    training: bool = True,
    momentum: float = 0.1,
) -> Tensor:
    """(x − mean) / √(variance + ε) · γ + β, with the mean and the variance of each feature over all tokens of the batch.

    Ioffe & Szegedy 2015, "Batch Normalization", section 3, algorithms 1 and 2. What a token becomes depends on the other
    tokens of its batch in training, and on none of them in inference, where the running mean and variance stand in.
    ``nn.BatchNorm1d`` keeps the features on axis 1; here they are on the last axis, as everywhere in the course.

    Args:
        x: (..., D): (B, D) or (B, T, D).
        gamma: (D,), the factor of each feature; 1 by default.
        beta: (D,), the shift of each feature; 0 by default.
        eps: ε > 0.
        mask: boolean, the shape of ``x`` without its last axis; True = a token that counts. Padding is normalised like
            the rest but has no part in the mean and the variance. By default every token counts, padding too, as in
            PyTorch. In inference the mask changes nothing.
        running: running mean (D,) and variance (D,), used in inference; in training moved in place towards those of the
            batch by the share ``momentum``, the variance towards the *unbiased* one, as in algorithm 2 and in PyTorch:
            here the batch is a sample of all data.
        training: whether to normalise by the batch or by ``running``.
        momentum: 0 … 1.

    Returns:
        of the shape of ``x``.

    Raises:
        ValueError: if γ, β or ``running`` does not have one number per feature, the mask does not fit, fewer than two
            tokens count in training, or there is nothing to normalise by in inference.
    """
    if running is not None:
        for name, values in zip(("mean", "variance"), running, strict=True):
            _one_per_feature(f"the running {name}", values, x)
    if training:
        mean, variance = _batch_statistics(x, mask, running, momentum)
    elif running is None:
        raise ValueError("in inference BatchNorm needs a running mean and variance")
    else:
        mean, variance = running
    return _rescale((x - mean) / (variance + eps).sqrt(), gamma, beta)


def _batch_statistics(
    x: Tensor, mask: Tensor | None, running: tuple[Tensor, Tensor] | None, momentum: float
) -> tuple[Tensor, Tensor]:
    if mask is not None and (mask.dtype != torch.bool or mask.shape != x.shape[:-1]):
        raise ValueError(
            f"the mask must be boolean (True = counts) of shape {tuple(x.shape[:-1])}, one value per token, "
            f"not {mask.dtype} of shape {tuple(mask.shape)}"
        )
    tokens = x.reshape(-1, x.shape[-1]) if mask is None else x[mask]  # (tokens, D)
    count = len(tokens)
    if count < 2:
        raise ValueError(f"BatchNorm needs two tokens or more to have a variance in training, not {count}")
    mean = tokens.mean(0)
    variance = (tokens - mean).square().mean(0)
    if running is not None:
        with torch.no_grad():
            running[0].lerp_(mean, momentum)
            running[1].lerp_(variance * count / (count - 1), momentum)
    return mean, variance


def _one_per_feature(name: str, values: Tensor, x: Tensor) -> None:
    # Without this check, vectors of size 1 would be broadcast without a word.
    if values.shape != x.shape[-1:]:
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}, the vectors have size {x.shape[-1]}: one per feature"
        )


def _rescale(x: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    if gamma is not None:
        _one_per_feature("gamma", gamma, x)
        x = x * gamma
    if beta is not None:
        _one_per_feature("beta", beta, x)
        x = x + beta
    return x


# --------------------------------------------------------------------------------------------------------- modules


class LayerNorm(nn.Module):
    """:func:`layer_norm` with learned γ and β, which begin at 1 and 0.

    Args:
        d: D.
        eps: ε.
        bias: whether there is a β.
        dtype: of γ and β.

    Attributes:
        gamma: (D,).
        beta: (D,); None without ``bias``.
    """

    def __init__(self, d: int, eps: float = EPS, *, bias: bool = True, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(d, dtype=dtype))
        self.register_parameter("beta", nn.Parameter(torch.zeros(d, dtype=dtype)) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D) → (..., D).

        Raises:
            ValueError: if the vectors do not have size D.
        """
        return layer_norm(x, self.gamma, self.beta, self.eps)

    @classmethod
    def from_torch(cls, layer: nn.LayerNorm) -> Self:
        """The same function as PyTorch's layer computes, with copies of its weights.

        Raises:
            ValueError: if it is no ``nn.LayerNorm``, normalises over several axes, or has no weights.
        """
        gamma = _weight(layer, nn.LayerNorm)
        own = cls(len(gamma), layer.eps, bias=layer.bias is not None, dtype=gamma.dtype)
        with torch.no_grad():
            own.gamma.copy_(gamma)
            if layer.bias is not None:
                own.beta.copy_(layer.bias)
        return own

    def to_torch(self) -> nn.LayerNorm:
        """PyTorch's layer with copies of these weights."""
        layer = nn.LayerNorm(len(self.gamma), self.eps, bias=self.beta is not None, dtype=self.gamma.dtype)
        with torch.no_grad():
            layer.weight.copy_(self.gamma)
            if self.beta is not None:
                layer.bias.copy_(self.beta)
        return layer


class RMSNorm(nn.Module):
    """:func:`rms_norm` with learned γ, which begins at 1.

    Args:
        d: D.
        eps: ε.
        dtype: of γ.

    Attributes:
        gamma: (D,).
    """

    def __init__(self, d: int, eps: float = EPS, *, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(d, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D) → (..., D).

        Raises:
            ValueError: if the vectors do not have size D.
        """
        return rms_norm(x, self.gamma, self.eps)

    @classmethod
    def from_torch(cls, layer: nn.RMSNorm) -> Self:
        """The same function as PyTorch's layer computes, with copies of its weights.

        Where PyTorch's ε is None, which stands for the smallest step of the type it computes in, ours is that number.

        Raises:
            ValueError: if it is no ``nn.RMSNorm``, normalises over several axes, or has no weights.
        """
        gamma = _weight(layer, nn.RMSNorm)
        smallest = torch.finfo(torch.promote_types(gamma.dtype, torch.float32)).eps
        own = cls(len(gamma), smallest if layer.eps is None else layer.eps, dtype=gamma.dtype)
        with torch.no_grad():
            own.gamma.copy_(gamma)
        return own

    def to_torch(self) -> nn.RMSNorm:
        """PyTorch's layer with copies of these weights."""
        layer = nn.RMSNorm(len(self.gamma), self.eps, dtype=self.gamma.dtype)
        with torch.no_grad():
            layer.weight.copy_(self.gamma)
        return layer


def _weight(layer: nn.Module, expected: type[nn.Module]) -> Tensor:
    """γ (D,) of a layer of PyTorch's."""
    if type(layer) is not expected:
        raise ValueError(f"a {expected.__name__} of PyTorch's was expected, not {type(layer).__name__}")
    if len(layer.normalized_shape) != 1:
        raise ValueError(f"here a token's features stand on one axis, not on {len(layer.normalized_shape)}")
    if layer.weight is None:
        raise ValueError("a layer with elementwise_affine=False has no counterpart here: use the function")
    return layer.weight


Normalisation = Literal["layer", "rms"]


def normalisation_layer(
    kind: Normalisation, d_model: int, eps: float, bias: bool, dtype: torch.dtype
) -> LayerNorm | RMSNorm:
    """The normalisation of a block by its name; RMSNorm has no bias, whatever ``bias`` says.

    Raises:
        ValueError: for an unknown name.
    """
    if kind == "layer":
        return LayerNorm(d_model, eps, bias=bias, dtype=dtype)
    if kind == "rms":
        return RMSNorm(d_model, eps, dtype=dtype)
    raise ValueError(f"unknown normalisation {kind!r}: use 'layer' or 'rms'")
