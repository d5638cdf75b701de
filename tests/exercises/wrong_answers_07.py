"""Lesson 07: what learners really write, and the hint each must get (a pattern in the English message)."""

from itertools import product


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _attention(
    mask: str = "triangle",
    scores: str = "query @ key.mT / math.sqrt(d_k)",
    weights: str = "scores.masked_fill(~mask, -math.inf).softmax(dim=-1)",
    out: str = "weights @ value",
) -> str:
    """The answer to masked-attention, with some parts of it replaced."""
    return _function(
        "masked_attention(query, key, value, lengths)",
        f"""
import math
B, T, d_k = query.shape
triangle = torch.ones(T, T, dtype=torch.bool).tril()
real = (torch.arange(T) < lengths[:, None])[:, None]
mask = {mask}
scores = {scores}
weights = {weights}
return {out}""",
    )


def _pair(
    inputs: str = "[start] + text",
    targets: str = "text + [stop]",
    longest: str = "max(len(text) for text in texts) + 1",
    row: str = "ids + [pad] * (T - len(ids))",
    returned: str = "torch.tensor(inputs), torch.tensor(targets)",
    first: str = "",
) -> str:
    """The answer to training-pair, with some parts of it replaced."""
    return _function(
        "training_pair(texts, start, stop, pad)",
        f"""
{first}
T = {longest}
def padded(ids):
    return {row}
inputs = [padded({inputs}) for text in texts]
targets = [padded({targets}) for text in texts]
return {returned}""",
    )


def _loss(
    log_p: str = "logits.log_softmax(dim=-1)",
    target: str = "log_p.gather(-1, targets[..., None])[..., 0]",
    shared: str = "log_p.mean(dim=-1)",
    each: str = "-(1 - smoothing) * target - smoothing * shared",
    real: str = "targets != pad",
    out: str = "each[real].mean()",
) -> str:
    """The answer to cross-entropy, with some parts of it replaced."""
    return _function(
        "cross_entropy(logits, targets, pad, smoothing)",
        f"""
import math
n = logits.shape[-1]
log_p = {log_p}
target = {target}
shared = {shared}
each = {each}
real = {real}
return {out}""",
    )


_Q = "-(q * log_p).sum(-1)"


def _of_q(q: str, out: str = _Q) -> str:
    """The answer to cross-entropy that writes q down, which is made of ``hot`` (B, T, n), ``e`` and ``n``."""
    return _function(
        "cross_entropy(logits, targets, pad, smoothing)",
        f"""
n, e = logits.shape[-1], smoothing
log_p = logits.log_softmax(-1)
hot = torch.nn.functional.one_hot(targets, n).double()
q = {q}
each = {out}
return each[targets != pad].mean()""",
    )


def _beam(
    start: str = "[(0.0, [])]",
    first: str = "",
    lengths: str = "range(1, max_length + 1)",
    prompt: str = "[start] + ids",
    total: str = "total + log_p",
    grown: str = "",
    kept: str = "grown[:width]",
    score: str = "total / lp",
    lp: str = "((5 + len(ids)) / 6) ** alpha",
    growing: str = "[one for one in kept if one[1][-1] != stop]",
    ends: str = "not growing",
    returned: str = "max(ended or growing)[1]",
) -> str:
    """The answer to beam-search, with some parts of it replaced."""
    return _function(
        "beam_search(next_log_probs, start, stop, width, max_length, alpha)",
        f"""
import math
{first}
growing, ended = {start}, []
for length in {lengths}:
    grown = []
    for total, ids in growing:
        for token, log_p in enumerate(next_log_probs({prompt}).tolist()):
            grown.append(({total}, ids + [token]))
    grown.sort(reverse=True)
    {grown}
    kept = {kept}
    for total, ids in kept:
        if ids[-1] == stop:
            lp = {lp}
            ended.append(({score}, ids))
    growing = {growing}
    if {ends}:
        break
return {returned}""",
    )


def _hunt(
    mask: str = "torch.ones(T, T, dtype=torch.bool).tril()",
    y: str = "norm_1(x)",
    first: str = "x + self_attention(y, y, mask)",
    query: str = "norm_2(stream)",
    memory: str = "memory",
    keys: str = "memory",
    second: str = "stream + found",
    found: str | None = None,
    returned: str = "stream + feed_forward(norm_3(stream))",
) -> str:
    """The answer to the bug hunt, with some parts of it replaced."""
    return _function(
        "decoder_block(x, memory, self_attention, cross_attention, feed_forward, norm_1, norm_2, norm_3)",
        f"""
T = len(x)
mask = {mask}
y = {y}
stream = {first}
before = stream
y, memory = {query}, {memory}
found = {found or f"cross_attention(y, {keys}, None)"}
stream = {second}
return {returned}""",
    )


