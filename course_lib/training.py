"""The one training loop of the course: fresh data in every step, Adam, a schedule for the rate, and a stop when it diverges.

Nothing random happens here. What a step draws is the caller's, who draws it by the number of the step, so that a run
depends on nothing but the seed of the initial weights and the seeds of the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_lib.language import say

Schedule = Callable[[int, int], float]
"""From the number of a step, 0 first, and the number of all steps to the factor of the learning rate."""


class Diverged(ArithmeticError):
    """Training was stopped: the loss or the gradient is no longer a number.

    Attributes:
        losses: of the steps before, all finite.
    """

    def __init__(self, message: str, losses: list[float]) -> None:
        super().__init__(message)
        self.losses = losses


# -------------------------------------------------------------------------------------------------------- schedules


def constant(step: int, steps: int) -> float:
    """The same rate in every step."""
    return 1.0


def falling(step: int, steps: int) -> float:
    """From the full rate in a straight line to zero after the last step."""
    return 1 - step / steps


def warm(warm_up: int, then: Schedule = constant) -> Schedule:
    """The factor of ``then``, which over the first steps comes in by and by: times 1/w, 2/w, … 1 for w = ``warm_up``.

    Raises:
        ValueError: if ``warm_up`` is negative; 0 is none.
    """
    if warm_up < 0:
        raise ValueError(f"the rate rises over 0 steps or more, not {warm_up}")
    return lambda step, steps: min(1.0, (step + 1) / max(warm_up, 1)) * then(step, steps)


def inverse_root(d_model: int, warm_up: int) -> Schedule:
    """D^(−1/2) · min(s^(−1/2), s · w^(−3/2)) in step s = 1, 2, …: it rises over w = ``warm_up`` steps, then falls as 1/√s.

    Vaswani et al. 2017, "Attention Is All You Need", section 5.3, equation 3; the rate itself is then 1.

    Raises:
        ValueError: if D or w is less than 1.
    """
    if min(d_model, warm_up) < 1:
        raise ValueError(f"D and the steps of warm-up must be 1 or more, not {d_model} and {warm_up}")
    return lambda step, steps: d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * warm_up**-1.5)


# -------------------------------------------------------------------------------------------------------------- loop


def minimise(
    loss: Callable[[int], Tensor],
    parameters: Iterable[nn.Parameter],
    *,
    steps: int,
    rate: float,
    schedule: Schedule = falling,
    betas: tuple[float, float] = (0.9, 0.999),
    clip: float | None = None,
    after: Callable[[int], object] | None = None,
    progress: str | None = None,
) -> list[float]:
    """Adam on what ``loss`` gives, step by step.

    Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1, with PyTorch's ε.

    Args:
        loss: from the number of the step, 0 first, to a number with a gradient; it draws its own data.
        parameters: what is trained.
        steps: how many.
        rate: the learning rate where the schedule gives 1.
        schedule: of the rate.
        betas: β₁ and β₂.
        clip: the largest norm that the gradient of all parameters together may have; a longer one is scaled down to it
            (Pascanu, Mikolov & Bengio 2013, "On the Difficulty of Training Recurrent Neural Networks", algorithm 1).
        after: called with the number of each step when it is done, to look at what is trained.
        progress: the name of a progress bar on stderr; None for none.

    Returns:
        the loss of each step: the training curve.

    Raises:
        Diverged: in the step whose loss or gradient is infinite or not a number. The parameters are then as the step
            before has left them: the faulty step changes nothing.
    """
    parameters = list(parameters)
    optimizer = torch.optim.Adam(parameters, lr=rate, betas=betas)
    losses: list[float] = []
    with _bar(progress, steps) as advance:
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = rate * schedule(step, steps)
            value = loss(step)
            optimizer.zero_grad()
            value.backward()
            figure, length = value.item(), _clipped(parameters, clip)
            if not (math.isfinite(figure) and math.isfinite(length)):
                raise Diverged(_why(step, figure, length, losses, optimizer.param_groups[0]["lr"]), losses)
            optimizer.step()
            losses.append(figure)
            advance(figure)
            if after is not None:
                after(step)
    return losses


def _clipped(parameters: list[nn.Parameter], clip: float | None) -> float:
    """The norm of the gradient as it was; afterwards it is at most ``clip``."""
    if clip is None:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        return nn.utils.get_total_norm(gradients).item()
    return nn.utils.clip_grad_norm_(parameters, clip).item()


def _why(step: int, figure: float, length: float, losses: list[float], rate: float) -> str:
    last = ", ".join(f"{one:.4g}" for one in losses[-3:]) or "–"
    what = say("training.loss") if not math.isfinite(figure) else say("training.gradient")
    found = figure if not math.isfinite(figure) else length
    return say("training.diverged", step=step + 1, what=what, found=found, last=last, rate=f"{rate:.3g}")


@contextmanager
def _bar(name: str | None, steps: int) -> Iterator[Callable[[float], None]]:
    """What is to be called with the loss of each step; with a name it moves a bar."""
    if name is None:
        yield lambda figure: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = TextColumn("{task.fields[loss]}")
    with Progress(*columns, shown, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=steps, loss="")
        yield lambda figure: bar.update(task, advance=1, loss=say("training.bar", loss=f"{figure:.4f}"))
