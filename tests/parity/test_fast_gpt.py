"""course_lib.fast_gpt against course_lib.gpt: the same numbers, gradients and texts; and what reduced precision changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from unsettled_layers import close, own

from course_lib import fast_gpt, gpt_training
from course_lib.corpora.stories import PAD
from course_lib.gpt import GPT
from course_lib.multi_head import MultiHeadAttention
from course_lib.normalisation import RMSNorm

KINDS = {
    "GPT-2's, text shorter than the table": ((13, 11, 6, 2, 3, 10), {}),
    "no biases": ((19, 7, 8, 4, 2, None), {"bias": False, "activation": "gelu"}),
    "one head, ReLU, another eps": ((17, 7, 5, 1, 1, None), {"activation": "relu", "eps": 1e-3}),
    "heads of one number, narrow": ((23, 30, 9, 9, 2, 4), {"activation": "gelu", "eps": 0.1}),
    "no biases, one head": ((5, 8, 3, 1, 4, 33), {"bias": False}),
}
T = 7
all_kinds = pytest.mark.parametrize("kind", KINDS)


def ids(vocabulary: int, batch: int = 3, length: int = T, seed: int = 0) -> Tensor:
    return torch.randint(vocabulary, (batch, length), generator=torch.Generator().manual_seed(seed))


def made(kind: str, seed: int = 0) -> GPT:
    """Weights so large that attention is sharp and a block's work is seen."""
    sizes, options = KINDS[kind]
    model = own(GPT, *sizes, seed=seed, **options)
    with torch.no_grad():
        model.embedding.mul_(40)
        model.positions.mul_(40)
    return model


# ----------------------------------------------------------------------------------------------------------- training


@all_kinds
@pytest.mark.parametrize("length", [1, 4, T])
def test_the_logits_are_those_of_the_clear_version(kind: str, length: int) -> None:
    model = made(kind)
    text = ids(KINDS[kind][0][0], length=length)
    close(fast_gpt.logits(model, text), model(text), 1e-10)


@all_kinds
def test_the_loss_and_the_gradients_are_those_of_the_clear_version(kind: str) -> None:
    model = made(kind)
    text = ids(KINDS[kind][0][0]) + 1  # the last token is one too many: padding is put where it is
    text[text == KINDS[kind][0][0]] = PAD
    text[:, :3] = text[:, :3].clamp(min=1)
    expected, found = gpt_training.loss(model, text), fast_gpt.loss(model, text, ignore=PAD)
    close(found, expected, 1e-10)
    everything = nn.functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
    close(fast_gpt.loss(model, text), everything, 1e-10)
    names, parameters = zip(*model.named_parameters(), strict=True)
    for name, mine, reference in zip(
        names, torch.autograd.grad(found, parameters), torch.autograd.grad(expected, parameters), strict=True
    ):
        torch.testing.assert_close(mine, reference, atol=1e-10, rtol=0, msg=lambda text, name=name: f"{name}: {text}")
        assert reference.abs().max() > 1e-6 or name.endswith("b_K"), f"nothing flows to {name}"


@all_kinds
def test_training_takes_the_same_way(kind: str) -> None:
    """Only the loss function is another one."""
    text = ids(KINDS[kind][0][0], batch=4)

    def trained(loss: Callable[[GPT, Tensor], Tensor]) -> GPT:
        model = made(kind)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-4)
        for step in range(5):
            optimizer.zero_grad()
            loss(model, text.roll(step, dims=1)).backward()
            optimizer.step()
        return model

    before, slow, quick = made(kind), trained(gpt_training.loss), trained(partial(fast_gpt.loss, ignore=PAD))
    for (name, was), mine, reference in zip(
        before.named_parameters(), quick.parameters(), slow.parameters(), strict=True
    ):
        close(mine, reference, 1e-10)
        assert (mine - was).abs().max() > 1e-3 or name.endswith("b_K"), name


# ------------------------------------------------------------------------------------------------------------ writing


