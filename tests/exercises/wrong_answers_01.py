"""Lesson 01: what learners really write, and the hint each must get (a pattern in the English message)."""


def _pairs(body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def training_pairs(sentence, m):\n    {lines}"


def _looped(start: str, end: str, condition: str = "j != i", pair: str = "sentence[i], sentence[j]") -> str:
    return _pairs(f"""
pairs = []
for i in range(len(sentence)):
    for j in range({start}, {end}):
        if {condition}:
            pairs.append(({pair}))
return pairs""")


_FROM, _TO = "max(0, i - m)", "min(len(sentence), i + m + 1)"


def _loss(body: str) -> str:
    return f"def loss(u, v, N):\n    {body}"


_LOG = "torch.nn.functional.logsigmoid"
_U = "u_new = {}"


def _analogy(body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def analogy(W, words, a, b, c):\n    {lines}"


def _nearest(target: str = "U[1] - U[0] + U[2]", score: str = "unit @ t", kept_out: str = "(a, b, c)") -> str:
    """U holds the three unit vectors, R the three as they are."""
    return _analogy(f"""
unit = W / np.linalg.norm(W, axis=1, keepdims=True)
places = [words.index(word) for word in (a, b, c)]
U, R = unit[places], W[places]
t = {target}
score = {score}
for word in {kept_out}:
    score[words.index(word)] = -np.inf
return words[int(score.argmax())]""")


_STEP = """def step(W, C, centre, context, noise, rate):
    u = W[centre]{copy}
    true_error = {true}
    noise_error = {noise}
    {updates}
    return W, C
"""
_TRUE, _NOISE = "torch.sigmoid(u @ C[context]) - 1", "torch.sigmoid(C[noise] @ u)"
_CENTRE = "W[centre] -= rate * (true_error * C[context] + noise_error @ C[noise])"
_CONTEXT = "C[context] -= rate * true_error * u"
_ONCE = "C[noise] -= rate * noise_error[:, None] * u"
_EACH = "C.index_add_(0, noise, -rate * noise_error[:, None] * u)"


def _step(
    *updates: str, copy: str = ".clone()", true: str = _TRUE, noise: str = _NOISE, returned: str = "return W, C"
) -> str:
    written = _STEP.format(
        copy=copy, true=true, noise=noise, updates="\n    ".join(updates or (_CENTRE, _CONTEXT, _EACH))
    )
    return written.replace("return W, C", returned)


WRONG = {
    "training-pairs": [
        ("no return", _pairs("pairs = [(word, word) for word in sentence]"), "returned None"),
        ("itself", _looped(_FROM, _TO, "True"), "paired with itself"),
        ("right only", _looped("i + 1", _TO), "only words to the right"),
        ("left only", _looped(_FROM, "i"), "only words to the left"),
        (
            "negative slice",
            _pairs("""
pairs = []
for i, centre in enumerate(sentence):
    pairs += [(centre, word) for word in sentence[i - m : i] + sentence[i + 1 : i + m + 1]]
return pairs"""),
            "first bound is negative",
        ),
        ("negative index", _looped("i - m", _TO), "goes round the edge"),
        (
            "modulo",
            _looped("i - m", "i + m + 1", pair="sentence[i], sentence[j % len(sentence)]"),
            "goes round the edge",
        ),
        ("off the end", _looped(_FROM, "i + m + 1"), "stopped with IndexError"),
        (
            "only full windows",
            _pairs("""
middle = range(m, len(sentence) - m)
return [(sentence[i], sentence[i + d]) for i in middle for d in range(-m, m + 1) if d != 0]"""),
            "never a centre: our, old, cat, quiet, street, alone",
        ),
        ("m words in all", _looped("max(0, i - m // 2)", "min(len(sentence), i + m // 2 + 1)"), "not on both together"),
        ("m - 1 on a side", _looped("max(0, i - m + 1)", "min(len(sentence), i + m)"), "m − 1 words on each side"),
        ("m + 1 on a side", _looped("max(0, i - m - 1)", "min(len(sentence), i + m + 2)"), "one too many"),
        ("end of the range", _looped(_FROM, "min(len(sentence), i + m)"), "m words on the left, but m − 1"),
        (
            "window moved at the edge",
            _pairs("""
pairs = []
for i in range(len(sentence)):
    start = max(0, min(i - m, len(sentence) - 2 * m - 1))
    pairs += [(sentence[i], sentence[j]) for j in range(start, start + 2 * m + 1) if j != i]
return pairs"""),
            "is cut there, not moved",
        ),
        ("no window", _looped("0", "len(sentence)"), "limit the distance"),
        ("other way round", _looped(_FROM, _TO, pair="sentence[j], sentence[i]"), "which word of a pair is the centre"),
        (
            "same word dropped",
            _looped(_FROM, _TO, "sentence[j] != sentence[i]"),
            "not every word that is spelt like it",
        ),
        (
            "first index",
            _pairs("""
pairs = []
for word in sentence:
    i = sentence.index(word)
    pairs += [(word, other) for other in sentence[max(0, i - m) : i] + sentence[i + 1 : i + m + 1]]
return pairs"""),
            "knows only the first",
        ),
        (
            "a set",
            _pairs(
                f"n = range(len(sentence))\nreturn {{(sentence[i], sentence[j]) for i in n for j in range({_FROM}, {_TO})}}"
            ),
            "keeps one copy",
        ),
        (
            "a set made a list",
            _looped(_FROM, _TO).replace("return pairs", "return list(dict.fromkeys(pairs))"),
            "is trained twice",
        ),
        (
            "a generator",
            _looped(_FROM, _TO).replace("pairs.append((", "yield ((").replace("return pairs", ""),
            "list of pairs",
        ),
        (
            "both ways twice",
            _looped(_FROM, _TO).replace(
                "append((sentence[i], sentence[j]))", "extend([(sentence[i], sentence[j]), (sentence[j], sentence[i])])"
            ),
            "stands in the list twice",
        ),
        ("m on the left, 1 on the right", _looped(_FROM, "min(len(sentence), i + 2)"), "write down the window"),
        (
            "nothing for a wide window",
            _looped(_FROM, _TO).replace(
                "    pairs = []", "    if m > len(sentence):\n        return []\n    pairs = []"
            ),
            "wider than the sentence",
        ),
        ("positions", _looped(_FROM, _TO, pair="i, j"), "these are positions"),
        (
            "contexts in one list",
            _pairs(
                "return [(w, sentence[max(0, i - m) : i] + sentence[i + 1 : i + m + 1]) for i, w in enumerate(sentence)]"
            ),
            "four contexts makes four pairs",
        ),
        (
            "flat",
            _looped(_FROM, _TO).replace("append((", "extend((").replace("))\n", "))\n"),
            "four contexts makes four pairs",
        ),
        (
            "filled up",
            _pairs("""
sentence = ["<pad>"] * m + sentence + ["<pad>"] * m
middle = range(m, len(sentence) - m)
return [(sentence[i], sentence[i + d]) for i in middle for d in range(-m, m + 1) if d != 0]"""),
            "'<pad>' is no word of the sentence",
        ),
        (
            "in place",
            _pairs("""
pairs = []
while sentence:
    centre = sentence.pop(0)
    for word in sentence[:m]:
        pairs += [(centre, word), (word, centre)]
return pairs"""),
            "changed the sentence",
        ),
        (
            "nothing for a short one",
            _looped(_FROM, _TO).replace(
                "    pairs = []", "    if len(sentence) < 2:\n        return None\n    pairs = []"
            ),
            "empty list",
        ),
    ],
    "negative-sampling-loss": [
        ("a float", _loss(f"return (-{_LOG}(u @ v) - {_LOG}(-(N @ u)).sum()).item()"), "number in a tensor"),
        ("not summed", _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N @ u))"), "k terms of the noise words"),
        ("maximised", _loss(f"return {_LOG}(u @ v) + {_LOG}(-(N @ u)).sum()"), "what one would maximise"),
        ("noise with +", _loss(f"return -{_LOG}(u @ v) + {_LOG}(-(N @ u)).sum()"), "both signs of its term"),
        (
            "noise without the minus inside",
            _loss(f"return -{_LOG}(u @ v) - {_LOG}(N @ u).sum()"),
            "both signs of its term",
        ),
        ("labels swapped", _loss(f"return -{_LOG}(-(u @ v)) - {_LOG}(N @ u).sum()"), "treated as noise"),
        ("mean of the noise", _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N @ u)).mean()"), "a mean is taken"),
        (
            "mean of all",
            _loss(
                "s = torch.cat([v[None], N]) @ u; y = torch.zeros_like(s); y[0] = 1; "
                "return torch.nn.functional.binary_cross_entropy_with_logits(s, y)"
            ),
            "a mean is taken",
        ),
        ("softmax", _loss("return -(torch.cat([v[None], N]) @ u).log_softmax(0)[0]"), "a softmax over the k \\+ 1"),
        (
            "log2",
            _loss("return -torch.log2(torch.sigmoid(u @ v)) - torch.log2(torch.sigmoid(-(N @ u))).sum()"),
            "natural",
        ),
        ("log10", _loss(f"return (-{_LOG}(u @ v) - {_LOG}(-(N @ u)).sum()) / math.log(10)"), "the natural one"),
        ("no true pair", _loss(f"return -{_LOG}(-(N @ u)).sum()"), "the true pair is missing"),
        ("no noise", _loss(f"return -{_LOG}(u @ v)"), "only the true pair"),
        ("no logarithm", _loss("return -torch.sigmoid(u @ v) - torch.sigmoid(-(N @ u)).sum()"), "without a logarithm"),
        ("raw scores", _loss("return -(u @ v) + (N @ u).sum()"), "no bottom"),
        ("summed first", _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N @ u).sum())"), "before the sigmoid"),
        ("noise with v", _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N @ v)).sum()"), "which vector do they meet"),
        (
            "log of 1 − σ",
            _loss("return -torch.log(torch.sigmoid(u @ v)) - torch.log(1 - torch.sigmoid(N @ u)).sum()"),
            "not finite",
        ),
        (
            "log of 1 + exp",
            _loss("return torch.log(1 + torch.exp(-(u @ v))) + torch.log(1 + torch.exp(N @ u)).sum()"),
            "not finite",
        ),
        (
            "propped up",
            _loss("return -torch.log(torch.sigmoid(u @ v) + 1e-9) - torch.log(1 - torch.sigmoid(N @ u) + 1e-9).sum()"),
            "about s",
        ),
        (
            "one noise word squeezed",
            _loss(f"s = (N @ u).squeeze(); return -{_LOG}(u @ v) - sum({_LOG}(-x) for x in s)"),
            "stopped with TypeError|a single noise word",
        ),
        (
            "last noise word left out",
            _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N[:-1] @ u)).sum()"),
            "\\(k \\+ 1\\) ln 2",
        ),
        (
            "always three",
            _loss(f"return -{_LOG}(u @ v) - 3 * {_LOG}(-(N @ u)).mean()"),
            "a single noise word",
        ),
        (
            "mean times k",
            _loss(f"return -{_LOG}(u @ v) - len(N) * {_LOG}(-(N @ u)).mean()"),
            "for k = 0",
        ),
        (
            "a new tensor",
            _loss(f"return torch.tensor(float(-{_LOG}(u @ v) - {_LOG}(-(N @ u)).sum()), dtype=u.dtype)"),
            "the gradient does not reach",
        ),
        (
            "noise cut off",
            _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N.detach() @ u)).sum()"),
            "the gradient does not reach",
        ),
        (
            "centre cut off in the noise",
            _loss(f"return -{_LOG}(u @ v) - {_LOG}(-(N @ u.detach())).sum()"),
            "its gradient is not",
        ),
    ],
    "one-step": [
        ("gradient", _U.format("[-0.05, 1.75]"), "this is the gradient"),
        ("step", _U.format("[0.02, -0.7]"), "the gradient, or the step"),
        ("uphill", _U.format("[0.98, 1.2]"), "uphill"),
        ("no rate", _U.format("[1.05, -1.25]"), "learning rate"),
        ("no label", _U.format("[0.62, 0.6]"), "label of the true word"),
        ("no noise", _U.format("[1.2, 0.1]"), "the noise word is missing"),
        ("no true word", _U.format("[0.82, 0.2]"), "the context word is missing"),
        ("noise labelled 1", _U.format("[1.26, 0.2]"), "come nearer to it or go away"),
        ("noise added", _U.format("[1.38, 0.4]"), "come nearer to it or go away"),
        ("1 − σ for the noise", _U.format("[1.14, 0]"), "what is its label"),
        ("new context vector", _U.format("[1.2, -1.9]"), "the one of the centre"),
        ("new noise vector", _U.format("[0.3, 0.85]"), "the one of the centre"),
        ("others moved first", _U.format("[1.15, -0.14]"), "moved first"),
        ("errors swapped", _U.format("[0.98, 0.1]"), "changed places"),
        ("no sigmoid", _U.format("[1.14, -0.74]"), "σ is missing"),
        ("own vector", _U.format("[0.9, 0.45]"), "the other vector"),
        ("old vector", _U.format("[1, 0.5]"), "the old vector"),
        ("slip of the pen", _U.format("[1.02, 0.2]"), "write down both scores"),
        ("three vectors", _U.format("[[1.02, -0.2], [1.2, -1.9], [0.3, 0.85]]"), "numbers in the answer: 6"),
        ("text", _U.format("'1.02 -0.2'"), "list of two numbers"),
    ],
    "analogy": [
        ("row", _nearest().replace("words[int(score.argmax())]", "score.argmax()"), "number of a row"),
        (
            "word and cosine",
            _nearest().replace("words[int(score.argmax())]", "words[score.argmax()], score.max()"),
            "one word",
        ),
        ("inputs left in", _nearest(kept_out="()"), "the answer is woman.*must not compete"),
        ("only c left out", _nearest(kept_out="(c,)"), "the answer is king.*not enough to leave out c"),
        ("no lengths", _nearest("R[1] - R[0] + R[2]", "W @ t"), "no vector was brought to length 1"),
        ("raw difference", _nearest("R[1] - R[0] + R[2]"), "what comes first"),
        ("raw candidates", _nearest(score="W @ t"), "the candidates were not"),
        (
            "whole table",
            _nearest("R[1] - R[0] + R[2]", "W / np.linalg.norm(W) @ t"),
            "no vector was brought to length 1",
        ),
        ("a − b + c", _nearest("U[0] - U[1] + U[2]"), "signs are mixed up"),
        ("a + b − c", _nearest("U[0] + U[1] - U[2]"), "signs are mixed up"),
        ("sum", _nearest("U[0] + U[1] + U[2]"), "all three vectors were added"),
        ("distance", _nearest("R[1] - R[0] + R[2]", "-np.linalg.norm(W - t, axis=1)"), "nearest end point"),
        ("distance to the unit target", _nearest(score="-np.linalg.norm(W - t, axis=1)"), "nearest end point"),
        ("neighbour of c", _nearest("U[2]"), "neighbour of c"),
        ("neighbour of b", _nearest("U[1]"), "neighbour of b"),
        ("smallest", _nearest(score="-(unit @ t)"), "smallest cosine"),
        ("columns", _nearest().replace("axis=1", "axis=0"), "the columns were brought"),
        (
            "in place",
            _nearest().replace("unit = W / np", "W /= np").replace("unit[", "W[").replace("unit @", "W @"),
            "changed W",
        ),
        ("zero for the three", _nearest().replace("-np.inf", "0"), "0 is not the lowest"),
        (
            "best so far from 0",
            _analogy("""
unit = {word: row / np.linalg.norm(row) for word, row in zip(words, W)}
best, found = 0, None
for word in words:
    cosine = unit[word] @ (unit[b] - unit[a] + unit[c])
    if cosine > best and word not in (a, b, c):
        best, found = cosine, word
return found"""),
            "0 is not the lowest",
        ),
        ("root forgotten", _nearest().replace("np.linalg.norm(W", "np.sum(W**2"), "square of their length"),
        (
            "always the first three rows",
            _nearest().replace("[words.index(word) for word in (a, b, c)]", "[0, 1, 2]"),
            "wrong for another",
        ),
    ],
    "word2vec-bug-hunt": [
        ("label left", _step(true="torch.sigmoid(u @ C[context])"), "which label does a true pair have"),
        ("true error turned", _step(true="1 - torch.sigmoid(u @ C[context])"), "which label does a true pair have"),
        ("true force mirrored", _step(true="-torch.sigmoid(u @ C[context])"), "with the force 1 − σ"),
        ("noise mirrored left", _step(noise="torch.sigmoid(-(C[noise] @ u))"), "predict for that word"),
        ("noise pulled", _step(noise="torch.sigmoid(C[noise] @ u) - 1"), "which label does noise have"),
        ("noise pulled, mirrored", _step(noise="-torch.sigmoid(-(C[noise] @ u))"), "which label does noise have"),
        (
            "mean of the noise",
            _step(_CENTRE.replace("noise_error @ C[noise]", "noise_error @ C[noise] / len(noise)"), _CONTEXT, _EACH),
            "added up",
        ),
        ("view left", _step(copy=""), "a view of the row of W"),
        (
            "view left, only for the noise",
            _step(_CONTEXT, _CENTRE.replace("C[context]", "(C[context] + rate * true_error * u)"), _EACH, copy=""),
            "a view of the row of W",
        ),
        ("noise first", _step(_EACH, _CENTRE, _CONTEXT), "vectors of C that have moved already"),
        ("centre last", _step(_CONTEXT, _EACH, _CENTRE, copy=""), "vectors of C that have moved already"),
        ("twin once", _step(_CENTRE, _CONTEXT, _ONCE), "counted once"),
        (
            "twins made one",
            _step("noise, noise_error = noise.unique(), noise_error", *(_CENTRE, _CONTEXT, _EACH)).replace(
                "    true_error", "    noise = noise.unique()\n    true_error"
            ),
            "counted once",
        ),
        (
            "twins one after the other",
            _step(
                _CENTRE,
                _CONTEXT,
                "for j in noise.tolist():\n        C[j] -= rate * torch.sigmoid(C[j] @ u) * u",
            ),
            "the same old vector as the first",
        ),
        (
            "context left out of the noise",
            _step().replace("    true_error", "    noise = noise[noise != context]\n    true_error"),
            "drawn as noise too",
        ),
        ("not in place", _step().replace("    u =", "    W, C = W.clone(), C.clone()\n    u ="), "works in place"),
        ("only C", _step(returned="return C"), "return both tables"),
        ("no return", _step(returned="pass"), "returned None"),
        ("rate fixed", _step().replace("rate *", "0.5 *"), "wrong for another"),
        ("context row forgotten", _step(_CENTRE, _EACH), "vector of the context word is wrong"),
        ("noise rows forgotten", _step(_CENTRE, _CONTEXT), "vectors of the noise words are wrong"),
        ("all rows moved", _step(_CENTRE.replace("W[centre]", "W"), _CONTEXT, _EACH), "took no part"),
    ],
}
ALSO_RIGHT = {
    "training-pairs": [
        _pairs("""
pairs = []
for i, centre in enumerate(sentence):
    for context in sentence[max(0, i - m) : i] + sentence[i + 1 : i + m + 1]:
        pairs.append([centre, context])
return pairs"""),
        _pairs("""
n = len(sentence)
return [(sentence[i], sentence[i + d]) for d in range(-m, m + 1) for i in range(n) if d and 0 <= i + d < n]"""),
        _looped("len(sentence) - 1", "-1, -1", "0 < abs(i - j) <= m"),
        _pairs("""
pairs = []
for i, left in enumerate(sentence):
    for right in sentence[i + 1 : i + 1 + m]:
        pairs += [(left, right), (right, left)]
return pairs"""),
    ],
    "negative-sampling-loss": [
        _loss("softplus = torch.nn.functional.softplus; return softplus(-(u @ v)) + softplus(N @ u).sum()"),
        _loss(
            "s = torch.cat([v[None], N]) @ u; y = torch.zeros_like(s); y[0] = 1; "
            "return torch.nn.functional.binary_cross_entropy_with_logits(s, y, reduction='sum')"
        ),
        _loss(
            "zero = torch.zeros(()); return torch.logaddexp(zero, -u @ v) + sum(torch.logaddexp(zero, n @ u) for n in N)"
        ),
    ],
    "one-step": [
        _U.format("[1.02, -0.2]"),
        _U.format("torch.tensor([1.0, 0.5]) - 0.4 * (-0.5 * torch.tensor([1.0, -2]) + 0.75 * torch.tensor([0.6, 1]))"),
        _U.format("(1.0199, -0.2001)"),
    ],
    "analogy": [
        _nearest(score="-np.linalg.norm(unit - t, axis=1)"),
        _analogy("""
unit = torch.nn.functional.normalize(torch.as_tensor(W), dim=1)
x, y, z = (unit[words.index(word)] for word in (a, b, c))
order = (unit @ (y - x + z)).argsort(descending=True).tolist()
return next(words[i] for i in order if words[i] not in (a, b, c))"""),
        _analogy("""
unit = {word: row / math.sqrt(row @ row) for word, row in zip(words, W)}
target = unit[b] - unit[a] + unit[c]
return max((word for word in words if word not in (a, b, c)), key=lambda word: unit[word] @ target)"""),
    ],
    "word2vec-bug-hunt": [
        _step(
            "d_u = true_error * C[context] + noise_error @ C[noise]",
            _CONTEXT,
            "for j, error in zip(noise, noise_error):\n        C[j] -= rate * error * u",
            "W[centre] -= rate * d_u",
            copy="",
        ),
        _step(_CENTRE, _CONTEXT, "C.index_put_((noise,), -rate * torch.outer(noise_error, u), accumulate=True)"),
        """def step(W, C, centre, context, noise, rate):
    A, B = W.clone().requires_grad_(), C.clone().requires_grad_()
    u, logsigmoid = A[centre], torch.nn.functional.logsigmoid
    (-logsigmoid(u @ B[context]) - logsigmoid(-(B[noise] @ u)).sum()).backward()
    W -= rate * A.grad
    C -= rate * B.grad
    return W, C""",
    ],
}
