"""course_lib.gpt against transformers' GPT-2 with random weights; its cache and its writing against doing all over again."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel
from unsettled_layers import close, own, randn, unsettle

from course_lib.attention import causal_mask, padding_mask
from course_lib.gpt import GPT
from course_lib.pretrained import gpt_from_state

KINDS = {
    "two heads": ((13, 9, 6, 2, 3, 10), {}),
    "one head, ReLU, another eps": ((17, 7, 5, 1, 1, None), {"activation": "relu", "eps": 1e-3}),
    "exact GELU, narrow": ((11, 12, 12, 3, 2, 7), {"activation": "gelu", "eps": 1e-6}),
    "heads of one number, wide": ((23, 8, 8, 8, 2, 33), {"eps": 0.1}),
}
NAMES = {"relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_new"}
T = 7


def ids(vocabulary: int, batch: int = 3, length: int = T, seed: int = 0) -> Tensor:
    return torch.randint(vocabulary, (batch, length), generator=torch.Generator().manual_seed(seed))


def ours(kind: str, seed: int = 0) -> GPT:
    """Weights so large that attention is sharp and a block's work is seen."""
    sizes, options = KINDS[kind]
    made = own(GPT, *sizes, seed=seed, **options)
    with torch.no_grad():
        made.embedding.mul_(40)
        made.positions.mul_(40)
    return made


def of_transformers(kind: str) -> GPT2LMHeadModel:
    """The same sizes, made there, with random numbers everywhere."""
    (vocabulary, longest, d_model, heads, layers, d_ff), options = KINDS[kind]
    config = GPT2Config(
        vocab_size=vocabulary, n_positions=longest, n_embd=d_model, n_head=heads, n_layer=layers, n_inner=d_ff,
        activation_function=NAMES[options.get("activation", "gelu_tanh")],
        layer_norm_epsilon=options.get("eps", 1e-5),
        bos_token_id=None, eos_token_id=None, resid_pdrop=0.3, embd_pdrop=0.3, attn_pdrop=0.3,
    )  # fmt: skip
    made = GPT2LMHeadModel(config).to(torch.float64).eval()
    with torch.no_grad():
        for seed, parameter in enumerate(p for p in made.parameters() if p.ndim == 2):
            parameter.copy_(randn(*parameter.shape, seed=seed) / parameter.shape[0] ** 0.5)
    unsettle(made)
    return made


def pair(kind: str, made_by: str) -> tuple[GPT, GPT2LMHeadModel]:
    if made_by == "us":
        model = ours(kind)
        return model, model.to_transformers()
    theirs = of_transformers(kind)
    return GPT.from_transformers(theirs), theirs


both_ways = pytest.mark.parametrize("made_by", ["us", "them"])
all_kinds = pytest.mark.parametrize("kind", KINDS)


# --------------------------------------------------------------------------------------------------- against GPT-2


@both_ways
@all_kinds
def test_logits_vectors_and_weights_are_those_of_gpt2(kind: str, made_by: str) -> None:
    model, theirs = pair(kind, made_by)
    theirs.set_attn_implementation("eager")
    text = ids(KINDS[kind][0][0])
    reference = theirs(text, output_hidden_states=True, output_attentions=True)
    logits, weights = model.trace(text)
    close(logits, reference.logits, 1e-11)
    close(logits, model(text), 0)
    vectors, _ = model.stack.trace(model.embedding[text] + model.positions[:T], causal_mask(T))
    last = model.stack.norm(vectors[-1])
    for mine, reference_vectors in zip([*vectors[:-1], last], reference.hidden_states, strict=True):
        close(mine, reference_vectors, 1e-11)
    close(model.vectors(text), reference.hidden_states[-1], 1e-11)
    for mine, reference_weights in zip(weights, reference.attentions, strict=True):
        close(mine, reference_weights)


@both_ways
@all_kinds
def test_loss_and_gradients_are_those_of_gpt2(kind: str, made_by: str) -> None:
    model, theirs = pair(kind, made_by)
    text = ids(KINDS[kind][0][0])
    labels = text.clone()
    labels[0, 3:] = -100

    def loss(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)

    mine, reference = loss(model(text)), theirs(text, labels=labels)
    close(mine, reference.loss.double(), 1e-5)  # there it is computed in float32 whatever the logits are
    mine.backward()
    loss(reference.logits).backward()
    expected = gpt_from_state(theirs.config.to_dict(), {name: p.grad for name, p in theirs.named_parameters()})
    for (name, parameter), (same, gradient) in zip(model.named_parameters(), expected.named_parameters(), strict=True):
        assert name == same
        assert gradient.any() or name.endswith("b_K"), f"nothing flows to {name}"  # b_K moves all scores alike
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-11, rtol=1e-9, msg=name)


