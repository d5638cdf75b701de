"""README.md and README.ru.md say the same, and what they say is so: commands, links, lessons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course_lib.cli import app
from course_lib.glossary import banned
from course_lib.lessons import LESSONS, NOTEBOOKS, PRIMER
from course_lib.notebook_rules import read
from course_lib.reading_time import stated

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {"en": (ROOT / "README.md").read_text("utf-8"), "ru": (ROOT / "README.ru.md").read_text("utf-8")}
OTHER_LANGUAGE = {"en": "README.ru.md", "ru": "README.md"}


def without_code(text: str) -> str:
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def headings(text: str) -> list[int]:
    """The levels of the headings, in order."""
    return [len(marks) for marks in re.findall(r"(?m)^(#+) ", without_code(text))]


def code(text: str) -> list[str]:
    """The fenced blocks; of the tree of folders its names only, for its comments are prose."""
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```$", text)
    return [re.sub(r"(?m)  +.*$", "", block) for block in blocks]


def quoted(text: str) -> list[str]:
    return sorted(set(re.findall(r"`([^`\n]+)`", without_code(text))))


def links(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    return [link or source for link, source in found]


def in_english(link: str) -> str:
    return re.sub(r"-ru-(?=\w+\.png)", "-en-", link).replace("notebooks/ru/", "notebooks/").replace(".ru.md", ".md")


def table(text: str) -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_same_headings():
    assert headings(TEXTS["en"]) == headings(TEXTS["ru"])
    assert len(headings(TEXTS["en"])) > 5


def test_the_same_commands_and_names():
    assert code(TEXTS["en"]) == code(TEXTS["ru"])
    assert quoted(TEXTS["en"]) == quoted(TEXTS["ru"])


def test_the_same_links():
    en, ru = (
        [in_english(link) for link in links(TEXTS[lang]) if link != OTHER_LANGUAGE[lang]] for lang in ("en", "ru")
    )
    assert en == ru
    assert all(OTHER_LANGUAGE[lang] in links(TEXTS[lang]) for lang in TEXTS)


@pytest.mark.parametrize("name", ["README.md", "README.ru.md", "CONTRIBUTING.md"])
def test_every_link_into_the_repository_leads_somewhere(name):
    for link in links((ROOT / name).read_text("utf-8")):
        if not link.startswith(("https://", "#")):
            assert (ROOT / link).exists(), link


@pytest.mark.parametrize("name", ["README.md", "README.ru.md", "CONTRIBUTING.md"])
def test_every_command_that_is_named_exists(name):
    import typer

    text = (ROOT / name).read_text("utf-8")
    targets = set(re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)[1].split())
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.M)
    assert named and set(named) <= targets
    commands = set(typer.main.get_command(app).commands)
    named = re.findall(r"(?:course_lib|(?:^|`)course) ([a-z]+)", text, re.M)
    assert named and set(named) <= commands


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_map_shows_the_primer_and_every_lesson_and_how_long_they_take(lang):
    rows = table(TEXTS[lang])
    assert len(rows) == len(NOTEBOOKS)
    for lesson, (name, _, minutes, seconds) in zip((PRIMER, *LESSONS), rows, strict=True):
        path = lesson.notebook(lang).relative_to(ROOT).as_posix()
        title = {"en": "Primer", "ru": "Введение"}[lang]
        if lesson is not PRIMER:
            title = f"{lesson.number:02d} {lesson.title[lang]}"
        assert name == f"[{title}]({path})"
        assert int(minutes) == stated(read(lesson.notebook(lang)).cells[0].source, lang)
        assert 0 < int(seconds) < 60, "the titles say: in under a minute"


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_terms_are_those_of_the_glossary(lang):
    assert list(banned(without_code(TEXTS[lang]), lang)) == []


def test_the_lecture_is_credited_and_both_licences_are_named():
    for text in TEXTS.values():
        assert "https://www.youtube.com/watch?v=iOrNbK2T92M" in links(text)
        assert {"LICENSE", "LICENSE-TEXT"} <= set(links(text))
    assert "Igor Kotenkov" in TEXTS["en"] and "Игоря Котенкова" in TEXTS["ru"]
    assert "MIT License" in (ROOT / "LICENSE").read_text("utf-8")
    assert "creativecommons.org/licenses/by/4.0" in (ROOT / "LICENSE-TEXT").read_text("utf-8")
