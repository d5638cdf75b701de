"""The ledger as a page: ``docs/what-the-notes-said.md`` and ``docs/what-the-notes-said.ru.md``.

The pages are made of ``claims.toml`` and of what the committed notebooks printed, and of nothing else; a test fails when
they are not what :func:`page` says. Nothing here imports torch.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib import claims
from course_lib.files import replace_file
from course_lib.language import LANGUAGES, language, say, use_language
from course_lib.lessons import LESSONS, ROOT, Lesson

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Printed:
    """A line that :func:`course_lib.claims.claim` printed, and the section of the notebook where it did.

    Attributes:
        id: of the row.
        measured: the figures.
        section: the text of the heading above, in Markdown, without the marks ``##``.
        cell: the id of the heading's cell.
    """

    id: str
    measured: str
    section: str
    cell: str

    @property
    def fragment(self) -> str:
        """What follows ``#`` in a link to the section.

        The id of the heading's cell, which JupyterLab and the pages of nbconvert know. JupyterLab does not decode a fragment,
        so the text of a heading would not do where it has a question mark, a formula, or Cyrillic letters.
        """
        return f"cell-id={self.cell}"


def printed(notebook: Path) -> Iterator[Printed]:
    """What a committed notebook printed about the claims, in its order.

    Raises:
        ValueError: if a claim stands above the first section.
    """
    section = cell_id = ""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if heading := _HEADING.search(source):
                section, cell_id = heading[1].strip(), cell["id"]
            continue
        for match in claims.lines_of(cell):
            if not section:
                raise ValueError(f"{notebook.name}: claim {match['id']} is printed above the first section")
            yield Printed(match["id"], match["measured"], section, cell_id)


def path(lang: str, root: Path = ROOT) -> Path:
    """Where the page of a language stands."""
    return root / "docs" / ("what-the-notes-said.md" if lang == "en" else f"what-the-notes-said.{lang}.md")


def write(root: Path = ROOT) -> list[Path]:
    """Write the pages of both languages below ``root``; ``course claims --page``."""
    written = []
    for lang in LANGUAGES:
        path(lang, root).parent.mkdir(exist_ok=True)
        replace_file(path(lang, root), page(lang).encode("utf-8"))
        written.append(path(lang, root))
    return written


def page(lang: str) -> str:
    """The page in one language, as Markdown."""
    before = language()
    use_language(lang)
    try:
        return "\n".join(_lines(lang))
    finally:
        use_language(before)


def _lines(lang: str) -> Iterator[str]:
    found: dict[str, list[Printed]] = {}
    for lesson in LESSONS:
        if lesson.notebook(lang).exists():
            for line in printed(lesson.notebook(lang)):
                found.setdefault(line.id, []).append(line)
    yield from (f"# {say('claims-page.title')}", "", say("claims-page.introduction"), "")
    yield from _summary()
    for lesson in LESSONS:
        own = [row for row in claims.rows() if row.lesson == lesson.number]
        if own:
            yield from (f"## {lesson.number:02d} {lesson.title[lang]}", "")
        for row in own:
            yield from (f"### {row.id} · {claims.verdict_word(row.verdict)}", "")
            yield from (f"**{say('ledger.head.statement')}.** {row.statement[lang]}", "")
            if row.finding[lang]:
                yield from (f"**{say('ledger.head.found')}.** {row.finding[lang]}", "")
            yield from (_evidence(row, LESSONS[row.executed_in], found.get(row.id, []), lang), "")


def _summary() -> Iterator[str]:
    """How many rows have which verdict."""
    counts = Counter(row.verdict for row in claims.rows())
    head = (say("ledger.head.verdict"), say("claims-page.verdict-means"), say("claims-page.count"))
    yield f"| {' | '.join(head)} |"
    yield "|---|---|--:|"
    for verdict in claims.VERDICTS:
        means = say(f"claims-page.means.{verdict.replace(' ', '-')}")
        yield f"| {claims.verdict_word(verdict)} | {means} | {counts[verdict]} |"
    yield f"| | {say('claims-page.total')} | {counts.total()} |"
    yield ""


def _evidence(row: claims.Row, lesson: Lesson, lines: list[Printed], lang: str) -> str:
    """What a lesson printed about a row, with links to the sections; or why it printed nothing."""
    number = f"{lesson.number:02d}"
    target = f"../{lesson.notebook(lang).relative_to(ROOT).as_posix()}"
    if not row.executable and lesson.written:
        return say("claims-page.explained", lesson=number, link=target)
    if not lines:
        return say("claims-page.open", lesson=number)
    sections: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        sections.setdefault((line.fragment, line.section), []).append(line.measured)
    parts = []
    for (fragment, section), measured in sections.items():
        where = say("claims-page.printed", lesson=number, link=f"{target}#{fragment}")
        named = say("claims-page.section", section=section)
        parts.append(f"**{where}**, {named}: {'; '.join(_code(text) for text in measured)}")
    return "\n\n".join(parts)


def _code(text: str) -> str:
    """The text as a code span, whatever marks stand in it."""
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{marks}{space}{text}{space}{marks}"
