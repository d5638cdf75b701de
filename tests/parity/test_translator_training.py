"""The translator's training, its scores and its variants without a part, each against what it says it is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from course_lib import translator_experiments as experiments
from course_lib import translator_training as task
from course_lib.attention import causal_mask
from course_lib.corpora import translation
from course_lib.results import recorded
from course_lib.translator_looks import alignment_scores, attention_maps, looks_of_it, looks_of_pronoun, places
from course_lib.translator_model import Transformer
from course_lib.translator_training import PAD, SMALL, START, batch, draw, scores, untrained

TINY = replace(SMALL, d_model=8, heads=2, d_ff=8, steps=2, size=4)
SENTENCES = draw(6, seed=5, kind="both")


def model(build=Transformer, layers: int = 1, **options) -> Transformer:
    return untrained(replace(TINY, encoder_layers=layers, decoder_layers=layers, **options), 1, build)


def test_both_kinds_are_drawn_half_and_half() -> None:
    assert len(SENTENCES) == 6
    assert [one.tokens[one.nouns[1]] in translation.forms()["agents"] for one in SENTENCES] == [True] * 3 + [False] * 3


def test_the_loss_is_the_mean_over_real_tokens_given_the_right_ones_before() -> None:
    of, made = batch(SENTENCES), model()
    total, count = 0.0, 0
    for row in range(len(SENTENCES)):
        T = int(of.target_lengths[row])
        source = of.source[row : row + 1, : int(of.source_lengths[row])]
        for t in range(1, T):
            logits = made(source, None, of.target[row : row + 1, :t], None)
            total -= float(logits[0, -1].log_softmax(-1)[of.target[row, t]].detach())
            count += 1
    assert float(task.loss(made, of).detach()) == pytest.approx(total / count, abs=1e-10)
    assert int(of.target[0, 0]) == START and count == int((of.target[:, 1:] != PAD).sum())


def test_smoothing_is_that_of_pytorch() -> None:
    of, made = batch(SENTENCES), model()
    logits = made(of.source, of.source_lengths, of.target[:, :-1], of.target_lengths - 1)
    real = of.target[:, 1:] != PAD
    expected = F.cross_entropy(logits[real], of.target[:, 1:][real], label_smoothing=0.1)
    torch.testing.assert_close(task.loss(made, of, smoothing=0.1), expected, rtol=0, atol=1e-12)


def test_training_draws_other_sentences_at_each_step_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []
    monkeypatch.setattr(
        task, "draw", lambda count, seed, kind: seeds.append((count, seed, kind)) or draw(count, seed, kind)
    )
    for seed in (0, 1):
        task.train(model(), TINY, seed)
    assert seeds == [(4, 0, "place"), (4, 1, "place"), (4, 1_000_003, "place"), (4, 1_000_004, "place")]


def test_only_the_given_parameters_are_trained() -> None:
    made = model()
    before = {name: weight.detach().clone() for name, weight in made.named_parameters()}
    task.train(made, TINY, 0, parameters=[made.source_embedding])
    moved = {name for name, weight in made.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {"source_embedding"}


def test_scores_count_what_they_say() -> None:
    sentences = [one for one in task.unseen("place", 200) if translation.gender_differs(one)][:4]
    right = [translation.translate(one) for one in sentences]
    assert scores([one.tokens for one in right], sentences) == (1, 1, 1, 1)
    table = translation.forms()

    def with_gender(one, gender: str, *names: str) -> tuple[str, ...]:
        words = list(one.tokens)
        for name in names:
            place = getattr(one, name)
            if name == "pronoun":
                words[place] = table["pronouns"][gender]
            else:
                groups = table["past"] if name != "adjective" else table["adjectives"]
                entry = next(entry for entry in groups.values() if words[place] in [entry[g] for g in "mfn"])
                words[place] = entry[gender]
        return tuple(words)

    others = [next(g for g in one.genders if g != one.gender) for one in right]
    all_wrong = [with_gender(one, g, "pronoun", "copula", "adjective") for one, g in zip(right, others, strict=True)]
    assert scores(all_wrong, sentences) == (0, 0, 1, 1)  # wrong, but agreeing with itself
    torn = [with_gender(one, g, "pronoun") for one, g in zip(right, others, strict=True)]
    assert scores(torn, sentences).agreement == 0
    subject = [one.genders[0] for one in right]
    verbs = [with_gender(one, "mf"[g == "m"], "verb") for one, g in zip(right, subject, strict=True)]
    assert scores(verbs, sentences) == (0, 1, 0, 1)
    assert scores([()] * 4, sentences) == (0, 0, 0, 0)


def test_equal_genders_do_not_count_for_the_pronoun() -> None:
    sentences = task.unseen("place", 200)
    alike = next(one for one in sentences if not translation.gender_differs(one))
    differ = next(one for one in sentences if translation.gender_differs(one))
    assert scores([(), translation.translate(differ).tokens], [alike, differ]).pronoun == 1


def test_a_word_says_its_gender_but_for_adjectives_that_are_alike_in_two() -> None:
    table, genders = translation.forms(), task.word_genders()
    for entry in (table["pronouns"], *table["past"].values()):
        assert [genders[entry[one]] for one in "mfn"] == [{"m"}, {"f"}, {"n"}]
    for entry in table["adjectives"].values():  # in the instrumental: "слишком уставшим"
        assert [genders[entry[one]] for one in "mfn"] in ([{"m"}, {"f"}, {"n"}], [{"m", "n"}, {"f"}, {"m", "n"}])


def test_least_loss_is_the_entropy_per_token() -> None:
    assert task.least_loss("place") == (pytest.approx(translation.entropy_per_token("place", "ru")), 0)
    place, roles = (translation.entropy(kind, "ru") for kind in ("place", "roles"))
    lengths = sum(translation.expected_length(kind, "ru") for kind in ("place", "roles"))
    assert task.least_loss("both")[0] == pytest.approx((place + roles + 2 * math.log(2)) / lengths)


@pytest.mark.parametrize("layers", [1, 2])
def test_writing_without_a_cache_gives_the_same(layers: int) -> None:
    of, made = batch(SENTENCES), model(layers=layers)
    assert task.write(made, of) == task.write_slowly(made, of)


# ---------------------------------------------------------------------------------------------------- where it looks


def one_hot(columns: list[list[int]], width: int) -> torch.Tensor:
    return F.one_hot(torch.tensor(columns), width).double()[:, None]


def test_alignment_is_scored_by_the_largest_weight() -> None:
    sentences = task.unseen("place", 3)
    right = [translation.translate(one) for one in sentences]
    T, width = max(len(one.tokens) for one in right), max(len(one.tokens) for one in sentences)
    perfect = [[(one.alignment[t] or (0,))[0] if t < len(one.tokens) else 0 for t in range(T)] for one in right]
    assert set(alignment_scores(one_hot(perfect, width), sentences).values()) == {1.0}
    for name in places(right[0]):
        spoilt = [row.copy() for row in perfect]
        row = places(right[1])[name]
        spoilt[1][row] = next(j for j in range(width) if j not in right[1].alignment[row])
        found = alignment_scores(one_hot(spoilt, width), sentences)
        assert found.pop(name) == pytest.approx(2 / 3) and set(found.values()) == {1.0}


def test_the_looks_of_the_pronoun_and_of_it() -> None:
    sentences = task.unseen("roles", 4)
    right = [translation.translate(one) for one in sentences]
    width = max(len(one.tokens) for one in sentences)
    rows = [[one.referent if t == p.pronoun else 0 for t in range(20)] for one, p in zip(sentences, right, strict=True)]
    assert looks_of_pronoun(one_hot(rows, width), sentences) == {
        "referent": 1, "other noun": 0, "adjective": 0, "it": 0, "rest": 0
    }  # fmt: skip
    own = [[sum(one.nouns) - one.referent if t == one.it else 0 for t in range(width)] for one in sentences]
    to_referent = [[one.referent if t == one.it else 0 for t in range(width)] for one in sentences]
    two_heads = torch.cat([one_hot(own, width), one_hot(to_referent, width)], dim=1)
    assert looks_of_it(two_heads, sentences) == (1, 0)
    assert looks_of_it(one_hot(own, width), sentences) == (0, 1)


def test_attention_maps_are_those_of_the_model() -> None:
    of, made = batch(SENTENCES), model(layers=2)
    own, masked, across = attention_maps(made, of)
    memory, weights = made.encode(of.source, of.source_lengths)
    _, back, over = made.decode(memory, of.source_lengths, of.target[:, :-1], of.target_lengths - 1)
    for mine, theirs in ((own, weights), (masked, back), (across, over)):
        assert len(mine) == 2 and all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


# ----------------------------------------------------------------------------------------------------- without a part


def rows_of(made: Transformer, written: torch.Tensor, of=None) -> torch.Tensor:
    of = of or batch(SENTENCES)
    with torch.no_grad():
        return made(of.source, of.source_lengths, written, None)


def changed_last(written: torch.Tensor) -> torch.Tensor:
    other = written.clone()
    other[:, -1] = 9
    return other


def moved_rows(build, written: torch.Tensor) -> list[bool]:
    made = model(build)
    gap = (rows_of(made, written) - rows_of(made, changed_last(written))).abs().amax(dim=(0, 2))
    return (gap > 1e-9).tolist()


def test_what_a_later_token_reaches() -> None:
    written = batch(SENTENCES).target[:, :6]
    assert moved_rows(Transformer, written) == [False] * 5 + [True]
    assert moved_rows(experiments.WithoutMask, written) == [True] * 6
    assert moved_rows(experiments.MaskAfterSoftmax, written) == [True] * 6


def test_the_late_mask_is_softmax_over_all_and_then_the_triangle() -> None:
    made = model(experiments.MaskAfterSoftmax)
    attention = made.decoder.blocks[0].self_attention
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lengths = torch.tensor([5, 3])
    there = (torch.arange(5) < lengths[:, None])[:, None, None]
    out, weights = attention(x, mask=there & causal_mask(5))
    plain = model().decoder.blocks[0].self_attention
    plain.load_state_dict(attention.state_dict())
    whole = plain(x, mask=there)[1]
    torch.testing.assert_close(weights, whole * causal_mask(5), rtol=0, atol=1e-12)
    assert (weights[0].sum(-1)[:, :-1] < 1 - 1e-6).all() and out.shape == x.shape
    value = (x @ attention.W_V + attention.b_V).unflatten(-1, (2, -1)).transpose(1, 2)
    joined = (weights @ value).transpose(1, 2).flatten(-2) @ attention.W_O + attention.b_O
    torch.testing.assert_close(out, joined, rtol=0, atol=1e-12)


def test_the_window_hides_what_is_further_back() -> None:
    written = batch(SENTENCES).target[:, :8]
    other = written.clone()
    other[:, 2] = 9
    for build, last in ((Transformer, 8), (experiments.Windowed, 2 + experiments.WINDOW)):
        made = model(build)
        gap = (rows_of(made, written) - rows_of(made, other)).abs().amax(dim=(0, 2))
        assert (gap > 1e-9).tolist() == [2 <= t < last for t in range(8)]


def test_without_source_positions_the_order_of_the_source_does_not_matter() -> None:
    of = batch(SENTENCES)
    longest = int(of.source_lengths.min())
    cut = of._replace(source=of.source[:, :longest], source_lengths=torch.full((6,), longest))
    turned = cut._replace(source=cut.source.flip(1))
    written = of.target[:, :6]
    for build, same in ((Transformer, False), (experiments.WithoutSourcePositions, True)):
        for positions in ("sinusoidal", "learned"):
            made = model(build, positions=positions)
            if positions == "learned":
                with torch.no_grad():
                    made.source_positions.table.add_(torch.randn(made.source_positions.table.shape, generator=torch.Generator().manual_seed(3)))  # fmt: skip
            gap = (rows_of(made, written, cut) - rows_of(made, written, turned)).abs().max()
            assert (gap < 1e-9) == same
            # The target has kept its positions.
            swapped = written.clone()
            swapped[:, [1, 2]] = written[:, [2, 1]]
            assert (rows_of(made, written, cut) - rows_of(made, swapped, cut))[:, -1].abs().max() > 1e-6


def test_without_cross_attention_the_source_changes_nothing() -> None:
    of = batch(SENTENCES)
    other = of._replace(source=of.source.roll(1, dims=0), source_lengths=of.source_lengths.roll(1))
    written = of.target[:, :6]
    for build, same in ((Transformer, False), (experiments.WithoutCrossAttention, True)):
        made = model(build)
        assert torch.equal(rows_of(made, written, of), rows_of(made, written, other)) == same


# ------------------------------------------------------------------------------------------------- baselines and swaps


def test_the_bag_sees_no_order_and_no_padding() -> None:
    of, bag = batch(SENTENCES), experiments.BagOfWords(0)
    found = bag(of.source, of.source_lengths)
    for row in range(len(SENTENCES)):
        words = of.source[row, : int(of.source_lengths[row])]
        torch.testing.assert_close(bag(words.flip(0)[None], torch.tensor([len(words)]))[0], found[row])
    assert not torch.allclose(found[0], found[1])


def test_the_majority_guesses_one_pronoun_and_counts_different_genders_only() -> None:
    sentences = task.unseen("place", 300)
    most = translation.majority_gender("place")
    counted = [translation.translate(one).gender for one in sentences if translation.gender_differs(one)]
    assert experiments.guesses(None, "place", sentences) == pytest.approx(counted.count(most) / len(counted))


def test_the_mirror_reads_backwards_and_keeps_the_padding_behind() -> None:
    of = batch(SENTENCES)
    turned = experiments.mirrored(of)
    for row, length in enumerate(of.source_lengths.tolist()):
        assert turned.source[row, :length].tolist() == of.source[row, :length].tolist()[::-1]
        assert not turned.source[row, length:].any()
    assert all(torch.equal(a, b) for a, b in zip(of[1:], turned[1:], strict=True))


def test_a_model_of_two_parts_shares_them() -> None:
    reader, writer = untrained(SMALL, 1), untrained(SMALL, 2)
    both = experiments.with_decoder_of(reader, writer, 3)
    assert both.encoder is reader.encoder and both.source_embedding is reader.source_embedding
    assert both.decoder is writer.decoder and both.target_embedding is writer.target_embedding
    names = {name.split(".")[0] for name, _ in both.named_parameters()}
    assert names == {"source_embedding", "target_embedding", "encoder", "decoder"}


def test_the_recorded_translator_does_what_the_course_promises() -> None:
    for run in recorded("translator")["rows"]:
        for kind in ("place", "roles"):
            assert run[f"exact, {kind}"] >= 0.98 and run[f"beam exact, {kind}"] >= 0.98
            assert run[f"pronoun, {kind}"] >= 0.99 > run[f"majority, {kind}"] + 0.3
        assert run["bag, roles"] < 0.7 < 0.9 < run["pronoun, roles"]
    seen = {row["without"] for row in recorded("translator-without")["rows"]}
    assert seen == {"nothing", *experiments.WITHOUT}
