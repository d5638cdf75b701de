"""course_lib.encoder against PyTorch's own encoder, forward and gradient, and against itself by other routes."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from unsettled_layers import close, own, pairs_of_attention, pairs_of_feed_forward, randn, unsettle

from course_lib import multi_head, normalisation
from course_lib.attention import causal_mask, padding_mask
from course_lib.encoder import Encoder, EncoderBlock
from course_lib.normalisation import RMSNorm
from course_lib.parity import parity
from course_lib.positions import alibi_bias, rotate

ORDERS, MASKS = ("pre", "post"), ("none", "causal", "padding", "both")


def of_torch(
    layers: int, size: int, heads: int, hidden: int, *, norm: str = "pre", final: bool = True, **options: object
) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        size, heads, hidden, dropout=0.0, batch_first=True, norm_first=norm == "pre", dtype=torch.float64, **options
    )
    last = nn.LayerNorm(size, dtype=torch.float64) if final else None
    theirs = nn.TransformerEncoder(layer, layers, norm=last, enable_nested_tensor=False)
    with torch.no_grad():  # PyTorch's layers begin as copies of one
        for seed, parameter in enumerate(p for p in theirs.parameters() if p.ndim == 2):
            parameter.copy_(randn(*parameter.shape, seed=seed) / parameter.shape[1] ** 0.5)
    unsettle(theirs)
    return theirs


def pairs(ours: Encoder, theirs: nn.TransformerEncoder) -> list[tuple]:
    """All our parameters and theirs, with what turns their layout into ours."""

    found = []
    for block, layer in zip(ours.blocks, theirs.layers, strict=True):
        found += pairs_of_attention(block.attention, layer.self_attn)
        found += pairs_of_feed_forward(block.feed_forward, layer)
        found += [(block.norm_1.gamma, layer.norm1.weight), (block.norm_1.beta, layer.norm1.bias)]
        found += [(block.norm_2.gamma, layer.norm2.weight), (block.norm_2.beta, layer.norm2.bias)]
    if ours.norm is not None:
        found += [(ours.norm.gamma, theirs.norm.weight), (ours.norm.beta, theirs.norm.bias)]
    found = [pair for pair in found if pair[0] is not None]
    assert {id(pair[0]) for pair in found} == {id(p) for p in ours.parameters()}
    return found


def masked(kind: str, length: int) -> tuple[Tensor | None, dict[str, Tensor]]:
    """The mask for two texts, the second shorter, for us and as PyTorch wants it."""
    lengths = torch.tensor([length, max(1, length - 2)])
    causal, visible = causal_mask(length), padding_mask(lengths, length)
    if kind == "none":
        return None, {}
    if kind == "causal":
        return causal, {"mask": ~causal}
    if kind == "padding":
        return visible[:, None], {"src_key_padding_mask": ~visible[:, 0]}
    return (visible & causal)[:, None], {"mask": ~causal, "src_key_padding_mask": ~visible[:, 0]}


def compare(ours: Encoder, theirs: nn.TransformerEncoder, kind: str, length: int) -> None:
    mask, hidden = masked(kind, length)
    parity(
        "TransformerEncoder",
        lambda x: ours(x, mask)[0],
        lambda x: theirs(x, **hidden),
        randn(2, length, ours.blocks[0].attention.d_model, seed=7),
        parameters=pairs(ours, theirs),
    )


# ------------------------------------------------------------------------------------------------ against PyTorch


@pytest.mark.parametrize(
    ("layers", "size", "heads", "hidden", "length"), [(1, 4, 1, 16, 3), (2, 15, 5, 7, 6), (3, 6, 2, 11, 5)]
)
@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_equals_torch_forward_and_gradient(
    layers: int, size: int, heads: int, hidden: int, length: int, norm: str, masks: str, activation: str
) -> None:
    theirs = of_torch(layers, size, heads, hidden, norm=norm, activation=activation)
    compare(Encoder.from_torch(theirs), theirs, masks, length)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("options", [{"bias": False}, {"layer_norm_eps": 0.1}, {"activation": nn.GELU()}])
def test_equals_torch_with_other_options(norm: str, final: bool, options: dict) -> None:
    theirs = of_torch(2, 6, 3, 5, norm=norm, final=final, **options)
    compare(Encoder.from_torch(theirs), theirs, "both", 5)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("masks", MASKS)
def test_equals_torch_in_inference(norm: str, masks: str) -> None:
    """Where PyTorch runs another program than in training."""
    theirs = of_torch(2, 8, 2, 5, norm=norm, activation="gelu").eval()
    ours, x = Encoder.from_torch(theirs), randn(2, 5, 8, seed=7)
    mask, hidden = masked(masks, 5)
    with torch.no_grad():
        close(ours(x, mask)[0], theirs(x, **hidden))


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("final", [False, True, None])
@pytest.mark.parametrize("bias", [False, True])
def test_weights_go_to_torch_and_come_back(norm: str, activation: str, final: bool | None, bias: bool) -> None:
    ours = own(Encoder, 2, 6, 3, 7, norm=norm, activation=activation, final_norm=final, bias=bias, eps=0.01)
    theirs = ours.to_torch()
    assert (theirs.norm is not None) == (norm == "pre" if final is None else final)
    assert len(theirs.layers) == theirs.num_layers == 2
    assert sum(p.numel() for p in theirs.parameters()) == sum(p.numel() for p in ours.parameters())
    compare(ours, theirs, "both", 5)
    back = Encoder.from_torch(theirs)
    assert back.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(back.state_dict()[name], value) for name, value in ours.state_dict().items())
    for a, b in zip(back.blocks, ours.blocks, strict=True):
        assert (a.norm, a.norm_1.eps, a.norm_2.eps) == (b.norm, b.norm_1.eps, b.norm_2.eps)
        assert a.feed_forward.activation == b.feed_forward.activation
    with torch.no_grad():
        theirs.layers[0].linear1.weight.zero_()
    assert ours.blocks[0].feed_forward.W_1.all() and back.blocks[0].feed_forward.W_1.all(), "copied, not shared"


def test_pytorch_state_goes_there_and_back_bit_for_bit() -> None:
    theirs = of_torch(3, 6, 2, 5)
    state = Encoder.from_torch(theirs).to_torch().state_dict()
    assert state.keys() == theirs.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in theirs.state_dict().items())


def _other_order(self: EncoderBlock, *arguments: object, **options: object):
    self.norm = "pre" if self.norm == "post" else "post"
    try:
        return FORWARD(self, *arguments, **options)
    finally:
        self.norm = "pre" if self.norm == "post" else "post"


FORWARD = EncoderBlock.forward


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize(
    "fault",
    ["unbiased", "eps", "order", "residual", "mask", "mask after the first block", "final norm", "norms exchanged"],
)
def test_parity_notices_planted_faults(fault: str, norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = of_torch(2, 6, 2, 5, norm=norm)
    ours = Encoder.from_torch(theirs)
    matched = pairs(ours, theirs)

    def faulty(x: Tensor, g: Tensor, b: Tensor, e: float) -> Tensor:
        x = x - x.mean(-1, keepdim=True)
        if fault == "unbiased":
            return x / (x.var(-1, keepdim=True) + e).sqrt() * g + b
        return x / (x.std(-1, keepdim=True, correction=0) + e) * g + b

    if fault in ("unbiased", "eps"):
        monkeypatch.setattr(normalisation, "layer_norm", faulty)
    elif fault == "order":
        monkeypatch.setattr(EncoderBlock, "forward", _other_order)
    elif fault == "residual":
        ours.blocks[1].residual = False
    elif fault.startswith("mask"):
        first = multi_head.scaled_dot_product_attention
        calls = []

        def forgetful(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, bias: None):
            calls.append(mask)
            return first(q, k, v, mask if fault != "mask" and len(calls) == 1 else None, bias=bias)

        monkeypatch.setattr(multi_head, "scaled_dot_product_attention", forgetful)
    elif fault == "final norm":
        ours.norm = nn.Identity()
    else:
        for block in ours.blocks:
            block.norm_1, block.norm_2 = block.norm_2, block.norm_1
    mask, hidden = masked("both", 5)
    with pytest.raises(AssertionError, match="differs"):
        parity(
            "planted", lambda x: ours(x, mask)[0], lambda x: theirs(x, **hidden), randn(2, 5, 6, seed=7),
            parameters=[] if fault == "final norm" else matched,
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------- by other routes


@pytest.mark.parametrize("norm", ORDERS)
def test_the_trace_holds_the_vectors_after_each_block_and_its_weights(norm: str) -> None:
    theirs = of_torch(3, 6, 2, 5, norm=norm)
    ours, x = Encoder.from_torch(theirs), randn(2, 4, 6, seed=7)
    mask, hidden = masked("both", 4)
    vectors, weights = ours.trace(x, mask)
    assert len(vectors) == 4 and len(weights) == 3 and vectors[0] is x
    y = x
    for layer, after, seen in zip(theirs.layers, vectors[1:], weights, strict=True):
        query = layer.norm1(y) if norm == "pre" else y
        options = {"attn_mask": hidden["mask"], "key_padding_mask": hidden["src_key_padding_mask"]}
        close(seen, layer.self_attn(query, query, query, average_attn_weights=False, **options)[1])
        y = layer(y, hidden["mask"], hidden["src_key_padding_mask"])
        close(after, y)
    output, again = ours(x, mask)
    close(output, theirs.norm(y))
    assert all(torch.equal(a, b) for a, b in zip(weights, again, strict=True))
    ours.norm = None
    assert torch.equal(ours(x, mask)[0], vectors[-1])


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("normalisation", "activation"), [("rms", "swiglu"), ("layer", "gelu_tanh")])
def test_equals_the_formulas_written_out_with_every_option(
    norm: str, residual: bool, normalisation: str, activation: str
) -> None:
    options = {"norm": norm, "residual": residual, "normalisation": normalisation, "activation": activation}
    ours = own(Encoder, 2, 12, 3, 7, final_norm=True, **options)
    x, gate, turn = randn(2, 5, 12, seed=7), randn(2, 3, seed=8), partial(rotate, base=50.0)
    mask, bias = masked("both", 5)[0], alibi_bias(3, 5)
    copies = {name: p.detach().clone().requires_grad_() for name, p in ours.named_parameters()}

    def norm_of(name: str, x: Tensor) -> Tensor:
        if normalisation == "rms":
            return F.rms_norm(x, (12,), copies[f"{name}.gamma"], 1e-5)
        return F.layer_norm(x, (12,), copies[f"{name}.gamma"], copies[f"{name}.beta"])

    def attend(block: str, x: Tensor, factor: Tensor) -> Tensor:
        name = f"{block}.attention."
        q, k, v = (
            (x @ copies[f"{name}W_{n}"] + copies[f"{name}b_{n}"]).unflatten(-1, (3, 4)).transpose(1, 2) for n in "QKV"
        )
        hidden = bias.masked_fill(~mask, -torch.inf)
        z = F.scaled_dot_product_attention(turn(q), turn(k), v, attn_mask=hidden) * factor[:, None, None]
        return z.transpose(1, 2).flatten(-2) @ copies[f"{name}W_O"] + copies[f"{name}b_O"]

    def transform(block: str, x: Tensor) -> Tensor:
        w1, b1, w2, b2 = (copies[f"{block}.feed_forward.{n}"] for n in ("W_1", "b_1", "W_2", "b_2"))
        if activation == "swiglu":
            w3, b3 = (copies[f"{block}.feed_forward.{n}_3"] for n in "Wb")
            return F.silu(x @ w1 + b1) * (x @ w3 + b3) @ w2 + b2
        return F.gelu(x @ w1 + b1, approximate="tanh") @ w2 + b2

    def reference(x: Tensor, gate: Tensor) -> Tensor:
        for number in range(2):
            block = f"blocks.{number}"
            for name, f in (("norm_1", partial(attend, factor=gate[number])), ("norm_2", transform)):
                name = f"{block}.{name}"
                if norm == "pre":
                    x = residual * x + f(block, norm_of(name, x))
                else:
                    x = norm_of(name, residual * x + f(block, x))
        return norm_of("norm", x)

    def mine(x: Tensor, gate: Tensor) -> Tensor:
        return ours(x, mask, bias=bias, rotate=turn, gate=gate)[0]

    matched = [(p, copies[name]) for name, p in ours.named_parameters()]
    parity("written out", mine, reference, x, gate, parameters=matched)


def test_a_block_is_what_an_encoder_repeats() -> None:
    ours, x = own(Encoder, 1, 6, 2, norm="post"), randn(2, 4, 6, seed=7)
    block = own(EncoderBlock, 6, 2, norm="post")
    assert ours.norm is None and block.feed_forward.d_ff == 24
    assert torch.equal(ours(x)[0], block(x)[0])
    close(ours(x[0])[0], ours(x)[0][0])


def test_padding_changes_nothing_for_the_other_tokens() -> None:
    ours, x = own(Encoder, 3, 6, 2), randn(2, 5, 6, seed=7)
    mask = masked("padding", 5)[0]
    before = ours(x, mask)[0]
    close(ours(x[1:, :3])[0][0], before[1, :3])
    x[1, 3:] = 50.0
    close(ours(x, mask)[0][1, :3], before[1, :3])


def test_what_the_blocks_are_made_of() -> None:
    plain = Encoder(2, 6, 2)
    assert plain.norm is not None and Encoder(2, 6, 2, norm="post").norm is None
    rms = Encoder(1, 6, 2, normalisation="rms", eps=1e-6)
    assert all(isinstance(part, RMSNorm) and part.eps == 1e-6 for part in (rms.norm, rms.blocks[0].norm_2))
    assert not [name for name, _ in Encoder(1, 6, 2, bias=False).named_parameters() if "b_" in name or "beta" in name]
    first, again = own(Encoder, 2, 6, 2), own(Encoder, 2, 6, 2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.blocks[0].attention.W_Q, first.blocks[1].attention.W_Q)
    single = Encoder(1, 4, 2, dtype=torch.float32)
    assert (
        {p.dtype for p in single.parameters()} == {torch.float32} == {p.dtype for p in single.to_torch().parameters()}
    )
    assert {p.dtype for p in Encoder.from_torch(single.to_torch()).parameters()} == {torch.float32}


# ------------------------------------------------------------------------------------------------------------ errors


class Unlike(nn.TransformerEncoderLayer):
    """Whatever it computes, it need not be what its parent computes."""


def changed(name: str, value: object) -> nn.TransformerEncoder:
    """An encoder of PyTorch's in whose first layer one part is another."""
    theirs = of_torch(1, 4, 2, 5)
    setattr(theirs.layers[0], name, value)
    return theirs


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Encoder(0, 4, 2), "one block or more, not 0"),
        (lambda: Encoder(1, 4, 2, norm="both"), "unknown norm 'both'"),
        (lambda: Encoder(1, 4, 2, normalisation="batch"), "unknown normalisation 'batch'"),
        (lambda: Encoder(1, 4, 2, activation="tanh"), "unknown activation 'tanh'"),
        (lambda: Encoder(1, 5, 2), "size 5 cannot be cut into 2 heads"),
        (lambda: Encoder(1, 4, 2)(randn(3, 1)), "the vectors have size 1"),
        (lambda: Encoder(1, 4, 2, norm="post")(randn(3, 5)), "the vectors have size 5"),
        (lambda: Encoder(1, 4, 2)(randn(3, 4), torch.ones(3, 3)), "must be boolean"),
        (lambda: Encoder(3, 4, 2)(randn(3, 4), gate=randn(2)), r"the gate has shape \(2,\), not \(3, 2\)"),
        (lambda: Encoder(1, 4, 2, normalisation="rms").to_torch(), "LayerNorm, not RMSNorm"),
        (lambda: Encoder(1, 4, 2, residual=False).to_torch(), "always has residual connections"),
        (lambda: Encoder(1, 4, 2, activation="swiglu").to_torch(), "not swiglu"),
        (lambda: Encoder(1, 4, 2, activation="gelu_tanh").to_torch(), "the exact GELU, not gelu_tanh"),
        (lambda: Encoder.from_torch(of_torch(1, 4, 2, 5, activation=F.silu)), "must be ReLU or GELU, not silu"),
        (lambda: Encoder.from_torch(of_torch(1, 4, 2, 5, activation=nn.GELU("tanh"))), "the exact GELU, not GELU"),
        (lambda: Encoder.from_torch(changed("norm1", nn.RMSNorm(4))), "LayerNorm of PyTorch's was expected, not RMSN"),
        (lambda: Encoder.from_torch(changed("self_attn", nn.MultiheadAttention(4, 2, kdim=3))), "kdim"),
        (lambda: Encoder.from_torch(changed("linear2", nn.Linear(5, 3))), "must lead back"),
        (lambda: Encoder.from_torch(nn.TransformerEncoder(Unlike(4, 2), 1, enable_nested_tensor=False)), "not Unlike"),
        (lambda: Encoder.from_torch(_normalised(nn.RMSNorm(4))), "LayerNorm of PyTorch's was expected, not RMSNorm"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def _normalised(norm: nn.Module) -> nn.TransformerEncoder:
    theirs = of_torch(1, 4, 2, 5)
    theirs.norm = norm
    return theirs


def test_an_encoder_without_layers_is_refused() -> None:
    theirs = of_torch(1, 4, 2, 5)
    theirs.layers = nn.ModuleList()
    with pytest.raises(ValueError, match="one block or more, not 0"):
        Encoder.from_torch(theirs)
