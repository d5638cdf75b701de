"""course_lib.decoder against PyTorch's own decoder, forward and gradient, and step by step against itself as a whole."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from unsettled_layers import close, own, pairs_of_attention, pairs_of_feed_forward, randn, unsettle

from course_lib import decoder as module
from course_lib.attention import causal_mask, padding_mask
from course_lib.decoder import BlockCache, Decoder, DecoderBlock, DecoderCache, attend_to, keys_and_values
from course_lib.multi_head import MultiHeadAttention, key_value_cache
from course_lib.normalisation import RMSNorm
from course_lib.parity import parity

ORDERS, MASKS = ("pre", "post"), ("none", "causal", "padding", "memory", "all")


def of_torch(
    layers: int, size: int, heads: int, hidden: int, *, norm: str = "pre", final: bool = True, **options: object
) -> nn.TransformerDecoder:
    layer = nn.TransformerDecoderLayer(
        size, heads, hidden, dropout=0.0, batch_first=True, norm_first=norm == "pre", dtype=torch.float64, **options
    )
    theirs = nn.TransformerDecoder(layer, layers, norm=nn.LayerNorm(size, dtype=torch.float64) if final else None)
    for copied in theirs.layers:  # of a module, PyTorch's copy has ReLU instead
        copied.activation = layer.activation
    with torch.no_grad():  # PyTorch's layers begin as copies of one
        for seed, parameter in enumerate(p for p in theirs.parameters() if p.ndim == 2):
            parameter.copy_(randn(*parameter.shape, seed=seed) / parameter.shape[1] ** 0.5)
    unsettle(theirs)
    return theirs


def pairs(ours: Decoder, theirs: nn.TransformerDecoder) -> list[tuple]:
    """All our parameters and theirs, with what turns their layout into ours."""

    found = []
    for block, layer in zip(ours.blocks, theirs.layers, strict=True):
        for attention, torchs in (
            (block.self_attention, layer.self_attn),
            (block.cross_attention, layer.multihead_attn),
        ):
            found += pairs_of_attention(attention, torchs)
        found += pairs_of_feed_forward(block.feed_forward, layer)
        for norm, torchs in (
            (block.norm_1, layer.norm1), (block.norm_2, layer.norm2), (block.norm_3, layer.norm3)
        ):  # fmt: skip
            found += [(norm.gamma, torchs.weight), (norm.beta, torchs.bias)]
    if ours.norm is not None:
        found += [(ours.norm.gamma, theirs.norm.weight), (ours.norm.beta, theirs.norm.bias)]
    found = [pair for pair in found if pair[0] is not None]
    assert {id(pair[0]) for pair in found} == {id(p) for p in ours.parameters()}
    return found


def masked(kind: str, length: int, read: int) -> tuple[list[Tensor | None], dict[str, Tensor]]:
    """Both masks for two texts, the second shorter on both sides, for us and as PyTorch wants them."""
    causal = causal_mask(length)
    visible = padding_mask(torch.tensor([length, max(1, length - 2)]), length)
    source = padding_mask(torch.tensor([read, max(1, read - 3)]), read)
    ours, theirs = [None, None], {}
    if kind in ("causal", "all"):
        ours[0], theirs["tgt_mask"] = causal, ~causal
    if kind in ("padding", "all"):
        ours[0] = visible[:, None] if ours[0] is None else (visible & causal)[:, None]
        theirs["tgt_key_padding_mask"] = ~visible[:, 0]
    if kind in ("memory", "all"):
        ours[1], theirs["memory_key_padding_mask"] = source[:, None], ~source[:, 0]
    return ours, theirs


def compare(
    ours: Decoder, theirs: nn.TransformerDecoder, kind: str, length: int = 5, read: int = 7, *, weights: bool = True
) -> None:
    masks, hidden = masked(kind, length, read)
    size = theirs.layers[0].self_attn.embed_dim
    parity(
        "TransformerDecoder",
        lambda x, memory: ours(x, memory, *masks)[0],
        lambda x, memory: theirs(x, memory, **hidden),
        randn(2, length, size, seed=7),
        randn(2, read, size, seed=8),
        parameters=pairs(ours, theirs) if weights else [],
    )


# ------------------------------------------------------------------------------------------------ against PyTorch


@pytest.mark.parametrize(
    ("layers", "size", "heads", "hidden", "length", "read"),
    [(1, 4, 1, 16, 3, 5), (2, 15, 5, 7, 6, 4), (3, 6, 2, 11, 5, 7)],
)
@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_equals_torch_forward_and_gradient(
    layers: int, size: int, heads: int, hidden: int, length: int, read: int, norm: str, masks: str, activation: str
) -> None:
    theirs = of_torch(layers, size, heads, hidden, norm=norm, activation=activation)
    compare(Decoder.from_torch(theirs), theirs, masks, length, read)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize(
    "options",
    [{"bias": False}, {"layer_norm_eps": 0.1}, {"activation": nn.GELU()}, {"activation": nn.GELU("tanh")}],
)
def test_equals_torch_with_other_options(norm: str, final: bool, options: dict) -> None:
    theirs = of_torch(2, 6, 3, 5, norm=norm, final=final, **options)
    compare(Decoder.from_torch(theirs), theirs, "all")


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("masks", MASKS)
def test_equals_torch_in_inference(norm: str, masks: str) -> None:
    theirs = of_torch(2, 8, 2, 5, norm=norm, activation="gelu").eval()
    ours, x, memory = Decoder.from_torch(theirs), randn(2, 5, 8, seed=7), randn(2, 7, 8, seed=8)
    own_masks, hidden = masked(masks, 5, 7)
    with torch.no_grad():
        close(ours(x, memory, *own_masks)[0], theirs(x, memory, **hidden))


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("final", [False, True, None])
@pytest.mark.parametrize("bias", [False, True])
def test_weights_go_to_torch_and_come_back(norm: str, activation: str, final: bool | None, bias: bool) -> None:
    ours = own(Decoder, 2, 6, 3, 7, norm=norm, activation=activation, final_norm=final, bias=bias, eps=0.01)
    theirs = ours.to_torch()
    assert (theirs.norm is not None) == (norm == "pre" if final is None else final)
    assert len(theirs.layers) == theirs.num_layers == 2
    assert sum(p.numel() for p in theirs.parameters()) == sum(p.numel() for p in ours.parameters())
    compare(ours, theirs, "all")
    compare(ours, copy.deepcopy(theirs), "all")
    back = Decoder.from_torch(theirs)
    assert back.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(back.state_dict()[name], value) for name, value in ours.state_dict().items())
    for a, b in zip(back.blocks, ours.blocks, strict=True):
        assert (a.norm, a.norm_1.eps, a.norm_3.eps) == (b.norm, b.norm_1.eps, b.norm_3.eps)
        assert a.feed_forward.activation == b.feed_forward.activation
    with torch.no_grad():
        theirs.layers[0].linear1.weight.zero_()
        theirs.layers[0].multihead_attn.in_proj_weight.zero_()
    for either in (ours, back):
        block = either.blocks[0]
        assert block.feed_forward.W_1.all() and block.cross_attention.W_Q.all(), "copied, not shared"


def test_pytorch_state_goes_there_and_back_bit_for_bit() -> None:
    theirs = of_torch(3, 6, 2, 5)
    state = Decoder.from_torch(theirs).to_torch().state_dict()
    assert state.keys() == theirs.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in theirs.state_dict().items())


def test_a_block_reads_the_memory_with_its_own_matrices() -> None:
    """What is shared is the memory: keys and values differ from block to block."""
    theirs = of_torch(2, 6, 2, 5)
    ours, memory = Decoder.from_torch(theirs), randn(2, 7, 6, seed=8)
    kept = [keys_and_values(block.cross_attention, memory) for block in ours.blocks]
    for (keys, values), layer in zip(kept, theirs.layers, strict=True):
        _, w_k, w_v = layer.multihead_attn.in_proj_weight.chunk(3)
        _, b_k, b_v = layer.multihead_attn.in_proj_bias.chunk(3)
        close(keys.transpose(1, 2).flatten(-2), memory @ w_k.T + b_k)
        close(values.transpose(1, 2).flatten(-2), memory @ w_v.T + b_v)
    assert not torch.allclose(kept[0][0], kept[1][0], atol=0.1)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize(
    "fault",
    [
        "cross-attention reads the decoder's own vectors", "mask dropped in the second block", "memory mask ignored",
        "memory mask dropped in the second block", "no residual around cross-attention", "norm order exchanged",
        "norms exchanged", "attentions exchanged", "final norm", "memory normalised",
    ],
)  # fmt: skip
def test_parity_notices_planted_faults(fault: str, norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = of_torch(2, 6, 2, 5, norm=norm)
    ours = Decoder.from_torch(theirs)
    first, second = ours.blocks
    look = MultiHeadAttention.forward
    if fault.startswith("cross-attention"):
        # As wide as the memory, or the mask would not fit: the fault must be seen in the numbers.
        first.cross_attention.forward = lambda x, y, mask=None: look(
            first.cross_attention, x, torch.cat([x, x], 1)[:, : y.shape[1]], mask
        )
    elif fault == "mask dropped in the second block":
        second.self_attention.forward = lambda x, mask=None: look(second.self_attention, x)
    elif fault.startswith("memory mask"):
        for block in (second,) if "second" in fault else (first, second):
            block.cross_attention.forward = lambda x, y, mask=None, block=block: look(block.cross_attention, x, y)
    elif fault.startswith("no residual"):
        entered = []
        first.norm_2.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))

        def alone(x: Tensor, y: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            gathered, weights = look(first.cross_attention, x, y, mask)
            return gathered - (entered[-1] if norm == "pre" else x), weights

        first.cross_attention.forward = alone
    elif fault == "norm order exchanged":
        first.norm = "post" if norm == "pre" else "pre"
    elif fault == "norms exchanged":
        first.norm_1, first.norm_2, first.norm_3 = first.norm_2, first.norm_3, first.norm_1
    elif fault == "attentions exchanged":
        first.self_attention, first.cross_attention = first.cross_attention, first.self_attention
    elif fault == "final norm":
        ours.norm = nn.Identity()
    else:
        first.cross_attention.forward = lambda x, y, mask=None: look(first.cross_attention, x, first.norm_2(y), mask)
    with pytest.raises(AssertionError, match="differs"):
        compare(ours, theirs, "all", weights=False)


# ---------------------------------------------------------------------------------------------- by other routes


@pytest.mark.parametrize("norm", ORDERS)
def test_the_trace_holds_the_vectors_after_each_block_and_both_kinds_of_weights(norm: str) -> None:
    theirs = of_torch(3, 6, 2, 5, norm=norm)
    ours, x, memory = Decoder.from_torch(theirs), randn(2, 5, 6, seed=7), randn(2, 7, 6, seed=8)
    masks, hidden = masked("all", 5, 7)
    vectors, own_maps, across = ours.trace(x, memory, *masks)
    assert len(vectors) == 4 and len(own_maps) == len(across) == 3 and vectors[0] is x
    y = x
    for layer, after, seen, read in zip(theirs.layers, vectors[1:], own_maps, across, strict=True):
        query = layer.norm1(y) if norm == "pre" else y
        options = {"attn_mask": hidden["tgt_mask"], "key_padding_mask": hidden["tgt_key_padding_mask"]}
        gathered, expected = layer.self_attn(query, query, query, average_attn_weights=False, **options)
        close(seen, expected)
        z = y + gathered
        query = layer.norm2(z) if norm == "pre" else layer.norm1(z)
        options = {"key_padding_mask": hidden["memory_key_padding_mask"], "average_attn_weights": False}
        close(read, layer.multihead_attn(query, memory, memory, **options)[1])
        y = layer(y, memory, **hidden)
        close(after, y)
    output, *again = ours(x, memory, *masks)
    close(output, theirs.norm(y))
    assert all(torch.equal(a, b) for a, b in zip(own_maps + across, again[0] + again[1], strict=True))
    ours.norm = None
    assert torch.equal(ours(x, memory, *masks)[0], vectors[-1])


@pytest.mark.parametrize("norm", ORDERS)
def test_equals_the_formulas_written_out_with_rms_norm_and_swiglu(norm: str) -> None:
    ours = own(Decoder, 2, 12, 3, 7, norm=norm, normalisation="rms", activation="swiglu", final_norm=True)
    (mask, memory_mask), _ = masked("all", 5, 7)
    copies = {name: p.detach().clone().requires_grad_() for name, p in ours.named_parameters()}

    def norm_of(name: str, x: Tensor) -> Tensor:
        return F.rms_norm(x, (12,), copies[f"{name}.gamma"], 1e-5)

    def attend(name: str, x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (
            (z @ copies[f"{name}.W_{n}"] + copies[f"{name}.b_{n}"]).unflatten(-1, (3, 4)).transpose(1, 2)
            for n, z in zip("QKV", (x, y, y), strict=True)
        )
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return z.transpose(1, 2).flatten(-2) @ copies[f"{name}.W_O"] + copies[f"{name}.b_O"]

    def transform(name: str, x: Tensor) -> Tensor:
        w1, w2, w3, b1, b2, b3 = (copies[f"{name}.{kind}_{n}"] for kind in "Wb" for n in "123")
        return F.silu(x @ w1 + b1) * (x @ w3 + b3) @ w2 + b2

    def reference(x: Tensor, memory: Tensor) -> Tensor:
        for block in ("blocks.0", "blocks.1"):
            for n, f in (
                (1, lambda x, block=block: attend(f"{block}.self_attention", x, x, mask)),
                (2, lambda x, block=block: attend(f"{block}.cross_attention", x, memory, memory_mask)),
                (3, lambda x, block=block: transform(f"{block}.feed_forward", x)),
            ):
                name = f"{block}.norm_{n}"
                x = x + f(norm_of(name, x)) if norm == "pre" else norm_of(name, x + f(x))
        return norm_of("norm", x)

    matched = [(p, copies[name]) for name, p in ours.named_parameters()]
    x, memory = randn(2, 5, 12, seed=7), randn(2, 7, 12, seed=8)
    parity("written out", lambda x, y: ours(x, y, mask, memory_mask)[0], reference, x, memory, parameters=matched)


def test_a_block_is_what_a_decoder_repeats() -> None:
    ours, x, memory = own(Decoder, 1, 6, 2, norm="post"), randn(2, 4, 6, seed=7), randn(2, 3, 6, seed=8)
    block = own(DecoderBlock, 6, 2, norm="post")
    assert ours.norm is None and block.feed_forward.d_ff == 24
    assert torch.equal(ours(x, memory)[0], block(x, memory)[0])
    close(ours(x[0], memory[0])[0], ours(x, memory)[0][0])


@pytest.mark.parametrize("norm", ORDERS)
def test_a_later_token_moves_no_earlier_vector_and_padding_moves_nothing(norm: str) -> None:
    ours, x, memory = own(Decoder, 3, 6, 2, norm=norm), randn(2, 5, 6, seed=7), randn(2, 7, 6, seed=8)
    masks, _ = masked("all", 5, 7)
    before = ours(x, memory, *masks)[0]
    memory[1, 4:] = 50.0
    close(ours(x, memory, *masks)[0], before)
    x[:, 3] = randn(2, 6, seed=9)
    after = ours(x, memory, *masks)[0]
    assert torch.equal(after[:, :3], before[:, :3])
    assert not torch.allclose(after[0, 3:], before[0, 3:], atol=1e-3)
    memory[:, 2] = randn(2, 6, seed=9)
    assert not torch.allclose(ours(x, memory, *masks)[0], after, atol=1e-3)


def test_what_the_blocks_are_made_of() -> None:
    plain = Decoder(2, 6, 2)
    assert plain.norm is not None and Decoder(2, 6, 2, norm="post").norm is None
    rms = Decoder(1, 6, 2, normalisation="rms", eps=1e-6)
    assert all(isinstance(part, RMSNorm) and part.eps == 1e-6 for part in (rms.norm, rms.blocks[0].norm_3))
    assert not [name for name, _ in Decoder(1, 6, 2, bias=False).named_parameters() if "b_" in name or "beta" in name]
    first, again = own(Decoder, 2, 6, 2), own(Decoder, 2, 6, 2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    drawn = [part.W_Q for block in first.blocks for part in (block.self_attention, block.cross_attention)]
    assert not any(torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])
    single = Decoder(1, 4, 2, dtype=torch.float32)
    assert (
        {p.dtype for p in single.parameters()} == {torch.float32} == {p.dtype for p in single.to_torch().parameters()}
    )
    assert {p.dtype for p in Decoder.from_torch(single.to_torch()).parameters()} == {torch.float32}


# --------------------------------------------------------------------------------------------------- step by step


def stepwise(ours: Decoder, x: Tensor, memory: Tensor, mask: Tensor | None, sizes: list[int]) -> tuple:
    """All vectors, and the maps of the last step, written in pieces of the given sizes."""
    cache, rows, done = ours.start(memory, mask), [], 0
    for size in sizes:
        assert cache.length == done
        vectors, *maps = ours.step(x[..., done : done + size, :], cache)
        rows.append(vectors)
        done += size
    return torch.cat(rows, -2), maps


def agree(ours: Decoder, sizes: list[int], atol: float = 1e-10) -> None:
    """Steps give for every position what the whole gives, of two texts that read more and less."""
    x, memory = randn(2, 6, ours.blocks[0].self_attention.d_model, seed=7), randn(2, 7, 6, seed=8)
    masks, _ = masked("memory", 6, 7)
    whole, *maps = ours(x, memory, causal_mask(6), masks[1])
    vectors, last = stepwise(ours, x, memory, masks[1], sizes)
    close(vectors, whole, atol)
    for seen, expected in zip(last, maps, strict=True):
        for a, b in zip(seen, expected, strict=True):
            close(a, b[..., -sizes[-1] :, :], atol)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("sizes", [[1] * 6, [4, 1, 1], [1, 2, 3], [6]])
def test_steps_give_what_the_whole_gives_for_every_position(norm: str, bias: bool, sizes: list[int]) -> None:
    agree(own(Decoder, 3, 6, 2, norm=norm, bias=bias), sizes)


def test_steps_give_what_the_whole_gives_with_shared_keys_and_values() -> None:
    ours = own(Decoder, 2, 6, 3)
    for block in ours.blocks:
        block.self_attention = block.self_attention.grouped(1)
    agree(ours, [1] * 6)
    with pytest.raises(ValueError, match="a head of keys and values for each"):
        ours.to_torch()


@pytest.mark.parametrize("norm", ORDERS)
def test_gradients_flow_through_the_cache(norm: str) -> None:
    ours = own(Decoder, 2, 6, 2, norm=norm)
    (_, mask), _ = masked("memory", 4, 7)
    twin = Decoder.from_torch(ours.to_torch())
    parity(
        "the whole at once",
        lambda x, memory: stepwise(ours, x, memory, mask, [1, 1, 2])[0],
        lambda x, memory: twin(x, memory, causal_mask(4), mask)[0],
        randn(2, 4, 6, seed=7),
        randn(2, 7, 6, seed=8),
        parameters=list(zip(ours.parameters(), twin.parameters(), strict=True)),
    )


def test_without_a_batch_and_without_a_mask() -> None:
    ours, x, memory = own(Decoder, 2, 6, 2), randn(4, 6, seed=7), randn(3, 6, seed=8)
    close(stepwise(ours, x, memory, None, [1] * 4)[0], ours(x, memory, causal_mask(4))[0])
    mask = torch.tensor([True, False, True])
    close(stepwise(ours, x, memory, mask, [1] * 4)[0], ours(x, memory[mask], causal_mask(4))[0])


def test_the_memory_is_projected_once_and_the_cache_is_as_large_as_said() -> None:
    ours, x, memory = own(Decoder, 3, 6, 2), randn(1, 4, 6, seed=7), randn(1, 7, 6, seed=8)
    cache = ours.start(memory)
    kept = [(block.memory_keys, block.memory_values) for block in cache.blocks]
    for t in range(4):
        ours.step(x[:, t : t + 1], cache)
    assert all(
        block.memory_keys is k and block.memory_values is v for block, (k, v) in zip(cache.blocks, kept, strict=True)
    )
    numbers = sum(part.numel() for block in cache.blocks for part in (block.keys, block.values))
    assert 8 * numbers == key_value_cache(3, 2, 3, 4, bytes_per_number=8)


@pytest.mark.parametrize("one_mask", [False, True])
def test_selected_rows_go_on_as_if_they_had_been_alone(one_mask: bool) -> None:
    ours, x, memory = own(Decoder, 2, 6, 2), randn(3, 5, 6, seed=7), randn(3, 7, 6, seed=8)
    lengths = torch.tensor([5, 5, 5] if one_mask else [7, 2, 4])
    mask = padding_mask(lengths[:1] if one_mask else lengths, 7)[:, None]
    cache = ours.start(memory, mask)
    ours.step(x[:, :3], cache)
    rows = torch.tensor([2, 1, 1, 0])
    chosen = cache.select(rows)
    last = randn(4, 1, 6, seed=9)
    vectors = ours.step(last, chosen)[0]
    assert (cache.length, chosen.length) == (3, 4)
    for i, row in enumerate(rows.tolist()):
        text = torch.cat([x[row, :3], last[i]])
        close(vectors[i, 0], ours(text, memory[row, : lengths[row]], causal_mask(4))[0][-1])


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize(
    "fault",
    [
        "one key too few", "last key forgotten", "values forgotten", "memory mask ignored", "no mask among new tokens",
        "second block reads the first's memory", "queries unscaled",
    ],
)  # fmt: skip
def test_comparison_with_the_whole_notices_planted_faults(
    fault: str, norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = own(Decoder, 2, 6, 2, norm=norm)
    step, start, look = DecoderBlock.step, Decoder.start, attend_to

    if fault == "one key too few":  # the token does not see itself

        def late(attention: MultiHeadAttention, x: Tensor, key: Tensor, value: Tensor, mask: Tensor):
            own_layer = attention in [block.self_attention for block in ours.blocks]
            hidden = mask & (torch.arange(key.shape[-2]) < key.shape[-2] - 1) if own_layer else mask
            return look(attention, x, key, value, hidden)

        monkeypatch.setattr(module, "attend_to", late)
    elif fault.endswith("forgotten"):

        def forgetful(self: DecoderBlock, x: Tensor, cache: BlockCache, mask: Tensor):
            found = step(self, x, cache, mask)
            if "key" in fault:
                cache.keys = torch.cat([cache.keys[..., :-1, :], torch.zeros_like(cache.keys[..., -1:, :])], -2)
            else:
                cache.values = torch.zeros_like(cache.values)
            return found

        monkeypatch.setattr(DecoderBlock, "step", forgetful)
    elif fault == "memory mask ignored":
        monkeypatch.setattr(DecoderBlock, "step", lambda self, x, cache, mask: step(self, x, cache))
    elif fault == "no mask among new tokens":
        monkeypatch.setattr(module, "causal_mask", lambda length: torch.ones(length, length, dtype=torch.bool))
    elif fault == "second block reads the first's memory":

        def shared(self: Decoder, memory: Tensor, mask: Tensor) -> DecoderCache:
            cache = start(self, memory, mask)
            cache.blocks[1].memory_keys = cache.blocks[0].memory_keys
            return cache

        monkeypatch.setattr(Decoder, "start", shared)
    else:
        attend = module.scaled_dot_product_attention
        monkeypatch.setattr(module, "scaled_dot_product_attention", lambda q, k, v, mask: attend(q, k, v, mask, 1.0))
    with pytest.raises(AssertionError, match="not close"):
        agree(ours, [3, 1, 1, 1])


def test_attending_to_kept_keys_is_what_the_layer_computes() -> None:
    layer = own(MultiHeadAttention, 6, 2, d_k=4, d_v=5, bias=True)
    x, y, mask = randn(2, 3, 6, seed=7), randn(2, 4, 6, seed=8), causal_mask(4)[1:]
    for kind in (layer, own(MultiHeadAttention, 6, 6, kv_heads=2, bias=True)):
        for mine, whole in zip(attend_to(kind, x, *keys_and_values(kind, y), mask), kind(x, y, mask), strict=True):
            close(mine, whole)


# ------------------------------------------------------------------------------------------------------------ errors


class Unlike(nn.TransformerDecoderLayer):
    """Whatever it computes, it need not be what its parent computes."""


def changed(name: str, value: object) -> nn.TransformerDecoder:
    """A decoder of PyTorch's in whose first layer one part is another."""
    theirs = of_torch(1, 4, 2, 5)
    setattr(theirs.layers[0], name, value)
    return theirs


