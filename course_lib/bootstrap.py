"""The set-up of a fresh clone, with the standard library only: the one place that ``make`` and ``python -m`` share.

``python -m course_lib COMMAND`` (which is all the Makefile calls) makes ``.venv``, installs the versions of
requirements.lock and the package itself, and starts again inside it. A stamp in ``.venv`` holds a hash of everything
that decides what is installed, so that a second start only compares two hashes.

An environment of your own, in which this clone is installed (conda, for example), is used as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The clone."""

PYTHON = (3, 11)
"""The oldest Python that the course runs on."""

DEV_COMMANDS = ("bench", "build", "check", "contact-sheet", "measure", "test")
"""Commands that need the ``dev`` extra: whoever only learns does not install the test tools."""

USAGE = """\
usage: python -m course_lib COMMAND [--help]

  lab       open the lessons in JupyterLab, in a working copy of your own
  test      run everything that must hold: code, notebooks, cards
  deck      compile the flashcards, or a note of your own, into Anki decks
  check     run lessons again and compare every output with the stored one
  build     execute the sources of lessons into notebooks
  claims    show what the notes said, and what was found
  reset     get a clean copy of a lesson back
  progress  show what you have done, and which cards come next
  measure   compute a recorded result again
  bench     measure the engines beside the field's libraries
  contact-sheet   draw every card as a phone shows it

The first command sets the course up in .venv, which takes a few minutes; TORCH_INDEX names
another index for PyTorch (https://download.pytorch.org/whl/cpu spares a Linux machine without GPU the CUDA wheels)."""


class SetUpError(Exception):
    """The environment cannot be set up; the message is one line, for the learner."""


def environment_python(root: Path) -> Path:
    """The interpreter of the clone's own environment, whether it exists or not."""
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(root: Path) -> str:
    """A hash of everything that decides what is installed: lock, dependencies, and the clone's place.

    The place counts because an editable install and the scripts of an environment hold absolute paths.
    """
    import tomllib  # here, not above: a Python older than 3.11 must get as far as the message that says so

    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [
        (root / "requirements.lock").read_text(encoding="utf-8"),
        json.dumps([pyproject["project"], pyproject["build-system"]], sort_keys=True),
        str(root),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def is_current(root: Path, *, dev: bool) -> bool:
    """Whether ``.venv`` holds what the clone asks for now (with the ``dev`` extra, if ``dev``)."""
    try:
        stamp = json.loads((root / ".venv" / "course-stamp.json").read_text(encoding="utf-8"))
        return stamp["hash"] == fingerprint(root) and stamp["dev"] >= dev and environment_python(root).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def set_up(root: Path, *, dev: bool) -> Path:
    """Bring ``.venv`` up to date if it is not, and return its interpreter.

    Raises:
        SetUpError: if the environment cannot be made or a package cannot be installed.
    """
    python = environment_python(root)
    if is_current(root, dev=dev):
        return python
    stamp = root / ".venv" / "course-stamp.json"
    # An environment that has the test tools keeps them: an update must not leave old versions of them behind.
    dev = dev or (stamp.exists() and '"dev": true' in stamp.read_text(encoding="utf-8"))
    stamp.unlink(missing_ok=True)  # an interrupted installation must not look finished
    if not _works(python):
        print(f"Creating {python.parents[1].name} with Python {sys.version.split()[0]} …", flush=True)
        _run(
            [sys.executable, "-m", "venv", "--clear", str(root / ".venv")],
            root,
            "cannot create .venv (on Debian and Ubuntu, install python3-venv first)",
        )
    print("Installing the course and what it needs; the first time this takes a few minutes …", flush=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--constraint", "requirements.lock"]
    if not sys.stdout.isatty():
        pip.append("-qq")  # a log needs errors only
    index = os.environ.get("TORCH_INDEX", "").strip()
    if index:
        _run([*pip, "--index-url", index, "--no-deps", "torch"], root, f"cannot install torch from {index}")
    _run([*pip, "--editable", ".[dev]" if dev else "."], root, "the installation failed: see the lines above")
    stamp.write_text(json.dumps({"hash": fingerprint(root), "dev": dev}) + "\n", encoding="utf-8")
    return python


def _works(python: Path) -> bool:
    """Whether ``python`` runs, is new enough, and has pip: an interrupted set-up leaves an environment without it."""
    probe = f"import pip, sys; sys.exit(sys.version_info < {PYTHON})"
    try:
        return subprocess.run([str(python), "-c", probe], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _run(command: list[str], root: Path, failure: str) -> None:
    try:
        subprocess.run(command, cwd=root, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SetUpError(failure) from None


def runs_inside(root: Path) -> bool:
    """Whether this interpreter is that of the clone's own ``.venv``."""
    try:
        return os.path.samefile(sys.prefix, root / ".venv")
    except OSError:
        return False


def is_installed_here(root: Path) -> bool:
    """Whether this interpreter's environment has this very clone installed: then its owner looks after it.

    Only the site-packages are searched: the clone itself, which stands on the path of ``python -m``, holds metadata
    too once it was installed anywhere.
    """
    import sysconfig
    from importlib import metadata

    places = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    for distribution in metadata.distributions(name="course-lib", path=places):
        origin = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
        if origin == root.as_uri():
            return True
    return False


def main(arguments: list[str] | None = None) -> int:
    """Set the course up if need be, then run the ``course`` command with ``arguments``."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if sys.version_info < PYTHON:  # noqa: UP036 - the reader of this line may well run an older one
        wanted, found = ".".join(map(str, PYTHON)), ".".join(map(str, sys.version_info[:2]))
        print(
            f"course: Python {wanted} or newer is needed, this is {found} (make lab PYTHON=python{wanted})",
            file=sys.stderr,
        )
        return 1
    dev = bool(arguments) and arguments[0] in DEV_COMMANDS
    own = runs_inside(ROOT) or not is_installed_here(ROOT)
    if own and (not arguments or arguments[0] in ("-h", "--help")) and not is_current(ROOT, dev=False):
        print(USAGE)
        return 0
    if own:
        try:
            python = set_up(ROOT, dev=dev)
        except SetUpError as error:
            print(f"course: {error}", file=sys.stderr)
            return 1
        if not runs_inside(ROOT):
            return _start_again(python, arguments)
    from course_lib.cli import main as course

    return course(arguments)


def _start_again(python: Path, arguments: list[str]) -> int:
    command = [str(python), "-m", "course_lib", *arguments]
    if os.name != "nt":
        os.execv(command[0], command)
    # Windows has no exec: the shell would take over while the new process still runs.
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:  # the new process got it too, and ends in its own way
        return process.wait()
