"""Lesson 05: what learners really write, and the hint each must get (a pattern in the English message)."""

from itertools import product


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _waves(
    omega: str = "base ** (-2 * i / D)",
    t: str = "torch.arange(T, dtype=torch.float64)",
    returned: str = "torch.stack([a.sin(), a.cos()], dim=-1).flatten(1)",
    i: str = "torch.arange(D // 2, dtype=torch.float64)",
) -> str:
    """The answer to sinusoids, with one part of it replaced."""
    return _function(
        "sinusoids(T, D, base)",
        f"""
i = {i}
t = {t}
a = t[:, None] * {omega}
return {returned}""",
    )


def _all_components(power: str) -> str:
    return _waves(
        f"base ** (-{power} / D)",
        i="torch.arange(D, dtype=torch.float64)",
        returned="torch.where(torch.arange(D) % 2 == 0, a.sin(), a.cos())",
    )


def _advance(body: str) -> str:
    return _function("advance(row, k, base)", body)


def _turn(
    new: str = "s * a.cos() + c * a.sin(), c * a.cos() - s * a.sin()",
    a: str = "k * base ** (-2 * i / len(row))",
    parts: str = "row[0::2], row[1::2]",
    joined: str = "torch.stack([new_s, new_c], dim=-1).flatten()",
) -> str:
    """The answer to advance, with one part of it replaced."""
    return _advance(f"""
i = torch.arange(len(row) // 2, dtype=torch.float64)
a = {a}
s, c = {parts}
new_s, new_c = {new}
return {joined}""")


_TABLE = """
def _row(t):
    i = torch.arange(len(row) // 2, dtype=torch.float64)
    a = t * base ** (-2 * i / len(row))
    return torch.stack([a.sin(), a.cos()], dim=-1).flatten()
"""


def _alibi(
    bias: str = "-s[:, None, None] * (t[:, None] - t).abs()", slopes: str = "2 ** (-8 * h / H)", first: int = 1
) -> str:
    """The answer to alibi, with one part of it replaced."""
    return _function(
        "alibi(H, T)",
        f"""
h = torch.arange({first}, {first} + H, dtype=torch.float64)
t = torch.arange(T, dtype=torch.float64)
s = {slopes}
return {bias}""",
    )


def _cache(
    query: str = "at(q, t)",
    key: str = "at(k, t)",
    value: str = "v",
    keys: str = "torch.cat([cached_keys, new], dim=1)",
    values: str = "torch.cat([cached_values, own], dim=1)",
    attended: str = "keys",
    scale: str = " / math.sqrt(k.shape[-1])",
    weights: str = "s.softmax(-1)",
    seen: str = "values",
    returned: str = "z[:, 0], keys, values",
) -> str:
    """The answer to rotary-cache, with one part of it replaced."""
    return "from course_lib.positions import rotate\n\n\n" + _function(
        "next_token(q, k, v, cached_keys, cached_values)",
        f"""
def at(x, position):
    return rotate(x[:, None], torch.tensor([position]))[:, 0]

t = cached_keys.shape[1]
query, new, own = ({query})[:, None], ({key})[:, None], ({value})[:, None]
keys, values = {keys}, {values}
s = query @ ({attended}).mT{scale}
z = {weights} @ {seen}
return {returned}""",
    )


_SPLIT = "({}).view(T, H, -1).transpose(0, 1)"
_PROPER = "a * cos - b * sin, a * sin + b * cos"


def _hunt(
    scores: str = "turn({split})",
    values: str = "{split}",
    exponent: str = "-2 * i / d",
    sign: str = _PROPER,
    scale: str = " / math.sqrt(k.shape[-1])",
    dim: int = -1,
    split: str = _SPLIT,
    keys: str | None = None,
    positions: str = "torch.arange(T)",
    joined: str = "(weights @ v).transpose(0, 1).flatten(1)",
    pairs: tuple[str, str] = ("y[..., 0::2], y[..., 1::2]", "torch.stack([{}], dim=-1).flatten(-2)"),
) -> str:
    """The answer to the bug hunt, with some parts of it replaced."""
    q, k, v = (
        how.format(split=split.format(f"x @ {W}"))
        for how, W in ((scores, "W_Q"), (keys or scores, "W_K"), (values, "W_V"))
    )
    return _function(
        "rotary_attention(x, W_Q, W_K, W_V, H)",
        f"""
T = len(x)

def turn(y):
    d = y.shape[-1]
    i = torch.arange(d // 2, dtype=x.dtype)
    angles = {positions}[:, None] * 10_000 ** ({exponent})
    cos, sin = angles.cos(), angles.sin()
    a, b = {pairs[0]}
    return {pairs[1].format(sign)}

q, k, v = {q}, {k}, {v}
weights = (q @ k.mT{scale}).softmax({dim})
return {joined}""",
    )


