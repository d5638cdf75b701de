"""Checkers of lesson 01. Sizes are unequal, vectors have any length, and a table of words tells every slip apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say
from course_lib.negative_sampling import pair_gradients, pair_loss, training_pairs
from course_lib.word_vectors import Vocabulary, WordVectors

# ---------------------------------------------------------------- 1


def _pairs(sentence: Sequence[str], m: int) -> list[tuple[str, str]]:
    return [(sentence[i], sentence[j]) for i, j in training_pairs(len(sentence), [m] * len(sentence))]


def _stand_together(words: Sequence[str]) -> bool:
    """Whether equal words stand next to each other, each in one run."""
    return sum(i == 0 or words[i - 1] != word for i, word in enumerate(words)) == len(set(words))


@checker("training-pairs", reference=_pairs)
def _(pairs_of) -> Verdicts:
    name = "training-pairs"
    sentence, m = "our old cat crossed the quiet street alone".split(), 3
    given = list(sentence)
    pairs = pairs_of(given, m)
    yield say("exercise.returned-none"), pairs is not None
    yield hint(name, "set"), not isinstance(pairs, set | frozenset | dict)
    yield hint(name, "list", kind=type(pairs).__name__), isinstance(pairs, list | tuple)
    yield hint(name, "pairs"), all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs)
    yield hint(name, "positions"), not any(isinstance(part, int) for pair in pairs for part in pair)
    yield hint(name, "pairs"), all(isinstance(part, str) for pair in pairs for part in pair)
    pairs = [tuple(pair) for pair in pairs]
    strange = next((word for pair in pairs for word in pair if word not in sentence), "")
    yield hint(name, "strange", word=repr(strange)), all(word in sentence for pair in pairs for word in pair)
    yield hint(name, "changed"), given == sentence

    places = [(sentence.index(centre), sentence.index(context)) for centre, context in pairs]
    steps = {context - centre for centre, context in places}
    last = len(sentence) - 1
    yield hint(name, "itself"), 0 not in steps
    yield hint(name, "no-window"), len(set(places)) < last * (last + 1)
    yield hint(name, "right-only"), not steps or min(steps) < 0
    yield hint(name, "left-only"), not steps or max(steps) > 0
    yield hint(name, "wraps"), (0, last) not in places and (last, 0) not in places
    full = set(places) >= {(i, i + step) for i in range(m, last - m + 1) for step in range(-m, m + 1) if step}
    never = [word for i, word in enumerate(sentence) if i not in {centre for centre, _ in places}]
    yield hint(name, "never-centre", words=", ".join(never)), not never or not pairs
    near_start = any(context < centre < m for centre, context in places)
    yield hint(name, "negative-start"), not full or near_start
    counted = Counter(pairs)
    yield hint(name, "in-all"), counted != Counter(_pairs(sentence, m // 2))
    yield hint(name, "one-less"), counted != Counter(_pairs(sentence, m - 1))
    yield hint(name, "one-more"), counted != Counter(_pairs(sentence, m + 1))
    yield hint(name, "range-end"), steps != set(range(-m, m)) - {0}
    yield hint(name, "always-2m"), Counter(c for c, _ in places) != Counter(dict.fromkeys(range(last + 1), 2 * m))
    yield hint(name, "twice"), max(counted.values(), default=1) == 1
    yield hint(name, "value"), counted == Counter(_pairs(sentence, m))
    # Turned round, the pairs of a sentence are the same pairs: only the order of the list can tell.
    turned = _stand_together([context for _, context in pairs]) and not _stand_together([c for c, _ in pairs])
    yield hint(name, "turned"), not turned

    again = "the cat saw the dog".split()
    counted, right = Counter(map(tuple, pairs_of(list(again), m))), Counter(_pairs(again, m))
    yield hint(name, "same-word"), counted != Counter(pair for pair in right.elements() if len(set(pair)) == 2)
    yield hint(name, "dropped-twins"), counted != Counter(set(right))
    yield hint(name, "first-index"), counted == right
    for short in ([], ["cat"]):
        pairs = pairs_of(short, 2)
        yield hint(name, "empty"), pairs is not None and len(pairs) == 0
    for length, window in ((2, 1), (2, 5), (3, 2), (4, 3), (7, 1), (8, 2)):
        short = sentence[:length]
        counted = Counter(map(tuple, pairs_of(list(short), window)))
        yield hint(name, "other-sizes", length=length, window=window), counted == Counter(_pairs(short, window))


# ---------------------------------------------------------------- 2


def _loss(u: Tensor, v: Tensor, N: Tensor) -> Tensor:
    return pair_loss(u, v, N)


@checker("negative-sampling-loss", reference=_loss)
def _(loss) -> Verdicts:
    name = "negative-sampling-loss"
    D, k = 4, 3
    u, v, N = random(D, seed=1), random(D, seed=2), random(k, D, seed=3)
    out = loss(u, v, N)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "shape", shape=tuple(out.shape)), out.shape == ()

    right, true, noise = _loss(u, v, N), u @ v, N @ u
    on_true, on_noise = -logsigmoid(true), -logsigmoid(-noise).sum()

    def is_(*candidates: Tensor) -> bool:
        return any(close(out, candidate, 1e-5) for candidate in candidates)

    yield hint(name, "maximised"), not is_(-right)
    yield hint(name, "no-noise"), not is_(on_true)
    yield hint(name, "no-true"), not is_(on_noise)
    pulled = -logsigmoid(noise).sum()
    yield hint(name, "noise-pulled"), not is_(on_true + pulled, on_true - on_noise, on_true - pulled)
    yield hint(name, "labels-swapped"), not is_(-logsigmoid(-true) + pulled, -logsigmoid(-true) + on_noise)
    yield hint(name, "mean"), not is_(on_true + on_noise / k, right / (k + 1), (on_true + on_noise / k) / 2)
    every = torch.cat([true[None], noise])
    yield hint(name, "softmax"), not is_(-every.log_softmax(0)[0], -every.log_softmax(0)[0] + on_noise)
    yield hint(name, "base"), not is_(right / math.log(2), right / math.log(10))
    of_true, of_noise = true.sigmoid(), noise.sigmoid().sum()
    yield hint(name, "no-log"), not is_(-of_true + of_noise, -of_true - (k - of_noise), 1 - of_true + of_noise)
    yield hint(name, "raw-scores"), not is_(-true + noise.sum(), true - noise.sum())
    yield hint(name, "sum-first"), not is_(on_true - logsigmoid(-noise.sum()))
    yield hint(name, "with-context"), not is_(on_true - logsigmoid(-(N @ v)).sum())
    yield hint(name, "value"), is_(right)

    one = loss(u, v, N[:1])
    yield hint(name, "one-noise-word"), isinstance(one, Tensor) and close(one, _loss(u, v, N[:1]), 1e-5)
    none = loss(u, v, N[:0])
    yield hint(name, "no-noise-words"), isinstance(none, Tensor) and close(none, on_true, 1e-5)
    # Scores of ±1000: σ is exactly 0 or 1 there. First the costly signs, then the cheap ones.
    far = torch.zeros(D, dtype=torch.float64)
    far[0] = 1000
    unit = far / 1000
    for sign in (-1, 1):
        score = loss(far, sign * unit, -sign * unit.expand(2, D))
        yield hint(name, "overflow"), isinstance(score, Tensor) and bool(score.isfinite())
        expected = torch.tensor(3000.0 if sign < 0 else 0.0, dtype=torch.float64)
        yield hint(name, "propped"), close(score, expected, 1e-3)
    inputs = [x.clone().requires_grad_() for x in (u, v, N)]
    traced = loss(*inputs)
    yield hint(name, "detached"), traced.requires_grad
    gradients = torch.autograd.grad(traced, inputs, allow_unused=True)
    yield hint(name, "detached"), all(g is not None for g in gradients)
    both = zip(gradients, pair_gradients(u, v, N), strict=True)
    yield hint(name, "gradient"), all(close(gradient, expected, 1e-5) for gradient, expected in both)


# ---------------------------------------------------------------- 3

_U = torch.tensor([1.0, 0.5], dtype=torch.float64)
_TRUE = torch.tensor([1.0, -2.0], dtype=torch.float64)
_NOISE = torch.tensor([0.6, 1.0], dtype=torch.float64)
_RATE = 0.4


def _moved(true_error: float, noise_error: float, v: Tensor = _TRUE, n: Tensor = _NOISE, rate: float = _RATE) -> Tensor:
    return _U - rate * (true_error * v + noise_error * n)


@checker("one-step", reference=[round(number, 2) for number in _moved(-0.5, 0.75).tolist()])
def _(answer) -> Verdicts:
    name = "one-step"
    try:
        new = torch.as_tensor(answer, dtype=torch.float64).flatten()
    except (TypeError, ValueError, RuntimeError):
        yield hint(name, "numbers"), False
        return
    yield hint(name, "size", size=len(new)), len(new) == 2

    def is_(*candidates: Tensor) -> bool:
        return any(bool((new - candidate).abs().max() < 0.02) for candidate in candidates)

    gradient, new_true, new_noise = -0.5 * _TRUE + 0.75 * _NOISE, _TRUE + 0.2 * _U, _NOISE - 0.3 * _U
    yield hint(name, "unchanged"), not is_(_U)
    yield hint(name, "gradient"), not is_(gradient, -gradient, _RATE * gradient, -_RATE * gradient)
    yield hint(name, "new-v"), not is_(new_true, new_noise)
    yield hint(name, "uphill"), not is_(_U + _RATE * gradient)
    yield hint(name, "no-rate"), not is_(_U - gradient)
    yield hint(name, "no-label"), not is_(_moved(0.5, 0.75))
    yield hint(name, "no-noise"), not is_(_moved(-0.5, 0))
    yield hint(name, "no-true"), not is_(_moved(0, 0.75))
    yield hint(name, "noise-label"), not is_(_moved(-0.5, -0.25), _moved(-0.5, -0.75), _moved(-0.5, 0.25))
    yield hint(name, "swapped"), not is_(_moved(-0.25, 0.5), _moved(0.75, -0.5))
    yield hint(name, "no-sigmoid"), not is_(_moved(-1, 1.1), _moved(0, 1.1))
    yield hint(name, "own-vector"), not is_(_moved(-0.5, 0.75, _U, _U))
    yield hint(name, "moved-v"), not is_(_moved(-0.5, 0.75, new_true, new_noise))
    yield hint(name, "value"), is_(_moved(-0.5, 0.75))  # σ taken as 0.7503, or a product rounded, is forgiven


# ---------------------------------------------------------------- 4

# man : king = woman : …; found by a search, such that every slip leads to a word of its own.
_TABLE: dict[str, tuple[int, int, int]] = {
    "man": (2, 9, 2),
    "king": (2, -6, -8),
    "woman": (1, -3, 1),
    "crown": (9, -3, -6),
    "river": (-8, -7, 0),
    "castle": (-6, -5, -3),
    "queen": (-2, -3, 0),
    "throne": (-5, 4, -4),
    "girl": (4, -5, 4),
    "boy": (6, -3, -3),
    "prince": (0, -1, -6),
    "the": (-4, -9, 6),
    "lake": (-3, -3, -5),
    "street": (0, -1, 1),
    "horse": (4, 7, 3),
    "quietly": (-1, -2, 1),
    "night": (1, 4, 1),
    "of": (3, 2, -5),
}


def _analogy(W: np.ndarray, words: Sequence[str], a: str, b: str, c: str) -> str:
    return WordVectors(Vocabulary(tuple(words)), np.asarray(W)).analogy(a, b, c)[0][0]


@checker("analogy", reference=_analogy)
def _(analogy) -> Verdicts:
    name = "analogy"
    words, W = list(_TABLE), np.array(list(_TABLE.values()), dtype=np.float64)
    a, b, c = given = "man", "king", "woman"
    table = W.copy()
    answer = analogy(table, list(words), *given)
    yield say("exercise.returned-none"), answer is not None
    yield hint(name, "row"), not isinstance(answer, int | np.integer)
    yield hint(name, "word", kind=type(answer).__name__), isinstance(answer, str) and answer in words
    yield hint(name, "inputs", word=answer), answer not in (a, c)
    yield hint(name, "only-c", word=answer), answer != b

    def nearest(scores: np.ndarray) -> str:
        return words[max((i for i in range(len(words)) if words[i] not in given), key=lambda i: scores[i])]

    unit, column = W / np.linalg.norm(W, axis=1, keepdims=True), W / np.linalg.norm(W, axis=0)
    at = [words.index(word) for word in given]
    (u_a, u_b, u_c), (raw_a, raw_b, raw_c), (col_a, col_b, col_c) = unit[at], W[at], column[at]
    target, raw = u_b - u_a + u_c, raw_b - raw_a + raw_c
    yield hint(name, "least"), answer != nearest(-(unit @ target))
    yield hint(name, "near-c"), answer != nearest(unit @ u_c)
    yield hint(name, "near-b"), answer != nearest(unit @ u_b)
    yield hint(name, "sum"), answer != nearest(unit @ (u_a + u_b + u_c))
    yield hint(name, "sign"), answer not in (nearest(unit @ (u_a - u_b + u_c)), nearest(unit @ (u_a + u_b - u_c)))
    yield hint(name, "columns"), answer != nearest(column @ (col_b - col_a + col_c))
    distances = (np.linalg.norm(W - point, axis=1) for point in (raw, target))
    yield hint(name, "distance"), answer not in [nearest(-distance) for distance in distances]
    squared = W / (W**2).sum(axis=1, keepdims=True)
    of_a, of_b, of_c = squared[at]
    yield hint(name, "no-root"), answer != nearest(squared @ (of_b - of_a + of_c))
    yield hint(name, "no-lengths"), answer != nearest(W @ raw)
    yield hint(name, "offset-lengths"), answer != nearest(unit @ raw)
    yield hint(name, "candidate-lengths"), answer != nearest(W @ target)
    yield hint(name, "value"), answer == _analogy(W, words, *given)
    yield hint(name, "changed"), np.array_equal(table, W)
    # Every word but the three lies on the far side: all cosines are negative, the largest is that of (2, −1).
    behind = np.array([[1.0, 0], [1, 1], [0, 1], [1, -1], [2, -1], [-1, -3]])
    answer = analogy(behind.copy(), words[:6], *given)
    yield hint(name, "negative"), answer is not None and answer not in given
    for seed, places in enumerate([(3, 0, 16), (9, 2, 15), (12, 4, 14), (0, 16, 8)]):
        W = random(len(words), 5, seed=seed).numpy()
        asked = [words[place] for place in places]
        yield hint(name, "other-words"), analogy(W.copy(), list(words), *asked) == _analogy(W, words, *asked)


# ---------------------------------------------------------------- 5


def _step(W: Tensor, C: Tensor, centre: int, context: int, noise: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    d_centre, d_context, d_noise = pair_gradients(W[centre], C[context], C[noise])
    W[centre] -= rate * d_centre
    C[context] -= rate * d_context
    C.index_add_(0, noise, -rate * d_noise)
    return W, C


@checker("word2vec-bug-hunt", reference=_step)
def _(step) -> Verdicts:
    name = "word2vec-bug-hunt"
    n_vocab, D, centre, context, rate = 7, 3, 1, 2, 0.5
    W, C = random(n_vocab, D, seed=1), random(n_vocab, D, seed=2)
    u, v = W[centre], C[context]

    def with_row(row: int, vector: Tensor) -> Tensor:
        return torch.stack([vector if i == row else C[i] for i in range(n_vocab)])

    def after(C: Tensor, *noise: int, of=step) -> tuple[Tensor, Tensor]:
        return of(W.clone(), C.clone(), centre, context, torch.tensor(noise), rate)

    # The noise word has the zero vector, so that only the true word moves the centre.
    alone = with_row(4, torch.zeros_like(u))
    out = after(alone, 4)
    yield say("exercise.returned-none"), out is not None
    two = isinstance(out, tuple | list) and len(out) == 2 and all(isinstance(table, Tensor) for table in out)
    yield hint(name, "tables"), two and all(table.shape == (n_vocab, D) for table in out)
    new_W, new_C = out
    yield hint(name, "true-pushed"), new_W[centre] @ new_C[context] > u @ v
    # The rows of C that have moved already: with the old errors, and with errors computed afresh.
    late_v, late_n = after(alone, 4, of=_step)[1][[context, 4]]
    late = []
    for context_row, noise_row in ((late_v, late_n), (late_v, alone[4]), (v, late_n)):
        late.append((torch.sigmoid(u @ v) - 1) * context_row + 0.5 * noise_row)
        late.append(pair_gradients(u, context_row, noise_row[None])[0])
    yield hint(name, "moved-v"), not any(close(new_W[centre], u - rate * gradient) for gradient in late)
    yield hint(name, "true-strength"), close(new_W[centre], u + rate * torch.sigmoid(-u @ v) * v)
    # Now the context word has it: only the noise word moves the centre.
    lone = with_row(context, torch.zeros_like(u))
    new_W, _ = after(lone, 3)
    yield hint(name, "noise-pulled"), (new_W[centre] - u) @ C[3] < 0
    far = -20 * u / (u @ u)  # a score of −20, where σ is 2e-9
    lone_far = torch.stack([far if i == 3 else lone[i] for i in range(n_vocab)])
    new_W, _ = after(lone_far, 3)
    yield hint(name, "noise-strength"), (new_W[centre] - u).abs().max() < 1e-6
    new_W, _ = after(lone, 3, 5)
    yield hint(name, "noise-value"), close(new_W[centre], after(lone, 3, 5, of=_step)[0][centre])

    # Both together, the noise words all different.
    noise = torch.tensor([3, 5])
    (new_W, new_C), (right_W, right_C) = after(C, 3, 5), after(C, 3, 5, of=_step)
    yield hint(name, "centre"), close(new_W[centre], right_W[centre])
    yield hint(name, "other-rows"), close(new_W, right_W)
    new_u, true_error, noise_error = right_W[centre], torch.sigmoid(u @ v) - 1, torch.sigmoid(C[3] @ u)
    _, afresh_v, afresh_n = pair_gradients(new_u, v, C[noise])
    for row, gradients in (context, (true_error * new_u, afresh_v)), (3, (noise_error * new_u, afresh_n[0])):
        yield hint(name, "moved-u"), not any(close(new_C[row], C[row] - rate * late) for late in gradients)
    yield hint(name, "context-row"), close(new_C[context], right_C[context])
    yield hint(name, "noise-rows"), close(new_C[noise], right_C[noise])
    yield hint(name, "other-rows"), close(new_C, right_C)

    (new_W, new_C), (right_W, right_C) = after(C, 4, 3, 4), after(C, 4, 3, 4, of=_step)
    once_W, once_C = after(C, 4, 3, of=_step)
    yield hint(name, "twin-once"), not (close(new_C[4], once_C[4]) or close(new_W[centre], once_W[centre]))
    yield hint(name, "twin-value"), close(new_W, right_W) and close(new_C, right_C)
    (new_W, new_C), (right_W, right_C) = after(C, 3, context), after(C, 3, context, of=_step)
    yield hint(name, "context-as-noise"), close(new_W, right_W) and close(new_C, right_C)

    given_W, given_C = W.clone(), C.clone()
    step(given_W, given_C, centre, context, noise, rate)
    right_W, right_C = after(C, 3, 5, of=_step)
    yield hint(name, "copies"), close(given_W, right_W) and close(given_C, right_C)
    faster = step(W.clone(), C.clone(), 6, 0, noise, 0.01)
    right = _step(W.clone(), C.clone(), 6, 0, noise, 0.01)
    yield hint(name, "value"), all(map(close, faster, right))
