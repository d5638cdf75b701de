"""Lesson 00: what learners really write, and the hint each must get (a pattern in the English message)."""

from itertools import product


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _rnn(
    step: str = "torch.tanh(u @ W_x + h @ W_h + b)",
    kept: str = "states.append(new)",
    after: str = "h = new",
    returned: str = "torch.stack(states)",
) -> str:
    """The answer to rnn, with some parts of it replaced."""
    return _function(
        "rnn(x, W_x, W_h, b)",
        f"""
h, states = torch.zeros_like(b), []
for u in x:
    new = {step}
    {kept}
    {after}
return {returned}""",
    )


def _step(
    parts: str = "i, f, g, o",
    z: str = "inner + h @ W_h",
    candidate: str = "torch.tanh(g)",
    cell: str = "torch.sigmoid(f) * c + torch.sigmoid(i) * g",
    state: str = "torch.sigmoid(o) * torch.tanh(new)",
    returned: str = "state, new",
) -> str:
    """The answer to lstm-step, with some parts of it replaced."""
    return _function(
        "lstm_step(inner, h, c, W_h)",
        f"""
{parts} = ({z}).chunk(4)
g = {candidate}
new = {cell}
state = {state}
return {returned}""",
    )


_SQUARES = "pictures.reshape(B, height // side, side, width // side, side)"


def _patches(
    tokens: str = f"{_SQUARES}.transpose(2, 3).reshape(B, -1, side * side)",
    unfit: str = "height % side or width % side",
    then: str = "raise ValueError('does not fit')",
) -> str:
    """The answer to patches, with some parts of it replaced."""
    return _function(
        "patches(pictures, side)",
        f"""
B, height, width = pictures.shape
if {unfit}:
    {then}
return {tokens}""",
    )


def _costs(
    attention: str = "2 * T**2 * D + 4 * T * D**2",
    lstm: str = "4 * T * d_state * (D + d_state)",
    length: str = "2 * d_state * (D + d_state) / D - 2 * D",
) -> str:
    return f"def layer_costs(T, D, d_state):\n    return {attention}, {lstm}, {length}"


def _hunt(
    states: str = "lstm(x.transpose(0, 1))[0].transpose(0, 1)",
    state: str = "states[:, -1]",
    query: str = "x[:, -1:] @ W_Q",
    axis: str = "2",
    scale: str = "W_K.shape[1] ** 0.5",
    guess: str = "logits.argmax(dim=-1)",
    share: str = "(guess == answers).double().mean().item()",
    returned: str = "shares",
) -> str:
    """The answer to the bug hunt, with some parts of it replaced."""
    return _function(
        "recall_shares(x, answers, lstm, W_Q, W_K, W_V, read_state, read_found)",
        f"""
states = {states}
query = {query}
weights = (query @ (x @ W_K).mT / {scale}).softmax(dim={axis})
found = (weights @ (x @ W_V))[:, 0]
shares = []
for logits in (read_state({state}), read_found(found)):
    guess = {guess}
    shares.append({share})
return {returned}""",
    )


def _left(batch: bool, first: bool, axis: bool, pairs: bool) -> tuple[str, str, str]:
    """The stub with some of its bugs left and the others mended, and the symptom that comes first."""
    bugs = {"batch": batch, "first": first, "axis": axis, "pairs": pairs}
    stub = {
        "batch": {"states": "lstm(x)[0]"},
        "first": {"state": "states[:, 0]"},
        "axis": {"axis": "1"},
        "pairs": {"guess": "logits.argmax(dim=-1, keepdim=True)"},
    }
    hints = {
        "batch": "over which axis does it step",
        "first": "before the question has been met",
        "axis": "every token gets the weight 1",
        "pairs": "LSTM: the guess for each sequence is compared",
    }
    left = [bug for bug, there in bugs.items() if there]
    parts = {key: value for bug in left for key, value in stub[bug].items()}
    return f"left: {', '.join(left)}", _hunt(**parts), hints[left[0]]


