"""One run of a lesson that answers every question about its exercises.

The lesson runs once, in a kernel, with each printed solution in place of its stub. Just before an exercise's cell, all known
answers to it, right and wrong, are tried in copies of the namespace that a learner would have at this point. That is the same
as running the lesson once per answer: ``check`` hands the reference on when an answer is wrong, so what stands below cannot
tell which answer was given (and what it prints is compared with the committed outputs, for the solutions), and what
stands above ran before the answer was written.
"""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell

from course_lib import notebook_rules as rules
from course_lib.lessons import NOTEBOOKS, Lesson, execute

HERE = Path(__file__).parent
_CHECK = re.compile(r"^(\w+) = check\(\"([a-z0-9-]+)\", \1\)$", re.MULTILINE)
_TRY = """
import contextlib, io, json
from course_lib.exercises import reference
results = []
for name, target, source in cases:
    own, printed, error = dict(space), io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(source, "<answer>", "exec"), own)
    except BaseException as caught:
        error = repr(caught)
    results.append({"printed": printed.getvalue(), "error": error, "reference": own.get(target) is reference(name)})
print(json.dumps(results))
"""


@dataclass(frozen=True)
class Exercise:
    """An exercise as it stands in a notebook."""

    name: str
    stub: str
    solution: str
    printed: str
    bug_hunt: bool

    @property
    def target(self) -> str:
        """The variable that holds the answer."""
        return _CHECK.search(self.stub)[1]

    def with_answer(self, answer: str) -> str:
        """The stub's cell with everything above its ``check`` line replaced by the answer."""
        return f"{answer.rstrip()}\n\n{self.stub[_CHECK.search(self.stub).start() :]}"


def exercises(nb: NotebookNode) -> list[Exercise]:
    """The exercises of a notebook, in order.

    Raises:
        AssertionError: if a cell with the tag is not called ``ex-<name>``, does not end with ``x = check("<name>", x)``, or has
            no folded solution of one Python block in the cell ``ex-<name>-solution``.
    """
    found = []
    by_id = {cell.id: cell for cell in nb.cells}
    for cell in nb.cells:
        if "exercise" not in rules.tags(cell):
            assert not _CHECK.search(cell.source), f"{cell.id}: the tag exercise is missing"
            continue
        name = cell.id.removeprefix("ex-")
        checked = _CHECK.findall(cell.source)
        assert cell.id == f"ex-{name}" and [n for _, n in checked] == [name], (
            f'{cell.id}: ends with x = check("{name}", x)'
        )
        assert f"{cell.id}-solution" in by_id, f"{cell.id}: no cell {cell.id}-solution"
        folded = re.findall(r"<details>.*?</details>", by_id[f"{cell.id}-solution"].source, re.DOTALL)
        blocks = [block for one in folded for block in re.findall(r"```python\n(.*?)```", one, re.DOTALL)]
        assert len(blocks) == 1, f"{cell.id}-solution: {len(blocks)} folded Python blocks, expected the solution alone"
        printed = "".join(rules.text_of(output) for output in cell.outputs)
        found.append(Exercise(name, cell.source, blocks[0], printed, "bug-hunt" in rules.tags(cell)))
    return found


@dataclass
class Run:
    """What came of a run: how each tried answer was received, and how the solved lesson differs from the committed one."""

    tried: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    solved: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def run(nb: NotebookNode, answers: dict[str, list[str]], folder: Path) -> Run:
    """Run a notebook solved, and try ``answers`` (sources by exercise) where they would stand; see the module's text."""
    found = {f"ex-{one.name}": one for one in exercises(nb)}
    solved, committed = from_dict(nb), {cell.id: cell for cell in nb.cells}
    cells = []
    for cell in solved.cells:
        if cell.id in found:
            one = found[cell.id]
            cases = [(one.name, one.target, one.with_answer(answer)) for answer in answers.get(one.name, [])]
            cells.append(
                new_code_cell(f"exec({_TRY!r}, {{'space': globals(), 'cases': {cases!r}}})", id=f"try-{one.name}")
            )
            cell.source = one.with_answer(one.solution)
        cells.append(cell)
    solved.cells = cells
    execute(solved, folder, label="the solved lesson")
    result = Run()
    for cell in rules.code_cells(solved):
        if cell.id.startswith("try-"):
            result.tried[cell.id.removeprefix("try-")] = json.loads(rules.text_of(cell.outputs[0]))
        elif cell.id in found:
            result.solved[cell.id.removeprefix("ex-")] = "".join(rules.text_of(output) for output in cell.outputs)
        elif rules.TIMING_TAG not in rules.tags(cell):
            before, after = committed[cell.id].outputs, cell.outputs
            texts = [[line for line in rules.rendered(x) if not line.startswith("<image/")] for x in (before, after)]
            if texts[0] != texts[1] or rules.difference(before, after):
                result.differences.append(f"{cell.id}:\n{rules.readable_difference(before, after)}")
    return result


def known_answers() -> tuple[dict[str, list], dict[str, list]]:
    """``WRONG`` and ``ALSO_RIGHT`` of all files ``wrong_answers_*.py``."""
    wrong: dict[str, list] = {}
    right: dict[str, list] = {}
    for path in sorted(HERE.glob("wrong_answers_*.py")):
        defined = runpy.run_path(str(path))
        assert not (wrong.keys() & defined["WRONG"].keys()), f"{path.name}: an exercise of another file"
        wrong |= defined["WRONG"]
        right |= defined["ALSO_RIGHT"]
    return wrong, right


WRONG, ALSO_RIGHT = known_answers()
WRITTEN = [lesson for lesson in NOTEBOOKS if lesson.notebook().exists()]


@cache
def notebook(lesson: Lesson, lang: str = "en") -> NotebookNode:
    """A committed notebook; not to be changed."""
    return rules.read(lesson.notebook(lang))


@cache
def run_of(lesson: Lesson) -> Run:
    """The one run of a lesson's English notebook with all known answers: the wrong ones, then the right ones."""
    answers = {
        one.name: [source for _, source, _ in WRONG.get(one.name, [])] + list(ALSO_RIGHT.get(one.name, []))
        for one in exercises(notebook(lesson))
    }
    return run(notebook(lesson), answers, lesson.notebook().parent)
