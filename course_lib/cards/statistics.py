"""How many cards there are, of which kinds, how long their answers are, and what the rules say about them.

:func:`course_statistics` counts the course's own decks by lesson, :func:`note_statistics` a learner's notes by deck and
heading; :func:`print_statistics` shows either in the terminal and :func:`figure` as a picture. Nothing is written into a
note, a lock or a deck. matplotlib is imported by the picture only.
"""

from __future__ import annotations

import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.cards.course import load_lessons
from course_lib.cards.lint import count_words, lint_card, lint_lesson
from course_lib.cards.media import pictures_of
from course_lib.cards.numbers import lint_numbers
from course_lib.cards.parsing import parse
from course_lib.cards.reading import read_source
from course_lib.cards.rendering import Renderer
from course_lib.cards.report import INFO, Report
from course_lib.cards.short_forms import NO_SHORT_FORMS, ShortForms
from course_lib.language import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

COURSE_KINDS = ("key", "atom", "draw")
"""Kinds of the course's cards; a card to draw is a key question or an atom besides."""

NOTE_KINDS = ("plain", "both_ways", "cloze")

BINS = (5, 10, 15, 25, 50, 80)
"""Upper ends of the classes of words in an answer; longer answers are the last class."""

_WIDEST_NAME = 34


@dataclass
class Group:
    """The cards of a lesson, or under a heading, in one language.

    Attributes:
        name: shown in the first column.
        section: groups with the same one stand together: a deck; empty for a lesson.
        language: of the cards; empty for a learner's note.
        kinds: kind → how many cards.
        words: kind → the number of words of each answer; the kinds here do not overlap.
        findings: how many cards break a rule or show a warning, and the findings about the group as a whole.
    """

    name: str
    section: str = ""
    language: str = ""
    kinds: dict[str, int] = field(default_factory=dict)
    words: dict[str, list[int]] = field(default_factory=dict)
    findings: int = 0

    @property
    def cards(self) -> int:
        return sum(map(len, self.words.values()))

    def add(self, kinds: Iterable[str], kind: str, words: int) -> None:
        """Count a card of these ``kinds``; ``kind`` is the one that its answer's length is counted under."""
        for one in kinds:
            self.kinds[one] = self.kinds.get(one, 0) + 1
        self.words.setdefault(kind, []).append(words)


def course_statistics(root: Path, languages: Sequence[str]) -> list[Group]:
    """The course's own cards: one group per lesson and language, by lesson."""
    groups = []
    for language in languages:
        for lesson in load_lessons(root, language, Report(own=True)):
            report = Report(own=True)
            group = Group(f"{lesson.number:02d} {lesson.deck.rpartition('::')[2].partition(' ')[2]}", language=language)
            for card in lesson.cards:
                kinds = [kind for kind in COURSE_KINDS if kind in card.tags]
                group.add(kinds, "atom" if "atom" in kinds else "key", count_words(card.answer.text))
                lint_card(card, language, report)
            if (root / "notebooks" / "source" / f"{lesson.page}.py").exists():
                lint_lesson(lesson.cards, language, report)
            anchors = {card_id: section.anchor for card_id, section in lesson.sections.items()}
            lint_numbers(root, language, lesson.page, lesson.cards, anchors, report)
            group.findings = _places(report)
            groups.append(group)
    return sorted(groups, key=lambda group: group.name[:2])


def note_statistics(
    paths: Sequence[Path],
    *,
    attachments: Sequence[Path] = (),
    repair: bool = True,
    forms: ShortForms = NO_SHORT_FORMS,
    language: str = "en",
) -> tuple[list[Group], Report]:
    """A learner's cards: one group per deck and heading, in the order of the notes.

    Returns:
        the groups, and the findings that a build would have, those about ids and locks apart.
    """
    from course_lib.cards.notes import deck_of

    groups: dict[tuple[str, str], Group] = {}
    report = Report()
    for path in paths:
        source = read_source(path, report, repair=repair, forms=forms)
        if source is None:
            continue
        renderer = Renderer(pictures_of(path, attachments, [], {}, report), report, path, language)
        for card in parse(source, report):
            seen = len(report.issues)
            for passage in (card.question, card.answer):
                renderer.field(passage)
            # The title stands above everything and says nothing in a table.
            where = " › ".join(card.headings[1:] or card.headings) or path.stem
            deck = deck_of(card, source)
            group = groups.setdefault((deck, where), Group(where, deck))
            kind = "cloze" if card.cloze else "both_ways" if card.both_ways else "plain"
            group.add([kind], kind, count_words(card.answer.text))
            group.findings += any(issue.level != INFO for issue in report.issues[seen:])
    report.cards = sum(group.cards for group in groups.values())
    if not report.cards and not report.errors:
        report.add("NO_CARDS", paths[0])
    return list(groups.values()), report


