"""The page of all claims is what the table and the notebooks say, and its links lead to the sections that it names."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from markdown_it import MarkdownIt

from course_lib import claims, claims_page, cli
from course_lib.glossary import banned
from course_lib.language import LANGUAGES, catalogue, language
from course_lib.lessons import LESSONS, ROOT

WRITTEN = [lesson for lesson in LESSONS if lesson.written]
LINK = re.compile(r"\]\(\.\./(notebooks/[\w/]+\.ipynb)(?:#cell-id=([\w-]+))?\)(?:[^:\n]*[“«](.+)[”»]:)?")


def shown_text(markdown: str) -> str:
    """What a reader sees: no marks, and code as it is."""
    tokens = [child for block in MarkdownIt("commonmark").parse(markdown) for child in block.children or ()]
    return "".join({"softbreak": " ", "hardbreak": " "}.get(token.type, token.content) for token in tokens)


def dead_links(page: str) -> list[str]:
    """Links into a notebook whose cell does not exist, or is not the heading that stands beside the link."""
    found = []
    for path, cell, section in LINK.findall(page):
        if not (ROOT / path).exists():
            found.append(path)
        elif cell:
            cells = json.loads((ROOT / path).read_text("utf-8"))["cells"]
            headings = ["".join(one["source"]).splitlines()[0] for one in cells if one["id"] == cell]
            if headings != [f"## {section}"]:
                found.append(f"{path}#{cell}: {headings}, not {section!r}")
    return found


def wrong_ledgers(notebook, lang: str, rows: list[claims.Row]) -> list[str]:
    """Rows whose texts are not in the ledger that the notebook shows."""
    outputs = [
        output["data"]
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]
        if re.search(r"^ledger\(", "".join(cell["source"]), re.MULTILINE)
        for output in cell["outputs"]
    ]
    texts = ["".join(data[kind]) for data in outputs for kind in ("text/plain", "text/markdown")]
    assert texts, f"{notebook.name} shows no ledger"
    return [row.id for row in rows for text in texts if not (row.statement[lang] in text and row.finding[lang] in text)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_not_stale(lang: str) -> None:
    before = language()
    assert claims_page.path(lang).read_text("utf-8") == claims_page.page(lang), "run `course claims --page`"
    assert language() == before


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_the_ledger_of_a_notebook_says_what_the_table_says(lesson, lang: str) -> None:
    rows = claims.of_lesson(lesson.number)
    assert wrong_ledgers(lesson.notebook(lang), lang, rows) == [], f"run `course build {lesson.number:02d}`"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_row_stands_on_the_page_with_its_texts_and_all_that_was_printed(lang: str) -> None:
    page = claims_page.page(lang)
    blocks = dict(re.findall(r"(?ms)^### (\d+\.\d+) · (.+?)(?=^##|\Z)", page))
    assert list(blocks) == [row.id for row in claims.rows()]
    figures = {}
    for lesson in WRITTEN:
        figures |= claims.printed(lesson.notebook(lang))
    for row in claims.rows():
        text = shown_text(blocks[row.id])
        verdict = catalogue()[f"verdict.{row.verdict.replace(' ', '-')}"][lang]
        assert blocks[row.id].splitlines()[0] == verdict
        for wording in (row.statement[lang], row.finding[lang]):
            assert wording.replace("`", "") in text, f"{row.id}: Markdown changes {wording!r}"
        for measured in figures.get(row.id, ()):
            assert measured in text, f"{row.id}: {measured}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_verdict_is_counted_as_often_as_it_stands(lang: str) -> None:
    page = claims_page.page(lang)
    counts = Counter(row.verdict for row in claims.rows())
    for verdict in claims.VERDICTS:
        word = catalogue()[f"verdict.{verdict.replace(' ', '-')}"][lang]
        assert re.search(rf"^\| {word} \| .+ \| {counts[verdict]} \|$", page, re.MULTILINE)
        assert len(re.findall(rf"^### \S+ · {word}$", page, re.MULTILINE)) == counts[verdict]
    assert re.search(rf"^\| \| .+ \| {len(claims.rows())} \|$", page, re.MULTILINE)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_link_leads_to_the_section_that_is_named(lang: str) -> None:
    page = claims_page.page(lang)
    executed = [row for row in claims.rows() if row.executable and LESSONS[row.executed_in].written]
    assert len(re.findall(r"#cell-id=", page)) >= len(executed)
    assert len(LINK.findall(page)) == page.count("](")
    assert dead_links(page) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_terms_are_those_of_the_glossary(lang: str) -> None:
    assert list(banned(re.sub(r"`[^`\n]*`|\]\([^)]*\)", " ", claims_page.page(lang)), lang)) == []


def test_the_command_writes_both_pages_and_takes_no_lesson(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["claims", "--page"]) == 0
    for lang in LANGUAGES:
        assert claims_page.path(lang, tmp_path).read_text("utf-8") == claims_page.page(lang)
    assert len(capsys.readouterr().out.split()) == 2
    assert cli.main(["claims", "03", "--page"]) == 2


# ---------------------------------------------------------------- the checks can fail


def notebook(*cells: tuple[str, str, list[str]]) -> str:
    """A notebook of cells: id, source, printed lines; those whose source begins with # are text."""
    return json.dumps(
        {
            "cells": [
                {"id": id, "cell_type": "markdown", "source": [source]}
                if source.startswith("#")
                else {
                    "id": id,
                    "cell_type": "code",
                    "source": [source],
                    "outputs": [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else [],
                }
                for id, source, printed in cells
            ]
        }
    )


def test_a_line_belongs_to_the_section_above_it(tmp_path) -> None:
    path = tmp_path / "a.ipynb"
    line = "[3.8] corrected in part · variance `64` → 1\n"
    path.write_text(
        notebook(("a", "# Title", []), ("b", "## 1. One", []), ("c", "### Deeper", []), ("d", "claim()", [line])),
        "utf-8",
    )
    (found,) = claims_page.printed(path)
    assert found == claims_page.Printed("3.8", "variance `64` → 1", "1. One", "b")
    assert found.fragment == "cell-id=b"
    path.write_text(notebook(("a", "# Title", []), ("d", "claim()", [line])), "utf-8")
    with pytest.raises(ValueError, match="3.8 is printed above the first section"):
        list(claims_page.printed(path))


def test_a_row_that_was_printed_in_two_sections_links_to_both(tmp_path) -> None:
    row = claims.find("3.8")
    lines = [claims_page.Printed("3.8", f"figure {n}", f"{n}. S", f"s{n}") for n in (1, 2)]
    text = claims_page._evidence(row, LESSONS[3], lines, "en")
    assert "#cell-id=s1" in text and "#cell-id=s2" in text and text.index("figure 1") < text.index("#cell-id=s2")
    assert claims_page._code("a ` b") == "`` a ` b ``"


def test_a_dead_link_is_seen() -> None:
    target = "../notebooks/03_attention.ipynb"
    assert dead_links(f"[lesson 03]({target}#cell-id=window)**, section “15. Looking only nearby”: `1`") == []
    assert dead_links(f"[lesson 03]({target}#cell-id=window)**, section “15. Looking far”: `1`")
    assert dead_links(f"[lesson 03]({target}#cell-id=no-such)**, section “15. Looking only nearby”: `1`")
    assert dead_links("[lesson 03](../notebooks/03_no_such.ipynb)")


def test_a_ledger_of_other_wording_is_seen(monkeypatch) -> None:
    lesson = LESSONS[3]
    rows = list(claims.of_lesson(3))
    other = claims.Row("3.8", 3, 3, "corrected", {"en": "Otherwise.", "ru": "Иначе."}, {"en": "", "ru": ""})
    assert wrong_ledgers(lesson.notebook("en"), "en", [*rows, other]) == ["3.8", "3.8"]


def test_markdown_that_swallows_marks_is_seen() -> None:
    assert shown_text("a W_Q and W_K, [MASK], `F.x`") == "a W_Q and W_K, [MASK], F.x"
    assert shown_text("a * b*c* d") != "a * b*c* d"
