"""course_lib.translator_model against nn.Transformer; its searches against search without a cache and against all texts."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from course_lib import translator_model as module
from course_lib.attention import causal_mask, padding_mask
from course_lib.decoder import DecoderCache
from course_lib.parity import parity
from course_lib.positions import sinusoidal_table
from course_lib.translator_model import Transformer, penalty

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # nn.Transformer with norm_first

ORDERS, POSITIONS = ("pre", "post"), ("sinusoidal", "learned", "none")
READ, READ_LENGTHS = (
    torch.tensor([[4, 1, 8, 2, 6, 3, 3], [5, 7, 0, 0, 0, 0, 0], [1, 1, 3, 2, 0, 0, 0]]),
    torch.tensor([7, 2, 4]),
)
WRITTEN, WRITTEN_LENGTHS = torch.tensor([[0, 4, 2, 5, 1], [0, 3, 1, 1, 1], [0, 2, 2, 1, 1]]), torch.tensor([5, 2, 3])
START, STOP = 0, 1


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(a: Tensor, b: Tensor, atol: float = 1e-10) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


def unsettle(module: nn.Module) -> None:
    """Moves every factor away from 1 and every bias away from 0, and each layer's from the others'."""
    with torch.no_grad():
        for seed, parameter in enumerate(p for p in module.parameters() if p.ndim == 1):
            parameter.add_(0.5 * randn(*parameter.shape, seed=100 + seed))


def own(*, seed: int = 0, size: int = 6, written: int = 6, layers: tuple[int, int] = (2, 3), **options: object):
    made = Transformer(9, written, size, 2, 7, *layers, generator=torch.Generator().manual_seed(seed), **options)
    unsettle(made)
    return made


def lengths_to_mask(lengths: Tensor, longest: int) -> Tensor:
    """As PyTorch wants it: True at padding."""
    return ~padding_mask(lengths, longest)[:, 0]


def of_torch(norm: str, *, tied: bool = True, activation: str = "relu") -> tuple:
    """nn.Transformer with its embeddings and its read-out, sizes uneven, every layer with weights of its own."""
    core = nn.Transformer(
        6, 2, 2, 3, 7, dropout=0.0, activation=activation, batch_first=True, norm_first=norm == "pre",
        dtype=torch.float64,
    )  # fmt: skip
    source, target = (nn.Embedding(n, 6, dtype=torch.float64) for n in (9, 6))
    read_out = nn.Linear(6, 6, bias=False, dtype=torch.float64)
    if tied:
        read_out.weight = target.weight
    parts = nn.ModuleList([core, source, target, read_out])
    with torch.no_grad():
        for seed, parameter in enumerate(p for p in parts.parameters() if p.ndim == 2):
            parameter.copy_(randn(*parameter.shape, seed=seed) / parameter.shape[1] ** 0.5)
    unsettle(parts)
    return core, source, target, read_out


def run_torch(parts: tuple, positions: str, read: Tensor, read_lengths, written: Tensor, written_lengths) -> Tensor:
    core, source, target, read_out = parts
    vectors = []
    for embedding, ids in ((source, read), (target, written)):
        x = embedding(ids) * math.sqrt(6)
        vectors.append(x + sinusoidal_table(ids.shape[1], 6) if positions == "sinusoidal" else x)
    hidden = None if read_lengths is None else lengths_to_mask(read_lengths, read.shape[1])
    after = core(
        *vectors,
        tgt_mask=~causal_mask(written.shape[1]),
        src_key_padding_mask=hidden,
        memory_key_padding_mask=hidden,
        tgt_key_padding_mask=None if written_lengths is None else lengths_to_mask(written_lengths, written.shape[1]),
    )
    return read_out(after)


def pairs(ours: Transformer, parts: tuple) -> list[tuple]:
    """All our parameters and theirs, with what turns their layout into ours."""

    def part(number: int):
        return lambda w: w[number * 6 : number * 6 + 6].mT if w.ndim == 2 else w[number * 6 :][:6]

    def plain(w: Tensor) -> Tensor:
        return w.mT

    core, source, target, read_out = parts
    found = [(ours.source_embedding, source.weight), (ours.target_embedding, target.weight)]
    if not ours.tied:
        found.append((ours.read_out, read_out.weight, plain))
    for mine, theirs in ((ours.encoder, core.encoder), (ours.decoder, core.decoder)):
        for block, layer in zip(mine.blocks, theirs.layers, strict=True):
            if mine is ours.encoder:
                attentions = [(block.attention, layer.self_attn)]
            else:
                attentions = [(block.self_attention, layer.self_attn), (block.cross_attention, layer.multihead_attn)]
            for attention, torchs in attentions:
                for i, n in enumerate("QKV"):
                    found.append((getattr(attention, f"W_{n}"), torchs.in_proj_weight, part(i)))
                    found.append((getattr(attention, f"b_{n}"), torchs.in_proj_bias, part(i)))
                found += [(attention.W_O, torchs.out_proj.weight, plain), (attention.b_O, torchs.out_proj.bias)]
            ffn = block.feed_forward
            found += [(ffn.W_1, layer.linear1.weight, plain), (ffn.b_1, layer.linear1.bias)]
            found += [(ffn.W_2, layer.linear2.weight, plain), (ffn.b_2, layer.linear2.bias)]
            for n in range(1, 2 + len(attentions)):
                norm, torchs = getattr(block, f"norm_{n}"), getattr(layer, f"norm{n}")
                found += [(norm.gamma, torchs.weight), (norm.beta, torchs.bias)]
        if mine.norm is not None:
            found += [(mine.norm.gamma, theirs.norm.weight), (mine.norm.beta, theirs.norm.bias)]
    assert {id(pair[0]) for pair in found} == {id(p) for p in ours.parameters()}
    return found


PADDED = (READ, READ_LENGTHS, WRITTEN, WRITTEN_LENGTHS)
WHOLE = (READ, None, WRITTEN, None)


def compare(ours: Transformer, parts: tuple, positions: str, batch: tuple, *, weights: bool = True) -> None:
    matched = pairs(ours, parts) if weights else [(ours.source_embedding, parts[1].weight)]
    parity(
        "Transformer", ours, lambda *batch: run_torch(parts, positions, *batch), *batch, parameters=matched
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ against PyTorch


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("positions", ["sinusoidal", "none"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("batch", [PADDED, WHOLE], ids=["padded", "whole"])
def test_equals_torch_forward_and_gradient(
    norm: str, tied: bool, positions: str, activation: str, batch: tuple
) -> None:
    parts = of_torch(norm, tied=tied, activation=activation)
    ours = Transformer.from_torch(*parts, positions=positions)
    assert ours.tied == tied
    compare(ours, parts, positions, batch)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("tied", [False, True])
def test_weights_go_to_torch_and_come_back(norm: str, tied: bool) -> None:
    ours = own(norm=norm, tied=tied, activation="gelu")
    parts = ours.to_torch()
    compare(ours, parts, "sinusoidal", PADDED)
    assert (parts[3].weight is parts[2].weight) == tied and parts[1].weight.requires_grad
    back = Transformer.from_torch(*parts)
    assert back.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(back.state_dict()[name], value) for name, value in ours.state_dict().items())
    assert torch.equal(back(*PADDED), ours(*PADDED))
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    with torch.no_grad():
        for parameter in nn.ModuleList(parts).parameters():
            parameter.zero_()
    for either in (ours, back):
        assert all(torch.equal(either.state_dict()[name], value) for name, value in before.items()), (
            "copied, not shared"
        )


@pytest.mark.parametrize("tied", [False, True])
def test_pytorch_state_goes_there_and_back_bit_for_bit(tied: bool) -> None:
    parts = of_torch("post", tied=tied)
    back = nn.ModuleList(Transformer.from_torch(*parts).to_torch()).state_dict()
    there = nn.ModuleList(parts).state_dict()
    assert back.keys() == there.keys() and all(torch.equal(back[name], value) for name, value in there.items())


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize(
    "fault",
    [
        "no causal mask", "padding of the source seen by the encoder", "padding of the source seen by the decoder",
        "padding of the target seen", "no factor", "positions off by one", "embeddings exchanged", "encoder left out",
    ],
)  # fmt: skip
def test_parity_notices_planted_faults(fault: str, norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = of_torch(norm)
    ours = Transformer.from_torch(*parts)
    encode, decode, mask, vectors = Transformer.encode, Transformer.decode, module._mask, Transformer._vectors
    if fault == "no causal mask":
        monkeypatch.setattr(Transformer, "decode", lambda self, *given: decode(self, *given, causal=False))
    elif fault == "padding of the source seen by the encoder":
        monkeypatch.setattr(Transformer, "encode", lambda self, source, lengths: encode(self, source))
    elif fault == "padding of the source seen by the decoder":
        monkeypatch.setattr(Transformer, "decode", lambda self, memory, _, *target: decode(self, memory, None, *target))
    elif fault == "padding of the target seen":
        monkeypatch.setattr(module, "_mask", lambda lengths, *shape: mask(None if shape[1] == 5 else lengths, *shape))
    elif fault == "no factor":
        monkeypatch.setattr(Transformer, "_vectors", lambda *given: _without_factor(vectors(*given)))
    elif fault == "positions off by one":
        monkeypatch.setattr(
            Transformer,
            "_vectors",
            lambda self, side, ids, start=0: vectors(self, side, ids, start + (side == "target")),
        )
    elif fault == "embeddings exchanged":
        monkeypatch.setattr(
            Transformer, "_vectors", lambda self, side, ids, start=0: vectors(self, "source", ids, start)
        )
    else:
        ours.encoder.forward = lambda x, mask: (x, [])

    with pytest.raises(AssertionError, match="differs"):
        compare(ours, parts, "sinusoidal", PADDED, weights=False)


def _without_factor(x: Tensor) -> Tensor:
    table = sinusoidal_table(x.shape[1], 6)
    return (x - table) / 6**0.5 + table


# ---------------------------------------------------------------------------------------------- parts and options


@pytest.mark.parametrize("norm", ORDERS)
def test_encoder_and_decoder_follow_one_another(norm: str) -> None:
    ours = own(norm=norm)
    memory, seen = ours.encode(READ, READ_LENGTHS)
    logits, back, across = ours.decode(memory, READ_LENGTHS, WRITTEN, WRITTEN_LENGTHS)
    assert torch.equal(logits, ours(*PADDED)) and logits.shape == (3, 5, 6)
    assert [m.shape for m in seen] == [(3, 2, 7, 7)] * 2
    assert [m.shape for m in back] == [(3, 2, 5, 5)] * 3 and [m.shape for m in across] == [(3, 2, 5, 7)] * 3
    for maps, lengths in ((seen, READ_LENGTHS), (across, READ_LENGTHS), (back, WRITTEN_LENGTHS)):
        for weights in maps:
            hidden = ~padding_mask(lengths, weights.shape[-1])[:, None].expand_as(weights)
            assert not weights[hidden].any()
            close(weights.sum(-1), torch.ones(()).double().expand(weights.shape[:-1]))
    assert not any(weights.triu(1).any() for weights in back)
    free = ours.decode(memory, READ_LENGTHS, WRITTEN, causal=False)[1]
    assert all(weights[:, :, 0, 1:].all() for weights in free)


@pytest.mark.parametrize("positions", POSITIONS)
def test_what_is_predicted_depends_on_the_source_and_on_earlier_tokens_alone(positions: str) -> None:
    ours = own(positions=positions)
    before = ours(*PADDED)
    padded, later, other = READ.clone(), WRITTEN.clone(), READ.clone()
    padded[1, 2:], later[:, 3], other[0, 3] = 8, 3, 5
    close(ours(padded, READ_LENGTHS, WRITTEN, WRITTEN_LENGTHS), before)
    after = ours(READ, READ_LENGTHS, later, None)
    whole = ours(READ, READ_LENGTHS, WRITTEN, None)
    assert torch.equal(after[:, :3], whole[:, :3]) and not torch.allclose(after[:, 3:], whole[:, 3:], atol=1e-3)
    changed = ours(other, READ_LENGTHS, WRITTEN, WRITTEN_LENGTHS)
    assert torch.equal(changed[1:], before[1:]) and not torch.allclose(changed[0, 0], before[0, 0], atol=1e-3)


def test_the_learned_tables_are_added_to_the_embeddings() -> None:
    learned, plain = own(positions="learned", tied=False), own(positions="none", tied=False)
    assert torch.equal(learned.read_out, plain.read_out), "positions are drawn last"
    for side, ids in (("source", READ), ("target", WRITTEN)):
        table = getattr(learned, f"{side}_positions").table
        assert table.shape == (64, 6) and table.std() < 0.1
        close(learned._vectors(side, ids), plain._vectors(side, ids) + table[: ids.shape[1]])
        close(learned._vectors(side, ids, 3), plain._vectors(side, ids) + table[3:][: ids.shape[1]])
    assert not torch.equal(learned.source_positions.table, learned.target_positions.table)
    sinusoids = own(positions="sinusoidal", tied=False)
    close(sinusoids._vectors("target", WRITTEN, 3), plain._vectors("target", WRITTEN) + sinusoidal_table(8, 6)[3:])


def test_sizes_at_the_beginning() -> None:
    """Rows of length 1 in the embeddings make vectors of length √D, and logits of variance 1."""
    made = Transformer(500, 400, 64, 4, None, 1, 1, generator=torch.Generator().manual_seed(0))
    ids = torch.arange(400).reshape(20, 20)
    plain = made._vectors("target", ids) - sinusoidal_table(20, 64)
    assert 0.95 < plain.square().mean() < 1.05
    assert 0.8 < made(ids, None, ids, None).var() < 1.25
    assert made.encoder.blocks[0].feed_forward.d_ff == 256
    assert (made.encoder.norm is None, made.decoder.norm is None) == (False, False)
    post = own(norm="post")
    assert (post.encoder.norm is None, post.decoder.norm is None) == (True, True)
    again = own(norm="post")
    assert all(torch.equal(a, b) for a, b in zip(post.parameters(), again.parameters(), strict=True))
    single = own(dtype=torch.float32, positions="learned", tied=False)
    assert {p.dtype for p in single.parameters()} == {torch.float32} and single(*PADDED).dtype == torch.float32
    assert single.greedy(READ, None, START, STOP, 3)[0] == single.beam(READ, None, START, STOP, 3, width=1)[0]
    single = own(dtype=torch.float32)
    assert {p.dtype for p in nn.ModuleList(single.to_torch()).parameters()} == {torch.float32}


def test_another_encoder_can_be_put_in() -> None:
    ours, other = own(seed=0), own(seed=1)
    ours.encoder, ours.source_embedding = other.encoder, other.source_embedding
    assert torch.equal(ours.encode(READ)[0], other.encode(READ)[0])
    assert not torch.allclose(ours(*WHOLE), other(*WHOLE), atol=1e-3)


# ------------------------------------------------------------------------------------------------------- writing


def agree(ours: Transformer, sizes: tuple[int, ...]) -> None:
    """Step by step, with a padded source, as at once."""
    whole = ours.decode(ours.encode(READ, READ_LENGTHS)[0], READ_LENGTHS, WRITTEN)[0]
    cache, pieces = ours.start(READ, READ_LENGTHS), []
    for piece in WRITTEN.split(sizes, dim=1):
        pieces.append(ours.step(piece, cache))
    close(torch.cat(pieces, 1), whole)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (2, 1, 2)])
def test_steps_give_what_the_whole_gives_for_every_position(norm: str, positions: str, sizes: tuple[int, ...]) -> None:
    agree(own(norm=norm, positions=positions), sizes)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
@pytest.mark.parametrize("fault", ["position off by one", "position always 0", "memory mask ignored"])
def test_comparison_with_the_whole_notices_planted_faults(
    fault: str, positions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = own(positions=positions)
    length = DecoderCache.length.fget
    if fault == "memory mask ignored":
        begin = ours.decoder.start
        ours.decoder.start = lambda memory, mask: begin(memory)
    else:
        shifted = property(lambda cache: 0 if "0" in fault else max(0, length(cache) - 1))
        monkeypatch.setattr(DecoderCache, "length", shifted)
    with pytest.raises(AssertionError, match="not close"):
        agree(ours, (1, 1, 1, 1, 1))


def log_probabilities(ours: Transformer, row: int, texts: list[tuple[int, ...]]) -> Tensor:
    """(texts, T + 1, n): without a cache and without padding, of the texts of one length behind the start token."""
    memory, _ = ours.encode(READ[row : row + 1, : READ_LENGTHS[row]])
    ids = torch.tensor([(START, *text) for text in texts])
    return ours.decode(memory.expand(len(texts), -1, -1), None, ids)[0].log_softmax(-1)


@torch.no_grad()
def greedy_without_cache(ours: Transformer, row: int, longest: int) -> list[int]:
    text: list[int] = []
    while len(text) < longest and text[-1:] != [STOP]:
        text.append(log_probabilities(ours, row, [tuple(text)])[0, -1].argmax().item())
    return text


@torch.no_grad()
def beam_without_cache(ours: Transformer, row: int, longest: int, width: int, alpha: float) -> list[int]:
    """One text at a time, nothing given up early."""
    live, ended = [(0.0, ())], []
    for length in range(1, longest + 1):
        grown = []
        rows = log_probabilities(ours, row, [text for _, text in live])[:, -1].tolist()
        for (total, text), row_of_text in zip(live, rows, strict=True):
            grown += [(total + p, (*text, token)) for token, p in enumerate(row_of_text)]
        grown.sort(key=lambda found: -found[0])
        ended += [(p / ((5 + length) / 6) ** alpha, text) for p, text in grown[:width] if text[-1] == STOP]
        live = [(p, text) for p, text in grown[:width] if text[-1] != STOP]
        if not live:
            break
    return list(max(ended or live, key=lambda found: found[0])[1])


@torch.no_grad()
def best_of_all(ours: Transformer, row: int, longest: int, alpha: float) -> list[int]:
    """The text that ends, of at most so many tokens, with the highest score: every one is looked at."""
    found = []
    n = len(ours.target_embedding)
    for length in range(1, longest + 1):
        others = [token for token in range(n) if token != STOP]
        texts = [(*text, STOP) for text in itertools.product(others, repeat=length - 1)]
        steps = log_probabilities(ours, row, [text[:-1] for text in texts])
        totals = steps.gather(2, torch.tensor(texts)[..., None]).sum((1, 2)).tolist()
        found += [(p / ((5 + length) / 6) ** alpha, text) for p, text in zip(totals, texts, strict=True)]
    return list(max(found)[1])


SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("positions", POSITIONS)
def test_greedy_search_with_the_cache_is_greedy_search_without(seed: int, norm: str, positions: str) -> None:
    ours = own(seed=seed, norm=norm, positions=positions)
    assert ours.greedy(READ, READ_LENGTHS, START, STOP, 8) == [greedy_without_cache(ours, row, 8) for row in range(3)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_beam_search_with_the_cache_is_beam_search_without(seed: int, alpha: float, width: int) -> None:
    ours = own(seed=seed)
    found = ours.beam(READ, READ_LENGTHS, START, STOP, 6, width=width, length_penalty=alpha)
    assert found == [beam_without_cache(ours, row, 6, width, alpha) for row in range(3)]
    if width == 1:
        assert found == ours.greedy(READ, READ_LENGTHS, START, STOP, 6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_beam_as_wide_as_all_texts_finds_the_best_of_all(seed: int, alpha: float) -> None:
    ours = own(seed=seed, written=4)
    found = ours.beam(READ, READ_LENGTHS, START, STOP, 5, width=3**4 * 4, length_penalty=alpha)
    assert found == [best_of_all(ours, row, 5, alpha) for row in range(3)]


def test_these_models_tell_the_searches_apart() -> None:
    """Texts end at several lengths, some are cut, and beam search, its width and its penalty make a difference."""
    greedy, beams = [], {}
    for seed in SEEDS:
        ours = own(seed=seed)
        greedy += ours.greedy(READ, READ_LENGTHS, START, STOP, 6)
        for width, alpha in itertools.product((2, 5), (0.0, 2.0)):
            beams.setdefault((width, alpha), []).extend(
                ours.beam(READ, READ_LENGTHS, START, STOP, 6, width=width, length_penalty=alpha)
            )
    answers = [greedy, *beams.values()]
    assert all(a != b for a, b in itertools.combinations(answers, 2))
    assert len({len(text) for text in greedy if text[-1] == STOP}) >= 2 and any(text[-1] != STOP for text in greedy)


def by_hand(probabilities: list[list[float]]) -> Transformer:
    """A model whose next token has these probabilities after each token, whatever it has read.

    No sub-layer adds anything, so a token's row of the embedding, a unit vector, reaches the read-out as it is.
    """
    n = len(probabilities)
    made = Transformer(9, n, n, 1, 1, 1, 1, positions="none", tied=False)
    made.decoder.norm = None
    with torch.no_grad():
        for block in made.decoder.blocks:
            for weight in (block.self_attention.W_O, block.cross_attention.W_O, block.feed_forward.W_2):
                weight.zero_()
        made.target_embedding.copy_(torch.eye(n) / n**0.5)
        made.read_out.copy_(torch.tensor(probabilities, dtype=torch.float64).log())
    return made


TINY = 1e-9
TRAP = [
    # start, stop, a, b, c
    [TINY, TINY, 0.5, 0.4, 0.1],
    [TINY, 1.0, TINY, TINY, TINY],
    [TINY, 0.3, 0.3, 0.2, 0.2],  # after a, the first choice, everything is unsure
    [TINY, 0.9, 0.05, 0.03, 0.02],
    [TINY, 0.2, 0.1, 0.1, 0.6],
]


def test_beam_search_finds_what_greedy_search_passes_by() -> None:
    ours = by_hand(TRAP)
    arguments = (READ, READ_LENGTHS, START, STOP, 4)
    close(log_probabilities(ours, 0, [(2, 3)])[0].exp(), torch.tensor([TRAP[t] for t in (0, 2, 3)]).double(), 1e-6)
    assert ours.greedy(*arguments) == ours.beam(*arguments, width=1) == [[2, STOP]] * 3  # 0.5 · 0.3
    for width in (2, 3, 50):
        assert ours.beam(*arguments, width=width) == [[3, STOP]] * 3  # 0.4 · 0.9
    assert best_of_all(ours, 0, 4, 0.0) == [3, STOP]


def test_the_length_penalty_favours_longer_texts() -> None:
    table = [[TINY, 0.3, 0.7], [TINY, 1.0, TINY], [TINY, 0.3, 0.7]]
    ours = by_hand(table)
    for alpha, expected in ((0.0, 1), (1.0, 1), (2.0, 6)):
        assert best_of_all(ours, 0, 6, alpha) == [2] * (expected - 1) + [STOP], alpha
        assert ours.beam(READ, None, START, STOP, 6, width=8, length_penalty=alpha)[0] == best_of_all(ours, 0, 6, alpha)
    assert penalty(1, 0.7) == 1 and penalty(7, 1.0) == 2 and penalty(7, 0.0) == 1 and penalty(19, 0.5) == 2


def test_a_text_that_does_not_end_is_cut() -> None:
    ours = by_hand([[TINY, TINY, 0.6, 0.4], [TINY, 1.0, TINY, TINY], [TINY, TINY, 0.3, 0.7], [TINY, TINY, 0.5, 0.5]])
    assert ours.greedy(READ, None, START, STOP, 3) == [[2, 3, 2]] * 3  # of equals the first
    assert ours.beam(READ, None, START, STOP, 3, width=1) == [[2, 3, 2]] * 3
    # Of those that ended, even the least probable comes first.
    assert ours.beam(READ, None, START, STOP, 3, width=200)[0][-1] == STOP
    assert ours.greedy(READ, None, START, STOP, 1) == [[2]] * 3


def test_writing_leaves_no_graph_and_reads_the_source_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, calls, lengths = own(), [], []
    encode, step = Transformer.encode, Transformer.step
    monkeypatch.setattr(Transformer, "encode", lambda self, *given: calls.append(1) or encode(self, *given))

    def watched(self: Transformer, ids: Tensor, cache: DecoderCache) -> Tensor:
        lengths.append((ids.shape[1], cache.length))
        logits = step(self, ids, cache)
        assert not logits.requires_grad
        return logits

    monkeypatch.setattr(Transformer, "step", watched)
    ours.greedy(READ, READ_LENGTHS, START, STOP, 5)
    assert len(calls) == 1 and lengths == [(1, t) for t in range(len(lengths))]
    lengths.clear()
    ours.beam(READ, READ_LENGTHS, START, STOP, 5, width=2)
    assert len(calls) == 2 and lengths == [(1, t) for t in range(len(lengths))]


def test_the_search_ends_as_soon_as_no_text_can_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one step everything is decided: what remains is less probable than the text that ended."""
    ours = by_hand([[TINY, 0.9, 0.1], [TINY, 1.0, TINY], [TINY, 0.5, 0.5]])
    steps, step = [], Transformer.step
    monkeypatch.setattr(Transformer, "step", lambda self, *given: steps.append(1) or step(self, *given))
    assert ours.beam(READ, None, START, STOP, 9, width=3) == [[STOP]] * 3 and len(steps) == 1