def _left(triangle: bool, source: bool, residual: bool, memory: bool) -> tuple[str, str, str]:
    """The stub with some of its bugs left and the others mended, and the symptom that comes first."""
    bugs = {"triangle": triangle, "source": source, "residual": residual, "memory": memory}
    parts: dict[str, str] = {}
    if triangle:
        parts["mask"] = "torch.ones(T, T, dtype=torch.bool).triu()"
    if source:
        parts["keys"] = "y"
    if residual:
        parts["second"] = "x + found"
    if memory:
        parts["memory"] = "norm_2(memory)"
    hints = {
        "triangle": "the row sees what it has to predict",
        "source": "without reading the source",
        "residual": "whatever self-attention returns",
        "memory": "its size gets lost",
    }
    left = [bug for bug, there in bugs.items() if there]
    return f"left: {', '.join(left)}", _hunt(**parts), next(text for bug, text in hints.items() if bugs[bug])


WRONG = {
    "masked-attention": [
        ("no return", _attention().replace("return ", "out = "), "returned None"),
        ("a pair", _attention(out="weights @ value, weights"), "the answer is a tuple"),
        ("weights", _attention(out="weights"), "these are the weights"),
        ("flat", _attention(out="(weights @ value).flatten(0, 1)"), "has shape \\(15, 2\\)"),
        ("no mask", _attention("torch.ones(T, T, dtype=torch.bool)"), "nothing is hidden"),
        ("nothing at all", _attention("triangle", "query @ key.mT", "scores.softmax(-1)"), "nothing is hidden"),
        ("padding only", _attention("real"), "only the padding is hidden"),
        ("padding only, no scale", _attention("real", "query @ key.mT"), "only the padding is hidden"),
        ("mirrored", _attention("triangle.mT"), "the wrong triangle"),
        ("mirrored, padding too", _attention("triangle.mT & real"), "the wrong triangle"),
        ("mask turned round", _attention(weights="scores.masked_fill(mask, -math.inf).softmax(-1)"), "are NaNs"),
        ("strict", _attention("triangle.tril(-1)"), "does not see itself"),
        (
            "strict, first row mended",
            _attention("triangle.tril(-1)", weights="scores.masked_fill(~mask, -1e30).softmax(-1)"),
            "does not see itself",
        ),
        ("after softmax", _attention(weights="scores.softmax(-1) * mask"), "comes after the softmax"),
        ("both after softmax", _attention("triangle & real", weights="scores.softmax(-1) * mask"), "comes after the"),
        (
            "triangle after softmax",
            _attention(weights="scores.masked_fill(~real, -math.inf).softmax(-1) * triangle"),
            "comes after the softmax",
        ),
        ("zeros", _attention(weights="scores.masked_fill(~mask, 0).softmax(-1)"), "set to 0, and exp"),
        ("zeros, padding", _attention("triangle & real", weights="(scores * mask).softmax(-1)"), "set to 0, and exp"),
        ("over the queries", _attention(weights="scores.masked_fill(~mask, -math.inf).softmax(1)"), "over the queries"),
        ("over the batch", _attention(weights="scores.masked_fill(~mask, -math.inf).softmax(0)"), "are NaNs"),
        ("no scale", _attention(scores="query @ key.mT"), "not divided by anything"),
        ("d_k", _attention(scores="query @ key.mT / d_k"), "instead of its square root"),
        ("root of T", _attention(scores="query @ key.mT / T**0.5"), "root of another size"),
        ("root of d_v", _attention(scores="query @ key.mT / value.shape[-1] ** 0.5"), "root of another size"),
        ("one more", _attention("torch.ones(T, T, dtype=torch.bool).tril(1)"), "an output before it changed too"),
        (
            "rows at padding",
            _attention("real.mT", weights="scores.masked_fill(~mask, 0).softmax(-1)"),
            "nothing is hidden",
        ),
        ("shortest text", _attention("triangle & (torch.arange(T) < lengths.min())"), "place 1 does not depend on"),
        (
            "one token less",
            _attention(
                "triangle & (torch.arange(T) < lengths[:, None] - 1)[:, None]",
                weights="scores.masked_fill(~mask, -1e30).softmax(-1)",
            ),
            "text 0 the output at place 4",
        ),
        ("padding in front", _attention("triangle & real.flip(-1)"), "are NaNs"),
        (
            "window",
            _attention("triangle & torch.ones(T, T).triu(-2).bool()"),
            "place 3 does not depend on the token at place 0",
        ),
        (
            "texts joined",
            _function(
                "masked_attention(query, key, value, lengths)",
                """
B, T, d_k = query.shape
q, k, v = (each.flatten(0, 1) for each in (query, key, value))
hidden = torch.ones(B * T, B * T, dtype=torch.bool).triu(1)
return ((q @ k.T / d_k**0.5).masked_fill(hidden, -torch.inf).softmax(-1) @ v).unflatten(0, (B, T))""",
            ),
            "should not know of each other",
        ),
        ("not a mean", _attention(weights="scores.masked_fill(~mask, -math.inf).sigmoid()"), "weights of a query sum"),
        (
            "squares",
            _attention(weights="(w := scores.square() * mask + 1e-9 * mask) / w.sum(-1, keepdim=True)"),
            "not the softmax of",
        ),
        (
            "padding sees nothing",
            _attention("triangle & real & real.mT"),
            "padding came out as NaN",
        ),
        (
            "in place",
            _attention(scores="query.div_(d_k**0.5) @ key.mT"),
            "that were given have changed",
        ),
        ("float32", _attention(scores="(query.float() @ key.float().mT).double() / d_k**0.5"), "seven digits"),
        (
            "exp by hand",
            _attention(weights="(e := scores.exp() * mask) / e.sum(-1, keepdim=True)"),
            "a score of a million gives NaN",
        ),
        (
            "softmax, then again",
            _attention(weights="(e := scores.softmax(-1) * mask) / e.sum(-1, keepdim=True)"),
            "minus a million give NaN",
        ),
        ("−10 000", _attention(weights="scores.masked_fill(~mask, -1e4).softmax(-1)"), "a hidden token wins"),
        ("four numbers", _attention(scores="query @ key.mT / 2"), "wrong for B = 2, T = 7"),
    ],
    "training-pair": [
        ("no return", _pair().replace("return torch", "out = torch"), "returned None"),
        ("one tensor", _pair(returned="torch.tensor([inputs, targets, targets])"), "return two tensors"),
        ("lists", _pair(returned="inputs, targets"), "inputs: this is a list"),
        ("flat", _pair(returned="torch.tensor(inputs).flatten(), torch.tensor(targets)"), "one row for each text"),
        ("floats", _pair(returned="torch.tensor(inputs), torch.Tensor(targets)"), "targets: the numbers are of type"),
        ("int32", _pair(returned="torch.tensor(inputs).int(), torch.tensor(targets)"), "inputs: the numbers are of"),
        ("the same", _pair(targets="[start] + text"), "inputs and targets are the same"),
        ("the same, to the end", _pair(inputs="text + [stop]"), "inputs and targets are the same"),
        ("wrong way", _pair("text + [stop]", "[start] + text"), "shifted the wrong way"),
        ("returned the wrong way", _pair(returned="torch.tensor(targets), torch.tensor(inputs)"), "the wrong way"),
        (
            "start in the targets",
            _pair(targets="[start] + text + [stop]", longest="max(map(len, texts)) + 2"),
            "start token stands among the targets",
        ),
        ("no start", _pair(inputs="text"), "inputs have no start token"),
        ("no end", _pair(targets="text"), "never learns to stop"),
        ("end cut off", _pair(longest="max(map(len, texts))", row="(ids + [pad] * T)[:T]"), "not all texts have"),
        ("end of the longest", _pair(targets="text + [stop] * (len(text) == T - 1)"), "not all texts have"),
        ("end of the first", _pair(targets="text + [stop] * (text is texts[0])"), "not all texts have the end token"),
        ("end last", _pair(targets="text + [pad] * (T - 1 - len(text)) + [stop]"), "behind the padding"),
        (
            "end in the inputs",
            _pair(inputs="[start] + text + [stop]", longest="max(map(len, texts)) + 2"),
            "both the start token and the end token",
        ),
        (
            "one shorter",
            _pair(returned="torch.tensor(inputs), torch.tensor(targets)[:, :-1]", longest="max(map(len, texts)) + 2"),
            "one place shorter than the inputs",
        ),
        (
            "one longer",
            _pair(returned="torch.tensor(inputs)[:, :-1], torch.tensor(targets)", longest="max(map(len, texts)) + 2"),
            "have different shapes",
        ),
        ("too long", _pair(longest="max(map(len, texts)) + 2"), "one place more than the longest"),
        ("sorted", _pair(first="texts = sorted(texts, key=len)"), "in another order"),
        ("padding first", _pair(row="[pad] * (T - len(ids)) + ids"), "stands before the texts"),
        (
            "padding first in the inputs",
            _pair(inputs="[pad] * (T - 1 - len(text)) + [start] + text"),
            "inputs: text 0 \\(counted from 0\\) begins with \\[3, 9, 4, 0\\]",
        ),
        ("reversed", _pair(targets="text[::-1] + [stop]"), "targets: text 0 \\(counted from 0\\) begins with"),
        ("−100", _pair(targets="text + [stop] + [-100] * (T - 1 - len(text))"), "targets: the texts are right, but"),
        ("zeros", _pair(row="ids + [0] * (T - len(ids))"), "targets: the texts are right, but behind them"),
        ("starts behind", _pair(inputs="[start] + text + [start] * (T - 1 - len(text))"), "inputs"),
        (
            "in place",
            _function(
                "training_pair(texts, start, stop, pad)",
                """
T = max(len(text) for text in texts) + 1
inputs = torch.tensor([[start, *text] + [pad] * (T - 1 - len(text)) for text in texts])
for text in texts:
    text.append(stop)
return inputs, torch.tensor([text + [pad] * (T - len(text)) for text in texts])""",
            ),
            "lists that were given have changed",
        ),
        ("no empty text", _pair(first="texts = [text or [7] for text in texts]"), "wrong for \\[\\[\\]\\]"),
    ],
    "cross-entropy": [
        ("no return", _loss().replace("return each", "out = each"), "returned None"),
        ("a float", _loss(out="each[real].mean().item()"), "the answer is a float"),
        ("all places", _loss(out="each"), "has shape \\(3, 5\\)"),
        ("padding counts", _loss(out="each.mean()"), "the padding is counted"),
        ("padding counts, sum", _loss(out="each.sum()"), "the padding is counted"),
        ("id 0", _loss(real="targets != 0"), "those with the id 0"),
        ("positive ids", _loss(real="targets > 0"), "those with the id 0"),
        ("zeros in the mean", _loss(out="(each * real).mean()"), "counted in the divisor"),
        ("zeros in the mean, where", _loss(out="torch.where(real, each, 0).mean()"), "counted in the divisor"),
        ("per text", _loss(out="(each * real).sum() / len(targets)"), "divided by the number of texts"),
        ("mean of means", _loss(out="((each * real).sum(1) / real.sum(1)).mean()"), "each text's own mean"),
        ("sum", _loss(out="each[real].sum()"), "sum over the real tokens"),
        ("bits", _loss(log_p="logits.log_softmax(-1) / math.log(2)"), "the result is in bits"),
        ("sign", _loss(out="-each[real].mean()"), "the sign is wrong"),
        ("perplexity", _loss(out="each[real].mean().exp()"), "this is the perplexity"),
        ("no log", _loss(log_p="logits.softmax(-1)"), "where is the logarithm"),
        ("one minus p", _loss(each="1 - target.exp()"), "where is the logarithm"),
        ("log of the mean", _loss(out="-target[real].exp().mean().log()"), "logarithm of the mean probability"),
        ("no softmax", _loss(log_p="logits"), "used as if they were log p"),
        ("softmax twice", _loss(log_p="logits.softmax(-1).log_softmax(-1)"), "softmax is applied twice"),
        (
            "softmax into torch",
            _function(
                "cross_entropy(logits, targets, pad, smoothing)",
                """
p = logits.softmax(-1).flatten(0, 1)
return torch.nn.functional.cross_entropy(p, targets.flatten(), ignore_index=pad, label_smoothing=smoothing)""",
            ),
            "softmax is applied twice",
        ),
        ("over the places", _loss(log_p="logits.log_softmax(1)"), "over the places of a text"),
        ("over the texts", _loss(log_p="logits.log_softmax(0)"), "over the texts of the batch"),
        (
            "no padding token",
            _loss(log_p="logits.index_fill(-1, torch.tensor(pad), -1e30).log_softmax(-1)"),
            "taken out of the softmax",
        ),
        (
            "shifted again",
            _function(
                "cross_entropy(logits, targets, pad, smoothing)",
                """
log_p = logits[:, :-1].log_softmax(-1)
targets = targets[:, 1:]
each = (smoothing - 1) * log_p.gather(-1, targets[..., None])[..., 0] - smoothing * log_p.mean(-1)
return each[targets != pad].mean()""",
            ),
            "shifted by one place once more",
        ),
        ("halved", _loss(out="each[real].mean() / 2"), "for a single token without smoothing the result is"),
        (
            "squared weights",
            _loss(
                out="(w := 1.0 + torch.arange(each.numel()).reshape(each.shape), (each * w)[real].sum() / w[real].sum())[1]"
            ),
            "over what is the mean",
        ),
        ("median", _loss(out="each[real].median()"), "over what is the mean taken"),
        ("no smoothing", _loss(each="-target"), "smoothing changes nothing"),
        (
            "among the others",
            _of_q("(1 - e) * hot + e / (n - 1) * (1 - hot)"),
            "dealt out among the n − 1 other tokens",
        ),
        ("target without ε/n", _of_q("(1 - e) * hot + e / n * (1 - hot)"), "sums to less than 1"),
        ("ε lost", _loss(each="-(1 - smoothing) * target"), "sums to less than 1"),
        ("ε to each", _loss(shared="log_p.sum(-1)"), "sums to more than 1"),
        ("target keeps all", _loss(each="-target - smoothing * shared"), "sums to more than 1"),
        ("target keeps all, ε to each", _of_q("hot + e"), "sums to more than 1"),
        ("swapped", _loss(each="-smoothing * target - (1 - smoothing) * shared"), "have changed places"),
        (
            "nothing for padding",
            _loss(shared="(log_p.sum(-1) - log_p[..., pad]) / (n - 1)"),
            "padding token gets no part",
        ),
        ("nothing for padding, n", _loss(shared="(log_p.sum(-1) - log_p[..., pad]) / n"), "padding token gets no part"),
        (
            "shared by padding",
            _loss(out="(1 - smoothing) * -target[real].mean() - smoothing * log_p.mean()"),
            "averaged over the padding as well",
        ),
        (
            "divergence",
            _function(
                "cross_entropy(logits, targets, pad, smoothing)",
                """
n = logits.shape[-1]
q = (1 - smoothing) * torch.nn.functional.one_hot(targets, n) + smoothing / n
each = torch.nn.functional.kl_div(logits.log_softmax(-1), q.double(), reduction="none").sum(-1)
return each[targets != pad].mean()""",
            ),
            "Kullback–Leibler",
        ),
        ("log outside", _of_q("(1 - e) * hot + e / n", "-(q * log_p.exp()).sum(-1).log()"), "outside the sum over the"),
        ("ε squared", _loss(each="-(1 - smoothing**2) * target - smoothing**2 * shared"), "what does q look like"),
        (
            "in place",
            _function(
                "cross_entropy(logits, targets, pad, smoothing)",
                """
real = targets != pad
targets[~real] = 0
log_p = logits.log_softmax(-1)
each = (smoothing - 1) * log_p.gather(-1, targets[..., None])[..., 0] - smoothing * log_p.mean(-1)
return each[real].mean()""",
            ),
            "that were given have changed",
        ),
        ("float32", _loss(log_p="logits.float().log_softmax(-1)"), "seven digits"),
        ("log of softmax", _loss(log_p="logits.softmax(-1).log()"), "an exponential overflowed"),
        ("exp by hand", _loss(log_p="logits - logits.exp().sum(-1, keepdim=True).log()"), "an exponential overflowed"),
        (
            "one-hot",
            _of_q("(1 - e) * hot + e / n").replace("logits.log_softmax(-1)", "logits.softmax(-1).log()"),
            "an exponential overflowed",
        ),
        ("clipped", _loss(log_p="(logits.softmax(-1) + 1e-12).log()"), "something is cut off"),
        ("clamped", _loss(log_p="logits.softmax(-1).clamp_min(1e-12).log()"), "something is cut off"),
        ("detached", _loss(out="each[real].mean().detach()"), "no gradient leads from it"),
        ("partly detached", _loss(shared="log_p.detach().mean(-1)"), "a part of the computation cut off"),
        ("seven tokens", _loss(shared="log_p.sum(-1) / 7"), "wrong for B = 1, T = 1, n = 2"),
    ],
    "beam-search": [
        ("no return", _beam(returned="None"), "returned None"),
        ("with the score", _beam(returned="max(ended or growing)"), "the answer is a tuple"),
        ("a tensor", _beam(returned="torch.tensor(max(ended or growing)[1])"), "the answer is a Tensor"),
        ("strings", _beam(returned="list(map(str, max(ended or growing)[1]))"), "elements of type str"),
        ("tensors", _beam(returned="list(torch.tensor(max(ended or growing)[1]))"), "elements of type Tensor"),
        ("no start token", _beam(prompt="ids"), "does not begin with the start token"),
        ("start token in the answer", _beam(returned="[start] + max(ended or growing)[1]"), "is part of the answer"),
        ("no end token", _beam(returned="max(ended or growing)[1][:-1]"), "without its end token"),
        ("grows on", _beam(growing="kept", returned="max(growing)[1]"), "goes on after the end token"),
        ("nothing", _beam(returned="[]"), "the answer is empty"),
        ("empty when cut", _beam(returned="max(ended)[1] if ended else []"), "the answer is empty"),
        (
            "second best",
            _beam(returned="sorted(ended or growing)[-2:][0][1]"),
            "with width = \\d, max_length = \\d, alpha = 0 the answer is",
        ),
        ("last token alone", _beam(total="log_p"), "whose last token is very probable"),
        ("greedy", _beam(kept="grown[:1]"), "that greedy search finds"),
        ("copies", _beam(start="[(0.0, [])] * width"), "the same text several times"),
        ("first that ends", _beam(ends="ended or not growing"), "returned the first text that ended"),
        ("first in the list", _beam(returned="(ended or growing)[0][1]"), "returned the first text that ended"),
        (
            "one of each",
            _beam(
                kept="grown[:width] if length == 1 else [max(g for g in grown if g[1][:-1] == i) for _, i in growing]"
            ),
            "kept one continuation",
        ),
        (
            "width of each",
            _beam(kept="[g for _, i in growing for g in [g for g in grown if g[1][:-1] == i][:width]]"),
            "more than width texts were kept",
        ),
        ("everything", _beam(kept="grown", lengths="range(1, min(5, max_length) + 1)"), "more than width texts were"),
        ("one more place", _beam(kept="grown[:width + 1]"), "more than width texts were kept"),
        ("one token less", _beam(lengths="range(1, max_length)"), "not allowed to get so long"),
        ("one token more", _beam(lengths="range(1, max_length + 2)"), "more than max_length tokens"),
        ("end token added", _beam(returned="max(ended or [(t, i + [stop]) for t, i in growing])[1]"), "more than max"),
        ("all compete", _beam(returned="max(ended + growing)[1]"), "those that have compete"),
        ("enough", _beam(ends="len(ended) >= width or not growing"), "as soon as two texts had ended"),
        ("alpha is 1", _beam(lp="(5 + len(ids)) / 6"), "what does yours do with alpha"),
        ("alpha a factor", _beam(lp="(5 + len(ids)) / 6 * (alpha or 1)"), "what does yours do with alpha"),
        ("alpha is 0 or 1", _beam(lp="((5 + len(ids)) / 6) ** min(alpha, 1)"), "what does yours do with alpha"),
        ("multiplied", _beam(score="total * lp"), "does a factor above 1 make it better"),
        ("negative alpha", _beam(lp="((5 + len(ids)) / 6) ** -alpha"), "does a factor above 1 make it better"),
        ("probability", _beam(score="math.exp(total) / lp"), "was P itself divided"),
        ("length", _beam(lp="len(ids) ** alpha"), "as if by the length itself"),
        ("no penalty", _beam(score="total"), "as if there were no penalty"),
        ("start counted", _beam(lp="((6 + len(ids)) / 6) ** alpha"), "is the start token counted"),
        ("end not counted", _beam(lp="((4 + len(ids)) / 6) ** alpha"), "is the end token counted"),
        (
            "too early",
            _beam(
                ends="not growing or ended and max(t for t, i in kept if i[-1] == stop or 1) == kept[0][0] and kept[0][1][-1] == stop"
            ),
            "when no growing text was as probable",
        ),
        (
            "too early, all steps",
            _beam(
                ends="not growing or any(math.exp(s * ((5 + len(i)) / 6) ** alpha) >= math.exp(growing[0][0]) for s, i in ended)"
            ),
            "when no growing text was as probable",
        ),
        (
            "stays",
            _beam(
                grown="grown = sorted(grown + stay, reverse=True)",
                growing="[one for one in kept if one[1][-1] != stop]; stay = [one for one in kept if one[1][-1] == stop]",
                first="stay = []",
            ),
            "keeps its place in the beam",
        ),
        (
            "stays, by score",
            _beam(
                grown="grown.sort(key=lambda one: one[0] / ((5 + len(one[1])) / 6) ** alpha, reverse=True)",
                kept="sorted(grown + stay, key=lambda one: one[0] / ((5 + len(one[1])) / 6) ** alpha, reverse=True)[:width]",
                growing="[one for one in kept if one[1][-1] != stop]; stay = [one for one in kept if one[1][-1] == stop]",
                first="stay = []",
            ),
            "keeps its place in the beam",
        ),
        (
            "filled up",
            _beam(
                kept="[g for g in grown if g[1][-1] == stop and g in grown[:width]]"
                " + [g for g in grown if g[1][-1] != stop][:width]"
            ),
            "let another text in besides",
        ),
        (
            "least probable when cut",
            _beam(returned="max(ended)[1] if ended else min(growing)[1]"),
            "the most probable one of that length",
        ),
        (
            "lists shared",
            _beam(total="total + log_p").replace("ids + [token]", "ids.append(token) or ids"),
            "goes on after the end token",
        ),
        ("log-probabilities multiplied", _beam(total="-abs((total or 1) * log_p)"), "greedy search finds"),
        ("topk", _beam(grown="grown[width - 1]"), "stopped with IndexError"),
        ("four tokens", _beam(kept="[g for g in grown if g[1][-1] < 5][:width]"), "wrong for a random one with n = 6"),
        ("wide is all", _beam(ends="not growing or width > 5"), "width is larger than the vocabulary"),
    ],
    "decoder-hunt": [
        *(_left(*bugs) for bugs in product((True, False), repeat=4) if any(bugs)),
        ("no return", _hunt().replace("return ", "out = "), "returned None"),
        ("a pair", _hunt(returned="stream, memory"), "tensor of shape \\(T, D\\)"),
        ("no self-attention", _hunt(first="x + y"), "self_attention is never called"),
        ("no cross-attention", _hunt(found="y"), "cross_attention is never called"),
        ("no feed-forward layer", _hunt(returned="stream + norm_3(stream)"), "feed_forward is never called"),
        ("twice", _hunt(second="stream + cross_attention(y, memory, None)"), "cross_attention is called more than"),
        ("no mask", _hunt(mask="None"), "the row sees what it has to predict"),
        ("one more", _hunt(mask="torch.ones(T, T, dtype=torch.bool).tril(1)"), "the row sees what it has to predict"),
        ("strict", _hunt(mask="torch.ones(T, T, dtype=torch.bool).tril(-1)"), "on the row's own token"),
        ("diagonal", _hunt(mask="torch.eye(T, dtype=torch.bool)"), "on an earlier token"),
        ("zeros and ones", _hunt(mask="torch.ones(T, T).tril()"), "mask must be boolean"),
        ("memory as queries", _hunt(found="cross_attention(memory, y, None)"), "stopped with"),
        (
            "memory asks itself",
            _hunt(found="cross_attention(memory, memory, None).mean(0) + 0 * y"),
            "plus what cross_attention returns",
        ),
        ("asks the input", _hunt(keys="norm_2(x)"), "without reading the source"),
        ("reads itself, not normalised", _hunt(keys="stream"), "without reading the source"),
        ("post-norm", _hunt(first="norm_1(x + self_attention(x, x, mask))"), "the output is not the input"),
        ("stream normalised", _hunt(second="y + found"), "the output is not the input"),
        ("no residual", _hunt(second="found"), "the output is not the input"),
        ("input twice", _hunt(second="x + stream + found"), "the output is not the input"),
        ("last to the input", _hunt(returned="x + feed_forward(norm_3(stream))"), "whatever self-attention returns"),
        ("found lost", _hunt(returned="before + feed_forward(norm_3(stream))"), "whatever cross-attention returns"),
        ("layer lost", _hunt(returned="stream + 0 * feed_forward(norm_3(stream))"), "whatever the feed-forward layer"),
        (
            "twice in the stream",
            _hunt(returned="stream + stream - x + feed_forward(norm_3(stream))"),
            "what self_attention returns",
        ),
        ("half of it", _hunt(second="stream + found / 2"), "what cross_attention returns"),
        ("sub-layers multiplied", _hunt(second="stream + found + (stream - x) * found"), "all together do not"),
        ("memory normalised elsewhere", _hunt(keys="norm_1(memory)"), "its size gets lost"),
        ("memory divided", _hunt(memory="memory / memory.norm()"), "its size gets lost"),
        ("memory and stream", _hunt(keys="torch.cat([memory, y])"), "as many as there are source tokens"),
        ("memory doubled", _hunt(keys="2 * memory"), "something else than the memory"),
        (
            "memory normalised with another size",
            _hunt(keys="norm_2(memory) * memory.norm() / norm_2(memory).norm()"),
            "something else than the memory",
        ),
        (
            "masked source",
            _hunt(found="cross_attention(y, memory, mask[:, :4].tril() if T == 5 else None)"),
            "hides source tokens",
        ),
        ("clamped", _hunt(returned="(stream + feed_forward(norm_3(stream))).clamp(-9, 9)"), "the whole is not"),
        ("raw self-attention", _hunt(y="x"), "self_attention gets the stream as it is"),
        ("raw keys", _hunt(first="x + self_attention(y, x, mask)"), "self_attention gets the stream as it is"),
        (
            "norms exchanged",
            _hunt(y="norm_2(x)", query="norm_1(stream)"),
            "self_attention gets vectors normalised with",
        ),
        ("normalised twice", _hunt(y="norm_1(norm_1(x))"), "should both come from"),
        ("raw cross-attention", _hunt(query="stream"), "cross_attention gets the stream as it is"),
        ("asks with the input", _hunt(query="norm_2(x)"), "nothing of what self-attention has found"),
        ("same norm", _hunt(query="norm_1(stream)"), "cross_attention gets vectors normalised with"),
        ("asks with what was found", _hunt(query="norm_2(stream - x)"), "not the normalised stream after self"),
        ("raw layer", _hunt(returned="stream + feed_forward(stream)"), "feed_forward gets the stream as it is"),
        ("stream from before", _hunt(returned="stream + feed_forward(norm_3(before))"), "not learn what was found in"),
        ("norm of the second", _hunt(returned="stream + feed_forward(norm_2(stream))"), "feed_forward gets vectors"),
        (
            "layer of what was found",
            _hunt(returned="stream + feed_forward(norm_3(stream - x))"),
            "after both attentions",
        ),
        ("in place", _hunt(first="x.add_(self_attention(y, y, mask))"), "tensors that were given have changed"),
        (
            "five rows",
            _hunt(
                mask="torch.ones(5, 5, dtype=torch.bool).tril()[:T, :T]",
                second="stream[:5] + found * min(1, 5 / T) * (D := 1 if x.shape[1] > 5 else 2)",
            ),
            "wrong for T = 1",
        ),
    ],
}
ALSO_RIGHT = {
    "masked-attention": [
        _attention(),
        _attention("triangle & real"),
        _attention("(torch.arange(T) <= torch.arange(T)[:, None]) & (torch.arange(T) < lengths.max())"),
        _attention(weights="scores.where(mask, torch.finfo(scores.dtype).min).softmax(-1)"),
        _function(
            "masked_attention(query, key, value, lengths)",
            """
return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)""",
        ),
        _function(
            "masked_attention(query, key, value, lengths)",
            """
out = torch.zeros(*query.shape[:2], value.shape[-1], dtype=value.dtype)
for b, length in enumerate(lengths.tolist()):
    for t in range(length):
        scores = key[b, : t + 1] @ query[b, t] / query.shape[-1] ** 0.5
        out[b, t] = scores.softmax(0) @ value[b, : t + 1]
return out""",
        ),
    ],
    "training-pair": [
        _pair(),
        _function(
            "training_pair(texts, start, stop, pad)",
            """
framed = [torch.tensor([start] + text + [stop]) for text in texts]
whole = torch.nn.utils.rnn.pad_sequence(framed, batch_first=True, padding_value=pad)
return [whole[:, :-1], whole[:, 1:]]""",
        ),
        _function(
            "training_pair(texts, start, stop, pad)",
            """
T = max(map(len, texts)) + 1
inputs, targets = torch.full((2, len(texts), T), pad)
for row, text in enumerate(texts):
    inputs[row, 0] = start
    inputs[row, 1 : len(text) + 1] = torch.tensor(text, dtype=torch.int64)
    targets[row, : len(text)] = inputs[row, 1 : len(text) + 1]
    targets[row, len(text)] = stop
return inputs, targets""",
        ),
    ],
    "cross-entropy": [
        _loss(),
        _loss(out="(each * real).sum() / real.sum()"),
        _of_q("(1 - e) * hot + e / n"),
        _of_q("(1 - e) * hot + e / n", "logits.logsumexp(-1) - (q * logits).sum(-1)"),
        _function(
            "cross_entropy(logits, targets, pad, smoothing)",
            """
z, y = logits.flatten(0, 1), targets.flatten()
return torch.nn.functional.cross_entropy(z, y, ignore_index=pad, label_smoothing=smoothing)""",
        ),
        _function(
            "cross_entropy(logits, targets, pad, smoothing)",
            """
total, count = 0, 0
for z, row in zip(logits, targets):
    for scores, target in zip(z, row):
        if target == pad:
            continue
        log_p = scores - scores.max()
        log_p = log_p - log_p.exp().sum().log()
        q = torch.full_like(scores, smoothing / len(scores))
        q[target] += 1 - smoothing
        total, count = total - q @ log_p, count + 1
return total / count""",
        ),
    ],
    "beam-search": [
        _beam(),
        _function(
            "beam_search(next_log_probs, start, stop, width, max_length, alpha)",
            """
totals, texts = torch.zeros(1, dtype=torch.float64), [[start]]
best, best_score = None, -torch.inf
for _ in range(max_length):
    log_p = torch.stack([next_log_probs(ids) for ids in texts])
    n = log_p.shape[1]
    grown = (totals[:, None] + log_p).flatten()
    totals, places = grown.topk(min(width, len(grown)))
    texts = [texts[place // n] + [place % n] for place in places.tolist()]
    going = []
    for row, ids in enumerate(texts):
        if ids[-1] != stop:
            going.append(row)
        elif (score := float(totals[row]) / ((4 + len(ids)) / 6) ** alpha) > best_score:
            best, best_score = ids[1:], score
    totals, texts = totals[going], [texts[row] for row in going]
    if not texts:
        break
return texts[0][1:] if best is None else best""",
        ),
        _function(
            "beam_search(next_log_probs, start, stop, width, max_length, alpha)",
            """
import heapq

def score(ids):
    return beams[ids] / ((5 + len(ids)) / 6) ** alpha

beams, done = {(): 0.0}, {}
live = [()]
while live and len(live[0]) < max_length:
    grown = {}
    for ids in live:
        for token, log_p in enumerate(next_log_probs([start, *ids])):
            grown[ids + (token,)] = beams[ids] + log_p.item()
    kept = heapq.nlargest(width, grown, key=grown.get)
    beams.update((ids, grown[ids]) for ids in kept)
    done.update((ids, score(ids)) for ids in kept if ids[-1] == stop)
    live = [ids for ids in kept if ids[-1] != stop]
return list(max(done, key=done.get) if done else live[0])""",
        ),
    ],
    "decoder-hunt": [
        _hunt(),
        _hunt(mask="~torch.ones(T, T, dtype=torch.bool).triu(1)", found="cross_attention(x=y, y=memory)"),
        _hunt(found="cross_attention(y, memory, mask=torch.ones(T, len(memory), dtype=torch.bool))"),
        _function(
            "decoder_block(x, memory, self_attention, cross_attention, feed_forward, norm_1, norm_2, norm_3)",
            """
places = torch.arange(x.shape[0])
x = x.clone()
x += self_attention(norm_1(x), norm_1(x), mask=places <= places[:, None])
x += cross_attention(norm_2(x), memory, mask=None)
x += feed_forward(norm_3(x))
return x""",
        ),
    ],
}
