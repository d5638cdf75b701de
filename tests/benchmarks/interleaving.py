"""Speed compared fairly on a machine that is never quite quiet: by turns, in medians, and as ratios.

A benchmark is a file ``bench_*.py`` beside this one with a function ``races(quick)`` that yields :class:`Race`. All of them
are run by ``python tests/benchmarks/run.py``.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contender:
    """One way to do the job.

    Attributes:
        name: with the version, for a peer.
        run: does the whole job once.
        goal: how many times as fast as the race's first contender it is meant to be; None for a peer.
    """

    name: str
    run: Callable[[], object]
    goal: float | None = None


@dataclass(frozen=True)
class Race:
    """A job and those who do it.

    Attributes:
        title: what the job is.
        work: how much of it there is, in ``unit``.
        unit: as ``"words"``.
        contenders: the one that the others are compared with first.
    """

    title: str
    work: float
    unit: str
    contenders: Sequence[Contender]


@dataclass
class Times:
    """The seconds of one contender, round by round, or what kept it from running."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    error: str = ""


def run(race: Race, rounds: int, *, clock=time.perf_counter, processor=time.process_time) -> list[Times]:
    """All contenders by turns, round after round, each round beginning with another one.

    A contender that fails is left out from then on, and its error kept.
    """
    times = [Times() for _ in race.contenders]
    for turn in range(rounds):
        for place in range(len(times)):
            number = (turn + place) % len(times)
            if times[number].error:
                continue
            gc.collect()
            wall, spent = clock(), processor()
            try:
                race.contenders[number].run()
            except Exception as error:
                times[number].error = f"{type(error).__name__}: {error}"
                continue
            times[number].wall.append(clock() - wall)
            times[number].processor.append(processor() - spent)
    return times


def ratio(first: Sequence[float], other: Sequence[float]) -> float:
    """How many times as fast the other one is: the median over rounds, in each of which both met the same machine."""
    return statistics.median(a / b for a, b in zip(first, other, strict=True))


def table(race: Race, times: Sequence[Times], rounds: int) -> str:
    """The race in words: a line for each contender."""
    lines = [
        f"{race.title}: {race.unit}/s, the median of {rounds} rounds, and ratios to the first by wall and processor time"
    ]
    first = times[0]
    for contender, one in zip(race.contenders, times, strict=True):
        if one.error:
            lines.append(f"  {contender.name:32} did not run: {one.error}")
            continue
        line = f"  {contender.name:32} {race.work / statistics.median(one.wall):12,.0f}"
        if not first.error:
            line += f"   {ratio(first.wall, one.wall):5.2f} {ratio(first.processor, one.processor):5.2f}"
        if contender.goal is not None:
            line += f"   goal {contender.goal:.2f}"
        lines.append(line)
    return "\n".join(lines)
