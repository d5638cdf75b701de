"""Recorded results: what does not fit into the minute that a lesson may take (several seeds, sizes, long training).

An experiment is a function that computes one row, registered in the module that defines it::

    @experiment("depth", rows=[{"layers": 1}, {"layers": 2}], seeds=(0, 1, 2), depends=(Pointer, train, crossing))
    def depth(seed: int, layers: int) -> dict[str, float]:
        …
        return {"accuracy": …}

``course measure depth`` computes every row for every seed and writes ``results/depth.json`` with a hash of the code
that made it. A lesson reads it by :func:`recorded`, which refuses the figures of other code.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import io
import json
import math
import os
import platform
import re
import tempfile
import textwrap
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"
PACKAGE = "course_lib"
#: Parts of the package that say or compare things and cannot change a figure.
NO_FIGURES = (
    "course_lib.language",
    "course_lib.results",
    "course_lib.claims",
    "course_lib.parity",
    "course_lib.figures",
)
_experiments: dict[str, Experiment] = {}


class StaleResult(RuntimeError):
    """A recorded result is missing, or was made by other code than the present."""


@dataclass(frozen=True)
class Experiment:
    """A registered experiment; ``function(seed=…, **row)`` returns the figures of one row."""

    name: str
    function: Callable[..., dict[str, float]]
    rows: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    depends: tuple[Any, ...]
    tolerance: float


def experiment(
    name: str,
    *,
    rows: Sequence[dict[str, Any]] = ({},),
    seeds: Sequence[int] = (0,),
    depends: Sequence[Any] = (),
    tolerance: float = 1e-6,
) -> Callable[[Callable], Callable]:
    """Register the decorated function as the experiment ``name``.

    Args:
        name: words in lower case joined by hyphens; the name of the JSON file.
        rows: the arguments of each row.
        seeds: every row is computed with each of them.
        depends: the functions, classes, modules and values of the course that the figures depend on: a change of their
            code makes the result stale. What the code uses directly must stand here, see :func:`code_hash`. A module
            may
            name itself: ``sys.modules[__name__]``.
        tolerance: how far a recomputed figure may be from the recorded one, relative to 1 or to the figure if larger;
            training amplifies the last bits, which differ between CPUs.

    Raises:
        ValueError: if the name is not made of words, or there is nothing to compute.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"{name!r}: a name is words in lower case joined by hyphens")
    if not rows or not seeds:
        raise ValueError(f"{name}: no rows or no seeds: nothing to compute")

    def register(function: Callable) -> Callable:
        _experiments[name] = Experiment(name, function, tuple(rows), tuple(seeds), tuple(depends), tolerance)
        return function

    return register


def _definitions() -> Iterator[tuple[str, str]]:
    """``(name, module)`` of every experiment of the package, found in its text: importing everything takes seconds."""
    root = Path(__file__).resolve().parent
    for path in sorted(root.rglob("*.py")):
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^@(?:results\.)?experiment\(\s*[\"']([^\"']+)[\"']", text, re.MULTILINE):
            parts = path.relative_to(root.parent).with_suffix("").parts
            yield name, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names() -> list[str]:
    """The names of all experiments of the course."""
    return sorted({name for name, _ in _definitions()})


def find(name: str) -> Experiment:
    """The experiment of this name; imports the module that defines it.

    Raises:
        KeyError: if there is none.
    """
    if name not in _experiments:
        for known, module in _definitions():
            if known == name:
                importlib.import_module(module)
    if name not in _experiments:
        raise KeyError(f"no experiment {name!r}: there are {', '.join(names()) or 'none'}")
    return _experiments[name]


# --------------------------------------------------------------------------------------------------------- the hash


def _meaning(thing: Any) -> str:
    """What of a dependency can change a figure: its source without comments, docstrings and blank lines.

    The text, not the syntax tree: how Python prints a tree differs between its versions.

    Raises:
        ValueError: for a thing that is printed with its place in memory, such as a function under ``functools.cache``: the
            hash would differ from process to process.
    """
    if not isinstance(thing, (ModuleType, FunctionType, type)):
        if re.search(r" at 0x[0-9a-f]+", repr(thing)):
            raise ValueError(
                f"depends: {thing!r} cannot be told by its text; name the function itself, without a wrapper"
            )
        return repr(thing)
    source = textwrap.dedent(inspect.getsource(thing))
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                lines[first.lineno - 1 : first.end_lineno] = [""] * (first.end_lineno - first.lineno + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _globals_read(thing: Any) -> dict[str, Any]:
    """The module-level names that a function, class or module of the course reads, with what they stand for."""
    if isinstance(thing, ModuleType):
        return {name: value for name, value in vars(thing).items() if not name.startswith("__")}
    functions = (
        [thing]
        if isinstance(thing, FunctionType)
        else [getattr(f, "fget", None) or getattr(f, "__func__", f) for f in vars(thing).values()]
    )
    found: dict[str, Any] = {}
    for function in functions:
        code = getattr(function, "__code__", None)
        stack = [code] if code else []
        while stack:
            current = stack.pop()
            stack += [c for c in current.co_consts if isinstance(c, CodeType)]
            found |= {n: function.__globals__[n] for n in current.co_names if n in function.__globals__}
    for base in getattr(thing, "__mro__", ())[1:]:
        found[base.__name__] = base
    return found


def _home(thing: Any) -> str | None:
    """The module of the course that a thing comes from, or None."""
    name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    if not isinstance(thing, (ModuleType, FunctionType, type)) or not isinstance(name, str):
        return None
    inside = name == PACKAGE or name.startswith(f"{PACKAGE}.")
    return name if inside and not name.startswith(NO_FIGURES) else None


def undeclared(one: Experiment) -> list[str]:
    """What the experiment and its dependencies use of the course directly, without its being named as a dependency.

    Functions, classes and modules of the course count, and plain values that are constants (written in capitals).
    """
    modules = {d.__name__ for d in one.depends if isinstance(d, ModuleType)}
    declared = {id(d) for d in one.depends} | {id(one.function)}
    missing: dict[str, None] = {}
    for thing in (one.function, *one.depends):
        if _home(thing) is None and thing is not one.function:
            continue
        for name, value in _globals_read(thing).items():
            constant = re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name) and not isinstance(thing, ModuleType)
            constant = constant and isinstance(value, (bool, int, float, str, tuple, frozenset))
            if constant and not any(type(value) is type(d) and value == d for d in one.depends):
                if getattr(thing, "__module__", "") not in modules:
                    missing[f"{thing.__name__} uses {name} = {value!r}"] = None
            elif _home(value) and id(value) not in declared and _home(value) not in modules:
                missing[f"{thing.__name__} uses {name} of {_home(value)}"] = None
    return list(missing)


def code_hash(name: str) -> str:
    """A hash of everything that decides the figures: the experiment's code, its dependencies, rows and seeds.

    Raises:
        KeyError: if there is no such experiment.
        ValueError: if something that the code uses is not named as a dependency; the hash would not notice its change.
    """
    one = find(name)
    missing = undeclared(one)
    if missing:
        raise ValueError(f"experiment {name}: not named in depends: {'; '.join(missing)}")
    parts = [repr(one.rows), repr(one.seeds), *map(_meaning, (one.function, *one.depends))]
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:16]