WRONG = {
    "rnn": [
        ("the last state", _rnn(returned="h"), "a single state"),
        ("h_0 too", _rnn(returned="torch.stack([torch.zeros_like(b)] + states)"), "one state too many"),
        ("h_0 instead", _rnn(kept="states.append(h)"), "one token late"),
        ("not handed on", _rnn(after="pass"), "as if it were the first"),
        ("tanh of one half", _rnn("torch.tanh(u @ W_x + b) + h @ W_h"), "from the input alone"),
        ("bias outside", _rnn("torch.tanh(u @ W_x + h @ W_h) + b"), "added after the tanh"),
        ("transposed", _rnn("torch.tanh(u @ W_x + W_h @ h + b)"), "W_h is transposed"),
        ("detached", _rnn(after="h = new.detach()"), "on the way back something is cut off"),
    ],
    "lstm-step": [
        ("c and h", _step(returned="new, state"), "in the other order: the state first"),
        ("i and f", _step("f, i, g, o"), "input gate and the forget gate are exchanged"),
        ("g last", _step("i, f, o, g"), "taken from the last quarter"),
        ("o first", _step("o, f, i, g"), "taken for o, f, i, g"),
        ("sigmoid of g", _step(candidate="torch.sigmoid(g)"), "never taken from"),
        ("forgotten", _step(cell="torch.sigmoid(i) * g"), "nothing of the old cell is left"),
        ("no tanh", _step(state="torch.sigmoid(o) * new"), "without a tanh"),
        ("no recurrence", _step(z="inner"), "see the current token alone"),
    ],
    "patches": [
        ("plain reshape", _patches("pictures.reshape(B, -1, side * side)"), "strips, not squares"),
        (
            "columns first",
            _patches(f"{_SQUARES}.permute(0, 3, 1, 2, 4).reshape(B, -1, side * side)"),
            "read column by column: the second token",
        ),
        (
            "transposed inside",
            _patches(f"{_SQUARES}.permute(0, 1, 3, 4, 2).reshape(B, -1, side * side)"),
            "the pixels inside each are read column by column",
        ),
        (
            "height and width mixed up",
            _patches(
                "pictures.reshape(B, width // side, side, height // side, side).transpose(2, 3).reshape(B, -1, side**2)"
            ),
            "as if it were upright",
        ),
        ("still a grid", _patches(f"{_SQUARES}.transpose(2, 3).flatten(3)"), "rows and columns; a sequence has one"),
        (
            "cut off",
            _patches("pictures.unfold(1, side, side).unfold(2, side, side).reshape(B, -1, side * side)", then="pass"),
            "8 × 7 .* without complaint",
        ),
        (
            "only the width looked at",
            _patches(unfit="width % side"),
            "7 × 8 .* should be a ValueError, not RuntimeError",
        ),
    ],
    "layer-costs": [
        ("no projections", _costs("2 * T**2 * D"), "four projections of each token are missing"),
        ("three projections", _costs("2 * T**2 * D + 3 * T * D**2"), "there is a fourth"),
        ("with the feed-forward layer", _costs("2 * T**2 * D + 12 * T * D**2"), "feed-forward layer is counted too"),
        ("T for T²", _costs("2 * T * D**2 + 4 * T * D**2"), "are counted as T · D²"),
        ("one gate", _costs(lstm="T * d_state * (D + d_state)"), "plain recurrent layer makes do"),
        ("as if equal", _costs(lstm="8 * T * D**2"), "the token and the state are of one size"),
        ("orders of growth", _costs(length="d_state**2 / D"), "leaves out the factors"),
        ("core alone", _costs(length="2 * d_state * (D + d_state) / D"), "are forgotten here"),
    ],
    "recall-hunt": [
        *(_left(*bugs) for bugs in product((True, False), repeat=4) if any(bugs)),
        ("cell", _hunt("lstm(x.transpose(0, 1))[1][1][0]", state="states"), "is its cell"),
        (
            "last of the batch",
            _hunt("lstm(x)[0]", state="states[-1]", guess="logits.argmax(dim=-1, keepdim=True)"),
            "read_state gets has shape \\(5, 3\\)",
        ),
        ("over the batch", _hunt(axis="0"), "whose weights sum to 1"),
        ("the first asks", _hunt(query="x[:, :1] @ W_Q"), "the query comes from the first token"),
        ("no scale", _hunt(scale="1"), "not divided by the root of d_k"),
        ("a sum", _hunt(share="(guess == answers).sum()"), "not their share"),
    ],
}

ALSO_RIGHT = {
    "rnn": [
        _rnn(),
        _function(
            "rnn(x, W_x, W_h, b)",
            """
W, states = torch.cat([W_x, W_h]), [torch.zeros(len(W_h), dtype=x.dtype)]
for t in range(len(x)):
    states.append((torch.cat([x[t], states[-1]]) @ W + b).tanh())
return torch.stack(states[1:])""",
        ),
    ],
    "lstm-step": [
        _step(),
        _function(
            "lstm_step(inner, h, c, W_h)",
            """
d = len(h)
z = inner + h @ W_h
i, f, o = z[:d].sigmoid(), z[d : 2 * d].sigmoid(), z[3 * d :].sigmoid()
c = f * c + i * z[2 * d : 3 * d].tanh()
return [o * c.tanh(), c]""",
        ),
    ],
    "patches": [
        _patches(),
        _function(
            "patches(pictures, side)",
            """
tokens = []
height, width = pictures.shape[1:]
if height % side != 0 or width % side != 0:
    raise ValueError
for top in range(0, height, side):
    for left in range(0, width, side):
        tokens.append(pictures[:, top : top + side, left : left + side].flatten(1))
return torch.stack(tokens, dim=1)""",
        ),
    ],
    "layer-costs": [
        _costs(),
        """def layer_costs(T, D, d_state):
    attention = lambda T: D * (T * T + T * T) + 4 * D * D * T
    lstm = lambda T: 4 * T * (D * d_state + d_state * d_state)
    per_token = lstm(1) - 4 * D * D
    return [attention(T), lstm(T), per_token / (2 * D)]""",
    ],
    "recall-hunt": [
        _hunt(),
        _function(
            "recall_shares(x, answers, lstm, W_Q, W_K, W_V, read_state, read_found)",
            """
state = torch.stack([lstm(sequence)[1][0][0] for sequence in x])
found = F.scaled_dot_product_attention(x[:, -1:] @ W_Q, x @ W_K, x @ W_V)
right = [read(z).argmax(-1) == answers for read, z in ((read_state, state), (read_found, found.squeeze(1)))]
return tuple(float(one.double().mean()) for one in right)""",
        ),
    ],
}
