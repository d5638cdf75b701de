"""Our speed beside that of the field's libraries.

    python tests/benchmarks/run.py [NAME …] [--rounds N] [--quick]

A benchmark prints figures and judges none: the exit status is 0 however slow the machine is, 1 if one of ours did not run.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that are named, or all."""
    # Before NumPy and PyTorch start threads of their own: ours and a peer's one worker are compared on one core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help=f"{', '.join(names())}; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender has its turn (5)")
    parser.add_argument("--quick", action="store_true", help="a small job, to see that it runs")
    options = parser.parse_args(arguments)
    if unknown := set(options.name) - set(names()):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: there are {', '.join(names())}")
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    sys.path.insert(0, str(FOLDER))
    sys.path.insert(0, str(FOLDER.parents[1]))
    import interleaving

    failed = False
    for name in options.name or names():
        for race in importlib.import_module(f"bench_{name}").races(options.quick):
            times = interleaving.run(race, options.rounds)
            print(interleaving.table(race, times, options.rounds), flush=True)
            failed |= any(one.error and them.goal is not None for them, one in zip(race.contenders, times, strict=True))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