@all_kinds
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("length", [1, 3])
def test_the_texts_are_those_of_the_clear_version(kind: str, batch: int, length: int) -> None:
    model = made(kind)
    vocabulary, longest, *_ = KINDS[kind][0]
    prompt = ids(vocabulary, batch, length, seed=1)
    count = longest - length + 1  # the last token is written, and not read
    whole = model.generate(prompt, count)
    assert whole.shape == (batch, count)
    assert torch.equal(fast_gpt.generate(model, prompt, count), whole)
    for stop in [*whole.unique().tolist(), vocabulary]:
        assert torch.equal(fast_gpt.generate(model, prompt, count, stop=stop), model.generate(prompt, count, stop=stop))


def test_the_texts_compared_end_at_different_places() -> None:
    """Else the comparison with a stop would show nothing."""
    found = set()
    for kind in KINDS:
        model = made(kind)
        vocabulary, longest, *_ = KINDS[kind][0]
        whole = fast_gpt.generate(model, ids(vocabulary, 5, 1, seed=1), longest)
        for stop in whole.unique().tolist():
            ends = [row.index(stop) if stop in row else longest for row in whole.tolist()]
            found.add((len(set(ends)) > 1, max(ends) < longest))
    assert {(True, True), (True, False)} <= found


def test_writing_leaves_nothing_behind() -> None:
    model = made("no biases")
    state = copy.deepcopy(model.state_dict())
    prompt = ids(19, length=2)
    assert fast_gpt.generate(model, prompt, 0).shape == (3, 0)
    written = fast_gpt.generate(model, prompt, 4)
    fast_gpt.loss(model, written).backward()  # a tensor of inference mode could not be learned from
    assert model.embedding.grad is not None and written.dtype == prompt.dtype
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


# ---------------------------------------------------------------------------------------------------------- precision