@all_kinds
def test_the_weights_come_back_bit_by_bit(kind: str) -> None:
    model = ours(kind)
    theirs = model.to_transformers()
    back = GPT.from_transformers(theirs)
    assert model.state_dict().keys() == back.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name]), name
    again = back.to_transformers()
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


@both_ways
def test_the_weights_are_copies(made_by: str) -> None:
    model, theirs = pair("two heads", made_by)
    before = theirs(ids(13)).logits
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    close(theirs(ids(13)).logits, before, 0)
    assert not theirs.training and all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_another_mask_in_the_place_of_the_causal_one(implementation: str) -> None:
    """A prefix that sees itself whole (Raffel et al. 2020, section 3.2.1), as a mask of four axes there."""
    model, theirs = pair("two heads", "us")
    theirs.set_attn_implementation(implementation)
    text = ids(13)
    mask = causal_mask(T).repeat(3, 1, 1, 1)
    for row, prefix in enumerate((3, 1, 6)):
        mask[row, :, :prefix, :prefix] = True
    added = torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, torch.finfo(torch.float64).min)
    logits = model(text, mask)
    close(model.vectors(text, mask) @ model.embedding.T, logits, 0)
    close(logits, theirs(text, attention_mask=added).logits, 1e-11)
    # A text with another prefix is another text; one with a prefix of one token is the causal one.
    assert (logits - model(text)).abs().amax(dim=(1, 2)).gt(1e-3).tolist() == [True, False, True]


def test_padding_after_a_text_changes_nothing_before_it() -> None:
    model, theirs = pair("exact GELU, narrow", "them")
    text, lengths = ids(11), torch.tensor([7, 2, 4])
    real = torch.arange(T) < lengths[:, None]
    reference = theirs(text, attention_mask=real.long()).logits
    close(model(text)[real], reference[real], 1e-11)
    masked = model(text, padding_mask(lengths, T)[:, None] & causal_mask(T))
    close(masked[real], reference[real], 1e-11)


# ----------------------------------------------------------------------------------------------- token after token


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), cuts=st.sets(st.integers(1, T - 1)), room=st.integers(0, 5), data=st.data())
def test_steps_give_what_the_whole_text_gives(kind: str, cuts: set[int], room: int, data: st.DataObject) -> None:
    model = ours(kind)
    text = ids(KINDS[kind][0][0], batch=data.draw(st.integers(1, 3)), seed=data.draw(st.integers(0, 9)))
    cache = model.start(len(text), T + room)
    pieces = []
    for start, stop in pairwise([0, *sorted(cuts), T]):
        pieces.append(model.step(text[:, start:stop], cache))
        assert cache.length == stop and pieces[-1].shape[1] == stop - start
    close(torch.cat(pieces, dim=1), model(text), 1e-10)


def test_the_cache_holds_the_keys_and_values_of_gpt2() -> None:
    model, theirs = pair("two heads", "them")
    text, cache = ids(13), model.start(3)
    assert cache.keys.shape == (3, 3, 2, 9, 3)
    model.step(text, cache)
    with torch.no_grad():
        reference = theirs(text, use_cache=True).past_key_values
    for number, layer in enumerate(reference.layers):
        close(cache.keys[number, ..., :T, :], layer.keys)
        close(cache.values[number, ..., :T, :], layer.values)
    assert not cache.keys[..., T:, :].any() and not cache.values[..., T:, :].any()


def slowly(model: GPT, text: Tensor, count: int, stop: int | None = None) -> list[list[int]]:
    """Without a cache, one text at a time."""
    rows = []
    for row in text.tolist():
        written: list[int] = []
        while len(written) < count and stop not in written:
            written.append(int(model(torch.tensor([row + written]))[0, -1].argmax()))
        rows.append(written)
    return rows


@all_kinds
def test_writing_is_the_slow_way_and_gpt2s(kind: str) -> None:
    model = ours(kind)
    vocabulary, longest, *_ = KINDS[kind][0]
    text = ids(vocabulary, length=2)
    count = longest - 2
    written = model.generate(text, count)
    assert written.tolist() == slowly(model, text, count)
    theirs = model.to_transformers()
    reference = theirs.generate(
        text, attention_mask=torch.ones_like(text), do_sample=False, max_new_tokens=count, pad_token_id=0
    )
    assert torch.equal(written, reference[:, 2:])
    assert len({tuple(row) for row in written.tolist()}) > 1


