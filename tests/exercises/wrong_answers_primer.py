"""The primer: what learners really write, and the hint each must get (a pattern in the English message)."""


def _distances(body: str) -> str:
    return f"def distances(a, b):\n    {body}"


def _loss(body: str) -> str:
    return f"def logits_to_loss(logits, targets):\n    {body}"


_RIGHT = "logits.log_softmax(dim=-1)[torch.arange(len(logits)), targets]"


def _train(
    *lines: str, loss: str = "F.cross_entropy(model(inputs), targets)", kept: str = "losses.append(loss.item())"
) -> str:
    """A training function whose loop does these lines between the loss and what it keeps of it."""
    inside = "".join(f"        {line}\n" for line in (f"loss = {loss}", *lines, kept))
    head = "def train_on(model, optimizer, batches):\n    losses = []\n    for inputs, targets in batches:\n"
    return f"{head}{inside}    return losses"


_ZERO, _BACK, _STEP = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"

WRONG = {
    "distances": [
        ("no return", _distances("(a[:, None] - b).square().sum(-1)"), "returned None"),
        ("a list", _distances("return [[float((x - y).square().sum()) for y in b] for x in a]"), "is a list"),
        ("no axis added", _distances("return (a - b).square().sum(-1)"), "stopped with RuntimeError"),
        ("not summed", _distances("return (a[:, None] - b).square()"), "for each component"),
        ("wrong axis", _distances("return (a[:, None] - b).square().sum(1)"), "over the points"),
        ("transposed", _distances("return (b[:, None] - a).square().sum(-1)"), "shape \\(m, n\\)"),
        ("all summed", _distances("return (a[:, None] - b).square().sum()"), "single number"),
        ("a itself", _distances("return (a[:, None] - a).square().sum(-1)"), "shape \\(4, 4\\)"),
        ("a root", _distances("return torch.cdist(a, b)"), "no root"),
        ("a mean", _distances("return (a[:, None] - b).square().mean(-1)"), "mean over the components"),
        ("dot products", _distances("return a @ b.T"), "dot products"),
        ("no square", _distances("return (a[:, None] - b).sum(-1)"), "they cancel"),
        ("absolute values", _distances("return (a[:, None] - b).abs().sum(-1)"), "absolute differences"),
        (
            "square of a sum",
            _distances("return a.square().sum(-1)[:, None] + b.square().sum(-1) + 2 * a @ b.T"),
            "square of a sum",
        ),
        (
            "no factor of 2",
            _distances("return a.square().sum(-1)[:, None] + b.square().sum(-1) - a @ b.T"),
            "taken once",
        ),
        ("square after the sum", _distances("return (a[:, None] - b).sum(-1).square()"), "numbers are not"),
        ("in place", _distances("r = (a[:, None] - b).square().sum(-1)\n    a.zero_()\n    return r"), "has changed"),
        ("a loop", _distances("return torch.stack([(x - b).square().sum(-1) for x in a])"), "there is a loop"),
        ("two axes", _distances("return (a[:, None] - b)[..., :2].square().sum(-1)"), "wrong for n = 5"),
    ],
    "logits-to-loss": [
        ("no return", _loss(f"-{_RIGHT}.mean()"), "returned None"),
        ("a number", _loss(f"return -{_RIGHT}.mean().item()"), "is a float"),
        ("per row", _loss(f"return -{_RIGHT}"), "one loss per row"),
        ("a matrix", _loss("return -logits.log_softmax(-1)"), "single number"),
        ("no minus", _loss(f"return {_RIGHT}.mean()"), "other way round"),
        ("a sum", _loss(f"return -{_RIGHT}.sum()"), "sum over the rows"),
        (
            "wrong axis",
            _loss("return -logits.log_softmax(0)[torch.arange(len(logits)), targets].mean()"),
            "runs over the rows",
        ),
        ("by classes", _loss(f"return -{_RIGHT}.sum() / logits.shape[1]"), "number of classes"),
        ("all classes", _loss("return -logits.log_softmax(-1).mean()"), "over all classes"),
        ("no logarithm", _loss(f"return 1 - {_RIGHT}.exp().mean()"), "where is the logarithm"),
        ("mean first", _loss(f"return -{_RIGHT}.exp().mean().log()"), "logarithm of a mean"),
        ("bits", _loss(f"return -{_RIGHT}.mean() / math.log(2)"), "another base"),
        ("only logits", _loss("return -logits[torch.arange(len(logits)), targets].mean()"), "right classes alone"),
        ("softmax twice", _loss("return F.cross_entropy(logits.softmax(-1), targets)"), "applied twice"),
        ("first class", _loss("return -logits.log_softmax(-1)[:, 0].mean()"), "by hand"),
        (
            "overflow",
            _loss(
                "p = logits.exp() / logits.exp().sum(-1, keepdim=True)\n    return -p.gather(1, targets[:, None]).log().mean()"
            ),
            "overflows",
        ),
        (
            "one maximum",
            _loss(
                "z = logits - logits.max()\n    return (z.exp().sum(-1).log() - z[torch.arange(len(z)), targets]).mean()"
            ),
            "maximum of its own",
        ),
        (
            "logarithm of a softmax",
            _loss("return -logits.softmax(-1)[torch.arange(len(logits)), targets].log().mean()"),
            "became 0|maximum of its own",
        ),
        ("detached", _loss("return F.cross_entropy(logits.detach(), targets)"), "cut off from the logits"),
        (
            "denominator detached",
            _loss("return (logits.detach().logsumexp(-1) - logits[torch.arange(len(logits)), targets]).mean()"),
            "its gradient",
        ),
    ],
    "training-loop": [
        ("untouched but for the softmax", _train(_STEP, _BACK, kept="losses.append(loss)"), "before this batch"),
        ("no return", "def train_on(model, optimizer, batches):\n    pass", "returned None"),
        (
            "the last loss",
            _train(_ZERO, _BACK, _STEP).replace("return losses", "return losses[-1]"),
            "list of the losses",
        ),
        ("one entry", _train(_ZERO, _BACK, _STEP, kept="losses = [loss.item()]"), "has 1 entries"),
        (
            "softmax twice",
            _train(_ZERO, _BACK, _STEP, loss="F.cross_entropy(model(inputs).softmax(-1), targets)"),
            "applied twice",
        ),
        (
            "a sum",
            _train(_ZERO, _BACK, _STEP, loss="F.cross_entropy(model(inputs), targets, reduction='sum')"),
            "already the first loss is",
        ),
        ("no step", _train(_ZERO, _BACK), "never asked to step"),
        ("no backward", _train(_ZERO, _STEP), "no gradient is ever"),
        ("step first", _train(_STEP, _ZERO, _BACK), "before this batch"),
        ("zeroed between", _train(_BACK, _ZERO, _STEP), "wiped out"),
        ("no zero_grad", _train(_BACK, _STEP), "earlier batches"),
        (
            "two steps",
            _train(_ZERO, _BACK, _STEP, _ZERO, f"loss = F.cross_entropy(model(inputs), targets); {_BACK}", _STEP),
            "steps 6 times|first loss",
        ),
        ("the graph", _train(_ZERO, _BACK, _STEP, kept="losses.append(loss)"), "whole computation"),
        (
            "the loss afterwards",
            _train(
                _ZERO,
                _BACK,
                _STEP,
                kept="losses.append(loss.item() if not losses else F.cross_entropy(model(inputs), targets).item())",
            ),
            "before its step",
        ),
        (
            "weight decay by hand",
            _train(_ZERO, _BACK, _STEP).replace(
                "    return losses", "    with torch.no_grad():\n        model.weight.mul_(0.9)\n    return losses"
            ),
            "weights at the end",
        ),
    ],
}

ALSO_RIGHT = {
    "distances": [
        _distances("return a.square().sum(1, keepdim=True) + b.square().sum(1) - 2 * a @ b.T"),
        _distances("return torch.cdist(a, b, compute_mode='donot_use_mm_for_euclid_dist') ** 2"),
        _distances(
            "difference = a.unsqueeze(1) - b.unsqueeze(0)\n    return torch.einsum('nmd,nmd->nm', difference, difference)"
        ),
    ],
    "logits-to-loss": [
        _loss("return F.nll_loss(F.log_softmax(logits, dim=1), targets)"),
        _loss(
            "z = logits - logits.max(dim=-1, keepdim=True).values\n    log_p = z - z.exp().sum(-1, keepdim=True).log()\n    return -(F.one_hot(targets, logits.shape[-1]) * log_p).sum() / len(logits)"
        ),
    ],
    "training-loop": [
        _train(_BACK, _STEP, "model.zero_grad()", kept="losses.append(float(loss))"),
        _train("for p in model.parameters(): p.grad = None", _BACK, _STEP, kept="losses += [loss.detach()]"),
    ],
}
