"""The set-up of a fresh clone: what it runs, when it runs nothing, and what it says when it cannot go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import bootstrap

PYPROJECT = """
[build-system]
requires = ["setuptools"]
[project]
name = "course-lib"
dependencies = ["numpy"]
[project.optional-dependencies]
dev = ["pytest"]
[tool.pytest.ini_options]
addopts = "-q"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone with a space"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (root / "requirements.lock").write_text("numpy==2.0\n", encoding="utf-8")
    return root


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands the set-up runs; instead of running, ``venv`` leaves an interpreter and pip does nothing."""
    ran: list[list[str]] = []

    def run(command, cwd, failure):
        ran.append(command)
        if "venv" in command:
            python = bootstrap.environment_python(cwd)
            python.parent.mkdir(parents=True)
            python.write_text("", encoding="utf-8")

    monkeypatch.setattr(bootstrap, "_run", run)
    monkeypatch.setattr(bootstrap, "_works", lambda python: python.exists())
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    return ran


def test_first_start_creates_and_installs_the_second_does_nothing(clone, commands):
    python = bootstrap.set_up(clone, dev=False)
    assert python == bootstrap.environment_python(clone)
    assert [("venv" in c, "pip" in c) for c in commands] == [(True, False), (False, True)]
    assert commands[1][-2:] == ["--editable", "."]
    assert commands[1][commands[1].index("--constraint") + 1] == "requirements.lock"
    commands.clear()
    assert bootstrap.set_up(clone, dev=False) == python
    assert commands == []


def test_the_test_tools_are_added_when_first_needed_and_then_kept(clone, commands):
    bootstrap.set_up(clone, dev=False)
    commands.clear()
    bootstrap.set_up(clone, dev=True)
    assert [c[-1] for c in commands] == [".[dev]"]
    commands.clear()
    bootstrap.set_up(clone, dev=False)
    assert commands == []
    (clone / "requirements.lock").write_text("numpy==2.1\n", encoding="utf-8")
    bootstrap.set_up(clone, dev=False)
    assert [c[-1] for c in commands] == [".[dev]"], "an update must bring the test tools along"


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        ("requirements.lock", "2.0", "2.1", True),
        ("pyproject.toml", '["numpy"]', '["numpy", "rich"]', True),
        ("pyproject.toml", '"setuptools"', '"setuptools>=77"', True),
        ("pyproject.toml", '"-q"', '"-qq"', False),
    ],
)
def test_only_what_is_installed_counts(clone, commands, file, old, new, again):
    bootstrap.set_up(clone, dev=False)
    commands.clear()
    path = clone / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    bootstrap.set_up(clone, dev=False)
    assert bool(commands) is again
    assert not any("venv" in c for c in commands), "an environment that works is not made again"


def test_a_moved_clone_is_installed_again(clone, commands):
    bootstrap.set_up(clone, dev=False)
    commands.clear()
    moved = clone.rename(clone.with_name("moved"))
    bootstrap.set_up(moved, dev=False)
    assert len(commands) == 1


def test_an_interrupted_installation_does_not_look_finished(clone, commands, monkeypatch):
    def interrupted(command, cwd, failure):
        raise KeyboardInterrupt

    bootstrap.set_up(clone, dev=False)
    (clone / "requirements.lock").write_text("numpy==2.1\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.set_up(clone, dev=False)
    (clone / "requirements.lock").write_text("numpy==2.0\n", encoding="utf-8")  # as when it was last finished
    assert not bootstrap.is_current(clone, dev=False)


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"hash": 1, "dev": true}'])
def test_a_spoiled_stamp_counts_as_none(clone, commands, stamp):
    bootstrap.set_up(clone, dev=False)
    (clone / ".venv" / "course-stamp.json").write_text(stamp, encoding="utf-8")
    assert not bootstrap.is_current(clone, dev=False)


def test_torch_comes_from_the_named_index_and_nothing_else_does(clone, commands, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/cpu")
    bootstrap.set_up(clone, dev=False)
    torch, rest = commands[1:]
    assert torch[torch.index("--index-url") + 1] == "https://example.org/cpu"
    assert torch[-2:] == ["--no-deps", "torch"] and "--constraint" in torch
    assert "--index-url" not in rest


def test_a_failed_command_is_one_line(clone, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "ROOT", clone)
    monkeypatch.setattr(bootstrap, "is_installed_here", lambda root: False)
    monkeypatch.setattr(sys, "executable", str(clone / "no-such-python"))
    assert bootstrap.main(["deck"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("course: cannot create .venv") and error.count("\n") == 1


def test_an_old_python_is_told_so_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2, "final", 0))
    assert bootstrap.main(["lab"]) == 1
    error = capsys.readouterr().err
    assert "3.11 or newer" in error and "3.9" in error and error.count("\n") == 1


def test_help_on_a_bare_machine_installs_nothing(clone, commands, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "ROOT", clone)
    monkeypatch.setattr(bootstrap, "is_installed_here", lambda root: False)
    for arguments in ([], ["--help"]):
        assert bootstrap.main(arguments) == 0
        assert "lab" in capsys.readouterr().out
    assert commands == []


def test_the_command_starts_again_in_the_environment(clone, commands, monkeypatch):
    started = []
    monkeypatch.setattr(bootstrap, "ROOT", clone)
    monkeypatch.setattr(bootstrap, "is_installed_here", lambda root: False)
    monkeypatch.setattr(bootstrap, "_start_again", lambda python, arguments: started.append((python, arguments)) or 7)
    assert bootstrap.main(["test", "--all"]) == 7
    assert started == [(bootstrap.environment_python(clone), ["test", "--all"])]
    assert commands[-1][-1] == ".[dev]", "`test` needs the test tools"


def test_another_clones_installation_is_not_ours(clone, monkeypatch):
    """Only site-packages count, and only an editable installation of this very folder."""
    site = clone / "site-packages"
    info = site / "course_lib-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: course-lib\nVersion: 0.1.0\n", encoding="utf-8")
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(site))
    assert not bootstrap.is_installed_here(clone)
    for url, ours in [(clone.as_uri(), True), (clone.with_name("other").as_uri(), False)]:
        (info / "direct_url.json").write_text(json.dumps({"url": url}), encoding="utf-8")
        assert bootstrap.is_installed_here(clone) is ours


def test_the_bootstrap_imports_the_standard_library_only():
    """On a bare machine nothing else is there."""
    probe = (
        "import sys; before = set(sys.modules); import course_lib.bootstrap, course_lib.__main__;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    environment = dict(os.environ, PYTHONPATH=str(bootstrap.ROOT))
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=environment)
    assert answer.stdout.split() == ["course_lib"]
