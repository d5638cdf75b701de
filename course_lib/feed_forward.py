"""The feed-forward layer: the one definition of what lesson 06 builds, with its activation functions.

Vaswani et al. 2017, "Attention Is All You Need", section 3.3. Shapes use the course's letters: T tokens, D the size of a
token's vector, d_ff the size of the hidden vector. Leading dimensions (a batch, tokens) are written ``...``: every token
goes through the layer by itself.
"""

from __future__ import annotations

import math
from typing import Literal, Self, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.multi_head import affine

Activation = Literal["relu", "gelu", "gelu_tanh", "swiglu"]


def gelu(x: Tensor) -> Tensor:
    """x Φ(x), where Φ(x) = (1 + erf(x / √2)) / 2 is the share of a standard normal distribution below x.

    Hendrycks & Gimpel 2016, "Gaussian Error Linear Units (GELUs)", section 2. BERT's activation function.
    """
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def gelu_tanh(x: Tensor) -> Tensor:
    """x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, which stays within 0.0005 of :func:`gelu`. GPT-2's activation function.

    Hendrycks & Gimpel 2016, section 2.
    """
    return x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def silu(x: Tensor) -> Tensor:
    """x σ(x) with σ the sigmoid: the gate of SwiGLU, also called Swish.

    Hendrycks & Gimpel 2016, section 2; Ramachandran, Zoph & Le 2017, "Searching for Activation Functions", with β = 1.
    """
    return x * torch.sigmoid(x)


