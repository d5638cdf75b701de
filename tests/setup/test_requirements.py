"""pyproject.toml, environment.yml and requirements.lock say the same, and what is imported is what is declared."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME, DEV = PROJECT["dependencies"], PROJECT["optional-dependencies"]["dev"]

STARTED_NOT_IMPORTED = {"ipywidgets", "jupyterlab", "pytest-xdist", "ruff"}
"""Programs and plugins: they are run, and no line of ours imports them (ipywidgets is loaded by JupyterLab)."""

BUILD_ONLY = {
    f"course_lib/{name}.py" for name in ("lessons", "notebook_pairs", "notebook_rules", "reading_time", "validation")
}
"""Modules that only the ``build``, ``check`` and ``test`` commands import: they may need the ``dev`` extra."""

PEERS = {"course_lib/word_vector_quality.py": {"gensim"}}
"""What ``course measure`` compares the course with, by the module of the experiment; no lesson imports it."""


def pins(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), f"not an exact public version: {line!r}"
    return dict(line.split("==") for line in lines)


LOCK = pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def test_conda_installs_what_pyproject_declares():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, section = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}" and pip == "pip"
    assert section["pip"][0] == "--constraint requirements.lock" and section["pip"][-1] == "--editable ."
    assert section["pip"][1:-1] == [*RUNTIME, *DEV]


def test_the_declarations_are_in_order_and_have_lower_bounds_only():
    for group in (RUNTIME, DEV):
        assert group == sorted(group, key=lambda line: line.split(">=")[0])
        assert all(re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", line) for line in group)
    assert not set(RUNTIME) & set(DEV)


def test_the_lock_is_sorted_exact_and_of_no_machine():
    assert list(LOCK) == sorted(LOCK)
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"nvidia|triton|cuda|\+cpu|file:|/", re.sub(r"(?m)^#.*$", "", text))
    assert LOCK["torch"] == "2.13.0"


@pytest.mark.parametrize("spoiled", ["torch==2.13.0+cpu", "torch @ file:///x.whl", "torch>=2.13", "-e .", "numpy==2.*"])
def test_an_inexact_lock_is_noticed(spoiled):
    with pytest.raises(AssertionError, match="not an exact public version"):
        pins(spoiled)


@pytest.mark.parametrize("line", [*RUNTIME, *DEV])
def test_the_lock_satisfies_every_declaration(line):
    requirement = Requirement(line)
    assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier


def tools_lock():
    spec = importlib.util.spec_from_file_location("lock", ROOT / "tools" / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_holds_everything_that_is_needed_in_turn():
    lock = tools_lock()
    needed = set(lock.closure(lock.declared()))
    assert needed - set(LOCK) == set()
    if sys.platform == "linux":
        assert set(LOCK) - needed == set(), "no longer needed: run tools/lock.py"


def test_tools_lock_cuts_a_local_version(monkeypatch):
    lock = tools_lock()
    real = metadata.distribution("nh3")
    fake = type("Fake", (), {"version": f"{real.version}+cpu", "requires": None})
    monkeypatch.setattr(lock.metadata, "distribution", lambda name: fake)
    assert lock.closure([Requirement("nh3")]) == {"nh3": Version(real.version)}


def imports(path: Path) -> Iterator[str]:
    """The packages, neither ours nor of the standard library, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            continue
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in ("course_lib", "tests", "tools"):
                yield top


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


DISTRIBUTIONS = metadata.packages_distributions()


def distributions(module: str) -> set[str]:
    return {canonicalize_name(name) for name in DISTRIBUTIONS.get(module, ())}


def declared(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


@pytest.mark.parametrize("path", sources("course_lib"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_package_imports_only_what_is_declared(path):
    name = path.relative_to(ROOT).as_posix()
    allowed = declared(RUNTIME) | (declared(DEV) if name in BUILD_ONLY else PEERS.get(name, set()))
    for module in set(imports(path)):
        assert distributions(module) & allowed, f"{module} is not among the runtime dependencies of pyproject.toml"


@pytest.mark.parametrize("path", [*sources("tests", "tools"), ROOT / "conftest.py"], ids=lambda path: path.name)
def test_tests_and_tools_import_only_what_is_declared(path):
    beside = {other.stem for other in path.parent.glob("*.py")} | {"conftest"}
    for module in set(imports(path)) - beside:
        assert distributions(module) & declared([*RUNTIME, *DEV]), f"{module} is not declared in pyproject.toml"


def test_every_declared_dependency_is_used():
    used = {
        name
        for path in [*sources("course_lib", "notebooks/source", "tests", "tools"), ROOT / "conftest.py"]
        for module in imports(path)
        for name in distributions(module)
    }
    plugins = {"nbval"}  # loaded by pytest, named in its options
    assert declared([*RUNTIME, *DEV]) - used - STARTED_NOT_IMPORTED - plugins == set()
