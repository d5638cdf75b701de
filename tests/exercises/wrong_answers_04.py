"""Lesson 04: what learners really write, and the hint each must get (a pattern in the English message)."""


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _split(body: str) -> str:
    return _function("split_heads(x, H)", body)


def _multi(body: str) -> str:
    return _function("multi_head(x, W_Q, W_K, W_V, W_O, H)", body)


_CUT = "{}.view(len(x), H, -1).transpose(0, 1)"
_SCALE = " / math.sqrt(k.shape[-1])"
_MERGE = "z.transpose(0, 1).reshape(len(x), -1)"


def _heads(
    cut: str = _CUT, scale: str = _SCALE, weights: str = "s.softmax(-1)", joined: str = _MERGE, last: str = " @ W_O"
) -> str:
    """The answer to multi-head, with one part of it replaced."""
    q, k, v = (cut.format(f"(x @ {W})") for W in ("W_Q", "W_K", "W_V"))
    return _multi(f"""
q, k, v = {q}, {k}, {v}
s = q @ k.mT{scale}
z = {weights} @ v
return {joined}{last}""")


def _share(body: str) -> str:
    return _function("share_keys(K, H)", body)


def _cache(returned: str) -> str:
    return _function("cache_bytes(L, H, H_KV, d_k, T, bytes_per_number)", f"return {returned}")


_HIDDEN = "s = s.masked_fill(~mask, -math.inf)"
_VIEW = "{}.view(H, T, -1)"
_CUT_T = "{}.view(T, H, -1).transpose(0, 1)"


def _hunt(
    scores: str = _CUT_T,
    values: str = _CUT_T,
    scale: str = " / math.sqrt(k.shape[-1])",
    masked: str = _HIDDEN,
    weights: str = "s.softmax(dim=-1)",
    joined: str = "z.transpose(0, 1).reshape(T, -1)",
    last: str = " @ W_O",
) -> str:
    """The answer to the bug hunt, with one part of it replaced."""
    q, k = (scores.format(f"(x @ {W})") for W in ("W_Q", "W_K"))
    return _function(
        "multi_head_attention(x, W_Q, W_K, W_V, W_O, H, mask)",
        f"""
T = len(x)
q, k, v = {q}, {k}, {values.format("(x @ W_V)")}
s = q @ k.mT{scale}
{masked}
z = {weights} @ v
return {joined}{last}""",
    )


