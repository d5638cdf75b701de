"""Lesson 06: what learners really write, and the hint each must get (a pattern in the English message)."""

from itertools import product


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _norm(
    mean: str = "x.mean(dim=-1, keepdim=True)",
    variance: str = "(x - m).square().mean(dim=-1, keepdim=True)",
    z: str = "(x - m) / (v + eps).sqrt()",
    out: str = "gamma * z + beta",
) -> str:
    """The answer to layer-norm, with some parts of it replaced."""
    return _function(
        "layer_norm(x, gamma, beta, eps)",
        f"""
m = {mean}
v = {variance}
z = {z}
return {out}""",
    )


def _over(axes: str, **others: str) -> str:
    return _norm(f"x.mean({axes}, keepdim=True)", f"x.var({axes}, correction=0, keepdim=True)", **others)


def _gate(
    gate: str = "a * torch.sigmoid(a)",
    passed: str = "c",
    hidden: str = "gate * passed",
    out: str = "hidden @ W_2",
    a: str = "x @ W_1",
    c: str = "x @ W_3",
) -> str:
    """The answer to swiglu, with some parts of it replaced."""
    return _function(
        "swiglu(x, W_1, W_3, W_2)",
        f"""
a, c = {a}, {c}
gate = {gate}
passed = {passed}
hidden = {hidden}
return {out}""",
    )


def _plant(
    column: str = "key / (1 - limit)",
    bias: str = "-limit / (1 - limit)",
    row: str = "value",
    W_1: str = "torch.cat([W_1, column[:, None]], dim=1)",
    b_1: str = "torch.cat([b_1, torch.tensor([bias])])",
    W_2: str = "torch.cat([W_2, row[None]])",
    returned: str = "new_W_1, new_b_1, new_W_2",
) -> str:
    """The answer to plant, with some parts of it replaced."""
    return _function(
        "plant(W_1, b_1, W_2, key, value, limit)",
        f"""
column = {column}
bias = {bias}
row = {row}
new_W_1 = {W_1}
new_b_1 = {b_1}
new_W_2 = {W_2}
return {returned}""",
    )


def _weights(
    attention: str = "2 * D * D + 2 * D * kv",
    feed_forward: str = "(3 if gated else 2) * D * d_ff",
    attention_bias: str = "2 * D + 2 * kv",
    feed_forward_bias: str = "(2 if gated else 1) * d_ff + D",
    d_k: str = "D // H",
    condition: str = "bias",
    returned: str = "attention, feed_forward",
) -> str:
    """The answer to block-weights, with some parts of it replaced."""
    return _function(
        "block_weights(D, d_ff, H, H_KV, gated, bias)",
        f"""
d_k = {d_k}
kv = H_KV * d_k
attention = {attention}
feed_forward = {feed_forward}
if {condition}:
    attention += {attention_bias}
    feed_forward += {feed_forward_bias}
return {returned}""",
    )


def _hunt(
    dim: int = -1,
    mean: str | None = None,
    variance: str | None = None,
    rescaled: str = "gamma * c / (v + 1e-5).sqrt() + beta",
    first: str = "x + attend(norm(x, gamma_1, beta_1))",
    fed: str = "norm(x, gamma_2, beta_2)",
    change: str = "torch.relu(y @ W_1 + b_1) @ W_2 + b_2",
    returned: str = "x + change",
) -> str:
    """The answer to the bug hunt, with some parts of it replaced."""
    return _function(
        "encoder_block(x, attend, W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)",
        f"""
def norm(y, gamma, beta):
    c = y - {mean or f"y.mean(dim={dim}, keepdim=True)"}
    v = {variance or f"c.square().mean(dim={dim}, keepdim=True)"}
    return {rescaled}

start = x
x = {first}
y = {fed}
change = {change}
return {returned}""",
    )


_STAYS = "(n := norm(x, gamma_1, beta_1)) + attend(n)"  # the normalised vectors take the stream's place