class FeedForward(nn.Module):
    """FFN(x) = f(x W_1 + b_1) W_2 + b_2: widens each token's vector, bends it, narrows it back.

    Vaswani et al. 2017, section 3.3, equation 2, with f = ReLU. As SwiGLU it has three matrices,
    (silu(x W_1 + b_1) ⊙ (x W_3 + b_3)) W_2 + b_2: Shazeer 2020, "GLU Variants Improve Transformer", equation 6, without
    biases. W_1 is the gate (Shazeer's W, Llama's ``gate_proj``), W_3 makes what the gate lets through (V, ``up_proj``), W_2
    leads back (``down_proj``).

    The matrices are applied on the right, ``x @ W_1``; ``nn.Linear`` stores the transpose.

    Args:
        d_model: D.
        d_ff: the size of the hidden vector; 4D by default. SwiGLU then has half as many weights again as the others;
            Shazeer makes d_ff a third smaller, 8D/3, so that their numbers are equal.
        activation: f: "relu", "gelu", its approximation "gelu_tanh"; or "swiglu".
        bias: whether there are b_1, b_2 (and b_3).
        generator: source of the initial weights, drawn in float64 with standard deviation 1/√(number of rows); biases
            begin at 0.
        dtype: of the weights.

    Attributes:
        W_1: (D, d_ff); W_2: (d_ff, D); W_3: (D, d_ff), None unless SwiGLU.
        b_1, b_2, b_3: of size d_ff, D, d_ff; None without ``bias``, b_3 None unless SwiGLU.

    Raises:
        ValueError: if the activation is unknown or a size less than 1.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int | None = None,
        activation: Activation = "relu",
        *,
        bias: bool = True,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        d_ff = 4 * d_model if d_ff is None else d_ff
        if activation not in get_args(Activation):
            raise ValueError(f"unknown activation {activation!r}: use one of {', '.join(get_args(Activation))}")
        if d_model < 1 or d_ff < 1:
            raise ValueError(f"D and d_ff must be 1 or more, not {d_model} and {d_ff}")
        self.d_model, self.d_ff, self.activation = d_model, d_ff, activation
        for name, rows, columns in (("1", d_model, d_ff), ("2", d_ff, d_model), ("3", d_model, d_ff)):
            weight = vector = None
            if name != "3" or activation == "swiglu":
                drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float64) / math.sqrt(rows)
                weight = nn.Parameter(drawn.to(dtype))
                vector = nn.Parameter(torch.zeros(columns, dtype=dtype)) if bias else None
            self.register_parameter(f"W_{name}", weight)
            self.register_parameter(f"b_{name}", vector)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D) → (..., D).

        Raises:
            ValueError: if the vectors do not have size D.
        """
        return affine(self.hidden(x), self.W_2, self.b_2)

    def hidden(self, x: Tensor) -> Tensor:
        """The hidden vectors (..., d_ff): how much of each row of ``W_2`` goes into a token's output.

        Raises:
            ValueError: if the vectors do not have size D.
        """
        if x.shape[-1] != self.d_model:
            raise ValueError(f"the vectors have size {x.shape[-1]}, W_1 expects D = {self.d_model}")
        wide = affine(x, self.W_1, self.b_1)
        if self.activation == "swiglu":
            return silu(wide) * affine(x, self.W_3, self.b_3)
        return {"relu": torch.relu, "gelu": gelu, "gelu_tanh": gelu_tanh}[self.activation](wide)

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch_layer(cls, layer: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> Self:
        """The feed-forward part of one of PyTorch's layers, without dropout, with copies of its weights.

        Raises:
            ValueError: as :meth:`from_torch`.
        """
        # PyTorch keeps a function where it was given a name.
        middle = {F.relu: nn.ReLU(), F.gelu: nn.GELU()}.get(layer.activation, layer.activation)
        if not isinstance(middle, nn.Module):
            raise ValueError(f"the activation must be ReLU or GELU, not {middle.__name__}")
        return cls.from_torch(nn.Sequential(layer.linear1, middle, layer.linear2))

    @classmethod
    def from_torch(cls, layers: nn.Sequential) -> Self:
        """The same function as ``nn.Sequential(nn.Linear, nn.ReLU or nn.GELU, nn.Linear)``, with copies of its weights.

        Raises:
            ValueError: if the layers are others, or do not lead from vectors of one size back to it.
        """
        kinds = [type(layer) for layer in layers]
        if len(kinds) != 3 or kinds[0] is not nn.Linear or kinds[2] is not nn.Linear:
            raise ValueError(f"a linear layer, an activation and a linear layer were expected, not {_named(kinds)}")
        first, middle, second = layers
        if kinds[1] is nn.ReLU:
            activation = "relu"
        elif kinds[1] is nn.GELU:
            activation = "gelu" if middle.approximate == "none" else "gelu_tanh"
        else:
            raise ValueError(f"the activation must be ReLU or GELU, not {_named(kinds[1:2])}")
        if (second.in_features, second.out_features) != (first.out_features, first.in_features):
            raise ValueError(
                f"the second layer must lead back, from {first.out_features} to {first.in_features} features, "
                f"not from {second.in_features} to {second.out_features}"
            )
        if (first.bias is None) != (second.bias is None):
            raise ValueError("either both linear layers have a bias, or neither")
        bias = first.bias is not None
        own = cls(first.in_features, first.out_features, activation, bias=bias, dtype=first.weight.dtype)
        with torch.no_grad():
            for name, layer in (("1", first), ("2", second)):
                getattr(own, f"W_{name}").copy_(layer.weight.T)
                if bias:
                    getattr(own, f"b_{name}").copy_(layer.bias)
        return own

    def to_torch(self) -> nn.Sequential:
        """``nn.Sequential(nn.Linear, nn.ReLU or nn.GELU, nn.Linear)`` with copies of these weights.

        Raises:
            ValueError: for SwiGLU, which is no sequence of layers.
        """
        if self.activation == "swiglu":
            raise ValueError("SwiGLU multiplies two linear layers: it is no sequence of PyTorch's layers")
        linear = []
        for weight, vector in ((self.W_1, self.b_1), (self.W_2, self.b_2)):
            layer = nn.Linear(*weight.shape, bias=vector is not None, dtype=weight.dtype)
            with torch.no_grad():
                layer.weight.copy_(weight.T)
                if vector is not None:
                    layer.bias.copy_(vector)
            linear.append(layer)
        middle = {"relu": nn.ReLU(), "gelu": nn.GELU(), "gelu_tanh": nn.GELU(approximate="tanh")}[self.activation]
        return nn.Sequential(linear[0], middle, linear[1])


def _named(kinds: list[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds) or "nothing"