def _normalised(norm: nn.Module) -> nn.TransformerDecoder:
    theirs = of_torch(1, 4, 2, 5)
    theirs.norm = norm
    return theirs


def _step(x: Tensor, blocks: int = 1, norm: str = "pre") -> tuple:
    return Decoder(1, 4, 2, norm=norm).step(x, Decoder(blocks, 4, 2).start(randn(2, 3, 4)))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Decoder(0, 4, 2), "one block or more, not 0"),
        (lambda: Decoder(1, 4, 2, norm="both"), "unknown norm 'both'"),
        (lambda: Decoder(1, 4, 2, normalisation="batch"), "unknown normalisation 'batch'"),
        (lambda: Decoder(1, 4, 2, activation="tanh"), "unknown activation 'tanh'"),
        (lambda: Decoder(1, 5, 2), "size 5 cannot be cut into 2 heads"),
        (lambda: Decoder(1, 4, 2)(randn(3, 1), randn(3, 4)), "the vectors have size 1"),
        (lambda: Decoder(1, 4, 2)(randn(3, 4), randn(3, 5)), "the vectors have size 5"),
        (lambda: Decoder(1, 4, 2)(randn(3, 4), randn(3, 4), torch.ones(3, 3)), "must be boolean"),
        (lambda: Decoder(1, 4, 2)(randn(3, 4), randn(3, 4), None, torch.ones(3, 3)), "must be boolean"),
        (lambda: Decoder(1, 4, 2).start(randn(3, 5)), "the vectors have size 5"),
        (lambda: Decoder(1, 4, 2).start(randn(3, 4), causal_mask(3)), r"all queries have one mask.*not \(3, 3\)"),
        (lambda: _step(randn(2, 1, 4), 2), "the cache is of 2 blocks, the decoder has 1"),
        (lambda: _step(randn(1, 1, 4)), r"a batch of shape \(2,\), the vectors of \(1,\)"),
        (lambda: _step(randn(2, 1, 5)), "the vectors have size 5"),
        (lambda: _step(randn(2, 1, 5), norm="post"), "the vectors have size 5"),
        (lambda: Decoder(1, 4, 2, normalisation="rms").to_torch(), "LayerNorm, not RMSNorm"),
        (lambda: Decoder(1, 4, 2, activation="swiglu").to_torch(), "the exact GELU, not swiglu"),
        (lambda: Decoder(1, 4, 2, activation="gelu_tanh").to_torch(), "the exact GELU, not gelu_tanh"),
        (lambda: Decoder.from_torch(of_torch(1, 4, 2, 5, activation=F.silu)), "must be ReLU or GELU"),
        (lambda: Decoder.from_torch(of_torch(1, 4, 2, 5, activation=nn.SiLU())), "must be ReLU or GELU"),
        (lambda: Decoder.from_torch(changed("norm3", nn.RMSNorm(4))), "LayerNorm of PyTorch's was expected, not RMSN"),
        (lambda: Decoder.from_torch(changed("self_attn", nn.MultiheadAttention(4, 2, kdim=3))), "kdim"),
        (lambda: Decoder.from_torch(changed("multihead_attn", nn.MultiheadAttention(4, 2, vdim=3))), "kdim"),
        (lambda: Decoder.from_torch(changed("linear2", nn.Linear(5, 3))), "must lead back"),
        (lambda: Decoder.from_torch(nn.TransformerDecoder(Unlike(4, 2), 1)), "not Unlike"),
        (lambda: Decoder.from_torch(_normalised(nn.RMSNorm(4))), "LayerNorm of PyTorch's was expected, not RMSNorm"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_a_decoder_without_layers_is_refused() -> None:
    theirs = of_torch(1, 4, 2, 5)
    theirs.layers = nn.ModuleList()
    with pytest.raises(ValueError, match="one block or more, not 0"):
        Decoder.from_torch(theirs)