def _left(tokens: bool, stream: bool, start: bool, relu: bool) -> tuple[str, str, str]:
    """The stub with some of its bugs left and the others mended, and the symptom that comes first."""
    bugs = {"tokens": tokens, "stream": stream, "start": start, "relu": relu}
    parts: dict[str, str | int] = {}
    if tokens:
        parts["dim"] = 0
    if stream:
        parts["first"] = _STAYS
    if start:
        parts["returned"] = "start + change"
    if relu:
        parts["change"] = "torch.relu((y @ W_1 + b_1) @ W_2 + b_2)"
    hints = {
        "tokens": "where do tokens meet besides attention",
        # The second connection brings the input back: that the stream was replaced shows only when this is mended.
        "start": "whatever attention returns",
        "stream": "both return zeros the output is not the input",
        "relu": "never makes a number smaller",
    }
    left = [bug for bug, there in bugs.items() if there]
    return f"left: {', '.join(left)}", _hunt(**parts), next(text for bug, text in hints.items() if bugs[bug])


WRONG = {
    "layer-norm": [
        ("no return", _norm().replace("return ", "out = "), "returned None"),
        ("a list", _norm(out="list(gamma * z + beta)"), "the answer is a list"),
        ("flat", _norm(out="(gamma * z + beta).flatten(0, 1)"), "has shape \\(6, 5\\)"),
        ("over the tokens", _over("1"), "over the tokens of a text"),
        (
            "over the tokens, with std",
            _norm("x.mean(1, keepdim=True)", "x.std(1, keepdim=True)", "(x - m) / (v + eps)"),
            "over the tokens of a text",
        ),
        ("over the batch", _over("0"), "over the texts of the batch"),
        ("batch norm", _over("(0, 1)"), "this is BatchNorm"),
        ("over tokens and features", _over("(1, 2)"), "serve a whole text"),
        ("over everything", _norm("x.mean()", "x.var(correction=0)"), "serve the whole batch"),
        ("over everything, with std", _norm("x.mean()", "x.std()", "(x - m) / (v + eps)"), "serve the whole batch"),
        ("no γ and β", _norm(out="z"), "γ and β have no part"),
        ("no γ", _norm(out="z + beta"), "γ has no part"),
        ("no β", _norm(out="gamma * z"), "β has no part"),
        ("γ after β", _norm(out="gamma * (z + beta)"), "β was multiplied by γ too"),
        ("divided by γ", _norm(out="z / gamma + beta"), "γ is a factor"),
        (
            "γ first",
            _function(
                "layer_norm(x, gamma, beta, eps)",
                """
x = gamma * x
m, v = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
return (x - m) / (v + eps).sqrt() + beta""",
            ),
            "γ was applied before",
        ),
        (
            "γ and β first",
            _function(
                "layer_norm(x, gamma, beta, eps)",
                """
x = gamma * x + beta
m, v = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
return (x - m) / (v + eps).sqrt()""",
            ),
            "γ was applied before",
        ),
        ("γ for β", _norm(out="beta * z + gamma"), "have changed places"),
        ("1 + γ", _norm(out="(1 + gamma) * z + beta"), "1 \\+ γ instead of γ"),
        ("mean left in", _norm(z="x / (v + eps).sqrt()"), "mean was not subtracted"),
        ("RMSNorm with β", _norm("0"), "mean was not subtracted"),
        ("RMSNorm", _norm("0", out="gamma * z"), "mean was not subtracted"),
        ("mean of squares", _norm(variance="x.square().mean(-1, keepdim=True)"), "mean square of x itself"),
        ("centred only", _norm(z="x - m"), "nothing is divided"),
        ("no root", _norm(z="(x - m) / (v + eps)"), "by the variance itself"),
        ("no ε", _norm(z="(x - m) / v.sqrt()"), "ε that is given has no part"),
        ("ε of its own", _norm(z="(x - m) / (v + 1e-5).sqrt()"), "always the same small number"),
        ("torch's var", _norm(variance="x.var(-1, keepdim=True)"), "divides by D − 1"),
        (
            "torch's std",
            _norm(variance="x.std(-1, keepdim=True)", z="(x - m) / (v + eps)"),
            "divides by D − 1",
        ),
        ("ε outside", _norm(z="(x - m) / (v.sqrt() + eps)"), "its place is inside the root"),
        ("median", _norm("x.median(-1, keepdim=True)[0]"), "should have mean 0, yours have -"),
        (
            "mean deviation",
            _norm(variance="(x - m).abs().mean(-1, keepdim=True).square()"),
            "should have variance 1, yours have 1.",
        ),
        ("γ twice", _norm(out="gamma * gamma * z + beta"), "look at what is done with γ and β"),
        ("− β", _norm(out="gamma * z - beta"), "look at what is done with γ and β"),
        ("ε squared", _norm(z="(x - m) / (v + eps**2).sqrt()"), "look at what ε is added to"),
        ("ε as a floor", _norm(z="(x - m) / v.clamp(min=100 * eps).sqrt()"), "look at what ε is added to"),
        (
            "in place",
            _function(
                "layer_norm(x, gamma, beta, eps)",
                """
x -= x.mean(-1, keepdim=True)
x /= (x.square().mean(-1, keepdim=True) + eps).sqrt()
return x * gamma + beta""",
            ),
            "that were given have changed",
        ),
        ("float32", _norm("x.float().mean(-1, keepdim=True)"), "only some seven digits"),
        (
            "difference of squares",
            _norm(variance="x.square().mean(-1, keepdim=True) - m.square()"),
            "lie near a million",
        ),
        ("squeeze", _norm(out="(gamma * z + beta).squeeze()"), "wrong for B = 1, T = 1"),
        ("five features", _norm("x.sum(-1, keepdim=True) / 5"), "wrong for B = 1, T = 1, D = 4"),
    ],
    "swiglu": [
        ("no return", _gate().replace("return ", "out = "), "returned None"),
        ("a tuple", _gate(out="(hidden @ W_2, gate)"), "the answer is a tuple"),
        ("W_2 forgotten", _gate(out="hidden"), "still has size d_ff"),
        ("sum over tokens", _gate(out="(hidden @ W_2).sum(0)"), "has shape \\(4,\\)"),
        ("sigmoid", _gate("torch.sigmoid(a)"), "the sigmoid alone"),
        ("sigmoid of the other branch", _gate("torch.sigmoid(c)", "a"), "the sigmoid alone"),
        ("gate on W_3", _gate("c * torch.sigmoid(c)", "a"), "the gate is made with W_3"),
        ("silu twice", _gate(passed="c * torch.sigmoid(c)"), "both branches go through silu"),
        ("sum", _gate(hidden="gate + passed"), "a gate multiplies"),
        ("silu of the product", _gate(hidden="a * c * torch.sigmoid(a * c)"), "taken of the product"),
        ("ReLU", _gate("torch.relu(a)"), "this is ReGLU"),
        ("GELU", _gate("torch.nn.functional.gelu(a)"), "this is GEGLU"),
        ("GELU with tanh", _gate("torch.nn.functional.gelu(a, approximate='tanh')"), "this is GEGLU"),
        ("tanh", _gate("torch.tanh(a)"), "the hyperbolic tangent"),
        ("z tanh z", _gate("a * torch.tanh(a)"), "the hyperbolic tangent"),
        ("softmax", _gate("torch.softmax(a, dim=-1)"), "neurons compete"),
        ("sign", _gate("a / (1 + torch.exp(a))"), "open where it should be closed"),
        ("silu at the end", _gate("a", out="torch.nn.functional.silu(hidden @ W_2)"), "silu is applied after W_2"),
        ("no silu", _gate("a"), "two linear layers, but no silu"),
        ("no W_3", _gate(hidden="gate"), "one branch is missing"),
        ("no W_1", _gate(c="x @ W_3", hidden="passed"), "one branch is missing"),
        ("W_1 twice", _gate(c="x @ W_1"), "both branches come from one matrix"),
        ("silu of x", _gate("a", a="(x * torch.sigmoid(x)) @ W_1"), "silu is taken of x"),
        ("tokens scaled", _gate(out="hidden @ W_2 / hidden.norm()"), "no token should know of another"),
        ("softmax over tokens", _gate("torch.softmax(a, dim=0)"), "no token should know of another"),
        ("exponential", _gate("torch.exp(a)"), "the gate is silu\\(0\\) = 0"),
        ("residual", _gate(out="x + hidden @ W_2"), "the gate is silu\\(0\\) = 0"),
        ("c squared", _gate(passed="c * c"), "if W_3 is doubled"),
        ("ReLU at the end", _gate(out="torch.tanh(hidden @ W_2)"), "if W_3 is doubled"),
        ("W_2 squared", _gate(out="hidden @ W_2 ** 2"), "if W_2 is doubled"),
        ("2 z", _gate("a * torch.sigmoid(2 * a)"), "lets through -0.12 of 1"),
        ("leaky", _gate("torch.where(a > 0, a * torch.sigmoid(a), 0 * a)"), "z = -1 the gate lets through"),
        ("a half", _gate("torch.where(a < 0, a * torch.sigmoid(a), a)"), "z = 2 the gate lets through 2.00"),
        ("neurons reversed", _gate(c="(x @ W_3).flip(-1)"), "right with one number, wrong with vectors"),
        (
            "in place",
            _function(
                "swiglu(x, W_1, W_3, W_2)",
                """
hidden = torch.nn.functional.silu(x @ W_1) * (x @ W_3)
x.copy_(hidden @ W_2)
return x""",
            ),
            "that were given have changed",
        ),
        ("float32", _gate(out="(hidden.float() @ W_2.float()).double()"), "only some seven digits"),
        ("overflow", _gate("a * torch.exp(a) / (1 + torch.exp(a))"), "an exponential overflows"),
        ("squeezed", _gate(out="(hidden @ W_2).squeeze(0)"), "wrong for T = 1"),
    ],
    "plant": [
        ("no return", _plant().replace("return ", "out = "), "returned None"),
        ("the neuron alone", _plant(returned="column, bias, row"), "return three tensors"),
        ("one tensor", _plant(returned="new_W_1"), "return three tensors"),
        (
            "replaced",
            _plant(
                W_1="torch.cat([W_1[:, :-1], column[:, None]], dim=1)",
                b_1="torch.cat([b_1[:-1], torch.tensor([bias])])",
                W_2="torch.cat([W_2[:-1], row[None]])",
            ),
            "as many neurons as before",
        ),
        ("key as a row", _plant(W_1="torch.cat([W_1, column[None]])"), "a neuron is a column of W_1"),
        ("value as a column", _plant(W_2="torch.cat([W_2, row[:, None]], dim=1)"), "is a row of W_2"),
        ("no bias", _plant(b_1="b_1"), "b_1: the shape is \\(5,\\), expected is \\(6,\\)"),
        (
            "in front",
            _plant(
                W_1="torch.cat([column[:, None], W_1], dim=1)",
                b_1="torch.cat([torch.tensor([bias]), b_1])",
                W_2="torch.cat([row[None], W_2])",
            ),
            "stands before the old ones",
        ),
        ("value in front", _plant(W_2="torch.cat([row[None], W_2])"), "stands before the old ones"),
        (
            "all columns scaled",
            _plant("key", W_1="torch.cat([W_1, column[:, None]], dim=1) / (1 - limit)"),
            "W_1: what belongs to the old neurons",
        ),
        (
            "all biases lowered",
            _plant(b_1="torch.cat([b_1 - limit, torch.tensor([bias])])"),
            "b_1: what belongs to the old neurons",
        ),
        ("value on all rows", _plant(W_2="torch.cat([W_2 + row, row[None]])"), "W_2: what belongs to the old neurons"),
        ("in place", _plant(returned="new_W_1, new_b_1, (new_W_2, key.zero_())[0]"), "the old layer is still needed"),
        ("exchanged", _plant("value / (1 - limit)", row="key"), "looks for the value and adds the key"),
        ("value sought", _plant("value / (1 - limit)"), "does not point along the key"),
        ("absolute key", _plant("key.abs() / (1 - limit)"), "does not point along the key"),
        ("minus key", _plant("-key / (1 - limit)"), "fires for its opposite"),
        ("bias sign", _plant(bias="limit / (1 - limit)"), "even for vectors at right angles"),
        ("bias 0", _plant(bias="0.0"), "new number in b_1 is zero"),
        ("bias 0, not scaled", _plant("key", bias="0.0"), "new number in b_1 is zero"),
        ("bias −1", _plant("key", bias="-1.0"), "does not fire even for the key"),
        ("bias −1 / (1 − limit)", _plant(bias="-1 / (1 - limit)"), "does not fire even for the key"),
        ("bias −limit", _plant(bias="-limit"), "begins to fire at a dot product of 0.24"),
        ("bias of the other scale", _plant(bias="-limit * (1 - limit)"), "begins to fire at a dot product of 0.10"),
        ("1 − limit as the bias", _plant("key", bias="limit - 1"), "begins to fire at a dot product of 0.40"),
        ("not scaled", _plant("key", "-limit"), "the value times 1 − limit"),
        ("scaled twice", _plant(row="value / (1 - limit)"), "made up for twice"),
        ("row times limit", _plant("key", "-limit", "value / limit"), "grows by 0.67 times the value"),
        ("minus value", _plant(row="-value"), "grows by -1.00 times the value"),
        ("key added", _plant(row="key"), "does not point along the value"),
        ("value normalised by numbers", _plant(row="value.abs()"), "does not point along the value"),
        ("fixed bias", _plant("2.5 * key", "-1.5"), "wrong for D = 4, d_ff = 6, limit = 0.95"),
        (
            "no division by 0",
            _plant("key / limit * 1.5 if limit else key", "-1.5", "value"),
            "wrong for D = 4, d_ff = 6, limit = 0.0",
        ),
        ("limit capped", _plant("key / (1 - min(limit, 0.9))", "-limit / (1 - min(limit, 0.9))"), "limit = 0.95"),
    ],
    "block-weights": [
        ("no return", _weights().replace("return ", "out = "), "returned None"),
        ("the sum", _weights(returned="attention + feed_forward"), "return two numbers"),
        ("three numbers", _weights(returned="attention, feed_forward, 0"), "return two numbers"),
        ("texts", _weights(returned="str(attention), str(feed_forward)"), "return two numbers"),
        ("exchanged", _weights(returned="feed_forward, attention"), "attention comes first"),
        (
            "with γ and β",
            _weights(returned="attention + 2 * D, feed_forward + 2 * D"),
            "of a normalisation are counted",
        ),
        ("with γ", _weights(returned="attention + D, feed_forward + D"), "of a normalisation are counted"),
        ("γ and β with the second", _weights(returned="attention, feed_forward + 2 * D"), "of a normalisation are"),
        ("biases always", _weights(condition="True"), "although there are none"),
        (
            "the attention always",
            _weights("2 * D * D + 2 * D * kv + 4 * D", attention_bias="0"),
            "although there are none",
        ),
        ("H matrices of D × D", _weights("4 * H * D * D"), "it is all heads together that make D"),
        ("H matrices of D × D, one W_O", _weights("3 * H * D * D + D * D"), "it is all heads together that make D"),
        ("one head", _weights("4 * D * d_k"), "the matrices of one head"),
        ("one head and W_O", _weights("3 * D * d_k + D * D"), "the matrices of one head"),
        ("no W_O", _weights("D * D + 2 * D * kv"), "what joins the outputs"),
        ("T × T", _weights("4 * D * D + H * D"), "which matrices does it have"),
        ("always three", _weights(feed_forward="3 * D * d_ff"), "has two matrices, not three"),
        ("one matrix", _weights(feed_forward="D * d_ff * (2 if gated else 1)"), "only the way there"),
        ("always 4D", _weights(feed_forward="(3 if gated else 2) * 4 * D * D"), "4D whatever d_ff is"),
        ("d_ff squared", _weights(feed_forward="D * d_ff + d_ff * d_ff"), "the feed-forward layer has another number"),
        ("H_KV ignored", _weights("4 * D * D"), "H_KV changes nothing"),
        ("keys alone", _weights("3 * D * D + D * kv"), "only one of W_K and W_V"),
        ("queries too", _weights("D * D + 3 * D * kv"), "more than W_K and W_V"),
        ("all four", _weights("4 * D * kv"), "more than W_K and W_V"),
        ("one head of keys", _weights("2 * D * D + 2 * D * (d_k if H_KV < H else D)"), "one head, whatever H_KV is"),
        ("H_KV columns", _weights("2 * D * D + 2 * D * (H_KV if H_KV < H else D)"), "have H_KV columns"),
        (
            "divided by H_KV",
            _weights("2 * D * D + 2 * D * D * H // (H * (H // H_KV) ** 2)"),
            "the matrices have another size",
        ),
        ("always two", _weights(feed_forward="2 * D * d_ff"), "what makes the gate"),
        (
            "four when gated",
            _weights(feed_forward="(4 if gated else 2) * D * d_ff"),
            "without a gate, wrong with one, b",
        ),
        ("two thirds", _weights(feed_forward="2 * D * (2 * d_ff // 3 if gated else d_ff)"), "wrong with one, biases"),
        ("no biases", _weights(condition="False"), "every linear layer has a bias"),
        ("biases of the attention alone", _weights(feed_forward_bias="0"), "every linear layer has a bias"),
        ("biases of the layer alone", _weights(attention_bias="0"), "every linear layer has a bias"),
        ("d_ff on the way back", _weights(feed_forward_bias="(3 if gated else 2) * d_ff"), "way back has size d_ff"),
        ("bias there only", _weights(feed_forward_bias="d_ff"), "only one of the two linear layers"),
        ("bias back only", _weights(feed_forward_bias="D"), "only one of the two linear layers"),
        ("no bias of W_O", _weights(attention_bias="D + 2 * kv"), "biases of the attention are counted wrongly"),
        ("biases per head", _weights(attention_bias="4 * H * D"), "biases of the attention are counted wrongly"),
        ("biases of D", _weights(feed_forward_bias="2 * D"), "biases of the feed-forward layer are counted wrongly"),
        ("biases of attention all D", _weights(attention_bias="4 * D"), "all four biases of the attention"),
        (
            "biases of the heads",
            _weights(attention_bias="2 * D + 2 * D * H_KV**2 // H**2"),
            "biases of the attention are right",
        ),
        ("third bias", _weights(feed_forward_bias="d_ff + D"), "its bias is not"),
        ("third bias of size D", _weights(feed_forward_bias="d_ff + (2 if gated else 1) * D"), "of the three added to"),
        ("d_k by division", _weights(d_k="D / H"), "not all of them are whole numbers"),
        ("heads of at most 8", _weights(d_k="D // H if D < 100 else 8"), "wrong for those of BERT-base"),
        ("gate with four times", _weights(feed_forward="(3 if gated else 2) * D * min(d_ff, 8192)"), "of Llama 3 8B"),
        ("H_KV of two or more", _weights("2 * D * D + 2 * D * d_k * max(2, H_KV)"), "wrong for D = 5, d_ff = 7"),
    ],
    "encoder-block-hunt": [
        *(_left(*bugs) for bugs in product((True, False), repeat=4) if any(bugs)),
        ("no return", _hunt().replace("return x + change", "out = x + change"), "returned None"),
        ("a pair", _hunt(returned="x + change, y"), "tensor of shape \\(T, D\\)"),
        ("one token", _hunt(returned="(x + change)[0]"), "tensor of shape \\(T, D\\)"),
        ("attention gone", _hunt(first="x + norm(x, gamma_1, beta_1)"), "attend should be called"),
        (
            "token by token",
            _hunt(first="x + torch.stack([attend(t) for t in norm(x, gamma_1, beta_1)])"),
            "attend should be called",
        ),
        (
            "over everything",
            _hunt(mean="y.mean()", variance="c.square().mean()"),
            "where do tokens meet besides attention",
        ),
        ("variance of the tokens", _hunt(variance="c.square().mean(dim=0)"), "where do tokens meet besides attention"),
        (
            "tokens before attention",
            _hunt(first="x + attend(norm(x.T, gamma_1[:, None], beta_1[:, None]).T)"),
            "where do tokens meet besides attention",
        ),
        (
            "post-norm",
            _hunt(
                first="norm(x + attend(x), gamma_1, beta_1)",
                fed="x",
                returned="norm(x + change, gamma_2, beta_2)",
            ),
            "the output is not the input",
        ),
        ("no residual", _hunt(first="attend(norm(x, gamma_1, beta_1))"), "the output is not the input"),
        ("no second residual", _hunt(returned="change"), "the output is not the input"),
        ("second stream normalised", _hunt(returned="y + change"), "the output is not the input"),
        ("input twice", _hunt(returned="start + x + change"), "the output is not the input"),
        (
            "attention twice",
            _hunt(returned="x + attend(norm(start, gamma_1, beta_1)) + change"),
            "the input plus what attention returns",
        ),
        (
            "attention normalised",
            _hunt(first="x + norm(attend(norm(x, gamma_1, beta_1)), gamma_1, 0 * beta_1)"),
            "the input plus what attention returns",
        ),
        ("attention on the raw stream", _hunt(first="x + attend(x)"), "attention now gets the vectors as they are"),
        (
            "norms exchanged",
            _hunt(first="x + attend(norm(x, gamma_2, beta_2))", fed="norm(x, gamma_1, beta_1)"),
            "γ and β of the other sub-layer",
        ),
        ("RMSNorm", _hunt(mean="0"), "should have mean 0 and variance 1"),
        ("unbiased", _hunt(variance="y.var(dim=-1, keepdim=True)"), "should have mean 0 and variance 1"),
        ("no root", _hunt(rescaled="gamma * c / (v + 1e-5) + beta"), "should have mean 0 and variance 1"),
        ("γ after β", _hunt(rescaled="gamma * (c / (v + 1e-5).sqrt() + beta)"), "wrong ones with others"),
        ("no β", _hunt(rescaled="gamma * c / (v + 1e-5).sqrt()"), "wrong ones with others"),
        (
            "ReLU twice",
            _hunt(change="torch.relu(torch.relu(y @ W_1 + b_1) @ W_2 + b_2)"),
            "never makes a number smaller",
        ),
        ("ReLU before b_2", _hunt(change="torch.relu((y @ W_1 + b_1) @ W_2) + b_2"), "never makes a number smaller"),
        ("no ReLU", _hunt(change="(y @ W_1 + b_1) @ W_2 + b_2"), "no activation function left"),
        ("ReLU on the way in", _hunt(change="(torch.relu(y) @ W_1 + b_1) @ W_2 + b_2"), "no activation function left"),
        (
            "GELU",
            _hunt(change="torch.nn.functional.gelu(y @ W_1 + b_1) @ W_2 + b_2"),
            "is no longer ReLU",
        ),
        ("no b_1", _hunt(change="torch.relu(y @ W_1) @ W_2 + b_2"), "b_1 has no part"),
        ("b_1 after ReLU", _hunt(change="(torch.relu(y @ W_1) + b_1) @ W_2 + b_2"), "no activation function left"),
        ("no b_2", _hunt(change="torch.relu(y @ W_1 + b_1) @ W_2"), "b_2 has no part"),
        ("absolute value", _hunt(change="(y @ W_1 + b_1).abs() @ W_2 + b_2"), "all that goes into the activation"),
        ("stream not normalised", _hunt(fed="x"), "layer gets the stream as it is"),
        ("input normalised", _hunt(fed="norm(start, gamma_2, beta_2)"), "does not learn what attention has found"),
        ("attention alone", _hunt(fed="norm(x - start, gamma_2, beta_2)"), "layer gets only what attention returned"),
        ("one γ for both", _hunt(fed="norm(x, gamma_1, beta_1)"), "both sub-layers get vectors normalised"),
        (
            "normalised twice",
            _hunt(fed="norm(norm(x, gamma_1, beta_1), gamma_2, beta_2)"),
            "is not the normalised stream",
        ),
        (
            "another call",
            _hunt(first="x + attend(x) + 0 * attend(norm(x, gamma_1, beta_1))"),
            "does this call go into the stream",
        ),
        ("no ε", _hunt(rescaled="gamma * c / v.sqrt() + beta"), "becomes NaN"),
        ("in place", _hunt(first="x.add_(attend(norm(x, gamma_1, beta_1)))"), "that were given have changed"),
        (
            "nine neurons",
            _hunt(change="torch.relu(y @ W_1 + b_1) @ W_2 * len(W_2) / 9 + b_2"),
            "wrong for T = 1, D = 5",
        ),
    ],
}
ALSO_RIGHT = {
    "layer-norm": [
        _norm(),
        _function(
            "layer_norm(x, gamma, beta, eps)",
            """
variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
return torch.addcmul(beta, gamma, (x - mean) * torch.rsqrt(variance + eps))""",
        ),
        _function(
            "layer_norm(x, gamma, beta, eps)",
            """
return torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, eps)""",
        ),
        _function(
            "layer_norm(x, gamma, beta, eps)",
            """
out = torch.empty_like(x)
for b in range(x.shape[0]):
    for t in range(x.shape[1]):
        token = x[b, t]
        mean = sum(token.tolist()) / len(token)
        variance = sum((number - mean) ** 2 for number in token.tolist()) / len(token)
        out[b, t] = (token - mean) / (variance + eps) ** 0.5 * gamma + beta
return out""",
        ),
    ],
    "swiglu": [
        _gate(),
        _gate("a / (1 + torch.exp(-a))"),
        _function(
            "swiglu(x, W_1, W_3, W_2)",
            """
return torch.nn.functional.silu(x @ W_1).mul(x @ W_3).matmul(W_2)""",
        ),
        _function(
            "swiglu(x, W_1, W_3, W_2)",
            """
a, c = (x @ torch.cat([W_1, W_3], dim=1)).chunk(2, dim=-1)
return torch.einsum("tf,tf,tf,fd->td", a, torch.sigmoid(a), c, W_2)""",
        ),
    ],
    "plant": [
        _plant(),
        _plant("key", "-limit", "value / (1 - limit)"),  # the row makes up for it
        _plant("7 * key", "-7 * (1 + limit) / 2", "value / 3.5 / (1 - limit)"),  # fires later still
        _function(
            "plant(W_1, b_1, W_2, key, value, limit)",
            """
D, d_ff = W_1.shape
new_W_1, new_b_1, new_W_2 = W_1.new_zeros(D, d_ff + 1), b_1.new_zeros(d_ff + 1), W_2.new_zeros(d_ff + 1, D)
new_W_1[:, :d_ff], new_b_1[:d_ff], new_W_2[:d_ff] = W_1, b_1, W_2
new_W_1[:, -1], new_b_1[-1], new_W_2[-1] = key / (1 - limit), -limit / (1 - limit), value
return [new_W_1, new_b_1, new_W_2]""",
        ),
    ],
    "block-weights": [
        _weights(),
        _function(
            "block_weights(D, d_ff, H, H_KV, gated, bias)",
            """
def linear(inputs, outputs):
    return (inputs + bias) * outputs

kv = D // H * H_KV
attention = linear(D, D) + linear(D, kv) + linear(D, kv) + linear(D, D)
return [attention, linear(D, d_ff) * (1 + gated) + linear(d_ff, D)]""",
        ),
        _function(
            "block_weights(D, d_ff, H, H_KV, gated, bias)",
            """
d_k = D // H
shapes = [(D, H * d_k)] + 2 * [(D, H_KV * d_k)] + [(H * d_k, D)]
layer = (2 if gated else 1) * [(D, d_ff)] + [(d_ff, D)]
return tuple(sum(m * n + (n if bias else 0) for m, n in part) for part in (shapes, layer))""",
        ),
    ],
    "encoder-block-hunt": [
        _hunt(),
        _hunt(rescaled="gamma * c / (v + 1e-6).sqrt() + beta"),
        _hunt(variance="y.var(dim=-1, correction=0, keepdim=True)", returned="change.add(x)"),
        _function(
            "encoder_block(x, attend, W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2)",
            """
F = torch.nn.functional
x = x + attend(F.layer_norm(x, gamma_1.shape, gamma_1, beta_1))
y = F.layer_norm(x, gamma_2.shape, gamma_2, beta_2)
return x + F.linear(F.relu(F.linear(y, W_1.T, b_1)), W_2.T, b_2)""",
        ),
    ],
}
