"""Lesson 03: what learners really write, and the hint each must get (a pattern in the English message)."""

_ONE = "z_street = {}"
_COST = "def cost(T, D, d_k, d_v):\n    return {}"
_HEAD = """def head(x, W_Q, W_K, W_V, mask):
    q, k, v = x @ W_Q, x @ W_K, x @ {value}
    scores = q @ k.T{scale}
    {body}
"""
_SQRT = " / math.sqrt(W_K.shape[-1])"
_BEFORE = "return scores.masked_fill(~mask, -math.inf).softmax(dim=-1) @ v"


def _attention(body: str) -> str:
    return f"def attention(Q, K, V):\n    {body}"


def _causal(body: str) -> str:
    return f"def causal_weights(scores):\n    {body}"


WRONG = {
    "scaled-dot-product": [
        ("no return", _attention("(Q @ K.T / math.sqrt(K.shape[-1])).softmax(-1) @ V"), "returned None"),
        ("no scale", _attention("return (Q @ K.T).softmax(-1) @ V"), "not divided"),
        ("divided by d_k", _attention("return (Q @ K.T / K.shape[-1]).softmax(-1) @ V"), "instead of its square root"),
        ("root of d_v", _attention("return (Q @ K.T / math.sqrt(V.shape[-1])).softmax(-1) @ V"), "size of the values"),
        (
            "scaled after",
            _attention("return (Q @ K.T).softmax(-1) / math.sqrt(K.shape[-1]) @ V"),
            "over which axis|after the softmax",
        ),
        ("wrong axis", _attention("return (Q @ K.T / math.sqrt(K.shape[-1])).softmax(0) @ V"), "over which axis"),
        ("weights only", _attention("return (Q @ K.T / math.sqrt(K.shape[-1])).softmax(-1)"), "these are the weights"),
        (
            "overflow",
            _attention("e = (Q @ K.T / math.sqrt(K.shape[-1])).exp(); return e / e.sum(-1, keepdim=True) @ V"),
            "overflow",
        ),
        ("a tuple", _attention("w = (Q @ K.T / 2).softmax(-1); return w @ V, w"), "the tensor Z alone"),
        (
            "no transpose",
            _attention("return (Q @ K / math.sqrt(K.shape[-1])).softmax(-1) @ V"),
            "stopped with RuntimeError",
        ),
    ],
    "causal-mask": [
        ("after the softmax", _causal("return scores.softmax(-1).tril()"), "after the softmax"),
        ("zeros for −∞", _causal("return scores.tril().softmax(-1)"), "exp\\(0\\) = 1"),
        (
            "other triangle",
            _causal(
                "T = len(scores)\n    return scores.masked_fill(torch.ones(T, T).tril(-1).bool(), -math.inf).softmax(-1)"
            ),
            "wrong triangle",
        ),
        (
            "itself hidden",
            _causal(
                "T = len(scores)\n    return scores.masked_fill(torch.ones(T, T).triu().bool(), -math.inf).softmax(-1)"
            ),
            "NaN",
        ),
        (
            "itself hidden, −1e9",
            _causal("T = len(scores)\n    return scores.masked_fill(torch.ones(T, T).triu().bool(), -1e9).softmax(-1)"),
            "wrong triangle|later tokens|see itself",
        ),
        (
            "−100",
            _causal(
                "T = len(scores)\n    return scores.masked_fill(torch.ones(T, T).triu(1).bool(), -100.0).softmax(-1)"
            ),
            "not low enough",
        ),
        (
            "in place",
            _causal(
                "T = len(scores)\n    return scores.masked_fill_(torch.ones(T, T).triu(1).bool(), -math.inf).softmax(-1)"
            ),
            "changed the scores",
        ),
        (
            "exp by hand",
            _causal("e = scores.exp().tril()\n    return e / e.sum(-1, keepdim=True)"),
            "0/0 has no value",
        ),
        (
            "no softmax",
            _causal("T = len(scores)\n    w = scores.abs().tril()\n    return w / w.sum(-1, keepdim=True)"),
            "not those of a softmax",
        ),
    ],
    "one-token": [
        ("no scale", _ONE.format("(Q[1] @ K.T).softmax(-1) @ V"), "not divided"),
        ("divided by d_k", _ONE.format("(Q[1] @ K.T / 4).softmax(-1) @ V"), "not by its root"),
        ("weights", _ONE.format("[0.51, 0.19, 0.31]"), "three weights"),
        ("another token", _ONE.format("(Q[2] @ K.T / 2).softmax(-1) @ V"), "another token"),
        ("token vectors", _ONE.format("(Q[1] @ K.T / 2).softmax(-1) @ X"), "two numbers"),
        ("raw scores", _ONE.format("Q[1] @ K.T / 2 @ V"), "softmax is missing"),
        ("text", _ONE.format("'0.81 1.48 2.12'"), "list of three numbers"),
        ("mean", _ONE.format("V.mean(0)"), "plain average"),
    ],
    "complexity": [
        ("no values", _COST.format("(2 * T * D * d_k, T * T * (d_k + d_v))"), "values are missing"),
        ("d_k for all", _COST.format("(3 * T * D * d_k, T * T * (d_k + d_v))"), "need not equal d_k"),
        ("linear", _COST.format("(T * D * (2 * d_k + d_v), T * (d_k + d_v))"), "T² pairs"),
        ("scores only", _COST.format("(T * D * (2 * d_k + d_v), T * T * d_k)"), "one of the two is missing"),
        ("pairs only", _COST.format("(T * D * (2 * d_k + d_v), T * T)"), "a whole dot product"),
        ("size of tokens", _COST.format("(T * D * (2 * d_k + d_v), 2 * T * T * D)"), "no longer matters"),
        ("swapped", _COST.format("(T * T * (d_k + d_v), T * D * (2 * d_k + d_v))"), "other order"),
        ("one sum", _COST.format("T * D * (2 * d_k + d_v) + T * T * (d_k + d_v)"), "two numbers"),
    ],
    "bug-hunt": [
        ("root of D left", _HEAD.format(value="W_V", scale=" / math.sqrt(x.shape[-1])", body=_BEFORE), "root of D"),
        ("scale removed", _HEAD.format(value="W_V", scale="", body=_BEFORE), "replaced, not removed"),
        (
            "wrong axis left",
            _HEAD.format(
                value="W_V", scale=_SQRT, body="return scores.masked_fill(~mask, -math.inf).softmax(dim=0) @ v"
            ),
            "queries or keys",
        ),
        (
            "mask after softmax left",
            _HEAD.format(value="W_V", scale=_SQRT, body="return scores.softmax(dim=-1) * mask @ v"),
            "not before it",
        ),
        (
            "mask dropped",
            _HEAD.format(value="W_V", scale=_SQRT, body="return scores.softmax(dim=-1) @ v"),
            "no longer changes anything",
        ),
        (
            "mask upside down",
            _HEAD.format(
                value="W_V",
                scale=_SQRT,
                body="return torch.where(mask.all(), scores, scores.masked_fill(mask, -1e9)).softmax(dim=-1) @ v",
            ),
            "True let through",
        ),
        ("keys as values", _HEAD.format(value="W_K[:, : W_V.shape[-1]]", scale=_SQRT, body=_BEFORE), "wrong matrix"),
    ],
}
ALSO_RIGHT = {
    "scaled-dot-product": [
        _attention("return torch.softmax(torch.einsum('qd,kd->qk', Q, K) * K.size(1) ** -0.5, dim=1) @ V"),
        _attention("return F.scaled_dot_product_attention(Q[None], K[None], V[None])[0]"),
    ],
    "causal-mask": [
        _causal(
            "w = (scores - scores.amax()).exp().tril()\n    return F.scaled_dot_product_attention(scores[None], torch.eye(len(scores), dtype=scores.dtype)[None], torch.eye(len(scores), dtype=scores.dtype)[None], is_causal=True, scale=1.0)[0]"
        ),
        _causal(
            "return torch.stack([torch.cat([row[: i + 1].softmax(0), row[i + 1 :] * 0]) for i, row in enumerate(scores)])"
        ),
    ],
    "one-token": [_ONE.format("[0.81, 1.48, 2.12]"), _ONE.format("(0.8137, 1.4806, 2.121)")],
    "complexity": [
        _COST.format("[sum(T * D * d for d in (d_k, d_k, d_v)), sum(T * T * d for d in (d_k, d_v))]"),
        _COST.format("(2 * T * D * d_k + T * D * d_v, T**2 * d_k + T**2 * d_v)"),
    ],
    "bug-hunt": [
        _HEAD.format(value="W_V", scale=_SQRT, body=_BEFORE),
        "def head(x, W_Q, W_K, W_V, mask):\n    return F.scaled_dot_product_attention((x @ W_Q)[None], (x @ W_K)[None], (x @ W_V)[None], attn_mask=mask)[0]",
    ],
}
