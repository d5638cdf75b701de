"""Word2Vec's losses and hand-made gradients against autograd, PyTorch, gensim, and against themselves by other routes."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from course_lib import word2vec
from course_lib.negative_sampling import (
    Examples,
    band_matrix,
    batch_gradients,
    batch_loss,
    cbow_examples,
    loop_gradients,
    noise_distribution,
    pair_gradients,
    pair_loss,
    skip_gram_examples,
    training_pairs,
)
from course_lib.parity import parity
from course_lib.vocabulary_softmax import (
    HuffmanTree,
    hierarchical_gradients,
    hierarchical_log_probabilities,
    hierarchical_loss,
    softmax_gradients,
    softmax_loss,
)
from course_lib.word2vec import AdagradTable, cut, held_out_loss, keep_probability, train
from course_lib.word_vectors import Vocabulary, WordVectors

TIGHT = {"atol": 1e-11, "rtol": 0}


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradients(loss, *tensors: Tensor) -> tuple[Tensor, ...]:
    """What autograd makes of a loss."""
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    return torch.autograd.grad(loss(*leaves), leaves)


def the_same(ours, theirs) -> None:
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs) and max(float(t.abs().max()) for t in theirs) > 1e-3
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, **TIGHT)


# ------------------------------------------------------------------------------------------------------------ one pair


def by_cross_entropy(hidden, output, noise, weight):
    """The same loss as k + 1 binary classifications, PyTorch's way."""
    true = F.binary_cross_entropy_with_logits((hidden * output).sum(), torch.ones((), dtype=torch.float64))
    scores = noise @ hidden
    return true + weight * F.binary_cross_entropy_with_logits(scores, torch.zeros_like(scores), reduction="sum")


@pytest.mark.parametrize("size,drawn", [(1, 1), (3, 5), (8, 2)])
def test_the_loss_of_a_pair_is_binary_cross_entropy(size, drawn):
    parity(
        "binary cross-entropy",
        lambda h, o, n: pair_loss(h, o, n, 0.7),
        lambda h, o, n: by_cross_entropy(h, o, n, 0.7),
        randn(size), randn(size, seed=1), randn(drawn, size, seed=2),
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 7), st.floats(0.1, 3), st.floats(0.1, 20), st.integers(0, 1000))
def test_the_gradients_of_a_pair(size, drawn, weight, scale, seed):
    vectors = scale * randn(size, seed=seed), randn(size, seed=seed + 1), randn(drawn, size, seed=seed + 2)
    ours = pair_gradients(*vectors, weight)
    theirs = gradients(lambda *v: pair_loss(*v, weight), *vectors)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


# --------------------------------------------------------------------------------------------------------- many of them

V, D, W, S, K, k = 13, 5, 3, 6, 4, 2


def block(seed: int, blocks: int = 3):
    """Tables, and blocks with sights that make a ragged band; some words stand alone, noise words repeat."""
    rng = np.random.default_rng(seed)
    text = torch.from_numpy(rng.integers(0, V, (blocks, S + 2 * W)))
    left, right = (torch.from_numpy(rng.integers(0, W + 1, (blocks, S)).astype(np.int16)) for _ in range(2))
    left[0, 2] = right[0, 2] = 0
    noise = torch.from_numpy(rng.integers(0, 4, (blocks, K)))
    return randn(V, D, seed=seed), randn(V, D, seed=seed + 1), text, left, right, noise


def pairs_of(text: Tensor, left: Tensor, right: Tensor, of: int) -> list[tuple[int, int]]:
    """The (centre, context) words of a block, by its definition."""
    return [
        (int(text[of, W + i]), int(text[of, W + i + d]))
        for i in range(S)
        for d in range(-int(left[of, i]), int(right[of, i]) + 1)
        if d
    ]


