"""The nine lessons and the primer, and the way from their one source to the two executed notebooks.

A lesson is written in ``notebooks/source/NN_topic.py`` (jupytext's percent format), English and Russian side by side.
:func:`build` makes both notebooks of it, runs them and writes them in one canonical form; nothing is ever read back
from a notebook, but for the output of a timing cell. :mod:`course_lib.validation` runs notebooks again and compares.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.language import LANGUAGES

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 180
"""Seconds after which a cell that has not ended is an error, when building and when checking."""


class LessonError(Exception):
    """A lesson cannot be read, built or found; the message names the lesson and the cell."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: its number, the name that its files share, its title in both languages.

    The primer is built and checked like a lesson, and has no number.
    """

    number: int | None
    slug: str
    title: dict[str, str] = field(hash=False)
    root: Path = field(default=ROOT, repr=False)

    @property
    def start(self) -> str:
        """The line by which its notebook starts, as it stands in the source."""
        return f"start(lesson={self.number})" if self.number is not None else f'start(lesson="{self.slug}")'

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called: ``3``, ``03``, ``attention`` or ``03_attention``; ``primer``."""
        if self.number is None:
            return (self.slug,)
        return str(self.number), f"{self.number:02d}", self.slug[3:], self.slug

    @property
    def source(self) -> Path:
        """The percent script."""
        return self.root / "notebooks" / "source" / f"{self.slug}.py"

    def notebook(self, lang: str = "en") -> Path:
        """The committed notebook in one of the languages."""
        folder = self.root / "notebooks"
        return (folder if lang == "en" else folder / lang) / f"{self.slug}.ipynb"

    @property
    def written(self) -> bool:
        """Whether the lesson exists yet."""
        return self.source.exists()


LESSONS: tuple[Lesson, ...] = tuple(
    Lesson(number, slug, {"en": en, "ru": ru})
    for number, (slug, en, ru) in enumerate(
        [
            ("00_why_transformers", "Why transformers", "Зачем нужны трансформеры"),
            ("01_word2vec", "Word2Vec", "Word2Vec"),
            ("02_bpe", "BPE and tokenisation", "BPE и токенизация"),
            ("03_attention", "Attention", "Внимание"),
            ("04_multi_head", "Multi-head attention", "Многоголовое внимание"),
            ("05_positions", "Positional encoding", "Позиционное кодирование"),
            ("06_encoder_block", "The encoder block", "Блок энкодера"),
            ("07_decoder", "Decoder, training, translation", "Декодер, обучение, перевод"),
            ("08_bert_vs_gpt", "BERT vs GPT", "BERT против GPT"),
        ]
    )
)


PRIMER = Lesson(None, "primer", {"en": "What the lessons assume", "ru": "Что нужно знать до уроков"})
"""What the lessons take for granted; it states no claims and has no cards."""

NOTEBOOKS: tuple[Lesson, ...] = (*LESSONS, PRIMER)
"""All that is built, checked and copied. The primer stands last: the course opens with a lesson."""


def find(name: str | int) -> Lesson:
    """A lesson, or the primer, by one of its :attr:`Lesson.names`, or by the path of one of its files.

    Raises:
        LessonError: if there is none.
    """
    stem = Path(str(name)).stem
    for lesson in NOTEBOOKS:
        if stem in lesson.names:
            return lesson
    raise LessonError(
        f"there is no lesson {name!r}: use a number from 0 to {len(LESSONS) - 1}, a name like 03_attention, or primer"
    )


def select(names: Sequence[str | int]) -> list[Lesson]:
    """The lessons of these names; all written ones, and the primer, if there are none.

    Raises:
        LessonError: if a name is unknown or its lesson is not written yet.
    """
    lessons = list(dict.fromkeys(find(name) for name in names)) or [lesson for lesson in NOTEBOOKS if lesson.written]
    for lesson in lessons:
        if not lesson.written:
            raise LessonError(f"{lesson.slug} is not written yet")
    return lessons


# ------------------------------------------------------------------------------------------------ reading the source


