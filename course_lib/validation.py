"""Strict validation of notebooks, for people: ``course check`` runs lessons again and says which cell differs, and how.

What is compared, and how strictly, is the business of the root ``conftest.py`` and of :mod:`course_lib.notebook_rules`;
this module only runs that same validation with progress and puts its failures into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.language import LANGUAGES
from course_lib.lessons import ROOT, LessonError, Progress, plain, select


def check(lessons: Sequence[str | int] = (), *, lang: str | None = "en", show: int = 5) -> int:
    """Run lessons again and compare every output with the committed one: strict nbval; ``course check``.

    Args:
        lessons: names as :func:`course_lib.lessons.find` takes them; all written lessons by default.
        lang: the notebooks of one language, or of both if None.
        show: how many differences to print per notebook.

    Returns:
        0 if nothing differs, 1 if something does, 2 if there is no such lesson, otherwise pytest's exit status.
    """
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    try:
        chosen = select(lessons)
        paths = [lesson.notebook(one) for lesson in chosen for one in (LANGUAGES if lang is None else (lang,))]
        missing = [path for path in paths if not path.exists()]
        if missing or not paths:
            raise LessonError(
                f"there is no {missing[0].relative_to(ROOT) if missing else 'written lesson'}: run `course build`"
            )
    except LessonError as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        return 2
    return run_checks(paths, console=console, show=show)


def strict_nbval(paths: Sequence[Path], options: Sequence[str], plugins: Sequence[Any]) -> int:
    """``pytest --nbval`` in this process, as strict as in this clone, on notebooks that may lie anywhere."""
    import importlib.util

    import pytest

    # pytest loads the root conftest.py for notebooks below it; for others it must be handed over. By its path: a test
    # process knows several modules named conftest.
    if not all(path.resolve().is_relative_to(ROOT) for path in paths):
        spec = importlib.util.spec_from_file_location("strict_nbval_of_the_root", ROOT / "conftest.py")
        strict = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(strict)
        plugins = [strict, *plugins]
    # What makes nbval strict stands in pyproject.toml and the root conftest.py, for every way to run it.
    settings = [f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-p", "no:randomly"]
    return int(pytest.main([*settings, *options, *map(str, paths)], [*plugins]))


def run_checks(paths: Sequence[Path], *, console: Any = None, show: int = 5) -> int:
    """Strict nbval of notebooks, in this process, with progress; the result is that of :func:`check`."""
    import pytest
    from rich.console import Console

    # After pytest's own reporter is there; marked here, as this module is imported where there is no pytest.
    pytest.hookimpl(trylast=True)(_Watcher.pytest_configure)
    watcher = _Watcher(console or Console(highlight=False, soft_wrap=True), show)
    with watcher:
        status = strict_nbval(paths, ["--capture=no", "--color=no"], [watcher])
    watcher.report()
    if status == pytest.ExitCode.OK and not watcher.checked:
        return int(pytest.ExitCode.NO_TESTS_COLLECTED)
    return status


class _Watcher:
    """A pytest plugin: a bar that names the running cell, then every difference with the id of its cell."""

    def __init__(self, console: Any, show: int) -> None:
        self._console, self._show = console, show
        self._bar: Progress | None = None
        self._cells: dict[Path, int] = {}
        self._differences: dict[Path, list[tuple[str, str]]] = {}
        self._other: list[str] = []
        self.checked = 0

    def __enter__(self) -> _Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def pytest_configure(self, config: Any) -> None:
        """Take pytest's own reporter out: this one says the same by the names of cells."""
        config.pluginmanager.unregister(name="terminalreporter")

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Without a reporter nobody else would say it."""
        self._other.append(str(excrepr))

    def pytest_collection_finish(self, session: Any) -> None:
        """Start the bar: the number of cells is known."""
        for item in session.items:
            self._cells[item.path] = self._cells.get(item.path, 0) + 1
        self._bar = Progress(self._console, "checking", len(session.items)).__enter__()

    def pytest_runtest_setup(self, item: Any) -> None:
        """Name the cell that starts."""
        if self._bar is not None and hasattr(item, "cell"):
            self._bar.step(f"{item.path.stem} {item.cell.id}")

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Keep what differs; the report itself is pytest's."""
        if call.when == "call":
            self.checked += 1
        if call.excinfo is None:
            return
        if not hasattr(item, "cell") or call.when != "call":
            self._other.append(f"{item.nodeid}: {call.excinfo.exconly()}")
            return
        self._differences.setdefault(item.path, []).append((item.cell.id, _described(item, call.excinfo.value)))

    def pytest_collectreport(self, report: Any) -> None:
        """A notebook that cannot be read is a failure too."""
        if report.failed:
            self._other.append(f"{report.nodeid}: {report.longreprtext}")

    def report(self) -> None:
        """Print the outcome of every notebook."""
        from rich.markup import escape

        for path, cells in self._cells.items():
            found = self._differences.get(path, [])
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            outcome = f"[red]{len(found)} of {cells} cells differ[/red]" if found else f"{cells} cells as committed"
            self._console.print(f"{name}: {outcome}")
            for cell, text in found[: self._show]:
                self._console.print(f"\n  [bold]{cell}[/bold]")
                for line in text.splitlines():
                    colour = {"-": "red", "+": "green"}.get(line[:1])
                    self._console.print(f"  [{colour}]{escape(line)}[/{colour}]" if colour else f"  {escape(line)}")
            if len(found) > self._show:
                self._console.print(f"\n  and {len(found) - self._show} more")
        for text in self._other:
            self._console.print(f"[red]{escape(text)}[/red]")


def _described(item: Any, error: BaseException) -> str:
    """Why a cell failed: what its code raised, or what differs, as lines to compare."""
    from course_lib import notebook_rules as rules

    fresh = item.test_outputs or []
    raised = [output for output in fresh if output.output_type == "error"]
    if raised and "raises-exception" not in rules.tags(item.cell):
        return "\n".join(["the cell failed", *plain("\n".join(raised[-1].traceback)).splitlines()[-12:]])
    committed = item.cell.outputs
    lines = [plain(str(error))]
    detail = rules.difference(committed, fresh)
    if detail:
        lines.append(detail)
    elif "trusted" in lines[0] or "validation" in lines[0]:  # nothing differs: the conftest's reason is all there is
        lines.append(str(getattr(error, "inner_traceback", "")))
    lines.append(rules.readable_difference(committed, fresh))
    return "\n".join(line for line in lines if line)