WRONG = {
    "split-heads": [
        ("no return", _split("x.view(len(x), H, -1).transpose(0, 1)"), "returned None"),
        ("a list", _split("return list(x.chunk(H, dim=-1))"), "the answer is a list"),
        ("a tuple", _split("return x.chunk(H, dim=-1)"), "the answer is a tuple"),
        ("view", _split("return x.view(H, len(x), -1)"), "numbers of several tokens"),
        ("view of the transpose", _split("return x.T.reshape(H, len(x), -1)"), "numbers of several tokens"),
        ("no transpose", _split("return x.view(len(x), H, -1)"), "shape is \\(T, H, d\\)"),
        ("rows are components", _split("return x.T.reshape(H, -1, len(x))"), "shape is \\(H, d, T\\)"),
        ("everything turned", _split("return x.view(len(x), H, -1).permute(1, 2, 0)"), "shape is \\(H, d, T\\)"),
        ("interleaved, no transpose", _split("return x.view(len(x), -1, H)"), "last axis has length H"),
        ("H as a size", _split("return x.view(len(x), -1, H).transpose(0, 1)"), "last axis has length H"),
        ("interleaved", _split("return x.view(len(x), -1, H).permute(2, 0, 1)"), "every H-th column"),
        ("every H-th", _split("return torch.stack([x[:, h::H] for h in range(H)])"), "every H-th column"),
        ("T for H", _split("T = len(x)\nreturn x.view(T, T, -1).transpose(0, 1)"), "as many heads as tokens"),
        ("rows cut", _split("return torch.stack([x] * H)"), "has shape \\(4, 3, 24\\), expected is \\(4, 3, 6\\)"),
        ("unchanged", _split("return x"), "has shape \\(3, 24\\), expected"),
        ("from behind", _split("return x.flip(-1).view(len(x), H, -1).transpose(0, 1)"), "not those of its head"),
        (
            "last head first",
            _split("return torch.stack(x.chunk(H, dim=-1)[::-1])"),
            "reverse order",
        ),
        ("neighbours", _split("return x.roll(1, -1).view(len(x), H, -1).transpose(0, 1)"), "not those of its head"),
        ("squeeze", _split("return x.view(len(x), H, -1).transpose(0, 1).squeeze(1)"), "text of one token"),
        ("squeeze the heads", _split("return x.view(len(x), H, -1).transpose(0, 1).squeeze(0)"), "wrong for H = 1"),
        (
            "only if the numbers differ",
            _split("if len(x) == H:\n    return x.view(len(x), H, -1)\nreturn x.view(len(x), H, -1).transpose(0, 1)"),
            "wrong for T = 5, H = 5",
        ),
        ("width written down", _split("return x.view(len(x), H, 6).transpose(0, 1)"), "stopped with RuntimeError"),
    ],
    "multi-head": [
        ("no return", _heads().replace("return ", "out = "), "returned None"),
        ("weights too", _heads().replace("@ W_O", "@ W_O, s.softmax(-1)"), "without the weights"),
        ("not joined", _heads(joined="z", last=""), "outputs of the heads, one matrix for each"),
        ("not joined, tokens first", _heads(joined="z.transpose(0, 1)", last=""), "one matrix for each"),
        ("no W_O", _heads(last=""), "size H · d_v is left"),
        ("sum", _heads(joined="z.sum(0)", last=""), "added up or averaged: each"),
        ("mean", _heads(joined="z.mean(0)", last=""), "added up or averaged: each"),
        (
            "each head projected",
            _heads(joined="z", last=" @ W_O.view(H, -1, W_O.shape[-1])"),
            "has shape \\(3, 5, 7\\)",
        ),
        ("mean, repeated", _heads(joined="z.mean(0).repeat(1, H)"), "before W_O"),
        (
            "sum, with the sum of W_O",
            _heads(joined="z.sum(0)", last=" @ W_O.view(H, -1, x.shape[-1]).sum(0)"),
            "before W_O",
        ),
        ("root of D", _heads(scale=" / math.sqrt(x.shape[-1])"), "root of D"),
        ("root of all heads", _heads(scale=" / math.sqrt(W_Q.shape[-1])"), "root of H · d_k"),
        ("divided by d_k", _heads(scale=" / k.shape[-1]"), "d_k instead of its square root"),
        ("root of d_v", _heads(scale=" / math.sqrt(v.shape[-1])"), "root of the size of the values"),
        ("no scale", _heads(scale=""), "scores are not divided"),
        ("softmax over heads", _heads(weights="s.softmax(0)"), "softmax runs over the heads"),
        ("softmax over queries", _heads(weights="s.softmax(1)"), "softmax runs over the queries"),
        ("softmax over everything", _heads(weights="s.flatten(1).softmax(-1).view_as(s)"), "over which axis"),
        ("scale after", _heads(scale="", weights="s.softmax(-1) / math.sqrt(k.shape[-1])"), "over which axis"),
        (
            "one large head",
            _multi(
                "q, k, v = x @ W_Q, x @ W_K, x @ W_V\nreturn (q @ k.T / math.sqrt(k.shape[-1])).softmax(-1) @ v @ W_O"
            ),
            "one large head",
        ),
        (
            "one large head, root of d_k",
            _multi(
                "q, k, v = x @ W_Q, x @ W_K, x @ W_V\n"
                "return (q @ k.T / math.sqrt(k.shape[-1] // H)).softmax(-1) @ v @ W_O"
            ),
            "one large head",
        ),
        ("view to split", _heads(cut="{}.view(H, len(x), -1)"), "split mixes tokens"),
        (
            "view to split, view to merge",
            _heads(cut="{}.view(H, len(x), -1)", joined="z.reshape(len(x), -1)"),
            "split mixes tokens",
        ),
        ("interleaved", _heads(cut="{}.view(len(x), -1, H).permute(2, 0, 1)"), "dealt out to the heads"),
        (
            "interleaved both ways",
            _heads(cut="{}.view(len(x), -1, H).permute(2, 0, 1)", joined="z.permute(1, 2, 0).reshape(len(x), -1)"),
            "dealt out to the heads",
        ),
        ("interleaved merge", _heads(joined="z.permute(1, 2, 0).reshape(len(x), -1)"), "dealt out to the heads"),
        ("merge without transposing", _heads(joined="z.reshape(len(x), -1)"), "joined wrongly"),
        ("last head first", _heads(joined="torch.cat(list(z)[::-1], dim=-1)"), "joined in reverse order"),
        (
            "rows of W_O backwards",
            _multi("""
cut = [W.chunk(H, dim=-1) for W in (W_Q, W_K, W_V)]
out = 0
for q, k, v, o in zip(*cut, W_O.chunk(H)[::-1]):
    out = out + F.scaled_dot_product_attention((x @ q)[None], (x @ k)[None], (x @ v)[None])[0] @ o
return out"""),
            "joined in reverse order",
        ),
        ("weights of head 0", _heads(weights="s[0].softmax(-1)"), "the same weights"),
        ("mean weights", _heads(weights="s.softmax(-1).mean(0)"), "the same weights"),
        (
            "values of head 0",
            _heads(joined="(s.softmax(-1) @ v[:1]).transpose(0, 1).reshape(len(x), -1)"),
            "follow the values",
        ),
        ("W_O left to right", _heads(last=" @ W_O.flip(0)"), "follow the values"),
        ("queries as keys", _heads(weights="(q @ q.mT / math.sqrt(q.shape[-1])).softmax(-1)"), "look at the scores"),
        (
            "causal",
            _heads(weights="s.masked_fill(torch.ones_like(s).triu(1).bool(), -1e9).softmax(-1)"),
            "no mask was asked for",
        ),
        ("squeeze", _heads(joined="z.squeeze(1).transpose(0, 1).reshape(len(x), -1)"), "text of one token"),
        ("squeeze the heads", _heads(joined="z.squeeze(0).transpose(0, 1).reshape(len(x), -1)"), "wrong for H = 1"),
        ("overflow", _heads(weights="s.exp() / s.exp().sum(-1, keepdim=True)"), "overflow"),
        ("divisor written down", _heads(scale=" / 2"), "wrong for D = 6, H = 2, d_k = 3, d_v = 3"),
        (
            "size from D",
            _heads(cut="{}.view(len(x), H, x.shape[-1] // H).transpose(0, 1)"),
            "stopped with RuntimeError",
        ),
    ],
    "share-keys": [
        ("no return", _share("K.repeat_interleave(H // len(K), dim=0)"), "returned None"),
        ("a list", _share("return [K[h * len(K) // H] for h in range(H)]"), "the answer is a list"),
        ("unchanged", _share("return K"), "still H_KV sets"),
        ("repeat", _share("return K.repeat(H // len(K), 1, 1)"), "go round in turn"),
        ("modulo", _share("return torch.stack([K[h % len(K)] for h in range(H)])"), "go round in turn"),
        ("cat", _share("return torch.cat([K] * (H // len(K)))"), "go round in turn"),
        ("tokens", _share("return K.repeat_interleave(H // len(K), dim=1)"), "tokens were repeated"),
        ("tokens tiled", _share("return K.repeat(1, H // len(K), 1)"), "tokens were repeated"),
        ("components", _share("return K.repeat_interleave(H // len(K), dim=-1)"), "components of the keys"),
        ("H times", _share("return K.repeat_interleave(H, dim=0)"), "there are 18 heads now"),
        ("H_KV times", _share("return K.repeat_interleave(len(K), dim=0)"), "there are 9 heads now"),
        ("no axis", _share("return K.repeat_interleave(H // len(K))"), "has shape \\(120,\\)"),
        ("an axis too many", _share("return K[:, None].expand(-1, H // len(K), -1, -1)"), "has shape \\(3, 2, 4, 5\\)"),
        ("divided by H_KV", _share("return K[torch.arange(H) // len(K)]"), "as many query heads as"),
        ("mean", _share("return K.mean(0).expand(H, -1, -1)"), "got the same keys"),
        ("head 0", _share("return K[:1].repeat(H, 1, 1)"), "got the same keys"),
        (
            "means of neighbours",
            _share("return F.interpolate(K.permute(1, 2, 0), size=H, mode='linear').permute(2, 0, 1)"),
            "query head 1 got keys that no head of K has",
        ),
        ("view", _share("return K.repeat_interleave(H // len(K), dim=1).reshape(H, *K.shape[1:])"), "no head of K has"),
        ("backwards", _share("return K.flip(0).repeat_interleave(H // len(K), dim=0)"), "of the wrong one"),
        ("one too far", _share("return K.repeat_interleave(H // len(K), dim=0).roll(1, 0)"), "of the wrong one"),
        ("always twice", _share("return K.repeat_interleave(2, dim=0)"), "wrong for H_KV = H"),
        (
            "twice, unless all have their own",
            _share("return K if len(K) == H else K.repeat_interleave(2, dim=0)"),
            "wrong for H_KV = 1",
        ),
        (
            "expand for one, else twice",
            _share("n = len(K)\nreturn K.expand(H, -1, -1) if n == 1 else K.repeat_interleave(min(H // n, 2), dim=0)"),
            "wrong for H_KV = 2, H = 8",
        ),
        ("squeeze", _share("return K.repeat_interleave(H // len(K), dim=0).squeeze()"), "wrong for H_KV = 2, H = 8"),
        ("expand", _share("return K.expand(H, -1, -1)"), "stopped with RuntimeError"),
    ],
    "cache-size": [
        ("no return", _cache("None"), "returned None"),
        ("two numbers", _cache("[L * H_KV * d_k * T * bytes_per_number] * 2"), "the answer is a list"),
        ("only keys", _cache("L * H_KV * d_k * T * bytes_per_number"), "half is missing"),
        ("query heads", _cache("2 * L * H * d_k * T * bytes_per_number"), "as many heads as there are for queries"),
        ("both heads", _cache("2 * L * H * H_KV * d_k * T * bytes_per_number"), "were multiplied"),
        ("queries too", _cache("3 * L * H_KV * d_k * T * bytes_per_number"), "queries are counted too"),
        ("queries of all heads", _cache("L * (H + 2 * H_KV) * d_k * T * bytes_per_number"), "queries are counted too"),
        ("one layer", _cache("2 * H_KV * d_k * T * bytes_per_number"), "cache of one layer"),
        ("one head", _cache("2 * L * d_k * T * bytes_per_number"), "one head of keys and values"),
        ("T²", _cache("2 * L * H_KV * d_k * T**2 * bytes_per_number"), "they are not kept"),
        ("weights", _cache("L * H * T**2 * bytes_per_number"), "they are not kept"),
        ("weights of fewer heads", _cache("L * H_KV * T * T * bytes_per_number"), "they are not kept"),
        ("one token", _cache("2 * L * H_KV * d_k * bytes_per_number"), "what one token leaves"),
        ("numbers", _cache("2 * L * H_KV * d_k * T"), "how many numbers are kept"),
        ("bits", _cache("2 * L * H_KV * d_k * T * bytes_per_number * 8"), "these are bits"),
        ("gigabytes", _cache("2 * L * H_KV * d_k * T * bytes_per_number / 1e9"), "gigabytes"),
        ("GiB", _cache("2 * L * H_KV * d_k * T * bytes_per_number / 2**30"), "gigabytes"),
        ("kilobytes", _cache("2 * L * H_KV * d_k * T * bytes_per_number / 1024"), "kilobytes"),
        ("matrices", _cache("2 * L * H_KV * d_k**2 * T * bytes_per_number"), "d_k comes in twice"),
        ("vectors", _cache("2 * L * H_KV * T * bytes_per_number"), "how many vectors"),
        ("divided by H", _cache("2 * L * H_KV * (d_k // H) * T * bytes_per_number"), "already is the size"),
        ("divided by H exactly", _cache("2 * L * H_KV * d_k / H * T * bytes_per_number"), "already is the size"),
        ("queries beside", _cache("L * (H + H_KV) * d_k * T * bytes_per_number"), "with more query heads"),
        ("only keys of all heads", _cache("L * H * d_k * T * bytes_per_number"), "with more query heads"),
        ("added", _cache("2 * L * H_KV * (d_k + T) * bytes_per_number"), "if d_k becomes three times"),
        ("always 2 bytes", _cache("2 * L * H_KV * d_k * T * 2"), "if bytes_per_number becomes three times"),
        ("keys, values, outputs and queries", _cache("4 * L * H_KV * d_k * T * bytes_per_number"), "constant factor"),
        ("a float", _cache("2.0 * L * H_KV * d_k * T * bytes_per_number"), "it is a float"),
        ("blocks of 13", _cache("2 * L * H_KV * d_k * -(-T // 13) * 13 * bytes_per_number"), "wrong for others"),
    ],
    "head-bug-hunt": [
        ("no return", _hunt().replace("return ", "out = "), "returned None"),
        ("no W_O", _hunt(last=""), "shape \\(T, D\\)"),
        ("mask turned", _hunt(masked="s = s.masked_fill(mask, -math.inf)"), "what does True"),
        ("axis of the queries", _hunt(weights="s.softmax(dim=1)"), "sum to 1 over the keys"),
        ("axis of the heads", _hunt(weights="s.softmax(dim=0)"), "sum to 1 over the keys"),
        ("split left", _hunt(scores=_VIEW, values=_VIEW), "cut by columns"),
        ("split of the values left", _hunt(values=_VIEW), "cut by columns"),
        ("split and merge left", _hunt(scores=_VIEW, values=_VIEW, joined="z.reshape(T, -1)"), "cut by columns"),
        (
            "only the mask mended",
            _hunt(_VIEW, _VIEW, " / math.sqrt(W_K.shape[-1])", joined="z.reshape(T, -1)"),
            "by columns",
        ),
        ("split of the scores left", _hunt(scores=_VIEW), "queries and keys are not"),
        ("scores' split and scale left", _hunt(_VIEW, scale=" / math.sqrt(W_K.shape[-1])"), "queries and keys are not"),
        ("merge left", _hunt(joined="z.reshape(T, -1)"), "when they are joined"),
        ("merge and scale left", _hunt(scale=" / math.sqrt(W_K.shape[-1])", joined="z.reshape(T, -1)"), "are joined"),
        ("merged in turn", _hunt(joined="z.permute(1, 2, 0).reshape(T, -1)"), "its own place"),
        ("last head first", _hunt(joined="torch.cat(list(z.flip(0)), dim=-1)"), "its own place"),
        ("mean of the heads", _hunt(joined="z.mean(0).repeat(1, H)"), "its own place"),
        ("divisor left", _hunt(scale=" / math.sqrt(W_K.shape[-1])"), "size of all heads together"),
        ("root of D", _hunt(scale=" / math.sqrt(x.shape[-1])"), "root of D"),
        ("scale removed", _hunt(scale=""), "replaced, not removed"),
        ("divided by d_k", _hunt(scale=" / k.shape[-1]"), "d_k instead of its square root"),
        ("root of d_v", _hunt(scale=" / math.sqrt(v.shape[-1])"), "even when nothing is hidden"),
        ("head 0 alone left", _hunt(masked="s[0] = s[0].masked_fill(~mask, -math.inf)"), "through heads 1, 2"),
        ("head 0 left out", _hunt(masked="s[1:] = s[1:].masked_fill(~mask, -math.inf)"), "through heads 0 "),
        ("mask dropped", _hunt(masked=""), "no longer changes anything"),
        ("mask after the softmax", _hunt(masked="", weights="(s.softmax(dim=-1) * mask)"), "not before it"),
        ("zeros for −∞", _hunt(masked="s = s * mask"), "hears the later ones in every head"),
        ("mask turned, −1e9", _hunt(masked="s = s.masked_fill(mask, -1e9)"), "or all weights are equal"),
        (
            "mask transposed",
            _hunt(masked="s = s.masked_fill(~mask.T, -math.inf)"),
            "hears the later ones in every head",
        ),
        ("first row for all", _hunt(masked="s = s.masked_fill(~mask[0], -math.inf)"), "what token i may look at"),
        (
            "a causal mask of its own",
            _hunt(masked="s = s if mask.all() else s.masked_fill(torch.ones_like(s).triu(1).bool(), -math.inf)"),
            "use the mask that is given",
        ),
        ("divisor written down", _hunt(scale=" / 2"), "wrong for D = 6, H = 2"),
    ],
}
ALSO_RIGHT = {
    "split-heads": [
        _split("return torch.stack(x.chunk(H, dim=-1))"),
        _split("return x.T.reshape(H, -1, len(x)).mT"),
        _split("d = x.shape[1] // H\nreturn torch.stack([x[:, h * d : (h + 1) * d] for h in range(H)])"),
        _split("return torch.einsum('thd->htd', x.unflatten(1, (H, -1)))"),
    ],
    "multi-head": [
        _heads(),
        _multi("""
q, k, v = (split_heads(x @ W, H)[None] for W in (W_Q, W_K, W_V))
z = F.scaled_dot_product_attention(q, k, v)[0]
return torch.cat(list(z), dim=-1) @ W_O"""),
        _multi("""
q, k, v = (torch.einsum("td,dhk->htk", x, W.view(len(W), H, -1)) for W in (W_Q, W_K, W_V))
weights = torch.einsum("hqk,htk->hqt", q * q.shape[-1] ** -0.5, k).softmax(dim=-1)
return torch.einsum("hqt,htv,hvd->qd", weights, v, W_O.view(H, -1, W_O.shape[-1]))"""),
        _multi("""
out = torch.zeros_like(x)
for q, k, v, o in zip(*(W.chunk(H, dim=-1) for W in (W_Q, W_K, W_V)), W_O.chunk(H)):
    scores = (x @ q) @ (x @ k).T / math.sqrt(q.shape[-1])
    out += scores.softmax(dim=-1) @ (x @ v) @ o
return out"""),
    ],
    "share-keys": [
        _share("return K[torch.arange(H) // (H // len(K))]"),
        _share("return torch.stack([K[h * len(K) // H] for h in range(H)])"),
        _share("return K[:, None].expand(-1, H // len(K), -1, -1).flatten(0, 1)"),
        _share("""
one_hot = F.one_hot(torch.arange(H) // (H // len(K)), len(K)).to(K.dtype)
return torch.einsum("hg,gtd->htd", one_hot, K)"""),
    ],
    "cache-size": [
        _cache("L * 2 * (H_KV * d_k) * T * bytes_per_number"),
        _cache("sum(H_KV * T * d_k * bytes_per_number for layer in range(L) for part in 'KV')"),
        _cache("math.prod([2, L, H_KV, d_k, T, bytes_per_number])"),
    ],
    "head-bug-hunt": [
        _hunt(),
        _hunt(
            masked="s = torch.where(mask, s, torch.tensor(-math.inf, dtype=s.dtype))", joined="torch.cat(list(z), -1)"
        ),
        _function(
            "multi_head_attention(x, W_Q, W_K, W_V, W_O, H, mask)",
            """
q, k, v = (split_heads(x @ W, H)[None] for W in (W_Q, W_K, W_V))
z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
return z.squeeze(0).transpose(0, 1).flatten(1) @ W_O""",
        ),
        _function(
            "multi_head_attention(x, W_Q, W_K, W_V, W_O, H, mask)",
            """
q, k, v = (torch.einsum("td,dhk->htk", x, W.view(len(W), H, -1)) for W in (W_Q, W_K, W_V))
scores = torch.einsum("hqk,htk->hqt", q, k) * q.shape[-1] ** -0.5
weights = (scores + torch.zeros_like(scores).masked_fill(~mask, -1e30)).softmax(dim=-1)
return torch.einsum("hqt,htv,hvd->qd", weights, v, W_O.view(H, -1, W_O.shape[-1]))""",
        ),
    ],
}