def _whole(W: str) -> str:
    """Turned before the split into heads, as in the stub."""
    return _SPLIT.format(f"turn(x @ {W})")


def _left(values: bool, sign: bool, heads: bool, exponent: bool) -> tuple[str, str, str]:
    """The stub with some of its bugs left and the others mended, and the symptom that comes first."""
    bugs = {"values": values, "sign": sign, "heads": heads, "exponent": exponent}
    source = _hunt(
        scores=_whole("W_Q") if heads else "turn({split})",
        keys=_whole("W_K") if heads else "turn({split})",
        values=(_whole("W_V") if heads else "turn({split})") if values else "{split}",
        sign="a * cos + b * sin, a * sin + b * cos" if sign else _PROPER,
        exponent="-i / d" if exponent else "-2 * i / d",
    )
    hints = {
        "values": "only ones can come out",
        "sign": "five tokens were put before",
        "heads": "two heads have the same matrices",
        "exponent": "pair 1 .* should turn by 0.01 rad from one position to the next; yours turns by 0.1",
    }
    left = [bug for bug, there in bugs.items() if there]
    return f"left: {', '.join(left)}", source, hints[left[0]]


WRONG = {
    "sinusoids": [
        ("no return", _waves().replace("return ", "out = "), "returned None"),
        ("numpy", _waves(returned="np.stack([np.sin(a), np.cos(a)], -1).reshape(T, D)"), "the answer is a ndarray"),
        ("only sines", _waves(returned="a.sin()"), "has D / 2 columns"),
        ("both of each component", _waves(i="torch.arange(D, dtype=torch.float64)"), "has 2D columns"),
        ("pairs apart", _waves(returned="torch.stack([a.sin(), a.cos()], dim=-1)"), "axis of their own"),
        ("transposed", _waves(returned="torch.stack([a.sin(), a.cos()], dim=-1).flatten(1).T"), "shape is \\(D, T\\)"),
        ("one row", _waves(returned="torch.stack([a.sin(), a.cos()], dim=-1).flatten()"), "has shape \\(40,\\)"),
        ("halves", _waves(returned="torch.cat([a.sin(), a.cos()], dim=1)"), "one half of the row"),
        ("cosines in front", _waves(returned="torch.cat([a.cos(), a.sin()], dim=1)"), "one half of the row"),
        ("cosine first", _waves(returned="torch.stack([a.cos(), a.sin()], dim=-1).flatten(1)"), "before the sine"),
        ("from 1", _waves(t="torch.arange(1, T + 1, dtype=torch.float64)"), "begins with position 1"),
        ("pairs from 1", _waves(i="torch.arange(1, D // 2 + 1, dtype=torch.float64)"), "those of the next pair"),
        ("plus", _waves("base ** (2 * i / D)"), "grow with i"),
        ("without the 2", _waves("base ** (-i / D)"), "half as fast"),
        (
            "2 twice",
            _waves(i="torch.arange(0, D, 2, dtype=torch.float64)"),
            "square of the right one",
        ),
        ("one frequency per component", _all_components("i"), "counts pairs, not components"),
        ("one frequency per component, squared", _all_components("2 * i"), "counts pairs, not components"),
        ("ends at 1 / base", _waves("base ** (-i / (D // 2 - 1))"), "exactly 1 / base"),
        ("always 10,000", _waves("10_000 ** (-2 * i / D)"), "base is 10,000 whatever"),
        ("position 0 at the end", _waves(t="torch.arange(T - 1, -1, -1, dtype=torch.float64)"), "row 0 is wrong"),
        ("sines only, twice", _waves(returned="torch.stack([a.sin(), a.sin()], dim=-1).flatten(1)"), "row 0 is wrong"),
        (
            "wavelengths in steps",
            _waves("1 / torch.linspace(1, base, D // 2, dtype=torch.float64)"),
            "in column 2 \\(counted",
        ),
        ("whole turns", _waves("2 * math.pi * base ** (-2 * i / D)"), "in column 0 \\(counted"),
        ("float32", _waves(t="torch.arange(T)", i="torch.arange(D // 2)"), "the table is float32"),
        (
            "float32, then float64",
            _waves(
                t="torch.arange(T)",
                i="torch.arange(D // 2)",
                returned="torch.stack([a.sin(), a.cos()], dim=-1).flatten(1).double()",
            ),
            "only some seven digits",
        ),
        ("squeeze", _waves(returned="torch.stack([a.sin(), a.cos()], dim=-1).flatten(1).squeeze()"), "wrong for T = 1"),
        ("up to 1000", _waves(t="torch.arange(T, dtype=torch.float64).clamp(max=1000)"), "wrong for T = 3000"),
    ],
    "advance": [
        ("no return", _turn().replace("return ", "out = "), "returned None"),
        ("a list", _turn(joined="[new_s, new_c]"), "the answer is a list"),
        ("pairs apart", _turn(joined="torch.stack([new_s, new_c], dim=-1)"), "has shape \\(4, 2\\)"),
        ("unchanged", _advance("return row"), "comes back as it was"),
        ("k − k", _turn(a="(k - k) * i"), "comes back as it was"),
        ("backwards", _turn("s * a.cos() - c * a.sin(), c * a.cos() + s * a.sin()"), "s positions earlier"),
        ("rows added", _advance(_TABLE + "return row + _row(k)"), "angles add up"),
        ("rows multiplied", _advance(_TABLE + "return row * _row(k)"), "multiplied number by number"),
        ("row k", _advance(_TABLE + "return _row(k)"), "counted from its beginning"),
        ("one step", _turn(a="base ** (-2 * i / len(row))"), "the next row, whatever s is"),
        ("one angle", _turn(a="k * torch.ones_like(i)"), "turned by the same angle"),
        (
            "in place",
            _advance("""
for i in range(len(row) // 2):
    a = k * base ** (-2 * i / len(row))
    row[2 * i] = row[2 * i] * math.cos(a) + row[2 * i + 1] * math.sin(a)
    row[2 * i + 1] = row[2 * i + 1] * math.cos(a) - row[2 * i] * math.sin(a)
return row"""),
            "both need the old ones",
        ),
        (
            "in place, cosine first",
            _advance("""
for i in range(len(row) // 2):
    a = k * base ** (-2 * i / len(row))
    row[2 * i + 1] = row[2 * i + 1] * math.cos(a) - row[2 * i] * math.sin(a)
    row[2 * i] = row[2 * i] * math.cos(a) + row[2 * i + 1] * math.sin(a)
return row"""),
            "both need the old ones",
        ),
        ("cosines forgotten", _turn("s * a.cos() + c * a.sin(), c"), "cosines were left"),
        ("sines forgotten", _turn("s, c * a.cos() - s * a.sin()"), "sines were left"),
        (
            "halves",
            _turn(parts="row.chunk(2)", joined="torch.cat([new_s, new_c])"),
            "paired with component i \\+ D / 2",
        ),
        ("without the 2", _turn(a="k * base ** (-i / len(row))"), "angles of all pairs but the first are too large"),
        ("always 10,000", _turn(a="k * 10_000 ** (-2 * i / len(row))"), "as in a table with base 10,000"),
        ("one too far", _turn(a="(k + 1) * base ** (-2 * i / len(row))"), "with s = 0 the same row"),
        (
            "angles added to the numbers",
            _turn("s + a.sin(), c + a.cos() - 1"),
            "pair 0 \\(counted from 0\\) is no longer",
        ),
        ("sign", _turn("s * a.cos() + c * a.sin(), c * a.cos() + s * a.sin()"), "no longer a sine and a cosine"),
        ("no cross terms", _turn("s * a.cos(), c * a.cos()"), "their squares add up to 0.98"),
        ("2 twice", _turn(a="k * base ** (-4 * i / len(row))"), "in pair 1 \\(counted from 0\\) of the wrong one"),
        ("float32", _turn(a="k * base ** (-2 * i / len(row)).float()"), "only some seven digits"),
        (
            "in place, else right",
            _turn(joined="row.copy_(torch.stack([new_s, new_c], dim=-1).flatten())"),
            "the row that was given has changed",
        ),
        ("arcsine", _advance(_TABLE + "return _row(torch.asin(row[0].clamp(-1, 1)) + k)"), "that of position 2"),
        ("arcsine, rounded", _advance(_TABLE + "return _row(torch.asin(row[0]).round() + k)"), "that of position 2"),
        ("arccosine", _advance(_TABLE + "return _row(torch.acos(row[1].clamp(-1, 1)) + k)"), "that of position 5"),
        (
            "angle of the first pair",
            _advance(_TABLE + "return _row(torch.atan2(row[0], row[1]) % (2 * math.pi) + k)"),
            "position 29: the fastest pair",
        ),
        (
            "angle of the last pair",
            _advance(
                _TABLE + "slow = base ** (2 / len(row) - 1)\n"
                "return _row(torch.atan2(row[-2], row[-1]) % (2 * math.pi) / slow + k)"
            ),
            "the row of position 1000",
        ),
        (
            "looked up",
            _advance(
                _TABLE + "rows = torch.stack([_row(t) for t in range(2000)])\n"
                "return _row((rows - row).norm(dim=1).argmin().item() + k)"
            ),
            "the row of position 3000017",
        ),
        (
            "step by step",
            _turn().replace("return ", "out = ").replace("k * base", "base")
            + "\n    for _ in range(k):\n"
            + "        s, c = s * a.cos() + c * a.sin(), c * a.cos() - s * a.sin()\n"
            + "    return torch.stack([s, c], dim=-1).flatten()",
            "wrong for a negative s",
        ),
        ("four pairs", _turn(a="k * base ** (-torch.arange(4, dtype=torch.float64) / 4)"), "wrong for D = 2"),
        ("always 8", _turn(a="k * base ** (-i / 4)"), "wrong for D = 6"),
    ],
    "alibi": [
        ("no return", _alibi().replace("return ", "out = "), "returned None"),
        ("a list", _alibi("[-x * (t[:, None] - t).abs() for x in s]"), "the answer is a list"),
        ("slopes", _alibi("s"), "these are the slopes"),
        ("one matrix", _alibi("-(t[:, None] - t).abs()"), "one matrix for all heads"),
        ("heads last", _alibi("-s * (t[:, None] - t).abs()[..., None]"), "heads are not the first axis"),
        (
            "heads in the middle",
            _alibi("-s[:, None] * (t[:, None] - t).abs()[:, None]"),
            "heads are not the first axis",
        ),
        ("last query", _alibi("-s[:, None] * (T - 1 - t)"), "bias of a single query"),
        ("flat", _alibi("(-s[:, None, None] * (t[:, None] - t).abs()).flatten(1)"), "has shape \\(4, 25\\)"),
        (
            "a mask",
            _alibi("(-s[:, None, None] * (t[:, None] - t).abs()).masked_fill(t > t[:, None], -math.inf)"),
            "mask's business",
        ),
        ("plus", _alibi("s[:, None, None] * (t[:, None] - t).abs()"), "the sign is wrong"),
        ("no absolute value", _alibi("-s[:, None, None] * (t[:, None] - t)"), "those after it are rewarded"),
        ("no absolute value, n − m", _alibi("-s[:, None, None] * (t - t[:, None])"), "those before it are rewarded"),
        ("clamped", _alibi("-s[:, None, None] * (t[:, None] - t).clamp(min=0)"), "after the query lose nothing"),
        ("triangle", _alibi("-s[:, None, None] * (t[:, None] - t).abs().triu()"), "before the query lose nothing"),
        ("squared", _alibi("-s[:, None, None] * (t[:, None] - t) ** 2"), "square of the distance"),
        ("from 1", _alibi("-s[:, None, None] * ((t[:, None] - t).abs() + 1)"), "two positions away"),
        ("by the key", _alibi("s[:, None, None] * t.expand(T, T)"), "how far apart they are"),
        ("by the query", _alibi("-s[:, None, None] * t[:, None].expand(T, T)"), "how far apart they are"),
        ("reverse order", _alibi(slopes="(2 ** (-8 * h / H)).flip(0)"), "in reverse order"),
        ("first slope 1", _alibi(first=0), "first head has slope 1"),
        ("1, 1/2, …", _alibi(slopes="2 ** -h", first=0), "first head has slope 1"),
        ("1/2, 1/4, …", _alibi(slopes="2 ** -h"), "with 8 heads only"),
        ("H / 8", _alibi(slopes="2 ** (-h * H / 8)"), "H / 8 where 8 / H should be"),
        ("8h", _alibi(slopes="2 ** (-8 * h)"), "256 times smaller from head to head"),
        ("positive exponents", _alibi(slopes="2 ** (8 * h / H)"), "grow from head to head"),
        ("e", _alibi(slopes="torch.exp(-8 * h / H)"), "powers of e"),
        ("h / H", _alibi(slopes="h / H"), "by the same factor from head to head"),
        ("1 / h", _alibi(slopes="1 / h"), "by the same factor from head to head"),
        ("slope 1", _alibi(slopes="torch.ones(H)"), "there are no slopes"),
        (
            "diagonal",
            _alibi("-s[:, None, None] * ((t[:, None] - t).abs() + 0.5)"),
            "nothing to take off on the diagonal",
        ),
        ("same slope", _alibi(slopes="torch.full((H,), 2.0 ** (-8 / H))"), "all heads have the same bias"),
        (
            "mean slope",
            _alibi("(-s[:, None, None] * (t[:, None] - t).abs()).mean(0, keepdim=True).repeat(H, 1, 1)"),
            "all heads have the same bias",
        ),
        ("base 4", _alibi(slopes="4 ** (-8 * h / H)"), "head 0 \\(counted from 0\\) has 0.0625"),
        ("steps of 8 / (H − 1)", _alibi(slopes="2 ** (-8 * (h - 1) / (H - 1) - 2)"), "head 1 \\(counted from 0\\)"),
        ("logarithm", _alibi("-s[:, None, None] * (1 + (t[:, None] - t).abs()).log2()"), "equal steps on both sides"),
        ("root", _alibi("-s[:, None, None] * (t[:, None] - t).abs().sqrt()"), "equal steps on both sides"),
        ("four heads written down", _alibi(slopes="2 ** (-2 * h)"), "wrong for H = 8, T = 3"),
        ("squeeze", _alibi("(-s[:, None, None] * (t[:, None] - t).abs()).squeeze()"), "wrong for H = 1, T = 6"),
    ],
    "rotary-cache": [
        ("no return", _cache().replace("return z", "out = z"), "returned None"),
        ("output alone", _cache(returned="z[:, 0]"), "return three tensors"),
        ("weights", _cache(returned="z[:, 0], keys"), "return three tensors"),
        ("not kept", _cache(returned="z[:, 0], cached_keys, cached_values"), "the next token will not find"),
        ("values not kept", _cache(returned="z[:, 0], keys, cached_values"), "the next token will not find"),
        ("query axis", _cache(returned="z, keys, values"), "z: the shape is \\(3, 1, 4\\)"),
        ("axis of the components", _cache(keys="torch.cat([cached_keys, new.mT], dim=1)"), "stopped with RuntimeError"),
        ("in front", _cache(keys="torch.cat([new, cached_keys], dim=1)"), "stands before the old ones"),
        (
            "cache turned again",
            _cache(keys="torch.cat([rotate(cached_keys), new], dim=1)"),
            "cached keys were turned once more",
        ),
        (
            "all turned",
            _cache(key="k", keys="rotate(torch.cat([cached_keys, new], dim=1))"),
            "cached keys were turned once more",
        ),
        (
            "all turned by t",
            _cache(key="k", keys="rotate(torch.cat([cached_keys, new], dim=1), torch.tensor([t]))"),
            "cached keys were turned once more",
        ),
        ("scaled cache", _cache(keys="torch.cat([cached_keys / 2, new], dim=1)"), "keys: what was in the cache"),
        ("query kept", _cache(key="at(q, t)"), "query was put among the keys"),
        ("position 0", _cache(query="at(q, 0)", key="at(k, 0)"), "as if the token stood at position 0"),
        (
            "default positions",
            _cache(query="rotate(q[:, None])[:, 0]", key="rotate(k[:, None])[:, 0]"),
            "at position 0",
        ),
        ("key unturned", _cache(key="k"), "as it came, not turned"),
        (
            "kept unturned",
            _cache(returned="z[:, 0], torch.cat([cached_keys, k[:, None]], dim=1), values"),
            "as it came, not turned",
        ),
        ("t + 1", _cache(query="at(q, t + 1)", key="at(k, t + 1)"), "one position too far"),
        ("t − 1", _cache(query="at(q, t - 1)", key="at(k, t - 1)"), "of the token before it"),
        ("backwards", _cache(query="at(q, -t)", key="at(k, -t)"), "the other way round"),
        ("heads for positions", _cache(query="rotate(q)", key="rotate(k)"), "the number of its head"),
        (
            "halves",
            _cache(key="rotate(k, torch.tensor([t]), layout='halves')"),
            "cached keys pair neighbours",
        ),
        ("base", _cache(key="rotate(k, torch.tensor([t]), base=100)"), "not the new key, turned by its position"),
        ("value turned", _cache(value="at(v, t)"), "values were turned"),
        (
            "all values turned",
            _cache(values="rotate(torch.cat([cached_values, own], dim=1))"),
            "values were turned",
        ),
        ("values zeroed", _cache(values="torch.cat([0 * cached_values, own], dim=1)"), "values: what was in the cache"),
        ("value doubled", _cache(value="2 * v"), "is not the new value"),
        ("own left out", _cache(attended="cached_keys", seen="cached_values"), "did not look at itself"),
        (
            "mask cut",
            _cache(weights="s.masked_fill(~torch.ones(1, t + 1).tril().bool(), -math.inf).softmax(-1)"),
            "sees only the first token",
        ),
        ("softmax over heads", _cache(weights="s.softmax(0)"), "sum to 1 over the keys"),
        ("softmax over the query", _cache(weights="s.softmax(1)"), "sum to 1 over the keys"),
        ("query unturned", _cache(query="q"), "the query was not turned"),
        ("query one too far", _cache(query="at(q, t + 1)"), "by another position than the key"),
        ("heads for positions in the query", _cache(query="rotate(q)"), "by another position than the key"),
        ("turned for the scores", _cache(attended="rotate(keys)"), "turned already were turned again"),
        (
            "all turned for the scores",
            _cache(attended="rotate(torch.cat([cached_keys, k[:, None]], dim=1))"),
            "turned already were turned again",
        ),
        (
            "unturned key in the scores",
            _cache(attended="torch.cat([cached_keys, k[:, None]], dim=1)"),
            "its own key before that was turned",
        ),
        ("turned values weighed", _cache(seen="rotate(values)"), "turned values were mixed"),
        ("no scale", _cache(scale=""), "scores are not divided"),
        ("divided by d_k", _cache(scale=" / k.shape[-1]"), "d_k instead of its square root"),
        ("root of d_v", _cache(scale=" / math.sqrt(v.shape[-1])"), "root, but of another number"),
        ("root of all heads", _cache(scale=" / math.sqrt(k.numel())"), "root, but of another number"),
        ("key for query", _cache(query="at(k, t)"), "the cache is right, the output is not"),
        (
            "written into the cache",
            _cache(returned="(z[:, 0], keys, values, q.zero_())[:3]"),
            "that were given have changed",
        ),
        (
            "nothing before",
            _cache(returned="(z[:, 0] if t else 0 * v), keys, values"),
            "wrong for t = 0",
        ),
        ("overflow", _cache(weights="(s.exp() / s.exp().sum(-1, keepdim=True))"), "overflow"),
        ("heads of one squeezed", _cache(returned="z.squeeze(1).squeeze(0), keys, values"), "wrong for H = 1, t = 1"),
        ("8 positions", _cache(key="at(k, min(t, 8))", query="at(q, min(t, 8))"), "wrong for H = 4, t = 300"),
    ],
    "position-bug-hunt": [
        *(_left(*bugs) for bugs in product((True, False), repeat=4) if any(bugs)),
        ("no return", _hunt().replace("return (weights", "out = (weights"), "returned None"),
        ("not joined", _hunt(joined="weights @ v"), "shape \\(T, H · d_v\\)"),
        ("softmax over heads", _hunt(dim=0), "do the weights sum to 1"),
        ("softmax over queries", _hunt(dim=1), "sum to 1 over the keys"),
        ("split mixes", _hunt(split="({}).view(H, T, -1)"), "look at the split"),
        ("last head first", _hunt(joined="(weights @ v).flip(0).transpose(0, 1).flatten(1)"), "look at the split"),
        ("merge mixes", _hunt(joined="(weights @ v).reshape(T, -1)"), "look at the split"),
        ("no turn", _hunt(scores="{split}"), "text read backwards"),
        ("only queries", _hunt(keys="{split}"), "queries and keys turned alike"),
        ("only keys", _hunt(scores="{split}", keys="turn({split})"), "queries and keys turned alike"),
        ("another sign", _hunt(sign="a * cos - b * sin, a * sin - b * cos"), "does a turn keep lengths"),
        ("both minus", _hunt(sign="a * cos - b * sin, b * cos - a * sin"), "does a turn keep lengths"),
        (
            "halves",
            _hunt(pairs=("y.chunk(2, dim=-1)", "torch.cat([{}], dim=-1)")),
            "neighbours form a pair",
        ),
        (
            "first pair stands",
            _hunt(exponent="-2 * i / d) * (i > 0"),
            "first pair of components does not turn at all",
        ),
        ("exponent doubled", _hunt(exponent="-4 * i / d"), "yours turns by 0.0001"),
        ("frequencies of D", _hunt(exponent="-2 * i / x.shape[-1]"), "pair 1 .* should turn by 0.01 rad"),
        ("pairs from 1", _hunt(exponent="-2 * (i + 1) / d"), "pair 0 .* should turn by 1 rad"),
        ("clockwise", _hunt(sign="a * cos + b * sin, b * cos - a * sin"), "distance has the wrong sign"),
        ("a reflection", _hunt(sign="a * cos + b * sin, a * sin - b * cos"), "distance has the wrong sign"),
        ("scale removed", _hunt(scale=""), "no longer divided"),
        ("root of all heads", _hunt(scale=" / math.sqrt(W_K.shape[-1])"), "root of H · d_k"),
        ("divided by d_k", _hunt(scale=" / k.shape[-1]"), "d_k instead of its square root"),
        ("root of the width", _hunt(scale=" / math.sqrt(x.shape[-1])"), "look at the scores"),
        ("frequencies of d_k = 4", _hunt(exponent="-i / 2"), "wrong for T = 4, D = 6, H = 2"),
    ],
}
ALSO_RIGHT = {
    "sinusoids": [
        _waves(),
        _function(
            "sinusoids(T, D, base)",
            """
table = torch.zeros(T, D, dtype=torch.float64)
for t in range(T):
    for i in range(D // 2):
        angle = t / base ** (2 * i / D)
        table[t, 2 * i], table[t, 2 * i + 1] = math.sin(angle), math.cos(angle)
return table""",
        ),
        _function(
            "sinusoids(T, D, base)",
            """
even = torch.arange(0, D, 2).double()
angles = torch.outer(torch.arange(T).double(), torch.exp(-even / D * math.log(base)))
table = torch.empty(T, D, dtype=torch.float64)
table[:, 0::2], table[:, 1::2] = torch.sin(angles), torch.cos(angles)
return table""",
        ),
        _function(
            "sinusoids(T, D, base)",
            """
angles = np.arange(T)[:, None] * float(base) ** (-np.arange(0, D, 2) / D)
return torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(T, D))""",
        ),
    ],
    "advance": [
        _turn(),
        _advance("""
out = row.clone()
for i in range(len(row) // 2):
    angle = k * base ** (-2 * i / len(row))
    s, c = row[2 * i].item(), row[2 * i + 1].item()
    out[2 * i] = s * math.cos(angle) + c * math.sin(angle)
    out[2 * i + 1] = c * math.cos(angle) - s * math.sin(angle)
return out"""),
        _advance("""
angles = k * base ** (-torch.arange(0, len(row), 2, dtype=torch.float64) / len(row))
turned = torch.complex(row[1::2], row[0::2]) * torch.polar(torch.ones_like(angles), angles)
return torch.stack([turned.imag, turned.real], dim=-1).flatten()"""),
        _advance("""
M = torch.zeros(len(row), len(row), dtype=torch.float64)
for i in range(0, len(row), 2):
    a = k * base ** (-i / len(row))
    M[i : i + 2, i : i + 2] = torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
return row @ M""").replace("math.cos(a)]])", "math.cos(a)]], dtype=torch.float64)"),
    ],
    "alibi": [
        _alibi(),
        _function(
            "alibi(H, T)",
            """
out = torch.zeros(H, T, T)
for h in range(H):
    for m in range(T):
        for n in range(T):
            out[h, m, n] = -abs(m - n) * 2 ** (-8 * (h + 1) / H)
return out""",
        ),
        _function(
            "alibi(H, T)",
            """
factor = 2 ** (-8 / H)
slopes = torch.tensor([factor ** (h + 1) for h in range(H)])
t = torch.arange(T)
return torch.einsum("h,mn->hmn", slopes, torch.minimum(t[:, None] - t, t - t[:, None]).float())""",
        ),
    ],
    "rotary-cache": [
        _cache(),
        "from course_lib.positions import rotate\n\n\n"
        + _function(
            "next_token(q, k, v, cached_keys, cached_values)",
            """
here = torch.tensor([cached_keys.shape[1]])
keys = torch.cat([cached_keys, rotate(k, here)[:, None]], dim=1)
values = torch.cat([cached_values, v[:, None]], dim=1)
z = F.scaled_dot_product_attention(rotate(q, here)[:, None], keys, values)
return z.squeeze(1), keys, values""",
        ),
        _function(
            "next_token(q, k, v, cached_keys, cached_values)",
            """
H, t, d = cached_keys.shape
angle = t * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
phase = torch.polar(torch.ones_like(angle), angle)

def turned(x):
    pairs = torch.view_as_complex(x.reshape(H, d // 2, 2))
    return torch.view_as_real(pairs * phase).flatten(1)

keys = torch.cat([cached_keys, turned(k).unsqueeze(1)], dim=1)
values = torch.cat([cached_values, v.unsqueeze(1)], dim=1)
weights = torch.einsum("hd,htd->ht", turned(q), keys).div(d**0.5).softmax(dim=1)
return [torch.einsum("ht,htv->hv", weights, values), keys, values]""",
        ),
    ],
    "position-bug-hunt": [
        _hunt(),
        _hunt(positions="torch.arange(1, T + 1)"),  # the distances are the same
        _hunt(positions="torch.arange(T, dtype=torch.float32)", exponent="-2 * i.float() / d"),
        "from course_lib.positions import rotate\n\n\n"
        + _function(
            "rotary_attention(x, W_Q, W_K, W_V, H)",
            """
q, k, v = ((x @ W).unflatten(1, (H, -1)).transpose(0, 1) for W in (W_Q, W_K, W_V))
z = F.scaled_dot_product_attention(rotate(q)[None], rotate(k)[None], v[None])[0]
return torch.cat(list(z), dim=-1)""",
        ),
        _function(
            "rotary_attention(x, W_Q, W_K, W_V, H)",
            """
T, out = len(x), []
for Q, K, V in zip(*((x @ W).chunk(H, dim=1) for W in (W_Q, W_K, W_V))):
    d = K.shape[1]
    omega = 10_000.0 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    phase = torch.exp(1j * torch.arange(T)[:, None] * omega)
    Q, K = ((X[:, 0::2] + 1j * X[:, 1::2]) * phase for X in (Q, K))
    out.append(((Q @ K.conj().T).real / d**0.5).softmax(dim=1) @ V)
return torch.cat(out, dim=1)""",
        ),
    ],
}
