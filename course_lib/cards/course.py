"""The course's own decks: ``flashcards/<language>/NN_topic.md`` → one package with a subdeck per lesson.

Beside the files lie ``lock.json`` (when each card changed last, see :mod:`course_lib.cards.history`), ``retired.txt``
(ids that no card may use again) and ``media/<language>/`` (our own figures). English and Russian are two decks with the
same ids. A plain build reads all of these and writes none; a release (``update_lock=True``) stamps what has changed
and adds to the retired ids what has gone. Commit its result together with the cards.
"""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.cards.building import notes_of, rendered_fields
from course_lib.cards.history import CourseLock, LockError, content_hash
from course_lib.cards.identity import browser_search
from course_lib.cards.lint import lint_card, lint_languages, lint_lesson
from course_lib.cards.media import Pictures
from course_lib.cards.numbers import lint_numbers
from course_lib.cards.package import NOTE_TYPE, Deck, replace_file, write_package
from course_lib.cards.parsing import Card, parse
from course_lib.cards.reading import read_source
from course_lib.cards.rendering import Renderer, words
from course_lib.cards.report import Report
from course_lib.language import LANGUAGES

COLLECTION = "transformers-course"
"""Part of every GUID of ours: never changes."""

DECK_IDS = {"en": 1_795_466_100, "ru": 1_795_466_200}
"""The number of a lesson's deck is this plus the lesson: never changes."""

LESSON_FILES = "[0-9][0-9]_*.md"
RETIRED_FILE = "retired.txt"
LOCK_FILE = "lock.json"
TAG_ROOT = "transformers"

_SECTION_LINK = re.compile(r"\[\[([^\[\]|#]+)#([^\[\]|]+)\|([^\[\]]+)\]\]")
_SOURCE_CELL_ID = re.compile(r'^# %%.*\bid="([^"]+)"', re.MULTILINE)


@dataclass
class Section:
    """The section of a lesson that shows a card's answer."""

    page: str
    anchor: str
    title: str

    @property
    def target(self) -> str:
        return f"{self.page}#{self.anchor}"


@dataclass
class Lesson:
    """One file of cards.

    Attributes:
        number: of the lesson, 0 to 8.
        page: the file's name without suffix, which is the notebook's too.
        sections: id → the section of that card.
    """

    number: int
    page: str
    deck: str
    base_url: str
    file: Path
    cards: list[Card] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)


def load_lesson(file: Path, report: Report) -> Lesson | None:
    """Read one of our own files; ``None`` after an error that leaves no lesson."""
    source = read_source(file, report, repair=False)
    if source is None:
        return None
    number, deck = source.setting("lesson"), source.setting("deck")
    if not number.isdigit() or int(number) != int(file.name[:2]) or not deck:
        report.add("LESSON", file, 1)
        return None
    lesson = Lesson(int(number), file.stem, deck, source.setting("base_url"), file)
    lesson.cards = parse(source, report)
    for card in lesson.cards:
        if not card.id:
            report.add("NO_ID", file, card.line)
        section = section_of(card)
        if section is None:
            report.add("NO_SECTION", file, card.line)
        else:
            lesson.sections[card.id] = section
    return lesson


def section_of(card: Card) -> Section | None:
    """The section that the innermost heading with a wikilink names."""
    for heading in reversed(card.headings):
        match = _SECTION_LINK.search(heading)
        if match:
            return Section(*(part.strip() for part in match.groups()))
    return None


def load_lessons(root: Path, language: str, report: Report) -> list[Lesson]:
    """All lessons of a language that have cards, in order."""
    folder = root / "flashcards" / language
    files = sorted(folder.glob(LESSON_FILES))
    if not files:
        report.add("NO_CARDS", folder)
    return [lesson for lesson in (load_lesson(file, report) for file in files) if lesson is not None]


