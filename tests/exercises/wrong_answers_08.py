"""Lesson 08: what learners really write, and the hint each must get (a pattern in the English message)."""

from itertools import product


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _corrupt(
    masked: str = "kind < 0.8",
    replaced: str = "(kind >= 0.8) & (kind < 0.9)",
    where: str = "chosen",
    start: str = "ids.clone()",
    steps: str | None = None,
    targets: str = "torch.where(chosen, ids, -100)",
    returned: str = "inputs, targets",
    first: str = "",
) -> str:
    """The answer to corrupt, with some parts of it replaced."""
    steps = steps or "inputs[masked] = mask_id\ninputs[replaced] = replacement[replaced]"
    return _function(
        "corrupt(ids, chosen, kind, replacement, mask_id)",
        f"""
{first}
where = {where}
masked = where & ({masked})
replaced = where & ({replaced})
inputs = {start}
{steps}
targets = {targets}
return {returned}""",
    )


def _pair(
    tokens: str = "[cls] + first + [sep] + second + [sep]",
    segments: str = "[0] * (len(first) + 2) + [1] * (len(second) + 1)",
    behind: str = "[0] * rest",
    padded: str = "tokens + [pad] * rest",
    mask: str = "[True] * len(tokens) + [False] * rest",
    long: str = "len(tokens) > length",
    then: str = "raise ValueError('too long')",
    returned: str = "torch.tensor(ids), torch.tensor(places), torch.tensor(mask)",
    first: str = "",
) -> str:
    """The answer to segments, with some parts of it replaced."""
    return _function(
        "bert_input(first, second, cls, sep, pad, length)",
        f"""
{first}
tokens = {tokens}
rest = length - len(tokens)
places = {segments} + {behind}
ids = {padded}
mask = {mask}
if {long}:
    {then}
return {returned}""",
    )


def _sample(
    z: str = "logits / temperature",
    p: str = "z.softmax(-1)",
    k: str = "p[order[top_k:]] = 0",
    k_scale: str = "p = p / p.sum()",
    if_p: str = "if top_p is not None",
    before: str = "p[order].cumsum(0) - p[order]",
    p_cut: str = "p[order[before >= top_p]] = 0",
    p_scale: str = "p = p / p.sum()",
    token: str = "(p.cumsum(0) <= u).sum()",
    returned: str = "int(token)",
) -> str:
    """The answer to sample, with some parts of it replaced."""
    return _function(
        "sample(logits, u, temperature, top_k, top_p)",
        f"""
import math
z = {z}
p = {p}
order = p.argsort(descending=True)
if top_k is not None:
    {k}
    {k_scale}
{if_p}:
    before = {before}
    {p_cut}
    {p_scale}
token = {token}
return {returned}""",
    )


def _by_logits(k: str = "-math.inf", p: str = "-math.inf") -> str:
    """The answer to sample that fills up logits, with a number for those left out."""
    return _function(
        "sample(logits, u, temperature, top_k, top_p)",
        f"""
import math
z = logits / temperature
if top_k is not None:
    z = z.masked_fill(z < z.topk(top_k).values[-1], {k})
if top_p is not None:
    p, order = z.softmax(0).sort(descending=True)
    behind = order[p.cumsum(0) - p >= top_p]
    z = z.index_fill(0, behind, {p})
return int(torch.searchsorted(z.softmax(0).cumsum(0), u, right=True))""",
    )


def _cached(
    mask: str = "torch.arange(T) <= torch.arange(T - new, T)[:, None]",
    scores: str = "query @ keys.T / d_k**0.5",
    weights: str = "scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)",
    out: str = "weights @ values",
) -> str:
    """The answer to cached-attention, with some parts of it replaced."""
    return _function(
        "cached_attention(query, keys, values)",
        f"""
new, (T, d_k) = len(query), keys.shape
mask = {mask}
scores = {scores}
weights = {weights}
return {out}""",
    )


def _hunt(
    total: str = "E[ids] + P[:T] + E_segment[segments]",
    x: str = "norm(total)",
    mask: str = "real[:, None]",
    vectors: str = "encoder(x, mask)",
    logits: str = "head(vectors) @ E.T + b_out",
    scored: str = "targets != -100",
    returned: str = "F.cross_entropy(logits[scored], targets[scored])",
    first: str = "",
) -> str:
    """The answer to the bug hunt, with some parts of it replaced."""
    return _function(
        "masked_loss(ids, segments, real, targets, mask_id, E, P, E_segment, norm, encoder, head, b_out)",
        f"""
{first}
B, T = ids.shape
total = {total}
x = {x}
mask = {mask}
vectors = {vectors}
logits = {logits}
scored = {scored}
return {returned}""",
    )