def _places(report: Report) -> int:
    """How many lines something is said about."""
    return len({(issue.file, issue.line) for issue in report.issues})


def distribution(words: Iterable[int]) -> list[int]:
    """How many answers fall into each class of :data:`BINS`, the open last one included."""
    counts = [0] * (len(BINS) + 1)
    for count in words:
        counts[next((index for index, end in enumerate(BINS) if count <= end), len(BINS))] += 1
    return counts


# --- in the terminal --------------------------------------------------------------------------------------------------


def print_statistics(groups: Sequence[Group], console: Console) -> None:
    """Two tables: the cards by group, and how long their answers are."""
    kinds = [kind for kind in (*COURSE_KINDS, *NOTE_KINDS) if any(kind in group.kinds for group in groups)]
    console.print(_table_of_groups(groups, kinds))
    console.print(_table_of_words(groups))


def _table_of_groups(groups: Sequence[Group], kinds: Sequence[str]):
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    languages = list(dict.fromkeys(group.language for group in groups))
    table = Table(box=SIMPLE_HEAD, caption=say("cards.stats.legend"), caption_justify="left")
    table.add_column("", ratio=1)
    for name in [say("cards.stats.cards"), *(kind_name(kind) for kind in kinds)]:
        table.add_column(name, justify="right", no_wrap=True)
    for language in languages:
        table.add_column(f"{say('cards.stats.words')} {language}".rstrip(), justify="right", no_wrap=True)
    table.add_column(say("cards.stats.findings"), justify="right", no_wrap=True)
    section = None
    names = list(dict.fromkeys((group.section, _key(group)) for group in groups))
    for name in names:
        here = [group for group in groups if (group.section, _key(group)) == name]
        if name[0] != section:
            section = name[0]
            if section:
                table.add_section()
                table.add_row(f"[bold]{escape(section)}[/bold]")
        table.add_row(escape(here[0].name), *_cells(here, kinds, languages))
    table.add_section()
    table.add_row(say("cards.stats.total"), *_cells(groups, kinds, languages))
    return table


def _key(group: Group) -> str:
    """Groups of one row: the lesson's number in both languages, or the heading."""
    return group.name[:2] if group.language else group.name


def _cells(groups: Sequence[Group], kinds: Sequence[str], languages: Sequence[str]) -> list[str]:
    """The numbers of a row, or of the bottom line; "3/2" where the languages differ."""
    parts = [[group for group in groups if group.language == language] for language in languages]

    def of_all(counts: list[int]) -> str:
        return str(counts[0]) if len(set(counts)) == 1 else "/".join(map(str, counts))

    cells = [of_all([sum(group.cards for group in part) for part in parts])]
    cells += [of_all([sum(group.kinds.get(kind, 0) for group in part) for part in parts]) for kind in kinds]
    for part in parts:
        words = [count for group in part for counts in group.words.values() for count in counts]
        cells.append(f"{statistics.median(words):.0f} · {max(words)}" if words else "–")
    return [*cells, of_all([sum(group.findings for group in part) for part in parts])]


def _table_of_words(groups: Sequence[Group]):
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title=say("cards.stats.distribution"), title_justify="left")
    table.add_column("")
    for name in bin_names():
        table.add_column(name, justify="right")
    for language, kind in dict.fromkeys((group.language, kind) for group in groups for kind in group.words):
        words = [count for group in groups if group.language == language for count in group.words.get(kind, ())]
        cells = [str(count) if count else "" for count in distribution(words)]
        table.add_row(f"{kind_name(kind)} {language}".rstrip(), *cells)
    return table