def test_no_text_is_given_up_that_can_still_win() -> None:
    """The text that ends at once is more probable, but with a strong penalty worse than one that goes on for certain."""
    e = TINY
    ours = by_hand(
        [[e, 0.6, 0.4, e, e], [e, 1.0, e, e, e], [e, e, e, 1.0, e], [e, e, e, e, 1.0], [e, 1.0, e, e, e]]
    )  # fmt: skip
    for alpha, expected in ((1.0, [STOP]), (2.0, [2, 3, 4, STOP])):
        assert best_of_all(ours, 0, 4, alpha) == expected
        assert ours.beam(READ, None, START, STOP, 4, width=2, length_penalty=alpha) == [expected] * 3


@pytest.mark.parametrize("fault", ["rows not selected", "rows of another text", "penalty ignored", "one beam"])
def test_the_comparisons_of_beam_search_notice_planted_faults(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    select = DecoderCache.select
    if fault == "rows not selected":
        monkeypatch.setattr(
            DecoderCache, "select", lambda self, rows: self if self.length else select(self, rows)
        )  # fmt: skip
    elif fault == "rows of another text":
        monkeypatch.setattr(
            DecoderCache, "select", lambda self, rows: select(self, rows % 3 if self.length else rows)
        )  # fmt: skip
    elif fault == "penalty ignored":
        monkeypatch.setattr(module, "penalty", lambda length, alpha: 1.0)
    else:
        beam = Transformer.beam
        monkeypatch.setattr(Transformer, "beam", lambda *given, width, **rest: beam(*given, width=1, **rest))
    differs = 0
    for seed in SEEDS:
        ours = own(seed=seed)
        found = ours.beam(READ, READ_LENGTHS, START, STOP, 6, width=3, length_penalty=2.0)
        differs += found != [beam_without_cache(ours, row, 6, 3, 2.0) for row in range(3)]
    assert differs


# ------------------------------------------------------------------------------------------------------------ errors


def _parts(**changes: nn.Module) -> tuple:
    parts = dict(zip(("core", "source", "target", "read_out"), of_torch("pre"), strict=True))
    return tuple((parts | changes).values())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: own(positions="rotary"), "unknown positions 'rotary'"),
        (lambda: own(norm="both"), "unknown norm 'both'"),
        (lambda: Transformer(9, 6, 5, 5, 7, 1, 1), "must be even, not 5"),
        (lambda: Transformer(9, 6, 5, 2, 7, 1, 1, positions="none"), "cannot be cut into 2 heads"),
        (lambda: Transformer(0, 6, 4, 2, 7, 1, 1), "one row or more"),
        (lambda: Transformer(9, 6, 4, 2, 7, 0, 1), "an encoder has one block or more, not 0"),
        (lambda: Transformer(9, 6, 4, 2, 7, 1, 0), "a decoder has one block or more, not 0"),
        (lambda: own(positions="learned", longest=6)(*PADDED), "the text has 7 tokens, .* only 6 rows"),
        (lambda: own(positions="learned", longest=7).greedy(READ, None, START, 5, 9), "has 8 tokens, .* only 7 rows"),
        (lambda: own()(READ, torch.tensor([7, 2]), WRITTEN, None), "there must be 3 lengths, each from 1 to 7"),
        (lambda: own()(READ, torch.tensor([7, 2, 0]), WRITTEN, None), "each from 1 to 7, not"),
        (lambda: own()(READ, torch.tensor([8, 2, 1]), WRITTEN, None), "each from 1 to 7, not"),
        (lambda: own()(READ, None, WRITTEN, torch.tensor([6, 2, 1])), "each from 1 to 5, not"),
        (lambda: own()(READ[0], None, WRITTEN, None), r"the source must be ids \(B, T\)"),
        (lambda: own()(READ, None, WRITTEN.double(), None), "the target must be ids .* not torch.float64"),
        (lambda: own()(READ, None, WRITTEN - 1, None), "the target has ids from -1 to 4, its vocabulary 6"),
        (lambda: own()(READ + 1, None, WRITTEN, None), "the source has ids from 1 to 9, its vocabulary 9"),
        (lambda: own().step(WRITTEN[:2, :1], own().start(READ)), r"a batch of shape \(3,\), the vectors of \(2,\)"),
        (lambda: own().greedy(READ, None, START, 6, 3), "the stop token 6 is not among the 6"),
        (lambda: own().beam(READ, None, -1, STOP, 3, width=2), "the start token -1"),
        (lambda: own().greedy(READ, None, START, STOP, 0), "max_length must be 1 or more, not 0"),
        (lambda: own().beam(READ, None, START, STOP, 0, width=2), "max_length must be 1 or more, not 0"),
        (lambda: own().beam(READ, None, START, STOP, 3, width=0), "width must be 1 or more"),
        (lambda: own().beam(READ, None, START, STOP, 3, width=2, length_penalty=-0.1), "length_penalty 0 or more"),
        (lambda: own().beam(READ, None, START, STOP, 3, width=2, length_penalty=math.nan), "length_penalty 0 or more"),
        (lambda: Transformer.from_torch(*_parts(), positions="learned"), "no learned positions"),
        (lambda: Transformer.from_torch(*_parts(read_out=nn.Linear(6, 6))), "no bias here"),
        (lambda: Transformer.from_torch(*_parts(source=nn.Embedding(9, 4))), "do not fit an nn.Transformer of D = 6"),
        (lambda: Transformer.from_torch(*_parts(read_out=nn.Linear(6, 5, bias=False))), "do not fit"),
        (lambda: own(activation="swiglu").to_torch(), "the exact GELU, not swiglu"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