def _left(segments: bool, positions: bool, padding: bool, scored: bool) -> tuple[str, str, str]:
    """The stub with some of its bugs left and the others mended, and the symptom that comes first."""
    bugs = {"segments": segments, "positions": positions, "padding": padding, "scored": scored}
    kinds = "E_segment[segments[0]]" if segments else "E_segment[segments]"
    parts: dict[str, str] = {"total": f"E[ids] + {kinds} + P[:T]"}
    if positions:
        parts |= {"total": f"E[ids] + {kinds}", "x": "norm(total) + P[:T]"}
    if padding:
        parts["mask"] = "real[:, :, None]"
    if scored:
        parts["scored"] = "ids == mask_id"
    hints = {
        "segments": "where does each text begin",
        "positions": "after the LayerNorm, the vectors of the positions",
        "padding": "whom does the mask hide",
        "scored": "only the places with \\[MASK\\] are scored",
    }
    left = [bug for bug, there in bugs.items() if there]
    return f"left: {', '.join(left)}", _hunt(**parts), next(text for bug, text in hints.items() if bugs[bug])


WRONG = {
    "corrupt": [
        ("no return", _corrupt(returned="None"), "returned None"),
        ("inputs alone", _corrupt(returned="inputs"), "return two tensors"),
        ("lists", _corrupt(returned="inputs.tolist(), targets"), "inputs: this is a list"),
        ("chosen alone", _corrupt(targets="ids[chosen]"), "targets: the shape is \\(8,\\)"),
        ("floats", _corrupt(targets="torch.where(chosen, ids, -100.0)"), "targets: the numbers are of type"),
        ("in place", _corrupt(start="ids"), "tensors that were given have changed"),
        (
            "in place, targets first",
            _corrupt(first="targets_ = torch.where(chosen, ids, -100)", start="ids", targets="targets_"),
            "tensors that were given have changed",
        ),
        ("own numbers", _corrupt(first="kind = torch.rand(len(ids))"), "gave two different answers"),
        ("own words", _corrupt(first="replacement = torch.randint(20, (len(ids),))"), "gave two different answers"),
        ("swapped", _corrupt(returned="targets, inputs"), "are in the wrong order"),
        ("all tokens", _corrupt(where="torch.ones_like(chosen)"), "applied to all tokens"),
        ("the others", _corrupt(where="~chosen"), "the chosen ones stay"),
        ("nothing hidden", _corrupt(steps="pass"), "nothing is hidden"),
        ("only [MASK]", _corrupt("kind < 1", "kind > 1"), "every chosen token became"),
        ("no other token", _corrupt(replaced="kind > 1"), "could then always be trusted"),
        ("none stays", _corrupt(replaced="kind >= 0.8"), "none of the chosen tokens stays"),
        (
            "overwritten",
            _corrupt(replaced="kind < 0.9"),
            "has overwritten an earlier one",
        ),
        ("last two exchanged", _corrupt(replaced="kind >= 0.9"), "the other way round"),
        ("0.1 < kind", _corrupt("kind > 0.1", "kind <= 0.1"), "the shares are mixed up"),
        ("one [MASK] of ten", _corrupt("kind < 0.1", "(kind >= 0.1) & (kind < 0.9)"), "the shares are mixed up"),
        ("0.1 for the second", _corrupt("kind >= 0.2", "kind < 0.1"), "the shares are mixed up"),
        ("[MASK] and other exchanged", _corrupt("(kind >= 0.8) & (kind < 0.9)", "kind < 0.8"), "the shares are"),
        ("turned round", _corrupt("kind >= 0.9", "kind < 0.8"), "the shares are mixed up"),
        (
            "dealt out",
            _corrupt(steps="inputs[masked] = mask_id\ninputs[replaced] = replacement[: int(replaced.sum())]"),
            "dealt out one after another",
        ),
        (
            "one too many",
            _corrupt(first="chosen = chosen.clone()\nchosen[2] = True", targets="torch.where(chosen, ids, -100)"),
            "a token that was not chosen has changed",
        ),
        ("half", _corrupt("kind < 0.5", "(kind >= 0.5) & (kind < 0.9)"), "place 9 .* kind = 0.71, stands 2, expected"),
        ("targets are the text", _corrupt(targets="ids.clone()"), "the targets are the whole text"),
        ("targets turned round", _corrupt(targets="torch.where(chosen, -100, ids)"), "where nothing was chosen"),
        ("0", _corrupt(targets="ids * chosen"), "have the target 0"),
        ("[MASK] as target", _corrupt(targets="torch.where(chosen, ids, mask_id)"), "have the target \\[MASK\\]"),
        ("−1", _corrupt(targets="torch.where(chosen, ids, -1)"), "has the target -1; −100"),
        ("only at [MASK]", _corrupt(targets="torch.where(inputs == mask_id, ids, -100)"), "only the places with"),
        ("only where changed", _corrupt(targets="torch.where(inputs != ids, ids, -100)"), "that has stayed has no"),
        ("corrupted", _corrupt(targets="torch.where(chosen, inputs, -100)"), "learn to repeat what it reads"),
        ("replacements", _corrupt(targets="torch.where(chosen, replacement, -100)"), "place 1 .* stands 1, expected"),
        (
            "not 0",
            _corrupt(targets="torch.where(chosen & (ids > 0), ids, -100)"),
            "place 3 .* stands -100, expected is 0",
        ),
        ("at most", _corrupt("kind <= 0.8", "(kind > 0.8) & (kind <= 0.9)"), "wrong at their ends"),
        ("above 0", _corrupt("(kind > 0) & (kind < 0.8)"), "wrong at their ends"),
        ("fourteen", _corrupt(where="chosen & (torch.arange(len(ids)) < 14)"), "wrong for T = 40 with 14 chosen"),
    ],
    "segments": [
        ("no return", _pair(returned="None"), "returned None"),
        ("ids alone", _pair(returned="torch.tensor(ids)"), "return three tensors"),
        ("lists", _pair(returned="torch.tensor(ids), places, torch.tensor(mask)"), "segments: this is a list"),
        ("not padded", _pair(padded="tokens"), "the padding is missing"),
        (
            "one text of a batch",
            _pair(returned="torch.tensor([ids]), torch.tensor([places]), torch.tensor([mask])"),
            "ids: the shape is \\(1, 11\\)",
        ),
        ("mask not padded", _pair(mask="[True] * len(tokens)"), "mask: the shape is \\(8,\\)"),
        ("ones and zeros", _pair(mask="[1] * len(tokens) + [0] * rest"), "mask: the numbers are of type"),
        ("floats", _pair(returned="torch.Tensor(ids), torch.tensor(places), torch.tensor(mask)"), "ids: the numbers"),
        ("in place", _pair(tokens="[cls] + first + second", first="first.append(sep); second.append(sep)"), "lists"),
        (
            "no [CLS]",
            _pair("first + [sep] + second + [sep]", "[0] * (len(first) + 1) + [1] * (len(second) + 1)"),
            "\\[CLS\\] is missing",
        ),
        (
            "no first [SEP]",
            _pair("[cls] + first + second + [sep]", "[0] * (len(first) + 1) + [1] * (len(second) + 1)"),
            "nothing separates the sentences",
        ),
        (
            "no last [SEP]",
            _pair("[cls] + first + [sep] + second", "[0] * (len(first) + 2) + [1] * len(second)"),
            "the second sentence does not end",
        ),
        (
            "no [SEP]",
            _pair("[cls] + first + second", "[0] * (len(first) + 1) + [1] * len(second)"),
            "no \\[SEP\\] at all",
        ),
        (
            "[CLS] twice",
            _pair("[cls] + first + [sep] + [cls] + second + [sep]", "[0] * (len(first) + 2) + [1] * (len(second) + 2)"),
            "there is a second \\[CLS\\]",
        ),
        ("[CLS] last", _pair("first + [sep] + second + [sep] + [cls]"), "stands at the end"),
        ("second first", _pair("[cls] + second + [sep] + first + [sep]"), "the second sentence stands before"),
        ("padding first", _pair(padded="[pad] * rest + tokens"), "the padding stands in front"),
        (
            "[SEP] last",
            _pair(padded="tokens[:-1] + [pad] * rest + [sep]"),
            "stands behind the padding",
        ),
        ("zeros", _pair(padded="tokens + [0] * rest"), "behind it stands 0 instead of"),
        (
            "padded between",
            _pair(padded="[cls] + first + [sep] + [pad] * rest + second + [sep]"),
            "the ids are \\[5, 21, 0, 30, 3, 9, 9, 9, 17, 21, 3\\]",
        ),
        ("one segment", _pair(segments="[0] * len(tokens)"), "all tokens are in segment 0"),
        (
            "first [SEP] in the second",
            _pair(segments="[0] * (len(first) + 1) + [1] * (len(second) + 2)"),
            "the first \\[SEP\\] is in segment 1",
        ),
        (
            "last [SEP] in the first",
            _pair(segments="[0] * (len(first) + 2) + [1] * len(second) + [0]"),
            "the last \\[SEP\\] is in segment 0",
        ),
        ("padding in the second", _pair(behind="[1] * rest"), "the padding is not in segment 0"),
        ("padding in a third", _pair(behind="[2] * rest"), "the padding is not in segment 0"),
        ("1 and 2", _pair(segments="[1] * (len(first) + 2) + [2] * (len(second) + 1)"), "numbered 1 and 2"),
        (
            "exchanged",
            _pair(segments="[1] * (len(first) + 2) + [0] * (len(second) + 1)"),
            "the segments are exchanged",
        ),
        (
            "three segments",
            _pair(segments="[0] + [1] * (len(first) + 1) + [2] * (len(second) + 1)"),
            "has a segment of its own",
        ),
        (
            "words alone",
            _pair(segments="[0] + [0] * len(first) + [1] + [1] * len(second) + [0]"),
            "the segments are \\[0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0\\]",
        ),
        ("padding visible", _pair(mask="[True] * length"), "the mask is true at the padding too"),
        ("turned round", _pair(mask="[False] * len(tokens) + [True] * rest"), "at the padding and false at the text"),
        (
            "special tokens hidden",
            _pair(mask="[id_ not in (cls, sep, pad) for id_ in ids]"),
            "the mask hides \\[CLS\\] and \\[SEP\\]",
        ),
        ("zeros hidden", _pair(mask="[id_ not in (0, pad) for id_ in ids]"), "the mask is False at place 2"),
        (
            "one more",
            _pair(mask="[True] * (len(tokens) + 1) + [False] * (rest - 1)"),
            "the mask is True at place 8",
        ),
        ("padding wanted", _pair(long="len(tokens) >= length"), "fills the row exactly is refused"),
        (
            "cut",
            _pair(
                returned="torch.tensor(ids)[:length], torch.tensor(places)[:length], torch.tensor(mask)[:length]",
                then="pass",
            ),
            "they were silently cut",
        ),
        ("too long", _pair(then="pass"), "no ValueError says so"),
        ("None", _pair(then="return None"), "no ValueError says so"),
        ("assert", _pair(then="raise AssertionError"), "the error is AssertionError"),
        ("index", _pair(then="ids[10**6]"), "the error is IndexError"),
        (
            "eleven",
            _pair(behind="[0] * (11 - len(tokens))"),
            "wrong for \\[21, 0, 30\\] and \\[17, 21\\] with length = 8|wrong for \\[7\\]",
        ),
    ],
    "sample": [
        ("no return", _sample(returned="None"), "returned None"),
        ("a tensor", _sample(returned="token"), "the answer is a Tensor"),
        ("probabilities", _sample(returned="p.tolist()"), "the answer is a list"),
        ("a float", _sample(returned="float(token)"), "the answer is a float"),
        ("in place", _sample(z="logits.div_(temperature)"), "logits that were given have changed"),
        (
            "in place, top-k",
            _function(
                "sample(logits, u, temperature, top_k, top_p)",
                """
if top_k is not None:
    logits[logits < logits.topk(top_k).values[-1]] = -torch.inf
return int(((logits / temperature).softmax(0).cumsum(0) <= u).sum())""",
            ),
            "logits that were given have changed",
        ),
        ("own random numbers", _sample(token="torch.multinomial(p, 1)"), "the same u gave two different"),
        ("greedy", _sample(token="p.argmax()"), "this is greedy search"),
        ("no softmax", _sample(p="z.clone()", token="(p.cumsum(0) > u).int().argmax()"), "the sums are those of the"),
        ("by probability", _sample(token="order[(p[order].cumsum(0) <= u).sum()]"), "in the order of their size"),
        ("rank", _sample(token="(p[order].cumsum(0) <= u).sum()"), "a place in some order"),
        ("one before", _sample(token="(p.cumsum(0) <= u).sum() - 1"), "the last token whose sum does not exceed"),
        (
            "one before, not below 0",
            _sample(token="((p.cumsum(0) <= u).sum() - 1).clamp(min=0)"),
            "the last token whose sum does not exceed",
        ),
        ("one behind", _sample(token="((p.cumsum(0) <= u).sum() + 1).clamp(max=len(p) - 1)"), "after the one whose"),
        ("1 − u", _sample(token="(p.cumsum(0) <= 1 - u).sum()"), "compared with 1 − u"),
        ("reversed", _sample(token="len(p) - 1 - (p.flip(0).cumsum(0) <= u).sum()"), "compared with 1 − u"),
        ("no temperature", _sample(z="logits.clone()"), "the temperature changes nothing"),
        ("temperature on p", _sample(p="(p_ := logits.softmax(-1) / temperature) / p_.sum()"), "changes nothing"),
        ("multiplied", _sample(z="logits * temperature"), "acts the wrong way round"),
        ("no top-k", _sample(k="pass"), "top_k changes nothing"),
        ("first ids", _sample(k="p[top_k:] = 0"), "with the smallest ids"),
        ("least probable", _sample(k="p[order[:-top_k]] = 0"), "the k least probable tokens stay"),
        ("k − 1", _sample(k="p[order[top_k - 1 :]] = 0"), "is not k"),
        ("k + 1", _sample(k="p[order[top_k + 1 :]] = 0"), "is not k"),
        ("more than the k-th", _sample(k="p[p <= p[order[top_k - 1]]] = 0"), "is not k"),
        ("logits set to 0", _by_logits(k="0.0"), "logits of the tokens left out are set to 0"),
        ("logits set to 0 by top-p", _by_logits(p="0.0"), "logits of the tokens left out are set to 0"),
        ("not rescaled", _sample(k_scale="pass"), "belongs to nobody"),
        ("not rescaled after top-p", _sample(p_scale="pass"), "belongs to nobody"),
        (
            "sorted for top-k",
            _function(
                "sample(logits, u, temperature, top_k, top_p)",
                """
p = (logits / temperature).softmax(0)
ids = torch.arange(len(p))
if top_k is not None:
    p, ids = p.topk(top_k)
    p = p / p.sum()
return int(ids[(p.cumsum(0) <= u).sum()])""",
            ),
            "in the order of their size",
        ),
        (
            "sorted for top-k, rank",
            _function(
                "sample(logits, u, temperature, top_k, top_p)",
                """
p = (logits / temperature).softmax(0)
if top_k is not None:
    p = p.topk(top_k).values
    p = p / p.sum()
return int((p.cumsum(0) <= u).sum())""",
            ),
            "a place in some order",
        ),
        ("no top-p", _sample(p_cut="pass"), "top_p changes nothing"),
        ("crossing token dropped", _sample(before="p[order].cumsum(0)"), "with which the sum reaches top_p"),
        (
            "crossing token dropped, >",
            _sample(before="p[order].cumsum(0)", p_cut="p[order[before > top_p]] = 0"),
            "with which the sum reaches top_p",
        ),
        (
            "one more",
            _sample(before="p[order].cumsum(0).roll(2).index_fill(0, torch.arange(2), 0)"),
            "more than necessary",
        ),
        ("ids in order", _sample(before="p.cumsum(0) - p", p_cut="p[before >= top_p] = 0"), "order of the ids"),
        (
            "ids in order, dropped",
            _sample(before="p.cumsum(0)", p_cut="p[before >= top_p] = 0"),
            "order of the ids",
        ),
        (
            "least probable set",
            _sample(before="p.sort().values.cumsum(0) - p.sort().values", p_cut="p[p.argsort()[before >= top_p]] = 0"),
            "gathered from the least probable",
        ),
        ("tail", _sample(p_cut="p[order[before < top_p]] = 0"), "gathered from the least probable"),
        ("mask not put back", _sample(p_cut="p[before >= top_p] = 0"), "a mask made for sorted probabilities"),
        ("each by itself", _sample(p_cut="p[p < 1 - top_p] = 0"), "judged by its own probability"),
        ("squares", _sample(p_cut="p = p * p"), "top_p = 0.65 and u = 0.\\d+ the answer is \\d, expected is \\d"),
        (
            "temperature last",
            _sample(
                z="logits.clone()",
                p_scale="pass",
                k_scale="pass",
                token="((q := p ** (1 / temperature)) / q.sum()).cumsum(0).le(u).sum()",
            ),
            "at temperature 1; the temperature comes first",
        ),
        (
            "not rescaled between",
            _sample(k_scale="pass", token="((p / p.sum()).cumsum(0) <= u).sum()"),
            "counts the probabilities among all tokens",
        ),
        ("elif", _sample(if_p="elif top_p is not None"), "only one of them has an effect"),
        ("top-k lost", _sample(if_p="if top_p is not None and ((p := z.softmax(-1)) is p)"), "only one of them has"),
        (
            "shifted without its first",
            _sample(before="p[order].cumsum(0).roll(1)"),
            "but for the most probable token",
        ),
        ("exp by hand", _sample(p="z.exp() / z.exp().sum()"), "an exponential overflows"),
        ("capped", _sample(p="z.clamp(max=700).softmax(-1)"), "an exponential overflows"),
        ("exp of less", _sample(p="(e := (z - 1000 * (z.max() > 500)).exp()) / e.sum()"), "are rounded to 0"),
        (
            "maximum of the large",
            _sample(p="(e := (z - z.max().clamp(min=0)).exp()) / e.sum()"),
            "all exponentials are rounded to 0",
        ),
        ("−10 000", _by_logits(k="-1e4"), "is not low enough"),
        ("−10 000 by top-p", _by_logits(p="-1e4"), "is not low enough"),
        ("below u", _sample(token="(p.cumsum(0) < u).sum()"), "u = 0 brings a token of probability 0"),
        ("searchsorted", _sample(token="torch.searchsorted(p.cumsum(0), u)"), "u = 0 brings a token of probability 0"),
        ("float32", _sample(p="z.float().softmax(-1)"), "wrong for a u just below 1"),
        ("seven tokens", _sample(token="(p[:7].cumsum(0) <= u).sum()"), "wrong for n = 30"),
    ],
    "cached-attention": [
        ("no return", _cached(out="None"), "returned None"),
        ("a pair", _cached(out="weights @ values, weights"), "the answer is a tuple"),
        ("weights", _cached(out="weights"), "these are the weights"),
        (
            "all rows",
            _cached(out="torch.cat([torch.zeros_like(values[new:]), weights @ values])"),
            "an output for each of the T tokens",
        ),
        ("last row", _cached(out="(weights @ values)[-1]"), "there is one output"),
        ("mean", _cached(out="(weights @ values).mean(0, keepdim=True)"), "there is one output"),
        ("flat", _cached(out="(weights @ values).flatten()"), "has shape \\(6,\\)"),
        ("no mask", _cached("torch.ones(new, T, dtype=torch.bool)"), "nothing is hidden"),
        ("nothing at all", _cached(weights="(query @ keys.T).softmax(-1)"), "nothing is hidden"),
        ("top left", _cached("torch.ones(new, T, dtype=torch.bool).tril()"), "as if the cache were empty"),
        (
            "is_causal",
            _function(
                "cached_attention(query, keys, values)",
                """
q, k, v = query[None], keys[None], values[None]
return F.scaled_dot_product_attention(q, k, v, is_causal=True)[0]""",
            ),
            "as if the cache were empty",
        ),
        ("one too few", _cached("torch.ones(new, T, dtype=torch.bool).tril(T - new - 1)"), "does not see itself"),
        ("one too many", _cached("torch.ones(new, T, dtype=torch.bool).tril(T - new + 1)"), "sees the one after it"),
        ("cache alone", _cached("torch.arange(T).expand(new, T) < T - new"), "neither themselves nor each other"),
        (
            "new tokens alone",
            _cached("torch.ones(new, T, dtype=torch.bool).tril(T - new) & (torch.arange(T) >= T - new)"),
            "what was it kept for",
        ),
        ("own token alone", _cached("torch.arange(T) == torch.arange(T - new, T)[:, None]"), "sees only itself"),
        ("mirrored", _cached("torch.arange(T) >= torch.arange(T - new, T)[:, None]"), "the wrong side is hidden"),
        ("mirrored, top left", _cached("torch.ones(new, T, dtype=torch.bool).triu()"), "the wrong side is hidden"),
        ("mask turned round", _cached(weights="scores.masked_fill(mask, -torch.inf).softmax(-1)"), "there are NaNs"),
        ("after softmax", _cached(weights="scores.softmax(-1) * mask"), "comes after the softmax"),
        ("zeros", _cached(weights="(scores * mask).softmax(-1)"), "set to 0, and exp"),
        ("zeros, no scale", _cached(scores="query @ keys.T", weights="(scores * mask).softmax(-1)"), "set to 0, and"),
        (
            "over the queries",
            _cached(weights="scores.masked_fill(~mask, -torch.inf).softmax(dim=0)"),
            "over the queries",
        ),
        ("over the queries, no mask", _cached(weights="scores.softmax(dim=0)"), "over the queries"),
        ("no scale", _cached(scores="query @ keys.T"), "not divided by anything"),
        ("d_k", _cached(scores="query @ keys.T / d_k"), "instead of its square root"),
        ("root of T", _cached(scores="query @ keys.T / T**0.5"), "root of another size"),
        ("root of T_new", _cached(scores="query @ keys.T / new**0.5"), "root of another size"),
        ("root of d_v", _cached(scores="query @ keys.T / values.shape[1] ** 0.5"), "root of another size"),
        (
            "two too many for the first",
            _cached("(torch.arange(T) <= torch.arange(T - new, T)[:, None]) | (torch.arange(T) == T - 1)"),
            "something of what comes later",
        ),
        (
            "window",
            _cached("torch.ones(new, T, dtype=torch.bool).tril(T - new).triu(1)"),
            "output 0 belongs to the token at place 4 and does not depend on the token at place 0",
        ),
        ("not a mean", _cached(weights="scores.sigmoid() * mask"), "weights of a query sum"),
        ("squares", _cached(weights="(w := scores.square() * mask) / w.sum(-1, keepdim=True)"), "not the softmax of"),
        ("in place", _cached(scores="query.div_(d_k**0.5) @ keys.T"), "the cache is read again at the next step"),
        ("float32", _cached(scores="(query.float() @ keys.float().T).double() / d_k**0.5"), "seven digits"),
        (
            "exp by hand",
            _cached(weights="(e := scores.exp() * mask) / e.sum(-1, keepdim=True)"),
            "a score of a million gives NaN",
        ),
        (
            "softmax, then again",
            _cached(weights="(e := scores.softmax(-1) * mask) / e.sum(-1, keepdim=True)"),
            "minus a million give NaN",
        ),
        ("−10 000", _cached(weights="scores.masked_fill(~mask, -1e4).softmax(-1)"), "a hidden token wins"),
        (
            "not for one",
            _cached("torch.arange(T) <= torch.arange(T - new, T)[:, None] - int(new == 1)"),
            "wrong for a single one",
        ),
        (
            "no mask without a cache",
            _cached("(torch.arange(T) <= torch.arange(T - new, T)[:, None]) | (T == new)"),
            "nothing is in the cache yet",
        ),
        (
            "four numbers",
            _cached(scores="query @ keys.T / (2 if new > 1 and T > new else d_k**0.5)"),
            "T = 9, T_new = 2",
        ),
    ],
    "bert-hunt": [
        *(_left(*bugs) for bugs in product((True, False), repeat=4) if any(bugs)),
        ("no return", _hunt(returned="None"), "returned None"),
        ("a float", _hunt(returned="F.cross_entropy(logits[scored], targets[scored]).item()"), "the answer is a float"),
        (
            "each place",
            _hunt(returned="F.cross_entropy(logits[scored], targets[scored], reduction='none')"),
            "has shape \\(5,\\)",
        ),
        ("no LayerNorm at all", _hunt(x="total"), "norm is never called"),
        ("no encoder", _hunt(vectors="x"), "encoder is never called"),
        ("no head", _hunt(logits="vectors @ E.T + b_out"), "head is never called"),
        (
            "text by text",
            _hunt(vectors="torch.cat([encoder(x[i : i + 1], mask[i : i + 1]) for i in range(B)])"),
            "encoder is called more than once",
        ),
        (
            "tokens in a row",
            _hunt(vectors="encoder(x.flatten(0, 1)[None], real.flatten()[None, None])[0].unflatten(0, (B, T))"),
            "what the encoder gets has shape \\(1, 18, 5\\)",
        ),
        ("no segments", _hunt(total="E[ids] + P[:T]"), "which sentence a token belongs to"),
        ("segment 0", _hunt(total="E[ids] + P[:T] + E_segment[0]"), "which sentence a token belongs to"),
        ("last text's segments", _hunt(total="E[ids] + P[:T] + E_segment[segments[-1]]"), "where does each text"),
        ("any segment", _hunt(total="E[ids] + P[:T] + E_segment[segments.amax(0)]"), "where does each text begin"),
        (
            "first text alone",
            _hunt(total="E[ids] + P[:T] + E_segment[segments] * (torch.arange(B) == 0)[:, None, None]"),
            "its own vectors stayed the same",
        ),
        ("norm left unused", _hunt(x="(norm(total), total)[1]"), "the sum of the three embeddings as it is"),
        ("segments outside", _hunt("E[ids] + P[:T]", "norm(total) + E_segment[segments]"), "vectors of the segments"),
        (
            "words alone",
            _hunt("E[ids]", "norm(total) + P[:T] + E_segment[segments]"),
            "only the words go through the LayerNorm",
        ),
        (
            "each by itself",
            _hunt("norm(E[ids]) + norm(P[:T]) + norm(E_segment[segments])", "total.expand(B, T, -1)"),
            "each of the three embeddings",
        ),
        ("no positions", _hunt("E[ids] + E_segment[segments]"), "on the places of the tokens"),
        ("from 1", _hunt("E[ids] + P[1 : T + 1] + E_segment[segments]"), "positions are counted from 0"),
        ("positions by id", _hunt("E[ids] + P[ids.clamp(max=len(P) - 1)] + E_segment[segments]"), "by the token's id"),
        ("normalised twice", _hunt(x="norm(norm(total))"), "goes through the LayerNorm twice"),
        ("scaled", _hunt("E[ids] * E.shape[1] ** 0.5 + P[:T] + E_segment[segments]"), "not the normalised sum of the"),
        ("no mask", _hunt(mask="None"), "the encoder gets no mask"),
        ("no second argument", _hunt(vectors="encoder(x)"), "the encoder gets no mask"),
        ("true everywhere", _hunt(mask="torch.ones(B, T, T, dtype=torch.bool)"), "the mask hides nothing"),
        ("turned round", _hunt(mask="~real[:, None]"), "see nothing at all"),
        ("as it is", _hunt(mask="real"), "stopped with RuntimeError"),
        ("numbers", _hunt(mask="real[:, None].double()"), "the mask must be boolean"),
        ("either", _hunt(mask="real[:, None] | real[:, :, None]"), "whom does the mask hide"),
        ("causal", _hunt(mask="real[:, None] & torch.ones(T, T, dtype=torch.bool).tril()"), "looks to both sides"),
        ("own sentence", _hunt(mask="real[:, None] & (segments[:, None] == segments[:, :, None])"), "looks to both"),
        ("[MASK] hidden", _hunt(mask="(real & (ids != mask_id))[:, None]"), "does not see the one at place 1"),
        ("no biases", _hunt(logits="head(vectors) @ E.T"), "the logits lack their biases"),
        (
            "no biases, [MASK] alone",
            _hunt(logits="head(vectors) @ E.T", scored="ids == mask_id"),
            "the logits lack their biases",
        ),
        ("head over the input", _hunt(logits="head(x) @ E.T + b_out"), "reads what goes into the encoder"),
        ("softmax", _hunt(logits="(head(vectors) @ E.T + b_out).softmax(-1)"), "softmax is applied twice"),
        (
            "[MASK] left out",
            _hunt(scored="(targets != -100) & (ids != mask_id)"),
            "the places with \\[MASK\\] are left",
        ),
        ("sum", _hunt(returned="F.cross_entropy(logits[scored], targets[scored], reduction='sum')"), "this is the sum"),
        (
            "over all places",
            _hunt(returned="F.cross_entropy(logits.mT, targets, reduction='none').mean()"),
            "the number of all places",
        ),
        (
            "over real tokens",
            _hunt(returned="F.cross_entropy(logits.mT, targets, reduction='sum') / real.sum()"),
            "the number of real tokens",
        ),
        (
            "per text",
            _hunt(returned="F.cross_entropy(logits.mT, targets, reduction='sum') / B"),
            "divided by the number of texts",
        ),
        (
            "mean of means",
            _hunt(returned="torch.stack([F.cross_entropy(z, t) for z, t in zip(logits, targets)]).mean()"),
            "each text's own mean",
        ),
        ("positive ids", _hunt(scored="targets > 0"), "the loss is \\d.\\d+, expected is \\d.\\d+"),
        ("biases twice", _hunt(logits="head(vectors) @ E.T + 2 * b_out"), "the loss is \\d.\\d+, expected is"),
        (
            "no gradient",
            _hunt(returned="F.cross_entropy(logits[scored], targets[scored]).detach()"),
            "no gradient leads from it",
        ),
        ("read-out detached", _hunt(logits="head(vectors) @ E.T.detach() + b_out"), "not the gradient of E:"),
        ("segments detached", _hunt("E[ids] + P[:T] + E_segment.detach()[segments]"), "the gradient of E_segment"),
        ("in place", _hunt(first="ids[~real] = mask_id"), "tensors that were given have changed"),
        ("three texts", _hunt(scored="(targets != -100) & (torch.arange(B) < 3)[:, None]"), "B = 5, T = 5"),
        ("eleven words", _hunt(logits="head(vectors) @ E.T + b_out - 50 * (torch.arange(len(E)) >= 11)"), "n = 20"),
    ],
}
ALSO_RIGHT = {
    "corrupt": [
        _corrupt(),
        _corrupt(replaced="kind < 0.9", steps="inputs[replaced] = replacement[replaced]\ninputs[masked] = mask_id"),
        _function(
            "corrupt(ids, chosen, kind, replacement, mask_id)",
            """
new = torch.where(kind < 0.8, mask_id, torch.where(kind < 0.9, replacement, ids))
return [torch.where(chosen, new, ids), ids.masked_fill(~chosen, -100)]""",
        ),
        _function(
            "corrupt(ids, chosen, kind, replacement, mask_id)",
            """
inputs, targets = [], []
for t in range(len(ids)):
    token = ids[t].item()
    targets.append(token if chosen[t] else -100)
    if chosen[t] and kind[t] < 0.8:
        token = mask_id
    elif chosen[t] and kind[t] < 0.9:
        token = replacement[t].item()
    inputs.append(token)
return torch.tensor(inputs), torch.tensor(targets)""",
        ),
    ],
    "segments": [
        _pair(),
        _pair(mask="[n < len(tokens) for n in range(length)]"),
        _function(
            "bert_input(first, second, cls, sep, pad, length)",
            """
a, b = len(first) + 2, len(second) + 1
if a + b > length:
    raise ValueError(f"{a + b} tokens, but there is room for {length}")
ids = torch.full((length,), pad)
segments = torch.zeros(length, dtype=torch.int64)
ids[: a + b] = torch.tensor([cls, *first, sep, *second, sep])
segments[a : a + b] = 1
return ids, segments, ids != pad""",
        ),
        _function(
            "bert_input(first, second, cls, sep, pad, length)",
            """
text = [(cls, 0, True)] + [(id_, 0, True) for id_ in first + [sep]] + [(id_, 1, True) for id_ in second + [sep]]
if len(text) > length:
    raise ValueError
while len(text) < length:
    text.append((pad, 0, False))
return tuple(torch.tensor(column) for column in zip(*text))""",
        ),
    ],
    "sample": [
        _sample(),
        _by_logits(),
        _by_logits("-torch.inf", "torch.finfo(torch.float64).min"),
        _function(
            "sample(logits, u, temperature, top_k, top_p)",
            """
z = [one / temperature for one in logits.tolist()]
from math import exp
e = {token: exp(one - max(z)) for token, one in enumerate(z)}
p = {token: one / sum(e.values()) for token, one in e.items()}
best = sorted(p, key=p.get, reverse=True)
if top_k is not None:
    best = best[:top_k]
if top_p is not None:
    whole, so_far, few = sum(p[token] for token in best), 0, []
    for token in best:
        few.append(token)
        so_far += p[token] / whole
        if so_far >= top_p:
            break
    best = few
whole, so_far = sum(p[token] for token in best), 0
for token in sorted(best):
    so_far += p[token] / whole
    if so_far > u:
        return token
return token""",
        ),
    ],
    "cached-attention": [
        _cached(),
        _cached("torch.ones(T, T, dtype=torch.bool).tril()[-new:]"),
        _cached("torch.ones(new, T, dtype=torch.bool).tril(T - new)"),
        _cached(weights="scores.where(mask, torch.finfo(scores.dtype).min).softmax(-1)"),
        _function(
            "cached_attention(query, keys, values)",
            """
T, new = len(keys), len(query)
mask = ~torch.ones(new, T, dtype=torch.bool).triu(T - new + 1)
return F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)""",
        ),
        _function(
            "cached_attention(query, keys, values)",
            """
rows, cached = [], len(keys) - len(query)
for i, q in enumerate(query):
    seen = cached + i + 1
    rows.append((keys[:seen] @ q / len(q) ** 0.5).softmax(0) @ values[:seen])
return torch.stack(rows)""",
        ),
    ],
    "bert-hunt": [
        _hunt(),
        _hunt(mask="real[:, None].expand(B, T, T)", vectors="encoder(x, mask=mask)"),
        _hunt(mask="real[:, None] & real[:, :, None]"),
        _hunt(returned="F.cross_entropy(logits.flatten(0, 1), targets.flatten())"),
        _function(
            "masked_loss(ids, segments, real, targets, mask_id, E, P, E_segment, norm, encoder, head, b_out)",
            """
x = E_segment[segments]
for t in range(ids.shape[1]):
    x = x + (torch.arange(ids.shape[1]) == t)[:, None] * P[t]
vectors = encoder(norm(x + E[ids]), real[:, None, :])
rows, places = (targets != -100).nonzero(as_tuple=True)
log_p = (head(vectors[rows, places]) @ E.mT + b_out).log_softmax(-1)
return -log_p[torch.arange(len(rows)), targets[rows, places]].mean()""",
        ),
    ],
}
