"""course_lib.bert against transformers' BertForPreTraining with random weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import BertConfig, BertForPreTraining
from unsettled_layers import close, own, randn, unsettle

from course_lib.bert import BERT
from course_lib.feed_forward import gelu
from course_lib.pretrained import bert_from_state

KINDS = {
    "two heads": ((13, 9, 6, 2, 3, 10), {}),
    "one head, another eps": ((17, 7, 5, 1, 1, None), {"eps": 1e-3}),
    "three segments, narrow": ((11, 12, 12, 3, 2, 7), {"segments": 3, "eps": 1e-7}),
    "heads of one number, wide": ((23, 8, 8, 8, 2, 33), {"segments": 1, "eps": 0.1}),
}
T = 7
LENGTHS = torch.tensor([7, 2, 4])
REAL = torch.arange(T) < LENGTHS[:, None]


def texts(kind: str) -> tuple[Tensor, Tensor]:
    """Tokens and segments, the latter mixed: nothing may take them for granted to come one after another."""
    (vocabulary, *_), options = KINDS[kind]
    generator = torch.Generator().manual_seed(5)
    return tuple(torch.randint(n, (3, T), generator=generator) for n in (vocabulary, options.get("segments", 2)))


def ours(kind: str) -> BERT:
    """Weights so large that every table and every block matters."""
    sizes, options = KINDS[kind]
    made = own(BERT, *sizes, seed=0, **options)
    with torch.no_grad():
        for table in (made.embedding, made.positions, made.segments):
            table.mul_(40)
    return made


def of_transformers(kind: str) -> BertForPreTraining:
    """The same sizes, made there, with random numbers everywhere."""
    (vocabulary, longest, d_model, heads, layers, d_ff), options = KINDS[kind]
    config = BertConfig(
        vocab_size=vocabulary, max_position_embeddings=longest, hidden_size=d_model, num_attention_heads=heads,
        num_hidden_layers=layers, intermediate_size=d_ff or 4 * d_model, type_vocab_size=options.get("segments", 2),
        layer_norm_eps=options.get("eps", 1e-12), pad_token_id=None, hidden_dropout_prob=0.3,
        attention_probs_dropout_prob=0.3,
    )  # fmt: skip
    made = BertForPreTraining(config).to(torch.float64).eval()
    with torch.no_grad():
        for seed, parameter in enumerate(p for p in made.parameters() if p.ndim == 2):
            parameter.copy_(randn(*parameter.shape, seed=seed) / parameter.shape[1] ** 0.5)
    unsettle(made)
    return made


def pair(kind: str, made_by: str) -> tuple[BERT, BertForPreTraining]:
    if made_by == "us":
        model = ours(kind)
        return model, model.to_transformers()
    theirs = of_transformers(kind)
    return BERT.from_transformers(theirs), theirs


both_ways = pytest.mark.parametrize("made_by", ["us", "them"])
all_kinds = pytest.mark.parametrize("kind", KINDS)


@both_ways
@all_kinds
def test_vectors_weights_and_heads_are_those_of_transformers(kind: str, made_by: str) -> None:
    model, theirs = pair(kind, made_by)
    theirs.set_attn_implementation("eager")
    text, segments = texts(kind)
    body = theirs.bert(text, token_type_ids=segments, output_hidden_states=True, output_attentions=True)
    heads = theirs(text, token_type_ids=segments)
    vectors, weights = model.trace(text, segments)
    close(vectors, model(text, segments), 0)
    x = model.norm(model.embedding[text] + model.segments[segments] + model.positions[:T])
    for mine, reference in zip(model.stack.trace(x)[0], body.hidden_states, strict=True):
        close(mine, reference, 1e-11)
    close(vectors, body.last_hidden_state, 1e-11)
    for mine, reference in zip(weights, body.attentions, strict=True):
        close(mine, reference)
    pooled = model.pooled(vectors)
    close(pooled, body.pooler_output, 1e-11)
    close(model.masked_logits(vectors), heads.prediction_logits, 1e-11)
    close(model.next_logits(pooled), heads.seq_relationship_logits, 1e-11)


@all_kinds
def test_without_segments_all_is_segment_0(kind: str) -> None:
    model, theirs = pair(kind, "us")
    text, segments = texts(kind)
    reference = theirs.bert(text).last_hidden_state
    close(model(text), reference, 1e-11)
    close(model(text, torch.zeros_like(segments)), reference, 1e-11)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@both_ways
@all_kinds
def test_padding_is_not_looked_at(kind: str, made_by: str, implementation: str) -> None:
    model, theirs = pair(kind, made_by)
    theirs.set_attn_implementation(implementation)
    text, segments = texts(kind)
    reference = theirs(text, attention_mask=REAL.long(), token_type_ids=segments)
    vectors, weights = model.trace(text, segments, LENGTHS)
    close(model.masked_logits(vectors)[REAL], reference.prediction_logits[REAL], 1e-11)
    close(model.next_logits(model.pooled(vectors)), reference.seq_relationship_logits, 1e-11)
    for of_block in weights:
        assert not of_block.masked_select(~REAL[:, None, None]).any()
    other = torch.where(REAL, text, (text + 1) % KINDS[kind][0][0])
    close(model(other, segments, LENGTHS)[REAL], vectors[REAL], 0)
    assert (model(other, segments)[REAL] - model(text, segments)[REAL]).abs().max() > 1e-3


@pytest.mark.parametrize("padded", [False, True])
@both_ways
@all_kinds
def test_losses_and_gradients_are_those_of_transformers(kind: str, made_by: str, padded: bool) -> None:
    model, theirs = pair(kind, made_by)
    text, segments = texts(kind)
    lengths, mask = (LENGTHS, REAL.long()) if padded else (None, None)
    follows = torch.tensor([0, 1, 1])
    chosen = (torch.arange(3 * T).view(3, T) % 3 == 1) & REAL
    labels = torch.where(chosen, text.flip(1), -100)

    def loss(masked: Tensor, following: Tensor) -> Tensor:
        return F.cross_entropy(masked, labels[chosen]) + F.cross_entropy(following, follows)

    vectors = model(text, segments, lengths)
    mine = loss(model.masked_logits(vectors[chosen]), model.next_logits(model.pooled(vectors)))
    reference = theirs(text, mask, segments, labels=labels, next_sentence_label=follows)
    close(mine, reference.loss, 1e-11)
    mine.backward()
    reference.loss.backward()
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    expected = bert_from_state(theirs.config.to_dict(), gradients)
    for (name, parameter), (same, gradient) in zip(model.named_parameters(), expected.named_parameters(), strict=True):
        assert name == same
        assert gradient.any() or name.endswith("b_K"), f"nothing flows to {name}"  # b_K moves all scores alike
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-11, rtol=1e-9, msg=name)


@all_kinds
def test_the_weights_come_back_bit_by_bit(kind: str) -> None:
    model = ours(kind)
    theirs = model.to_transformers()
    back = BERT.from_transformers(theirs)
    assert model.state_dict().keys() == back.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name]), name
    again = back.to_transformers()
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


@both_ways
def test_the_weights_are_copies(made_by: str) -> None:
    model, theirs = pair("two heads", made_by)
    text, _ = texts("two heads")
    before = theirs(text).prediction_logits
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    close(theirs(text).prediction_logits, before, 0)
    assert not theirs.training and all(parameter.requires_grad for parameter in model.parameters())


def test_the_heads_by_hand() -> None:
    """The formulas of the docstrings, one number at a time where a matrix could be turned round unseen."""
    model = ours("two heads")
    vectors = randn(3, T, 6, seed=4)
    pooled = model.pooled(vectors)
    for row in range(3):
        for column in range(6):
            total = model.b_pool[column] + sum(vectors[row, 0, k] * model.W_pool[k, column] for k in range(6))
            close(pooled[row, column], total.tanh())
    one = vectors[1, 2]
    hidden = gelu(one @ model.W_head + model.b_head)
    hidden = (hidden - hidden.mean()) / (hidden.var(correction=0) + 1e-12).sqrt()
    hidden = hidden * model.norm_head.gamma + model.norm_head.beta
    close(model.masked_logits(one), model.embedding @ hidden + model.b_out, 1e-11)
    close(model.masked_logits(vectors)[1, 2], model.masked_logits(one), 1e-11)
    close(model.next_logits(pooled)[2, 1], pooled[2] @ model.W_next[:, 1] + model.b_next[1])


def test_the_first_weights_come_from_the_generator() -> None:
    def made(seed: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return BERT(50, 40, 12, 3, 2, segments=30, generator=generator, dtype=torch.float32).state_dict()

    one, same, other = made(0), made(0), made(1)
    for name, tensor in one.items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, same[name]), name
        assert tensor.ndim == 1 or not torch.equal(tensor, other[name]), name
    for name in ("embedding", "positions", "segments"):
        assert one[name].std().item() == pytest.approx(0.02, rel=0.15), name
    generator = torch.Generator().manual_seed(0)
    wide = BERT(50, 40, 12, 3, 2, segments=30, spread=0.5, generator=generator, dtype=torch.float32)
    for name, tensor in wide.state_dict().items():
        close(tensor, one[name] * 25 if name == "embedding" else one[name], 1e-6)


def test_the_defaults_are_berts() -> None:
    config, defaults = BERT(13, 9, 6, 2, 1).to_transformers().config, BertConfig()
    for name in ("layer_norm_eps", "hidden_act", "type_vocab_size"):
        assert getattr(config, name) == getattr(defaults, name), name
    assert config.intermediate_size == 24


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: BERT(0, 4, 6, 2, 1), "not 0, 4, 2"),
        (lambda: BERT(4, 0, 6, 2, 1), "not 4, 0, 2"),
        (lambda: BERT(4, 4, 6, 2, 1, segments=0), "not 4, 4, 0"),
        (lambda: BERT(4, 4, 6, 4, 1), "cannot be cut into 4 heads"),
        (lambda: BERT(4, 4, 6, 2, 0), "one block or more"),
        (lambda: ours("two heads")(torch.zeros(1, 10, dtype=torch.int64)), "a text of 10 tokens, but there are 9"),
        # There the head of masked language modelling would have ReLU too, and here it has GELU.
        (lambda: BERT(4, 4, 6, 2, 1, activation="relu").to_transformers(), "the activation gelu, not relu"),
        (lambda: BERT(4, 4, 6, 2, 1, activation="gelu_tanh").to_transformers(), "the activation gelu, not gelu_tanh"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
