"""The two ways in: make, and the script that a clean machine runs. Both only call the one set-up and the one test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = (
    "help",
    "lab",
    "progress",
    "test",
    "test-all",
    "deck",
    "contact-sheet",
    "build",
    "check",
    "claims",
    "bench",
    "clean",
)


def needs(program: str) -> None:
    if shutil.which(program) is None:
        assert not os.environ.get("COURSE_CI"), f"{program} is missing"
        pytest.skip(f"{program} is missing")


def planned(*arguments: str) -> str:
    """What make would run."""
    needs("make")
    return subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "PYTHON=py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_exists_and_is_no_file(target):
    assert planned(target)
    phony = re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    assert target in phony


def test_without_a_target_make_lists_them_all():
    assert planned() == planned("help")
    described = set(re.findall(r"make ([a-z-]+)", planned("help")))
    assert described == set(TARGETS) - {"help"}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["lab"], "py -m course_lib lab"),
        (["deck"], "py -m course_lib deck"),
        (["progress", "ARGS=--lang ru"], "py -m course_lib progress --lang ru"),
        (["contact-sheet", "ARGS=--lang ru"], "py -m course_lib contact-sheet --lang ru"),
        (["test"], "py -m course_lib test"),
        (["test-all"], "py -m course_lib test --all"),
        (["check", "ARGS=03"], "py -m course_lib check 03"),
        (["build", "ARGS=03 --refresh"], "py -m course_lib build 03 --refresh"),
        (["bench", "ARGS=word2vec --quick"], "py -m course_lib bench word2vec --quick"),
    ],
)
def test_a_target_runs_the_command_of_its_name(arguments, command):
    assert planned(*arguments).strip() == command


def test_the_torch_index_reaches_the_set_up(tmp_path):
    needs("make")
    answer = subprocess.run(
        ["make", "-s", "deck", "TORCH_INDEX=https://example.org/cpu", "PYTHON=env #"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "TORCH_INDEX=https://example.org/cpu" in answer.stdout.splitlines()


def test_clean_keeps_the_environment_and_the_working_copy(tmp_path):
    needs("make")
    kept = [".venv/lib/__pycache__/a.pyc", "work/03_attention.ipynb", "notebooks/03_attention.ipynb"]
    removed = ["build/transformers-en.apkg", "course_lib/__pycache__/a.pyc", ".ruff_cache/a", ".pytest_cache/a"]
    for name in [*kept, *removed]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    subprocess.run(["make", "-s", "-f", str(ROOT / "Makefile"), "clean"], cwd=tmp_path, check=True)
    assert [(tmp_path / name).exists() for name in kept] == [True] * len(kept)
    assert [(tmp_path / name).exists() for name in removed] == [False] * len(removed)


@pytest.fixture
def machine(tmp_path):
    """A machine on which every program that .ci/run needs is a stub that writes down how it was called."""
    needs("bash")
    programs = tmp_path / "bin"
    programs.mkdir()

    def stub(name: str, body: str = "exit 0") -> None:
        path = programs / name
        path.write_text(f'#!{shutil.which("bash")}\necho "{name} $* CI=$COURSE_CI" >>"{tmp_path}/calls"\n{body}\n')
        path.chmod(0o755)

    for name in ("make", "chromium", "node", "npm", "python3", "apt-get"):
        stub(name)
    for name in ("dirname", "id", "env"):
        (programs / name).symlink_to(shutil.which(name))
    stub("sudo", 'exec "$@"')

    def run() -> tuple[int, list[str]]:
        done = subprocess.run([shutil.which("bash"), str(ROOT / ".ci" / "run")], env={"PATH": str(programs)})
        return done.returncode, (tmp_path / "calls").read_text().splitlines()

    return type("Machine", (), {"stub": staticmethod(stub), "programs": programs, "run": staticmethod(run)})


def test_ci_tests_strictly_and_its_status_is_that_of_the_tests(machine):
    status, calls = machine.run()
    assert status == 0 and calls[-1] == "make test CI=1"
    machine.stub("make", "exit 2")
    assert machine.run()[0] == 2


def test_ci_installs_what_is_missing_before_it_tests(machine):
    for name in ("chromium", "npm"):
        (machine.programs / name).unlink()
    machine.stub("python3", "exit 1")  # no venv
    status, calls = machine.run()
    installed = next(call for call in calls if call.startswith("apt-get install"))
    assert {"chromium", "npm", "python3-venv"} <= set(installed.split()) and "nodejs" not in installed
    assert calls[-1] == "make test CI=1" and status == 0


def test_ci_stops_when_it_cannot_install(machine):
    (machine.programs / "chromium").unlink()
    machine.stub("apt-get", "exit 100")
    status, calls = machine.run()
    assert status == 100 and not any(call.startswith("make") for call in calls)


def test_the_workflow_runs_the_same_script():
    import yaml

    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert steps == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
