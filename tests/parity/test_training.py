"""course_lib.training: the loop against a loop by hand, its schedules against their formulas, and what stops it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from course_lib import training
from course_lib.language import use_language
from course_lib.training import Diverged, minimise


def weights(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))


def test_it_is_adam_with_these_betas_the_schedule_and_clipping() -> None:
    mine, theirs = weights(3.0, -4.0), weights(3.0, -4.0)
    optimizer = torch.optim.Adam([theirs], lr=1.0, betas=(0.8, 0.9))
    expected = []
    for step in range(6):
        optimizer.param_groups[0]["lr"] = 0.1 * min(1, (step + 1) / 3) * (1 - step / 6)
        value = 50 * ((theirs - step) ** 2).sum()
        optimizer.zero_grad()
        value.backward()
        theirs.grad *= min(1.0, 2.0 / (float(theirs.grad.norm()) + 1e-6))
        optimizer.step()
        expected.append(value.item())
    found = minimise(
        lambda step: 50 * ((mine - step) ** 2).sum(),
        [mine],
        steps=6,
        rate=0.1,
        schedule=training.warm(3, training.falling),
        betas=(0.8, 0.9),
        clip=2.0,
    )
    assert found == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_a_limit_that_is_never_reached_changes_nothing() -> None:
    runs = []
    for clip in (None, 1e9):
        mine = weights(1.0, 2.0)
        minimise(lambda step, mine=mine: (mine**2).sum(), [mine], steps=3, rate=0.1, clip=clip)
        runs.append(mine.detach())
    assert torch.equal(*runs)


def test_the_gradients_of_all_parameters_are_clipped_together() -> None:
    one, other = weights(0.0), weights(0.0)
    seen = []
    minimise(
        lambda step: 3 * one.sum() + 4 * other.sum(),
        [one, other],
        steps=1,
        rate=0.1,
        clip=1.0,
        after=lambda _: seen.extend([one.grad.item(), other.grad.item()]),
    )
    assert seen == pytest.approx([0.6, 0.8], abs=1e-5)


def test_the_schedules_follow_their_formulas() -> None:
    steps = 10
    assert [training.constant(s, steps) for s in range(steps)] == [1.0] * steps
    assert [training.falling(s, steps) for s in range(steps)] == pytest.approx([1 - s / 10 for s in range(steps)])
    assert [training.warm(4)(s, steps) for s in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert [training.warm(0)(s, steps) for s in range(3)] == [1.0] * 3
    both = training.warm(4, training.falling)
    assert [both(s, steps) for s in (0, 5)] == pytest.approx([0.25, 0.5])
    papers = training.inverse_root(512, 4000)
    for s in (1, 10, 3999, 4000, 4001, 50_000):  # counted from 1, as in the paper
        assert papers(s - 1, 1) == pytest.approx(512**-0.5 * min(s**-0.5, s * 4000**-1.5), rel=1e-12)
    assert max(range(10_000), key=lambda s: papers(s, 1)) == 3999


@pytest.mark.parametrize(
    "make", [lambda: training.warm(-1), lambda: training.inverse_root(0, 4), lambda: training.inverse_root(4, 0)]
)
def test_schedules_refuse_what_they_cannot_be(make) -> None:
    with pytest.raises(ValueError, match="warm-up|rises"):
        make()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_loss_that_is_no_number_stops_before_it_does_harm(bad: float, lang: str) -> None:
    use_language(lang)
    mine, states = weights(1.0), []
    with pytest.raises(Diverged) as stopped:
        minimise(
            lambda step: mine.sum() * (bad if step == 3 else 1.0),
            [mine],
            steps=9,
            rate=0.1,
            after=lambda _: states.append(mine.item()),
        )
    assert len(stopped.value.losses) == 3 and mine.item() == states[-1]
    text = str(stopped.value)
    assert " 4" in text and ("loss" if lang == "en" else "функция потерь") in text
    assert f"{stopped.value.losses[-1]:.4g}" in text and "0.0667" in text  # the last loss, the rate of that step
    use_language("en")


def test_a_gradient_that_is_no_number_stops_too() -> None:
    mine = weights(0.0, 1.0)
    with pytest.raises(Diverged, match="the norm of the gradient is (nan|inf)") as stopped:
        minimise(lambda step: mine.sqrt().sum(), [mine], steps=5, rate=0.1)  # √0 = 0, its slope is infinite
    assert stopped.value.losses == [] and mine.tolist() == [0.0, 1.0]


def test_a_parameter_without_a_gradient_is_left_alone() -> None:
    mine, idle = weights(1.0), weights(5.0)
    losses = minimise(lambda step: (mine**2).sum(), [mine, idle], steps=2, rate=0.1)
    assert len(losses) == 2 and idle.item() == 5.0 and mine.item() != 1.0


def test_the_bar_goes_to_stderr_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a bar is drawn on terminals only
    found = []
    for progress in (None, "translator"):
        mine = weights(1.0)
        found.append(minimise(lambda step, mine=mine: (mine**2).sum(), [mine], steps=3, rate=0.1, progress=progress))
        shown = capsys.readouterr()
        assert shown.out == "" and ("translator" in shown.err) == (progress is not None)
    assert found[0] == found[1]
