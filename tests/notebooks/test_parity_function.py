"""``parity`` catches each kind of wrong implementation, and refuses comparisons that would prove nothing."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.language import use_language
from course_lib.parity import parity


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


Q, K, V = randn(2, 3, 4), randn(2, 5, 4, seed=1), randn(2, 5, 6, seed=2)


def attention(q, k, v):
    return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v


def test_what_agrees_prints_one_line_with_the_limits_only(capsys):
    parity("F.scaled_dot_product_attention", attention, F.scaled_dot_product_attention, Q, K, V)
    parity("F.gelu", lambda x: x * 0.5 * (1 + torch.erf(x / 2**0.5)), F.gelu, randn(5), tolerance=1e-12)
    use_language("ru")
    parity("F.gelu", lambda x: x * 0.5 * (1 + torch.erf(x / 2**0.5)), F.gelu, randn(5))
    use_language("en")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all(line.count("≤") == 2 for line in lines)
    three, one, russian = (re.findall(r"\d+(?:e-\d+)?", line) for line in lines)
    assert sorted(three) == ["1e-10", "1e-10", "3"] and "F.scaled_dot_product_attention" in lines[0]
    assert sorted(one) == ["1", "1e-12", "1e-12"] and "gradient ≤" in lines[1]
    assert sorted(russian) == ["1", "1e-10", "1e-10"] and "градиент" in lines[2]


class WrongGradient(torch.autograd.Function):
    """The right output; the gradient twice as large."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


WRONG = {
    "another output": (lambda q, k, v: (q @ k.transpose(-1, -2)).softmax(-1) @ v, "differs by"),
    "a wrong gradient of one input": (
        lambda q, k, v: attention(q, WrongGradient.apply(k), v),
        "gradient of input 1 differs",
    ),
    "no gradient of one input": (lambda q, k, v: attention(q.detach(), k, v), "gradient of input 0 differs"),
    "a little off": (lambda q, k, v: attention(q, k, v) + 1e-9, "output differs by 1.00e-09, allowed 1e-10"),
    "one element off": (lambda q, k, v: attention(q, k, v) + 1e-6 * F.one_hot(torch.tensor(3), 6), "output differs"),
    "another shape": (lambda q, k, v: attention(q, k, v)[:, :1], "shapes"),
    "float32 inside": (lambda q, k, v: attention(q.float(), k.float(), v.float()), "float32"),
    "rounded by float32": (lambda q, k, v: attention(q, k, v.float().double()), "differs"),
    "not a number": (lambda q, k, v: attention(q, k, v) * float("nan"), "not finite"),
    "an infinity": (lambda q, k, v: attention(q, k, v).index_fill(2, torch.tensor(0), float("inf")), "not finite"),
    "no tensor": (lambda q, k, v: 1, "int"),
    "nothing": (lambda q, k, v: (None,), "no tensor"),
    "two outputs": (lambda q, k, v: (attention(q, k, v), q), "2 outputs and 1"),
    "no gradient at all": (lambda q, k, v: attention(q, k, v).detach(), "no gradient flows"),
}


@pytest.mark.parametrize("mine,says", WRONG.values(), ids=WRONG)
def test_what_differs_raises_and_prints_nothing(mine, says, capsys):
    with pytest.raises((AssertionError, TypeError), match=says):
        parity("attention", mine, F.scaled_dot_product_attention, Q, K, V)
    assert capsys.readouterr().out == ""


VOID = {
    "the same object": (attention, attention, (Q, K, V), "same object"),
    "float32": (
        attention,
        F.scaled_dot_product_attention,
        (Q.float(), K.float(), V.float()),
        "input 0 is torch.float32",
    ),
    "zeros": (lambda x: x * 0.0, lambda x: 0.0 * x, (Q,), "all but zero"),
    "almost zeros": (lambda x: x * 1e-9, lambda x: 1e-9 * x, (Q,), "all but zero"),
    "an input that nobody uses": (lambda x, y: x + 1, lambda x, y: 1 + x, (Q, K), "gradient of input 1: neither side"),
    "gradients that vanish": (
        lambda x: x.sign() + 0 * x,
        lambda x: x.sign() - 0 * x,
        (Q,),
        "gradients are all but zero",
    ),
}


@pytest.mark.parametrize("mine,reference,inputs,says", VOID.values(), ids=VOID)
def test_a_comparison_that_proves_nothing_is_refused(mine, reference, inputs, says):
    with pytest.raises(AssertionError, match=says):
        parity("x", mine, reference, *inputs)


def test_masks_and_other_arguments_are_passed_on(capsys):
    mask = torch.ones(3, 5, dtype=torch.bool).tril(2)

    def mine(q, k, v, mask):
        return (q @ k.transpose(-1, -2) / 2).masked_fill(~mask, float("-inf")).softmax(-1) @ v

    parity("with mask", mine, F.scaled_dot_product_attention, Q, K, V, mask)
    assert "3" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="differs"):
        parity("mask ignored", lambda q, k, v, mask: attention(q, k, v), F.scaled_dot_product_attention, Q, K, V, mask)


def test_inputs_are_left_alone():
    before = [x.clone() for x in (Q, K, V)]
    parity("x", attention, F.scaled_dot_product_attention, Q, K, V)
    assert all(
        torch.equal(a, b) and b.grad is None and not b.requires_grad for a, b in zip(before, (Q, K, V), strict=True)
    )


@pytest.fixture
def layers():
    """A multi-head layer of one head, and our own matrices with its values in another layout."""
    layer = nn.MultiheadAttention(4, 1, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for n, p in enumerate(layer.parameters()):
            p.copy_(randn(*p.shape, seed=n))
    matrices = [nn.Parameter(layer.in_proj_weight.detach()[4 * n : 4 * n + 4].T.clone()) for n in range(3)]
    layouts = [lambda w: w[:4].T, lambda w: w[4:8].T, lambda w: w[8:].T]
    pairs = [(m, layer.in_proj_weight, f) for m, f in zip(matrices, layouts, strict=True)]

    def mine(x):
        q, k, v = (x @ m + b for m, b in zip(matrices, layer.in_proj_bias.chunk(3), strict=True))
        return attention(q, k, v) @ layer.out_proj.weight.T + layer.out_proj.bias

    return mine, lambda x: layer(x, x, x, need_weights=False), matrices, pairs


def test_gradients_of_parameters_are_compared(layers, capsys):
    mine, theirs, matrices, pairs = layers
    parity("nn.MultiheadAttention", mine, theirs, Q, parameters=pairs)
    assert "4" in capsys.readouterr().out
    (_, weight, _), *_ = pairs
    with pytest.raises(AssertionError, match="parameters 0 hold different values"):
        parity("x", mine, theirs, Q, parameters=[(matrices[0], weight, lambda w: w[:4])])
    with pytest.raises(AssertionError, match="parameters 0: shapes"):
        parity("x", mine, theirs, Q, parameters=[(matrices[0], weight)])


def test_a_parameter_that_does_not_learn_is_caught(layers):
    mine, theirs, matrices, pairs = layers
    copies = [nn.Parameter(m.detach().clone()) for m in matrices]  # equal values, but not what `mine` computes with
    with pytest.raises(AssertionError, match="gradient of parameters 1 differs"):
        parity("x", mine, theirs, Q, parameters=[pairs[0], (copies[1], *pairs[1][1:])])


def test_a_proof_survives_optimised_python(tmp_path):
    code = "import torch; from course_lib.parity import parity; x = torch.ones(3, dtype=torch.float64)\n"
    code += "parity('x', lambda x: x + 1, lambda x: x + 2, x)"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "differs" in done.stderr