def bin_names() -> list[str]:
    """``0–5``, ``6–10`` …, ``81+``."""
    starts = [0, *(end + 1 for end in BINS)]
    return [*(f"{start}–{end}" for start, end in zip(starts, BINS, strict=False)), f"{starts[-1]}+"]


def kind_name(kind: str) -> str:
    names = {
        "key": "cards.stats.key",
        "atom": "cards.stats.atom",
        "draw": "cards.stats.draw",
        "plain": "cards.stats.plain",
        "both_ways": "cards.stats.both_ways",
        "cloze": "cards.stats.cloze",
    }
    return say(names[kind])


# --- as a picture -----------------------------------------------------------------------------------------------------


def figure(groups: Sequence[Group]) -> Figure:
    """Cards by group on the left, words of their answers on the right; several languages side by side."""
    from matplotlib.figure import Figure

    from course_lib.figures.style import drawing_style

    with drawing_style():
        rows = list(dict.fromkeys((group.section, _key(group)) for group in groups))
        drawn = Figure(figsize=(9.6, max(3.2, 0.34 * len(rows) + 1.5)))
        counts, lengths = drawn.subplots(1, 2)
        _draw_counts(counts, groups, rows)
        _draw_lengths(lengths, groups)
        drawn.legend(*lengths.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return drawn


def _draw_counts(axes, groups: Sequence[Group], rows: Sequence[tuple[str, str]]) -> None:
    language = groups[0].language if groups else ""
    kinds = _separate_kinds(groups)
    names = []
    left = [0] * len(rows)
    for row, (section, key) in enumerate(rows):
        here = [group for group in groups if (group.section, _key(group)) == (section, key)]
        names.append(_shortened(next((group.name for group in here if group.language == language), here[0].name)))
        for kind in kinds:
            count = sum(len(group.words.get(kind, ())) for group in here if group.language == language)
            colour, hatch, edge = _look(kind)
            axes.barh(row, count, left=left[row], color=colour, hatch=hatch, edgecolor=edge, linewidth=0)
            left[row] += count
        axes.text(left[row], row, f" {left[row]}", va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, max([*left, 1]) * 1.12)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(say("cards.stats.by_group"))
    axes.tick_params(axis="y", length=0)


def _draw_lengths(axes, groups: Sequence[Group]) -> None:
    series = list(dict.fromkeys((kind, group.language) for kind in _separate_kinds(groups) for group in groups))
    width = 0.8 / max(len(series), 1)
    for index, (kind, language) in enumerate(series):
        words = [count for group in groups if group.language == language for count in group.words.get(kind, ())]
        first = language in ("", groups[0].language)
        colour, hatch, edge = _look(kind)
        places = [place + (index - (len(series) - 1) / 2) * width for place in range(len(BINS) + 1)]
        axes.bar(
            places,
            distribution(words),
            width=width,
            color=colour if first else "none",
            hatch=hatch,
            edgecolor=edge if first else colour,
            linewidth=0 if first else 1.2,
            label=f"{kind_name(kind)} {language}".rstrip(),
        )
    axes.set_xticks(range(len(BINS) + 1), bin_names(), fontsize=8)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_title(say("cards.stats.distribution"))
    axes.set_ylabel(say("cards.stats.cards"))


def _separate_kinds(groups: Sequence[Group]) -> list[str]:
    """The kinds by which answers are counted, each card under one of them."""
    return [kind for kind in (*COURSE_KINDS, *NOTE_KINDS) if any(kind in group.words for group in groups)]


def _look(kind: str) -> tuple[str, str, str]:
    """Fill, hatch and the hatch's colour of a kind: told apart without colour too."""
    from course_lib.figures.style import COLOURS

    name, hatch = {"key": ("accent", "///"), "both_ways": ("accent", "///"), "cloze": ("output", "...")}.get(
        kind, ("input", "")
    )
    return COLOURS[name], hatch, COLOURS["ground"]


def _shortened(name: str) -> str:
    """A name that fits beside its bar, without the pictograms that no font of matplotlib's has."""
    name = " ".join("".join(one for one in name if unicodedata.category(one) not in ("So", "Cn", "Mn")).split())
    return name if len(name) <= _WIDEST_NAME else name[: _WIDEST_NAME - 1] + "…"