def read_retired(path: Path) -> dict[str, int]:
    """The retired ids, each with its line in ``retired.txt``; ``#`` begins a comment."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").split("\n")
    ids = ((line.partition("#")[0].strip(), number) for number, line in enumerate(lines, 1))
    return {card_id: number for card_id, number in ids if card_id}


def retired_search(root: Path, language: str) -> str:
    """The search for Anki's browser that finds the cards which the course has retired; empty if there are none.

    An import never deletes a note, so a learner who wants to be rid of them selects what this finds.
    """
    lessons = load_lessons(root, language, Report(own=True))
    deck = lessons[0].deck.split("::")[0] if lessons else "*"
    return browser_search(NOTE_TYPE, deck, list(read_retired(root / "flashcards" / RETIRED_FILE)))


def compile_course(
    root: Path | str,
    lang: str,
    output: Path | str,
    *,
    update_lock: bool = False,
    strict: bool = True,
    base_url: str = "",
    now: int | None = None,
) -> Report:
    """Compile the course's own cards of one language.

    Args:
        root: the repository's root.
        lang: ``"en"`` or ``"ru"``.
        output: the package to write.
        update_lock: a release: changed cards get the time ``now``, the lock is written, vanished ids are retired.
        strict: a missing picture is an error.
        base_url: where the notebooks can be read online, for links to the sections; a lesson's front matter may
            say it too. Without one a section is named as text.
        now: the time of a release in seconds since 1970; the clock's by default.

    Returns:
        The report; nothing was written if it has errors.

    Raises:
        ValueError: if ``lang`` is unknown.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: use one of {', '.join(LANGUAGES)}")
    root, output = Path(root), Path(output)
    flashcards = root / "flashcards"
    report = Report(strict=strict, own=True)
    lessons = load_lessons(root, lang, report)
    report.cards = sum(len(lesson.cards) for lesson in lessons)
    try:
        lock = CourseLock.load(flashcards / LOCK_FILE)
    except LockError as error:
        report.add("LOCK_BROKEN", flashcards / LOCK_FILE, reason=error)
        return report
    retired = read_retired(flashcards / RETIRED_FILE)
    _check_identities(lessons, retired, flashcards / RETIRED_FILE, report)
    _check_deck_names(lessons, lang, lock, report)
    _report_moved(lessons, lang, lock, report)
    _check_sections(root, lessons, report)
    _lint(root, lessons, lang, report)

    release = (int(time.time()) if now is None else now) if update_lock else None
    decks, media = _render(lessons, lang, flashcards / "media" / lang, base_url, lock, release, report)
    gone = sorted(set(lock.ids(lang)) - {card.id for lesson in lessons for card in lesson.cards} - set(retired))
    if not update_lock:
        for card_id in gone:
            report.add("VANISHED", flashcards / LOCK_FILE, id=card_id)
    if report.errors:
        return report

    if lock.changed and not update_lock:
        report.add("UNRELEASED", flashcards / LOCK_FILE, count=len(lock.changed), first=lock.changed[0])
    written = output
    try:
        write_package(output, decks, media)
        if update_lock:
            written = flashcards / RETIRED_FILE
            _retire(written, gone)
            written = lock.path
            lock.release()
    except OSError as error:
        report.add("UNWRITABLE", written, reason=error.strerror or type(error).__name__)
        return report
    report.output, report.media = output, len(media)
    report.retired_search = retired_search(root, lang)
    if update_lock and gone:
        ids = ", ".join(gone)
        report.add("RETIRED", flashcards / RETIRED_FILE, count=len(gone), ids=ids, search=report.retired_search)
    return report


def _render(
    lessons: list[Lesson],
    lang: str,
    figures: Path,
    base_url: str,
    lock: CourseLock,
    release: int | None,
    report: Report,
) -> tuple[list[Deck], dict[str, bytes]]:
    """The decks of all lessons with their notes, and the pictures that these show."""
    decks = []
    media: dict[str, bytes] = {}
    for lesson in lessons:
        base = base_url or lesson.base_url
        renderer = Renderer(
            Pictures([figures]), report, lesson.file, lang, lambda target, base=base: _address(target, base, lang)
        )
        deck = Deck(lesson.deck, DECK_IDS[lang] + lesson.number)
        for card in lesson.cards:
            source = _source_field(lesson, card, renderer, lang)
            fields = rendered_fields(card, card.id, source, renderer, report)
            tags = tuple(f"{TAG_ROOT}::{tag}" for tag in [*card.tags, f"lesson-{lesson.number:02d}"])
            mtime = lock.mtime(lang, card.id, content_hash(fields, tags), release, lesson.number)
            deck.notes += notes_of(card, fields, tags, mtime, COLLECTION, lang)
        decks.append(deck)
        media |= renderer.media
    return decks, media


def _address(target: str, base: str, lang: str) -> str | None:
    """Where a wikilink's target can be read online."""
    page, _, anchor = target.partition("#")
    if not base or not re.fullmatch(r"\d\d_\w+", page):
        return None
    folder = "" if lang == "en" else f"{lang}/"
    return f"{base.rstrip('/')}/{folder}{page}.ipynb" + (f"#{anchor}" if anchor else "")