def read_source(lesson: Lesson) -> list[NotebookNode]:
    """The cells of a lesson's source, with ``id``, ``lang`` and ``tags`` in their metadata.

    Raises:
        LessonError: naming the cell, if a cell has no id, an id is not unique, a Markdown cell is not one of an English
            and Russian pair, a cell is empty, code has a language, metadata are unknown, or its line
            :attr:`Lesson.start` does not stand exactly once.
    """
    import jupytext

    where = f"{lesson.source.name}:"
    # Comments above the first cell are for the authors; anything else there would be lost unseen.
    head, marker, rest = re.split(
        r"^(# %%)", lesson.source.read_text(encoding="utf-8") + "\n# %%", maxsplit=1, flags=re.M
    )
    if any(line.strip() and not line.startswith("#") for line in head.splitlines()):
        raise LessonError(f"{where} only comments may stand above the first cell")
    cells = jupytext.reads((marker + rest).removesuffix("\n# %%"), fmt="py:percent").cells
    for position, cell in enumerate(cells):
        cell.metadata.pop("lines_to_next_cell", None)
        before = cells[position - 1].metadata.get("id") if position else "(first cell)"
        if not isinstance(cell.metadata.get("id"), str):
            raise LessonError(f"{where} the cell after {before!r} has no id: {cell.source[:60]!r}")
        name = cell.metadata["id"]
        if cell.cell_type == "raw" or set(cell.metadata) - {"id", "lang", "tags"}:
            raise LessonError(f"{where} {name}: only id, lang and tags are known, found {sorted(cell.metadata)}")
        if not cell.source.strip():
            raise LessonError(f"{where} {name}: the cell is empty")
        if cell.cell_type == "code" and "lang" in cell.metadata:
            raise LessonError(f"{where} {name}: code has no language, it is the same in both notebooks")
        if cell.cell_type == "markdown" and cell.metadata.get("lang") not in LANGUAGES:
            raise LessonError(f'{where} {name}: a text cell needs lang="en" or lang="ru"')
    _check_pairs(where, cells)
    starts = [
        c.metadata["id"] for c in cells if c.cell_type == "code" and re.search(r"^start\(", c.source, re.MULTILINE)
    ]
    exact = f"^{re.escape(lesson.start)}$"
    if len(starts) != 1:
        raise LessonError(f"{where} {lesson.start} must stand in one cell, found in {starts or 'none'}")
    for cell in cells:
        if cell.metadata["id"] == starts[0] and not re.search(exact, cell.source, re.MULTILINE):
            raise LessonError(f"{where} {starts[0]}: write exactly {lesson.start}, on a line of its own")
    return cells


def _check_pairs(where: str, cells: list[NotebookNode]) -> None:
    """Every text cell is an English one followed by the Russian one of the same id; no id names two things."""
    seen: set[str] = set()
    open_pair = None
    for cell in cells:
        name, lang = cell.metadata["id"], cell.metadata.get("lang")
        if open_pair is not None:
            if lang != "ru" or name != open_pair:
                raise LessonError(f"{where} {open_pair}: the English text is not followed by the Russian one")
            open_pair = None
            continue
        if lang == "ru":
            raise LessonError(f"{where} {name}: a Russian text without the English one just before it")
        if name in seen:
            raise LessonError(f"{where} {name}: the id stands twice")
        seen.add(name)
        open_pair = name if lang == "en" else None
    if open_pair is not None:
        raise LessonError(f"{where} {open_pair}: the English text is not followed by the Russian one")


def assemble(lesson: Lesson, lang: str) -> NotebookNode:
    """The lesson's notebook in one language, not yet executed, in canonical form.

    Raises:
        LessonError: as :func:`read_source`.
    """
    import nbformat

    from course_lib import notebook_pairs as pairs
    from course_lib import notebook_rules as rules

    nb = nbformat.v4.new_notebook()
    for cell in read_source(lesson):
        if cell.metadata.get("lang", lang) != lang:
            continue
        source = cell.source.strip("\n")
        if cell.cell_type == "code":
            new = nbformat.v4.new_code_cell(pairs.russian(source) if lang == "ru" else source)
        else:
            new = nbformat.v4.new_markdown_cell(source)
        new.id = cell.metadata["id"]
        if cell.metadata.get("tags"):
            new.metadata["tags"] = list(cell.metadata["tags"])
        nb.cells.append(new)
    nb.metadata["course"] = {"lesson": lesson.slug if lesson.number is None else lesson.number, "lang": lang}
    return rules.canonical(nb)