def scattered(examples: Examples, d_inputs: Tensor, d_outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of rows as gradients of whole tables."""
    tables = torch.zeros(2, V, D, dtype=torch.float64)
    tables[0].index_add_(0, examples.inputs.reshape(-1), d_inputs.reshape(-1, D))
    tables[1].index_add_(0, examples.outputs.reshape(-1), d_outputs.reshape(-1, D))
    return tables[0], tables[1]


@pytest.mark.parametrize("seed", range(3))
def test_the_loop_is_the_derivative_of_the_sum_over_pairs(seed):
    inputs, outputs, text, left, right, noise = block(seed)
    pairs, drawn = pairs_of(text, left, right, 0), noise[0].tolist()

    def loss(inputs, outputs):
        return sum(pair_loss(inputs[c], outputs[o], outputs[drawn], k / K) for c, o in pairs)

    the_same(loop_gradients(inputs, outputs, pairs, drawn, k / K), gradients(loss, inputs, outputs))


@pytest.mark.parametrize("seed", range(3))
def test_skip_gram_blocks_equal_the_loop_and_autograd(seed):
    inputs, outputs, text, left, right, noise = block(seed)
    examples = skip_gram_examples(text, band_matrix(left, right, W), noise, k / K)
    every = [(pairs_of(text, left, right, of), noise[of].tolist()) for of in range(len(text))]
    assert float(examples.count) == sum(len(pairs) for pairs, _ in every)
    expected = sum(pair_loss(inputs[c], outputs[o], outputs[drawn], k / K) for pairs, drawn in every for c, o in pairs)
    torch.testing.assert_close(batch_loss(inputs, outputs, examples), expected, **TIGHT)
    loop = [loop_gradients(inputs, outputs, pairs, drawn, k / K) for pairs, drawn in every]
    ours = scattered(examples, *batch_gradients(inputs, outputs, examples))
    the_same(ours, (sum(one) for one in zip(*loop, strict=True)))
    the_same(ours, gradients(lambda i, o: batch_loss(i, o, examples), inputs, outputs))


@pytest.mark.parametrize("seed", range(3))
def test_cbow_blocks_equal_the_sum_over_windows_and_autograd(seed):
    inputs, outputs, text, left, right, noise = block(seed)
    examples = cbow_examples(text, band_matrix(left, right, W), noise, k / K)

    def loss(inputs, outputs):
        total = torch.zeros((), dtype=torch.float64)
        for of in range(len(text)):
            for i in range(S):
                seen = [d for d in range(-int(left[of, i]), int(right[of, i]) + 1) if d]
                if seen:
                    mean = inputs[[int(text[of, W + i + d]) for d in seen]].mean(0)
                    total = total + pair_loss(mean, outputs[int(text[of, W + i])], outputs[noise[of].tolist()], k / K)
        return total

    torch.testing.assert_close(batch_loss(inputs, outputs, examples), loss(inputs, outputs), **TIGHT)
    ours = scattered(examples, *batch_gradients(inputs, outputs, examples))
    the_same(ours, gradients(loss, inputs, outputs))
    the_same(ours, gradients(lambda i, o: batch_loss(i, o, examples), inputs, outputs))


# ------------------------------------------------------------------------------------------------------------ the text


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(sum), st.integers(1, 7), st.integers(0, 1000))
def test_a_cut_text_holds_the_pairs_of_its_sentences_and_no_others(lengths, window, seed):
    rng = np.random.default_rng(seed)
    total = sum(lengths)
    indices = np.arange(total)  # every word another one, so that a pair of words says where it stands
    text = cut(indices, np.array(lengths), np.ones(total), window, rng)
    assert text.words[:, window:-window].reshape(-1)[:total].tolist() == indices.tolist()
    band = band_matrix(text.left, text.right, window)
    found = {(int(text.words[b, window + i]), int(text.words[b, j])) for b, i, j in torch.nonzero(band).tolist()}
    assert len(found) == int(band.sum())
    # How far a word sees was drawn; what it sees must be that far either way, cut off at the ends of its sentence.
    left, right = (sight.reshape(-1)[:total].tolist() for sight in (text.left, text.right))
    expected, start = set(), 0
    for length in lengths:
        reach = [max(left[start + i], right[start + i]) for i in range(length)]
        assert all(1 <= r <= window for r in reach) or length == 1
        expected |= {(start + c, start + o) for c, o in training_pairs(length, reach)}
        start += length
    assert found == expected


def test_training_pairs_of_four_words():
    assert list(training_pairs(4, [1, 2, 1, 3])) == [
        (0, 1),
        (1, 0),
        (1, 2),
        (1, 3),
        (2, 1),
        (2, 3),
        (3, 0),
        (3, 1),
        (3, 2),
    ]


def test_every_reach_is_as_frequent():
    n, window = 50_000, 5
    text = cut(np.zeros(n, dtype=np.int64), np.array([n]), np.ones(1), window, np.random.default_rng(0))
    share = torch.bincount(text.left.reshape(-1)[window : n - window].long(), minlength=window + 1) / n
    assert share[0] == 0 and (share[1:] - 1 / window).abs().max() < 4 * math.sqrt(0.16 / n)


def test_words_are_kept_with_their_probability_and_windows_reach_over_the_gaps():
    n, counts = 40_000, np.array([30_000, 9_000, 1_000])
    indices = np.random.default_rng(1).permutation(np.repeat(np.arange(3), counts))
    keep = keep_probability(counts, 0.01)
    assert keep[2] == 1 and keep[0] == pytest.approx(math.sqrt(0.01 / 0.75) + 0.01 / 0.75)
    text = cut(indices, np.array([n]), keep, 2, np.random.default_rng(2))
    kept = torch.bincount(text.words[:, 2:-2].reshape(-1)[: int(((text.left + text.right) > 0).sum())], minlength=3)
    expected = counts * keep
    assert (np.abs(kept.numpy() - expected) <= 4 * np.sqrt(expected * (1 - keep)) + 1).all()
    # The gaps are closed: all words but the first and the last see somebody on either side.
    sight = (text.left.reshape(-1)[: int(kept.sum())], text.right.reshape(-1)[: int(kept.sum())])
    assert sight[0][1:].min() == 1 and sight[1][:-1].min() == 1
    assert (keep_probability(counts, 0) == 1).all()


def test_noise_is_drawn_by_counts_to_the_three_quarters():
    counts = np.array([1000, 200, 30, 4, 1])
    expected = counts**0.75 / (counts**0.75).sum()
    np.testing.assert_allclose(noise_distribution(counts), expected, rtol=1e-14)
    words = [f"w{i}" for i, n in enumerate(counts) for _ in range(n)]
    vocabulary = Vocabulary.build([words], 1)
    drawn = torch.cat(
        [
            examples.outputs[:, examples.true :].reshape(-1)
            for _, examples in word2vec.batches(
                vocabulary, [words], np.random.default_rng(3),
                model="cbow", window=2, negatives=5, epochs=50, sample=0,
            )
        ]
    )  # fmt: skip
    share = torch.bincount(drawn, minlength=5).numpy() / len(drawn)
    assert len(drawn) > 50_000
    assert (np.abs(share - expected) < 4 * np.sqrt(expected / len(drawn))).all()


@pytest.fixture(scope="module")
def gensim_vocabulary():
    if not os.environ.get("COURSE_CI"):
        pytest.importorskip("gensim", reason="gensim is not installed")
    from gensim.models import Word2Vec

    rng = np.random.default_rng(0)
    sentences = [[f"w{int(i)}" for i in rng.zipf(1.4, 12) if i < 300] for _ in range(3000)]
    model = Word2Vec(sample=2e-3, min_count=3, ns_exponent=0.75)
    model.build_vocab(sentences)
    return sentences, model


def test_gensim_keeps_and_draws_words_with_the_same_probabilities(gensim_vocabulary):
    sentences, model = gensim_vocabulary
    vocabulary = Vocabulary.build(sentences, 3)
    assert set(vocabulary.words) == set(model.wv.key_to_index)
    kept = [model.wv.get_vecattr(word, "sample_int") / 2**32 for word in vocabulary.words]
    keep = keep_probability(vocabulary.counts, 2e-3)
    np.testing.assert_allclose(keep, kept, atol=1e-6)
    assert keep[0] < 0.3 < keep[-1] == 1
    table = np.diff(model.cum_table, prepend=0) / model.cum_table[-1]
    theirs = {word: table[i] for word, i in model.wv.key_to_index.items()}
    np.testing.assert_allclose(
        noise_distribution(vocabulary.counts), [theirs[word] for word in vocabulary.words], atol=1e-8
    )


# ------------------------------------------------------------------------------------------------------------ training


def test_adagrad_of_single_numbers_is_torchs():
    # A row of one number has one sum of squares. Rows that stand in a batch twice get the sum of their gradients.
    ours = AdagradTable(randn(6, 1))
    theirs = ours.rows.clone().requires_grad_()
    optimizer = torch.optim.Adagrad([theirs], lr=0.3, initial_accumulator_value=word2vec.CALM, eps=0)
    for step in range(5):
        index, gradient = torch.tensor([[0, 4, 4], [2, 4, step]]), 9 * randn(2, 3, 1, seed=step + 1)
        theirs.grad = torch.zeros(6, 1, dtype=torch.float64).index_add_(0, index.reshape(-1), gradient.reshape(-1, 1))
        optimizer.step()
        ours.descend(index, gradient, 0.3)
    torch.testing.assert_close(ours.rows, theirs.detach(), **TIGHT)


def test_adagrad_shares_one_step_size_in_a_row():
    table = AdagradTable(torch.zeros(3, 2, dtype=torch.float64))
    for _ in range(2):
        table.descend(torch.tensor([1, 0]), torch.tensor([[3.0, 4.0], [1.0, 0.0]], dtype=torch.float64), 0.5)
    first, second = (math.sqrt(word2vec.CALM + times * (9 + 16) / 2) for times in (1, 2))
    torch.testing.assert_close(
        table.rows[1], -0.5 * torch.tensor([3.0, 4.0], dtype=torch.float64) * (1 / first + 1 / second), **TIGHT
    )
    assert not table.rows[2].any() and table.rows[0, 0] < 0 == table.rows[0, 1]


def test_held_out_loss_is_the_expectation_over_all_noise():
    sentences = [["a", "b", "c"], ["c", "a", "unknown", "b"], ["b"]]
    vocabulary = Vocabulary(("a", "b", "c"), np.array([5, 3, 2]))
    vectors = WordVectors(vocabulary, randn(3, 4).numpy(), randn(3, 4, seed=1).numpy())
    inputs, outputs = (torch.from_numpy(t) for t in (vectors.vectors, vectors.context_vectors))
    noise = torch.from_numpy(noise_distribution(vocabulary.counts))

    def expected(hidden, true):
        return -torch.log(torch.sigmoid(hidden @ outputs[true])) - 3 * noise @ torch.log(
            torch.sigmoid(-outputs @ hidden)
        )

    near = [(0, 1), (1, 0), (1, 2), (2, 1), (2, 0), (0, 2), (0, 1), (1, 0)]  # with a window of 1, dropping the unknown
    losses = [expected(inputs[c], o) for c, o in near]
    ours = held_out_loss(vectors, sentences, window=1, negatives=3, sample=0)
    assert ours == pytest.approx(float(sum(losses)) / len(losses), abs=1e-12)
    windows = [([1], 0), ([0, 2], 1), ([1], 2), ([0], 2), ([2, 1], 0), ([0], 1)]
    losses = [expected(inputs[seen].mean(0), centre) for seen, centre in windows]
    ours = held_out_loss(vectors, sentences, model="cbow", window=1, negatives=3, sample=0)
    assert ours == pytest.approx(float(sum(losses)) / len(losses), abs=1e-12)


def two_topics(n: int, seed: int) -> list[list[str]]:
    """Sentences that keep to one of two sets of ten words."""
    rng = np.random.default_rng(seed)
    return [[f"{'ab'[topic]}{w}" for w in rng.integers(0, 10, 8)] for topic in rng.integers(0, 2, n)]


@pytest.mark.parametrize("model", word2vec.MODELS)
def test_training_lowers_the_loss_on_other_sentences(model):
    text, other = two_topics(600, 0), two_topics(200, 1)
    losses = [
        held_out_loss(train(text, model=model, dim=8, epochs=epochs, dtype=torch.float64), other, model=model)
        for epochs in (1, 3, 9)
    ]
    assert losses[0] > losses[1] > losses[2]
    trained = train(text, model=model, dim=8, epochs=9, dtype=torch.float64)
    # Vectors of zero predict one half everywhere.
    assert trained.losses[0] == pytest.approx(6 * math.log(2)) and trained.losses[-1] < 0.8 * trained.losses[0]
    for word in trained.words:
        assert {near[0] for near, _ in trained.neighbours(word, 9)} == {word[0]}


# ----------------------------------------------------------------------------------- the softmax, in full and by a tree


def test_the_full_softmax_equals_torch():
    target = torch.tensor([3, 0, 6, 3])
    parity(
        "F.cross_entropy",
        lambda h, o: softmax_loss(h, o, target),
        lambda h, o: F.cross_entropy(h @ o.T, target, reduction="sum"),
        randn(4, 5), randn(7, 5, seed=1),
    )  # fmt: skip
    hidden, outputs = randn(4, 5), randn(7, 5, seed=1)
    the_same(
        softmax_gradients(hidden, outputs, target), gradients(lambda h, o: softmax_loss(h, o, target), hidden, outputs)
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=25), st.integers(0, 100))
def test_probabilities_along_the_tree_sum_to_one(counts, seed):
    tree = HuffmanTree.build(counts)
    probability = hierarchical_log_probabilities(
        randn(3, 4, seed=seed), 2 * randn(len(counts) - 1, 4, seed=seed + 1), tree
    ).exp()
    assert probability.shape == (3, len(counts))
    torch.testing.assert_close(probability.sum(1), torch.ones(3, dtype=torch.float64), **TIGHT)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=2, max_size=25))
def test_the_tree_is_a_huffman_tree(counts):
    tree = HuffmanTree.build(counts)
    codes = [tree.code(word) for word in range(len(counts))]
    assert [len(code) for code in codes] == tree.depth.tolist()
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    # Huffman's bounds: the mean length lies less than one step above the entropy.
    share = np.array(counts) / sum(counts)
    entropy, mean = -(share * np.log2(share)).sum(), (share * tree.depth.numpy()).sum()
    assert entropy - 1e-9 <= mean < entropy + 1
    order = np.argsort(counts, kind="stable")
    assert (np.diff(tree.depth.numpy()[order][np.r_[True, np.diff(np.array(counts)[order]) > 0]]) <= 0).all()
    # The children tell the same tree.
    for word, code in enumerate(codes):
        node = 2 * len(counts) - 2
        for turn in code:
            node = int(tree.children[node - len(counts), int(turn)])
        assert node == word


def test_a_tree_by_hand():
    # e 8, d 5, c 3, b 2, a 1: a + b = 3 (the word c, as old, goes first), c + ab = 6, d + cab = 11, e + dcab = 19.
    tree = HuffmanTree.build([1, 2, 3, 5, 8])
    assert [tree.code(word) for word in range(5)] == ["1110", "1111", "110", "10", "0"]


def test_hierarchical_loss_and_gradients():
    tree = HuffmanTree.build([9, 1, 4, 4, 2, 30])
    hidden, nodes, target = randn(4, 3), randn(5, 3, seed=1), torch.tensor([1, 5, 1, 3])
    parity(
        "minus log of the path's probability",
        lambda h, n: hierarchical_loss(h, n, tree, target),
        lambda h, n: -hierarchical_log_probabilities(h, n, tree)[torch.arange(4), target].sum(),
        hidden, nodes,
    )  # fmt: skip
    the_same(
        hierarchical_gradients(hidden, nodes, tree, target),
        gradients(lambda h, n: hierarchical_loss(h, n, tree, target), hidden, nodes),
    )


def test_a_vocabulary_of_one_word_or_none():
    tree = HuffmanTree.build([7])
    assert hierarchical_log_probabilities(randn(2, 3), randn(0, 3), tree).tolist() == [[0.0], [0.0]]
    with pytest.raises(ValueError, match="a word at least"):
        HuffmanTree.build([])
