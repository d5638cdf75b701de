"""Makes ``pytest --nbval`` stricter than nbval alone, within the same run; it loosens nothing.

nbval compares the texts of outputs. It does not compare pictures, the kind and order of outputs, or their metadata; it
passes a cell that was never run and a cell whose code changed but prints nothing; tags, comments and a sanitize file
can take anything out of the comparison. What is compared here besides is defined in ``course_lib.notebook_rules``.
"""

from __future__ import annotations

import os
import re
import time
from queue import Empty
from typing import Any

import pytest

from course_lib import notebook_rules as rules
from course_lib.lessons import kernel_environment

# Percent scripts are no tests; they are checked as the notebooks that are built of them.
collect_ignore_glob = ["notebooks/source/*"]

IN_PARTS = tuple(
    f"tests/{name}.py"
    for name in (
        "notebooks/test_recorded_results",
        "browser/test_browser_lessons",
        "exercises/test_exercises",
        "notebooks/test_drift",
        "notebooks/test_strict_nbval",
        "setup/test_offline",
    )
)
"""Files that run lesson after lesson, or experiment after experiment: the tests whose ids begin with the same name are a
part of their own, which may go to another process than the rest of the file."""

LONG = (*IN_PARTS, "tests/figures/test_figures.py", "notebooks/", "tests/browser/")
"""What takes longest, in this order: a process that begins it last is waited for alone."""

_NAME = re.compile(r"\[((?:\d\d_)?[a-z]\w*)")

OUTPUT_TIMEOUT = 30
"""Seconds to wait for an output that the kernel has announced; nbval's own 5 are short on a loaded machine."""


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that would scatter or loosen the validation; give kernels the environment of the builder."""
    # Kernels inherit these from this process.
    environment = kernel_environment()
    for name in ("OMP_NUM_THREADS", "PYTHONPATH", "COURSE_PROGRESS"):
        os.environ[name] = environment[name]
    if not (config.getoption("nbval", False) or config.getoption("nbval_lax", False)):
        return
    if config.getoption("dist", "no") not in ("no", "loadfile"):
        raise pytest.UsageError("the cells of a notebook must stay in one kernel: add --dist loadfile")
    if config.pluginmanager.hasplugin("randomly") or config.pluginmanager.hasplugin("pytest_randomly"):
        raise pytest.UsageError("pytest-randomly shuffles the cells of a notebook: add -p no:randomly")
    if config.getoption("nbval_sanitize_with", None) or config.getoption("sanitize_with", None):
        raise pytest.UsageError("outputs are compared as they are: leave the sanitize file out")


def pytest_report_header() -> str:
    """Whether the slow tests run: pytest-xdist does not count what its workers deselect."""
    return "slow tests: " + ("run" if os.environ.get("COURSE_ALL") else "left out; `make test-all` runs them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests to `make test-all`; the report's header says so, and a skip stays news.

    What is :data:`LONG` comes first.
    """
    items.sort(key=lambda item: next((n for n, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG)))
    if os.environ.get("COURSE_ALL"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def part(nodeid: str) -> str:
    """What stays in one process: a file, or of the files :data:`IN_PARTS` a part."""
    file = nodeid.split("::", 1)[0]
    found = _NAME.search(nodeid) if file in IN_PARTS else None
    return f"{file}[{found[1]}]" if found else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile``, hand out :func:`part` after part, in the order of collection."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class LoadPartScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return part(nodeid)

    config.option.loadscopereorder = False  # by the number of tests: the ten that take minutes would come last
    return LoadPartScheduling(config, log)


def notice_death(kernel: Any) -> None:
    """Let a dead kernel fail its cell at once; nbval would wait for an answer until the cell's timeout."""
    wait = kernel.get_message

    def get_message(stream: str, timeout: float | None = None) -> dict:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = 1.0 if end is None else min(1.0, end - time.monotonic())
            try:
                return wait(stream, timeout=max(left, 0.0))
            except Empty:
                if not kernel.is_alive():
                    raise RuntimeError("the kernel died") from None
                if end is not None and time.monotonic() >= end:
                    raise

    kernel.get_message = get_message


def is_cell(item: pytest.Item) -> bool:
    """Whether a test is a cell of a notebook (nbval exports no name for its class)."""
    return type(item).__name__ == "IPyNbCell"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """Run and compare a cell as nbval does, then compare what nbval leaves out."""
    if not is_cell(item):
        return (yield)
    item.output_timeout = OUTPUT_TIMEOUT
    if item.cell_num == 0:
        notice_death(item.parent.kernel)
    compared = rules.TIMING_TAG not in rules.tags(item.cell)
    if item.config.option.nbval and (item.options["skip"] or (compared and not item.options["check"])):
        item.raise_cell_error("The cell is taken out of validation", "a marker other than the timing cell's tag")
    untrusted = rules.not_as_built(item.parent.nb, item.cell)
    result = yield  # in any case: the cells below need what this one defines
    if untrusted:
        item.raise_cell_error("The stored outputs cannot be trusted", untrusted)
    found = rules.difference(item.cell.outputs, item.test_outputs or []) if compared else None
    if found:
        item.raise_cell_error("Cell outputs differ", found)
    return result