# ----------------------------------------------------------------------------------------------- measuring and reading


def path_of(name: str) -> Path:
    """The file of a recorded result."""
    return FOLDER / f"{name}.json"


def _compute(one: Experiment, row: dict[str, Any], seed: int) -> dict[str, Any]:
    figures = one.function(seed=seed, **row)
    for key, value in figures.items():
        if key in row or key == "seed":
            raise ValueError(f"experiment {one.name}: the figure {key!r} has the name of an argument")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"experiment {one.name}: {key} is {value} for {row}, seed {seed}")
    return {**row, "seed": seed, **{k: round(v, 6) if isinstance(v, float) else v for k, v in figures.items()}}


def measure(name: str, *, report: Callable[[str], None] = print) -> Path:
    """Compute every row of an experiment with every seed and write its file, whole or not at all.

    Args:
        name: of a registered experiment.
        report: called with each finished row in words.

    Raises:
        KeyError: if there is no such experiment.
        ValueError: if its dependencies are not all named, or a figure is not finite.
    """
    one = find(name)
    code = code_hash(name)
    rows = []
    for row in one.rows:
        for seed in one.seeds:
            rows.append(_compute(one, row, seed))
            report(" · ".join(f"{k} {v}" for k, v in rows[-1].items()))
    versions = {"python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in ("numpy", "torch")}
    content = {"name": name, "code": code, "seeds": list(one.seeds), "versions": versions, "rows": rows}
    FOLDER.mkdir(exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=FOLDER, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path_of(name))
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path_of(name)


def recorded(name: str) -> dict[str, Any]:
    """A recorded result: ``{"name", "code", "seeds", "versions", "rows"}``, a row being arguments, seed and figures.

    Raises:
        KeyError: if there is no such experiment.
        StaleResult: if it was never measured, or its code changed since.
    """
    if not path_of(name).exists():
        find(name)
        raise StaleResult(f"the result {name} was never measured: run `course measure {name}`")
    content = json.loads(path_of(name).read_text(encoding="utf-8"))
    if content["code"] != code_hash(name):
        raise StaleResult(f"the result {name} was made by other code: run `course measure {name}`")
    return content


def recomputed_differences(name: str, index: int = 0) -> list[str]:
    """Compute one recorded row again; the figures that are further off than the experiment's tolerance, in words.

    Raises:
        StaleResult: as :func:`recorded`.
    """
    one, old = find(name), recorded(name)["rows"][index]
    arguments = {key: old[key] for key in one.rows[index // len(one.seeds)]}
    new = _compute(one, arguments, old["seed"])
    found = []
    for key, value in old.items():
        if isinstance(value, float):
            same = abs(new[key] - value) <= one.tolerance * max(1.0, abs(value))
        else:
            same = new.get(key) == value
        if not same:
            found.append(f"{name}, row {index}: {key} was {value}, is {new.get(key)}")
    return found