def single(seed: int = 0) -> tuple[GPT, Tensor]:
    """A float32 model large enough that every product could take a fast way of its own, and texts."""
    model = GPT(40, 24, 64, 2, 2, spread=0.5, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    return model, ids(40, 4, 25)


def state() -> tuple[str, bool, torch.dtype, bool]:
    return (
        torch.get_float32_matmul_precision(),
        torch.is_autocast_enabled("cpu"),
        torch.get_autocast_dtype("cpu"),
        torch.is_autocast_cache_enabled(),
    )


@pytest.mark.parametrize("outside", ["highest", "high", "medium"])
@pytest.mark.parametrize("modes", [(), ("exact",), ("medium",), ("bf16",), ("medium", "bf16")])
def test_precision_holds_within_and_only_there(outside: str, modes: tuple) -> None:
    first = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(outside)
    try:
        before = state()
        for fails in (False, True):
            try:
                with fast_gpt.precision(*modes):
                    expected = "medium" if "medium" in modes else "highest"
                    assert state()[:2] == (expected, "bf16" in modes)
                    if fails:
                        raise KeyError
            except KeyError:
                assert fails
            assert state() == before and before[0] == outside
        with torch.autocast("cpu", dtype=torch.bfloat16), fast_gpt.precision("exact"):
            assert not torch.is_autocast_enabled("cpu")
    finally:
        torch.set_float32_matmul_precision(first)


def test_bf16_is_a_little_wrong_and_exact_is_not() -> None:
    model, text = single()
    size = model(text[:, :-1]).abs().max().item()
    exact, exact_loss = fast_gpt.error(model, text, "exact")
    assert exact < 1e-5 * size and exact_loss < 1e-5
    medium, medium_loss = fast_gpt.error(model, text, "medium")
    assert medium < 0.05 * size and medium_loss < 0.02  # on many processors there is none
    for modes in (("bf16",), ("medium", "bf16")):
        # bfloat16 has 8 significant bits wherever it is computed: an error below 1e-5 would be that of float32.
        rough, rough_loss = fast_gpt.error(model, text, *modes)
        assert 1e-4 * size < rough < 0.05 * size and rough_loss < 0.02


def test_the_errors_are_measured_against_exact_logits_whatever_holds_outside() -> None:
    model, text = single()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough, rough_loss = fast_gpt.error(model, text, "bf16")
    expected = fast_gpt.error(model, text, "bf16")
    assert rough == pytest.approx(expected[0], rel=1e-3) and rough_loss == pytest.approx(expected[1], abs=1e-5)
    with fast_gpt.precision("bf16"), torch.no_grad():
        logits, loss = fast_gpt.logits(model, text[:, :-1]), fast_gpt.loss(model, text)
    assert logits.dtype == torch.bfloat16 and loss.dtype == torch.float32
    with torch.no_grad():
        assert rough == pytest.approx((logits - model(text[:, :-1])).abs().max().item(), rel=1e-3)
        assert rough_loss == pytest.approx(abs(loss - fast_gpt.loss(model, text)).item(), abs=1e-5)


def test_float64_is_not_reduced() -> None:
    model = made("no biases")
    text = ids(19)
    with fast_gpt.precision("medium", "bf16"):
        found = fast_gpt.logits(model, text)
    close(found, model(text), 1e-10)


def test_training_in_bf16_sees_the_weights_that_the_last_step_has_left() -> None:
    """PyTorch's memory of rounded weights lasts as long as the block: all steps may stand in one."""
    text = single()[1]

    def trained(steps_at_once: int) -> list[float]:
        model, losses = single()[0], []
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        for _ in range(4 // steps_at_once):
            with fast_gpt.precision("bf16"):
                for _ in range(steps_at_once):
                    optimizer.zero_grad()
                    loss = fast_gpt.loss(model, text)
                    loss.backward()
                    optimizer.step()
                    losses.append(loss.item())
        assert all(parameter.grad.dtype == torch.float32 for parameter in model.parameters())
        return losses

    one_by_one, at_once = trained(1), trained(4)
    assert at_once == pytest.approx(one_by_one, abs=1e-3)
    assert at_once[-1] < at_once[0] - 0.1


# ------------------------------------------------------------------------------------------------------------- errors


def changed(change: Callable[[GPT], object]) -> GPT:
    model = made("GPT-2's, text shorter than the table")
    change(model)
    return model


CHANGES = {
    "a last LayerNorm": lambda model: setattr(model.stack, "norm", None),
    "order 'pre'": lambda model: setattr(model.stack.blocks[1], "norm", "post"),
    "residual": lambda model: setattr(model.stack.blocks[2], "residual", False),
    "for LayerNorm": lambda model: setattr(model.stack.blocks[0], "norm_2", RMSNorm(6)),
    "H = H_KV": lambda model: setattr(model.stack.blocks[2], "attention", MultiHeadAttention(6, 2, kv_heads=1)),
    "d_k = d_v": lambda model: setattr(model.stack.blocks[2], "attention", MultiHeadAttention(6, 2, d_v=5)),
}


@pytest.mark.parametrize("says", CHANGES)
def test_what_the_fast_version_does_not_do_is_an_error(says: str) -> None:
    model = changed(CHANGES[says])
    for call in (fast_gpt.logits, fast_gpt.loss, partial(fast_gpt.generate, count=2)):
        with pytest.raises(ValueError, match=says):
            call(model, ids(13))


KIND = "GPT-2's, text shorter than the table"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fast_gpt.logits(GPT(9, 9, 6, 2, 1, activation="swiglu"), ids(9)), "relu, gelu, gelu_tanh"),
        (lambda: fast_gpt.logits(made(KIND), ids(13, length=12)), "a text of 12 tokens, but there are 11 positions"),
        (lambda: fast_gpt.loss(made(KIND), ids(13, length=13)), "a text of 12 tokens, but there are 11 positions"),
        (lambda: fast_gpt.generate(made(KIND), ids(13, length=0), 2), "give one token at least"),
        (lambda: fast_gpt.generate(made(KIND), ids(13, length=11), 2), "a text of 12 tokens, but there are 11"),
        (lambda: fast_gpt.precision("half").__enter__(), "unknown mode 'half': use one of exact, medium, bf16"),
        (lambda: fast_gpt.precision("exact", "bf16").__enter__(), "no mode beside 'exact'"),
        (lambda: fast_gpt.error(made(KIND), ids(13), "bf16"), "not that of torch.float64"),
    ],
)
def test_errors_say_what_does_not_fit(call: Callable[[], object], says: str) -> None:
    before = state()
    with pytest.raises(ValueError, match=says):
        call()
    assert state() == before