def stale(lesson: Lesson, lang: str) -> list[str]:
    """Where a committed notebook is not what the source says: ids of cells whose text, code or tags differ."""
    from course_lib import notebook_rules as rules

    path = lesson.notebook(lang)
    if not path.exists():
        return [f"{path.name} ({lang}) is missing: run `course build {lesson.slug}`"]
    wanted = {c.id: (c.cell_type, c.source, rules.tags(c)) for c in assemble(lesson, lang).cells}
    found = {c.id: (c.cell_type, c.source, rules.tags(c)) for c in rules.read(path).cells}
    changed = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
    if not changed and list(wanted) != list(found):
        changed = ["the order of the cells"]
    return [f"{path.name} ({lang}): {name} is not as in the source: run `course build`" for name in changed]


# ---------------------------------------------------------------------------------------------------------- building


def kernel_environment() -> dict[str, str]:
    """The environment of every kernel that builds or checks: one thread, the course_lib of this clone, no record."""
    environment = dict(os.environ)
    environment.setdefault("OMP_NUM_THREADS", "1")
    environment["COURSE_PROGRESS"] = "off"  # it is not the learner who runs the lesson
    paths = [str(ROOT), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return environment


def plain(text: str) -> str:
    """The text without the colours a traceback has for terminals."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def execute(nb: NotebookNode, folder: Path, *, label: str, started: Callable[[str], None] = lambda name: None) -> None:
    """Run a notebook in place, in a fresh kernel of this interpreter, with ``folder`` as working directory.

    Raises:
        LessonError: if a cell fails, runs longer than :data:`CELL_TIMEOUT`, or ends the kernel; names the cell.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    class ThisPython(AsyncKernelManager):
        """A kernelspec of the user's own named python3 must not decide which packages a lesson runs on."""

        @property
        def kernel_spec(self) -> KernelSpec:
            from ipykernel.kernelspec import RESOURCES, get_kernel_dict

            return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())

    now = "(before the first cell)"

    def on_cell_start(cell: NotebookNode, cell_index: int) -> None:
        nonlocal now
        now = cell.id
        started(cell.id)

    client = NotebookClient(
        nb,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        kernel_manager_class=ThisPython,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        on_cell_start=on_cell_start,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=kernel_environment())
    except CellExecutionError as error:
        lines = plain(error.traceback).rstrip().splitlines()
        raise LessonError("\n".join([f"{label}: {now}: the cell failed", *lines[-25:]])) from None
    except CellTimeoutError:
        raise LessonError(f"{label}: {now}: the cell did not end within {CELL_TIMEOUT} seconds") from None
    except DeadKernelError:
        raise LessonError(f"{label}: {now}: the kernel died") from None


def _keep_timing(nb: NotebookNode, committed: Path) -> None:
    """Put the committed output of the timing cell back: a new measurement would only be another one."""
    from course_lib import notebook_rules as rules

    if not committed.exists():
        return
    old = {cell.id: cell for cell in rules.code_cells(rules.read(committed))}
    for cell in rules.code_cells(nb):
        before = old.get(cell.id)
        if (
            rules.TIMING_TAG in rules.tags(cell)
            and before is not None
            and before.source == cell.source
            and before.outputs
        ):
            cell.outputs = before.outputs


