"""Write requirements.lock from the environment this script runs in.

    .venv/bin/python tools/lock.py

The lock pins everything that pyproject.toml asks for, the ``dev`` extra included, and everything that these need in
turn. It serves as pip *constraints*: only what is needed on a machine is installed there, but always in this version.
A local version (``2.13.0+cpu``) is cut to its public part, so that the lock holds wherever PyTorch was taken from.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEADER = """\
# Exact versions for x86-64 Linux, CPython 3.11 and later; written by tools/lock.py, used as pip constraints:
#     pip install -c requirements.lock -e ".[dev]"
"""


def declared() -> list[Requirement]:
    """The requirements that pyproject.toml names: runtime and ``dev``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]


def closure(requirements: list[Requirement]) -> dict[str, Version]:
    """What ``requirements`` need, directly and in turn, as installed here: ``{canonical name: public version}``.

    Raises:
        importlib.metadata.PackageNotFoundError: if one of them is not installed.
    """
    found: dict[str, Version] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(requirement, extra) for requirement in requirements for extra in ("", *sorted(requirement.extras))]
    while queue:
        requirement, extra = queue.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        distribution = metadata.distribution(name)
        found[name] = Version(Version(distribution.version).public)
        for line in distribution.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                queue += [(needed, wanted) for wanted in ("", *sorted(needed.extras))]
    return found


def main() -> int:
    pins = "".join(f"{name}=={version}\n" for name, version in sorted(closure(declared()).items()))
    LOCK.write_text(HEADER + pins, encoding="utf-8")
    print(f"{LOCK.name}: {pins.count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