def test_a_finished_text_is_filled_up() -> None:
    model = ours("two heads", seed=1)
    text = ids(13, batch=4, length=2, seed=3)
    whole = model.generate(text, 7)
    stop = int(whole[0, 2])
    expected = slowly(model, text, 7, stop)
    lengths = sorted(map(len, expected))
    assert lengths[0] < lengths[-1], "the texts end at different places"
    filled = [row + [stop] * (lengths[-1] - len(row)) for row in expected]
    assert model.generate(text, 7, stop=stop).tolist() == filled
    reference = model.to_transformers().generate(
        text, attention_mask=torch.ones_like(text), do_sample=False, max_new_tokens=7, eos_token_id=stop,
        pad_token_id=stop,
    )  # fmt: skip
    assert reference[:, 2:].tolist() == filled


def test_writing_ends_with_the_last_text() -> None:
    model = ours("two heads")
    text = ids(13, batch=1, length=2)
    first = int(model.generate(text, 1))
    assert model.generate(text, 7, stop=first).tolist() == [[first]]


def test_the_choice_is_the_callers() -> None:
    model = ours("two heads")
    text, seen = ids(13, length=2), []

    def least(logits: Tensor) -> Tensor:
        seen.append(logits)
        return logits.argmin(dim=-1)

    written = model.generate(text, 3, least)
    whole = torch.cat([text, written], dim=1)
    logits = model(whole)
    assert torch.equal(written, logits[:, 1:-1].argmin(dim=-1))
    close(torch.stack(seen, dim=1), logits[:, 1:-1], 1e-10)
    assert not written.requires_grad and not seen[0].requires_grad


def test_writing_nothing() -> None:
    assert ours("two heads").generate(ids(13, length=2), 0).shape == (3, 0)


# ---------------------------------------------------------------------------------------------------------- the rest


def test_the_first_weights_come_from_the_generator() -> None:
    def made(seed: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return GPT(50, 40, 12, 3, 2, generator=generator, dtype=torch.float32).state_dict()

    one, same, other = made(0), made(0), made(1)
    for name, tensor in one.items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, same[name]), name
        assert tensor.ndim == 1 or not torch.equal(tensor, other[name]), name
    assert one["embedding"].std().item() == pytest.approx(0.02, rel=0.15)
    assert one["positions"].std().item() == pytest.approx(0.02, rel=0.15)
    wide = GPT(50, 40, 12, 3, 2, spread=0.5, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
    for name, tensor in wide.state_dict().items():
        close(tensor, one[name] * 25 if name == "embedding" else one[name], 1e-6)


def test_the_defaults_are_gpt2s() -> None:
    config, defaults = GPT(13, 9, 6, 2, 1).to_transformers().config, GPT2Config()
    assert config.layer_norm_epsilon == defaults.layer_norm_epsilon
    assert config.activation_function == defaults.activation_function
    assert config.n_inner == 24


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: GPT(0, 4, 6, 2, 1), "not 0 and 4"),
        (lambda: GPT(4, 0, 6, 2, 1), "not 4 and 0"),
        (lambda: GPT(4, 4, 6, 4, 1), "cannot be cut into 4 heads"),
        (lambda: GPT(4, 4, 6, 2, 0), "one block or more"),
        (lambda: ours("two heads")(ids(13, length=10)), "a text of 10 tokens, but there are 9 positions"),
        (lambda: ours("two heads")(ids(13), torch.ones(T, T)), "boolean"),
        (lambda: ours("two heads").generate(ids(13, length=0), 2), "give one token at least"),
        (lambda: ours("two heads").generate(ids(13, length=9), 2), "a text of 10 tokens, but there are 9 positions"),
        (lambda: GPT(4, 4, 6, 2, 1, bias=False).to_transformers(), "no such form: .*b_Q is missing"),
        (lambda: GPT(4, 4, 6, 2, 1, activation="swiglu").to_transformers(), "not swiglu"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_a_full_cache_is_an_error_and_stays_as_it_was() -> None:
    model = ours("two heads")
    cache = model.start(3, 5)
    model.step(ids(13, length=4), cache)
    with pytest.raises(ValueError, match="a text of 6 tokens, but the cache has room for 5"):
        model.step(ids(13, length=2), cache)
    assert cache.length == 4