def make(
    lesson: Lesson, *, refresh: bool = False, started: Callable[[str, str], None] = lambda lang, name: None
) -> dict[str, NotebookNode]:
    """Both notebooks of a lesson, executed and in canonical form: ``{"en": …, "ru": …}``; nothing is written.

    Args:
        lesson: what to build.
        refresh: measure the timing cell anew.
        started: called with the language and the cell's id as each cell starts.

    Raises:
        LessonError: if the source is not well-formed or a cell fails.
    """
    from course_lib import notebook_rules as rules

    notebooks = {lang: assemble(lesson, lang) for lang in LANGUAGES}

    def run(lang: str) -> None:
        folder = lesson.notebook(lang).parent
        folder.mkdir(parents=True, exist_ok=True)
        label = f"{lesson.slug} ({lang})"
        execute(notebooks[lang], folder, label=label, started=lambda name: started(lang, name))
        if not refresh:
            _keep_timing(notebooks[lang], lesson.notebook(lang))
        rules.canonical(notebooks[lang])

    # Side by side, except when times are measured.
    with ThreadPoolExecutor(max_workers=1 if refresh else len(LANGUAGES)) as pool:
        for done in [pool.submit(run, lang) for lang in LANGUAGES]:
            done.result()
    return notebooks


def _write(texts: dict[Path, str]) -> None:
    """Write several files so that each is whole at any moment, and none is touched unless all could be prepared."""
    prepared: list[tuple[str, Path]] = []
    try:
        for path, text in texts.items():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
            prepared.append((name, path))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(name, 0o644)
        for name, path in prepared:
            os.replace(name, path)
    finally:
        for name, _ in prepared:
            Path(name).unlink(missing_ok=True)


def remaining_problems(lesson: Lesson, notebooks: dict[str, NotebookNode]) -> list[str]:
    """What the static rules and the comparison of the two languages find in built notebooks."""
    from course_lib import notebook_pairs as pairs
    from course_lib import notebook_rules as rules

    found = [f"{lang}: {problem}" for lang, nb in notebooks.items() for problem in rules.problems(nb)]
    return found + pairs.pair_problems(notebooks["en"], notebooks["ru"])


def build(lessons: Sequence[str | int | Lesson] = (), *, refresh: bool = False) -> int:
    """Build lessons (all written ones by default) and write their notebooks; ``course build``.

    A lesson's two notebooks are written together, and only when both ran to their end. What the static rules find is
    then listed: the author sees it best in the notebook.

    Args:
        lessons: names as :func:`find` takes them, or lessons.
        refresh: measure the timing cells anew.

    Returns:
        0 if all is well, 1 if a lesson could not be built or breaks a rule, 2 if there is no such lesson.
    """
    from rich.console import Console
    from rich.markup import escape

    from course_lib import notebook_rules as rules

    console = Console(highlight=False, soft_wrap=True)
    try:
        chosen = [x if isinstance(x, Lesson) else select([x])[0] for x in lessons] or select([])
    except LessonError as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        return 2
    bad = 0
    for lesson in chosen:
        try:
            total = len(LANGUAGES) * len(rules.code_cells(assemble(lesson, "en")))
            with Progress(console, lesson.slug, total) as progress:
                notebooks = make(lesson, refresh=refresh, started=lambda lang, name: progress.step(f"{lang} {name}"))
        except LessonError as error:
            console.print(f"[red]{escape(str(error))}[/red]")
            bad += 1
            continue
        texts = {lesson.notebook(lang): rules.written(nb) for lang, nb in notebooks.items()}
        same = all(path.exists() and path.read_text(encoding="utf-8") == text for path, text in texts.items())
        _write(texts)
        found = remaining_problems(lesson, notebooks)
        console.print(f"{lesson.slug}: {'unchanged' if same else 'written'}, {len(found)} problem(s)")
        for problem in found:
            console.print(f"  {escape(problem)}")
        bad += bool(found)
    return 1 if bad else 0


class Progress:
    """A bar on a terminal, which shows the cell that runs; nothing in a log file."""

    def __init__(self, console: Any, label: str, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[cell]}"),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(label, total=total, cell="")
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, cell: str) -> None:
        """Show that a cell starts."""
        with self._lock:
            self._bar.update(self._task, advance=1, cell=cell)
