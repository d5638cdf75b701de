"""The runner takes turns, computes what it says, and judges nothing; the benchmarks run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import run as runner
from interleaving import Contender, Race, Times, ratio, run, table


def clocked(seconds: dict[str, list[float]]):
    """Contenders that take the given seconds, round by round, and the clock that says so; and who ran when."""
    now, ran = [0.0], []

    def contender(name: str) -> Contender:
        left = iter(seconds[name])

        def work():
            now[0] += next(left)
            ran.append(name)

        return Contender(name, work, goal=None if name == "peer" else 2.0)

    race = Race("a job", 100, "words", [contender(name) for name in seconds])
    return race, lambda: now[0], ran


def test_turns_are_taken_and_every_round_begins_with_another():
    race, clock, ran = clocked({"peer": [4, 8, 40], "ours": [1, 4, 5]})
    times = run(race, 3, clock=clock, processor=lambda: 2 * clock())
    assert ran == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert [one.wall for one in times] == [[4, 8, 40], [1, 4, 5]]
    assert times[1].processor == [2, 8, 10]
    # Ratios are taken within a round: 4, 2 and 8.
    assert ratio(times[0].wall, times[1].wall) == 4
    text = table(race, times, 3).splitlines()
    assert text[1].split() == ["peer", "12", "1.00", "1.00"]
    assert text[2].split() == ["ours", "25", "4.00", "4.00", "goal", "2.00"]


def test_who_fails_is_left_out_and_named():
    race, clock, ran = clocked({"peer": [1, 1], "ours": [1, 1]})

    def absent():
        raise ModuleNotFoundError("No module named 'gensim'")

    broken = Race(race.title, race.work, race.unit, [Contender("peer", absent), race.contenders[1]])
    times = run(broken, 2, clock=clock, processor=clock)
    assert ran == ["ours", "ours"] and times[0] == Times(error="ModuleNotFoundError: No module named 'gensim'")
    text = table(broken, times, 2).splitlines()
    assert "did not run: ModuleNotFoundError" in text[1]
    assert text[2].split() == ["ours", "100", "goal", "2.00"]


def test_slowness_is_no_failure_but_an_error_of_ours_is(monkeypatch, capsys):
    race, clock, _ = clocked({"peer": [1], "ours": [50]})
    monkeypatch.setattr(runner, "names", lambda: ["planted"])
    planted = type(sys)("bench_planted")
    monkeypatch.setitem(sys.modules, "bench_planted", planted)
    planted.races = lambda quick: [race]
    assert runner.main(["--rounds", "1"]) == 0
    planted.races = lambda quick: [Race("a job", 1, "words", [Contender("ours", lambda: 1 / 0, goal=1.0)])]
    assert runner.main(["planted"]) == 1
    assert "ours" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        runner.main(["unknown"])
    with pytest.raises(SystemExit):
        runner.main(["--rounds", "0"])


def test_who_computes_something_else_does_not_race(monkeypatch):
    import bench_gpt
    import torch

    job = bench_gpt.quickly(bench_gpt.SMALL)
    ours, batch = bench_gpt.model(job), bench_gpt.tokens(2, 9, vocabulary=job.vocabulary)

    def training(**changes: float) -> bench_gpt.Training:
        nano = bench_gpt.NanoLike(ours)
        with torch.no_grad():
            for name, factor in changes.items():
                getattr(nano.blocks[1].project, name).mul_(factor).add_(factor - 1)
        return bench_gpt.Training(nano, bench_gpt.cross_entropy, [batch], steps=2)

    racing = training()
    clear = bench_gpt.Training(bench_gpt.model(job), bench_gpt.cross_entropy, [batch], steps=2)
    several = {"ours": (clear, None), "same": (racing, None)}
    before = racing.loss()
    bench_gpt.contenders(several, 1e-5)[1].run()
    assert racing.loss() < before and clear.loss() == pytest.approx(before, abs=1e-5)
    with pytest.raises(ValueError, match="different losses: .*'other'"):
        bench_gpt.contenders({"ours": (clear, None), "other": (training(weight=1.5), None)}, 1e-5)
    bench_gpt.writing_race(job, 2, 1.0)
    monkeypatch.setattr(bench_gpt.NanoLike, "generate", lambda self, prompt, count: prompt[:, :1].repeat(1, count))
    with pytest.raises(ValueError, match="other tokens than transformers .*: NanoLike, no cache$"):
        bench_gpt.writing_race(job, 2, 1.0)


@pytest.mark.slow
def test_every_benchmark_runs():
    command = [sys.executable, Path(runner.__file__), "--quick", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "did not run" not in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("ours") >= 2
