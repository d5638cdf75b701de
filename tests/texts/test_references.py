"""Every lesson's list of papers is complete and used, and every paper that the course cites stands in one of the lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from course_prose import only_prose

from course_lib.language import LANGUAGES
from course_lib.lessons import LESSONS, ROOT, Lesson, read_source

WRITTEN = [lesson for lesson in LESSONS if lesson.written]
LECTURE = "(https://www.youtube.com/watch?v=iOrNbK2T92M)"
"""The lecture behind the notes, which is no paper and stands last in a list."""

WITHOUT_ADDRESS = {("Firth", "1957"), ("Herdan", "1960")}
"""Printed books without a DOI."""

NO_AUTHORS = {"In", "Llama", "Unicode", "Python"}
"""Words that stand before a year and name no author."""

_NAME = r"[A-ZÀ-Ýİ][\w’-]+"
_CITED = re.compile(
    rf"(?<![\w.])({_NAME}(?:(?:,? and|,? &|,| и) {_NAME})*)(?:’s|'s)?( et al\.?)?,? \(?((?:19|20)\d\d)\b"
)
_ENTRY = re.compile(
    r"- (?P<authors>[^*\[]+)\. \*(?P<title>[^*]+)[.?!]\* "
    r"(?P<venue>(?:[^\[]*?)(?:19|20)\d\d(?:, [A-Z][A-Za-z ]+ (?:19|20)\d\d)?)"
    r"(?:, \[(?P<label>[^\]]+)\]\((?P<url>[^)\s]+)\))?\.(?: (?P<why>.+))?"
)


@dataclass(frozen=True)
class Paper:
    """An entry of a list; ``years`` are those of the preprint and of the publication, ``why`` says what to read it for."""

    authors: tuple[str, ...]
    many: bool
    title: str
    years: frozenset[str]
    label: str
    url: str
    why: str

    def is_cited_by(self, names: tuple[str, ...], year: str) -> bool:
        """Whether the citation means this paper: the same first author, no stranger among the others, a year of its."""
        known = names[0] == self.authors[0] and (self.many or set(names) <= set(self.authors))
        return known and year in self.years


class Malformed(Exception):
    """A line of a list that is neither a paper nor the lecture."""


def parsed(line: str) -> Paper:
    """An entry ``- A. Author, B. Author. *Title.* Venue year, [arXiv:…](https://…). What for.``

    Raises:
        Malformed: if the line is none, or label and address name different papers.
    """
    found = _ENTRY.fullmatch(line)
    if not found:
        raise Malformed(line)
    people, many = re.subn(r" et al$", "", found["authors"])
    surnames = [" ".join(w for w in one.split() if not w.endswith(".")) for one in people.split(", ")]
    label, url = found["label"] or "", found["url"] or ""
    years = frozenset(re.findall(r"\b(?:19|20)\d\d\b", found["venue"]))
    paper = Paper(tuple(surnames), bool(many), found["title"], years, label, url, found["why"] or "")
    kind, _, number = label.partition(":")
    if (
        kind in ("arXiv", "doi")
        and url != {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}[kind] + number
    ):
        raise Malformed(f"{label} leads to {url}")
    if not url and not any((surnames[0], year) in WITHOUT_ADDRESS for year in years):
        raise Malformed(f"no arXiv id, DOI or address: {line}")
    return paper


@cache
def text_cells(lesson: Lesson, lang: str) -> dict[str, str]:
    """The Markdown cells of a lesson by id."""
    return {c.metadata["id"]: c.source for c in read_source(lesson) if c.metadata.get("lang") == lang}


def papers(lesson: Lesson, lang: str) -> list[Paper]:
    """The lesson's list, without the lecture."""
    lines = text_cells(lesson, lang)["reading"].splitlines()
    return [parsed(line) for line in lines if line.startswith("- ") and LECTURE not in line]


def citations(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Authors and year of each citation in a text: *Vaswani et al. (2017)*, *Press & Wolf 2017*, *(Gage, 1994)*."""
    for found in _CITED.finditer(" ".join(text.split())):
        names = tuple(re.sub(r"['’]s?$", "", name) for name in re.split(r",? and |,? & |, | и ", found[1]))
        if names[-1] not in NO_AUTHORS:
            yield names, found[3]


def unused(listed: list[Paper], prose: str) -> list[str]:
    """Papers that nobody cites and of which the list does not say what they are good for."""
    cited = list(citations(prose))
    return [
        f"{paper.authors[0]}: {paper.title}"
        for paper in listed
        if not paper.why and not any(paper.is_cited_by(*one) for one in cited)
    ]


def orphans(cited: Iterator[tuple[tuple[str, ...], str]], listed: list[Paper]) -> list[str]:
    """Citations of which no list knows the paper."""
    return sorted(
        {f"{', '.join(names)} {year}" for names, year in cited if not any(p.is_cited_by(names, year) for p in listed)}
    )


@cache
def all_listed() -> list[Paper]:
    return [paper for lesson in WRITTEN for paper in papers(lesson, "en")]


def cited_in_code(code: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The citations in the docstrings and comments of Python code."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from citations(node.value.value)
    for comment in re.findall(r"(?:^\s*#.*\n)+", code, re.MULTILINE):
        yield from citations(comment.replace("#", " "))


# ---------------------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_the_list_is_complete_and_each_entry_is_used(lesson, lang):
    listed = papers(lesson, lang)
    prose = "\n\n".join(text for name, text in text_cells(lesson, lang).items() if name != "reading")
    assert len(listed) >= 5 and len({paper.title for paper in listed}) == len(listed)
    assert unused(listed, prose) == []


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_both_languages_list_the_same_papers_in_the_same_order(lesson):
    english, russian = ([(p.authors, p.title, p.years, p.url) for p in papers(lesson, lang)] for lang in LANGUAGES)
    assert english == russian


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_what_a_lesson_cites_stands_in_a_list(lesson, lang):
    text = "\n\n".join(text for name, text in text_cells(lesson, lang).items() if name != "reading")
    code = [c.source for c in read_source(lesson) if c.cell_type == "code"]
    cited = [*citations(text), *(one for source in code for one in cited_in_code(source))]
    assert cited and orphans(iter(cited), all_listed()) == []


def test_what_the_package_cites_stands_in_a_list():
    modules = sorted((ROOT / "course_lib").rglob("*.py"))
    lost = {
        str(path.relative_to(ROOT)): found
        for path in modules
        if (found := orphans(cited_in_code(path.read_text("utf-8")), all_listed()))
    }
    assert lost == {}
    assert sum(1 for path in modules for _ in cited_in_code(path.read_text("utf-8"))) > 50


# --------------------------------------------------------------------------------------------------- they find faults

GAGE = "- P. Gage. *A New Algorithm for Data Compression.* The C Users Journal 12(2), 1994, [the journal](https://a.example/b)."
POPE = "- R. Pope, S. Douglas et al. *Scaling Inference.* 2022, MLSys 2023, [arXiv:2211.05102](https://arxiv.org/abs/2211.05102). The cache."


def test_an_entry_is_read():
    paper = parsed(POPE)
    assert paper.authors == ("Pope", "Douglas") and paper.many and paper.years == {"2022", "2023"}
    assert (paper.title, paper.why) == ("Scaling Inference", "The cache.")
    assert paper.is_cited_by(("Pope",), "2022") and not paper.is_cited_by(("Pope",), "2024")


@pytest.mark.parametrize(
    "line",
    [
        GAGE.replace("P. Gage. ", ""),
        GAGE.replace("*", ""),
        GAGE.replace(", 1994", ""),
        GAGE.replace(", [the journal](https://a.example/b)", ""),
        POPE.replace("abs/2211", "abs/2212"),
    ],
    ids=["authors", "title", "year", "address", "another address"],
)
def test_an_incomplete_entry_is_refused(line):
    with pytest.raises(Malformed):
        parsed(line)


def test_an_unused_paper_and_an_orphan_are_found():
    gage, pope = parsed(GAGE), parsed(POPE)
    assert unused([gage, pope], "Nothing is cited.") == ["Gage: A New Algorithm for Data Compression"]
    assert unused([gage, pope], "The method is older (Gage, 1994).") == []
    text = "Gage (1994), Gage 1995, Pope et al. (2022), Pope and Cook, 2022; In 2018 all was new. Gage's (1994). Cook & Gage 1994."
    assert orphans(citations(text), [gage, pope]) == ["Cook, Gage 1994", "Gage 1995"]
    code = 'def f():\n    """As in Gage\n    1994, and Cook\n    2001."""\n    # Cook & Pope\n    # 2002\n    return "Cook 2003"\n'
    assert orphans(cited_in_code(code), [gage, pope]) == ["Cook 2001", "Cook, Pope 2002"]


def test_what_others_have_worded_is_no_prose_of_ours():
    """The titles of papers are blanked out where the course's own wording is checked, and nothing else of the list is."""
    entry = "- Y. Liu et al. *A Robust Pretraining Approach.* 2019. Against *finetuning*."
    assert (
        only_prose(f"One *pretraining* more.\n{entry}").split()
        == "One *pretraining* more. 2019. Against *finetuning*.".split()
    )