def _source_field(lesson: Lesson, card: Card, renderer: Renderer, lang: str) -> str:
    section = lesson.sections.get(card.id)
    if section is None:
        return ""
    title = renderer.inline(section.title, card.line)
    named = words("cards.source", lang, lesson=f"{lesson.number:02d}", section=title)
    address = renderer.address(section.target)
    return f'<a href="{html.escape(address)}">{named}</a>' if address else named


def _check_identities(lessons: list[Lesson], retired: dict[str, int], retired_file: Path, report: Report) -> None:
    first: dict[str, Card] = {}
    for card in (card for lesson in lessons for card in lesson.cards if card.id):
        if card.id in first:
            other = first[card.id]
            report.add("DUPLICATE_ID", card.file, card.line, id=card.id, first=f"{other.file.name}:{other.line}")
        if card.id in retired:
            where = f"{retired_file.name}:{retired[card.id]}"
            report.add("RETIRED_ID", card.file, card.line, id=card.id, first=where)
        first.setdefault(card.id, card)


def _check_deck_names(lessons: list[Lesson], lang: str, lock: CourseLock, report: Report) -> None:
    """A new name would make a second deck and leave every learner's cards in the first."""
    names = lock.decks.setdefault(lang, {})
    for lesson in lessons:
        released = names.setdefault(str(lesson.number), lesson.deck)
        if released != lesson.deck:
            report.add("DECK_RENAMED", lesson.file, 1, before=released, now=lesson.deck)


def _report_moved(lessons: list[Lesson], lang: str, lock: CourseLock, report: Report) -> None:
    """Cards in another lesson's file than at the last release: learners have to move them, an import does not."""
    moved: dict[tuple[int, int], list[Card]] = {}
    by_number = {lesson.number: lesson for lesson in lessons}
    for lesson in lessons:
        for card in lesson.cards:
            before = lock.lesson(lang, card.id)
            if before is not None and before != lesson.number:
                moved.setdefault((before, lesson.number), []).append(card)
    for (before, now), cards in moved.items():
        place = by_number[before].file.name if before in by_number else f"{before:02d}"
        deck = lock.decks[lang].get(str(before), place)
        search = browser_search(NOTE_TYPE, deck, [card.id for card in cards])
        report.add("DECK_MOVED", cards[0].file, cards[0].line,
                   count=len(cards), place=place, before=deck, now=by_number[now].deck, search=search)  # fmt: skip


def _check_sections(root: Path, lessons: list[Lesson], report: Report) -> None:
    """A card points into its own lesson, at a cell that exists; a lesson that is not written yet is not looked into."""
    cells: dict[str, set[str] | None] = {}
    for lesson in lessons:
        for card in lesson.cards:
            section = lesson.sections.get(card.id)
            if section is None:
                continue
            if section.page not in cells:
                cells[section.page] = _cell_ids(root, section.page)
            known = cells[section.page]
            if section.page != lesson.page or (known is not None and section.anchor not in known):
                report.add("UNKNOWN_SECTION", card.file, card.line, section=section.target)


def _cell_ids(root: Path, page: str) -> set[str] | None:
    source = root / "notebooks" / "source" / f"{page}.py"
    return set(_SOURCE_CELL_ID.findall(source.read_text(encoding="utf-8"))) if source.exists() else None


def _lint(root: Path, lessons: list[Lesson], lang: str, report: Report) -> None:
    other_language = next(language for language in LANGUAGES if language != lang)
    others = load_lessons(root, other_language, Report(own=True))  # its own faults are told when it is built
    lint_languages(_with_sections(lessons), _with_sections(others), report)
    for lesson in lessons:
        for card in lesson.cards:
            lint_card(card, lang, report)
        if _cell_ids(root, lesson.page) is not None:
            lint_lesson(lesson.cards, lang, report)
        anchors = {card_id: section.anchor for card_id, section in lesson.sections.items()}
        lint_numbers(root, lang, lesson.page, lesson.cards, anchors, report)


def _with_sections(lessons: list[Lesson]) -> dict[str, tuple[Card, str]]:
    """id → the card and the target of its section link."""
    return {
        card.id: (card, lesson.sections[card.id].target if card.id in lesson.sections else "")
        for lesson in lessons
        for card in lesson.cards
        if card.id
    }


def _retire(path: Path, ids: list[str]) -> None:
    if ids:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        replace_file(path, (before + "".join(f"{card_id}\n" for card_id in ids)).encode())
