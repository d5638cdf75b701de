"""A learner's own Obsidian notes → a deck that keeps its review history while the notes are reworded.

Nothing is asked of the notes but the plugin's syntax. A card without an id gets one from the lock file: by the same
question, else by the most similar text, else a new one. The lock lies beside the first note and belongs to it: they
move together, and a backup should hold both. It is found again when the note or its deck has another name, and the
report says what has become of a card that moved, was split or has gone. ``write_ids=True`` writes the ids into the
notes, after which no lock has to guess.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.cards.building import notes_of, rendered_fields
from course_lib.cards.history import LEARNER_SUFFIX, LearnerLock, LockError, content_hash, find_learner_locks
from course_lib.cards.identity import (
    browser_search,
    deck_id,
    in_deck,
    match_reworded,
    question_id,
    share_split_off,
    similarity,
    word_list,
)
from course_lib.cards.marking import write_ids as write_ids_into
from course_lib.cards.media import pictures_of, read_renamed
from course_lib.cards.package import NOTE_TYPE, Deck, package_bytes, replace_file
from course_lib.cards.parsing import DECK_TAGS, Card, parse
from course_lib.cards.reading import Source, read_source
from course_lib.cards.rendering import Renderer
from course_lib.cards.report import Report
from course_lib.cards.short_forms import NO_SHORT_FORMS, ShortForms
from course_lib.language import LANGUAGES, say

EMBEDS_FILE = "embeds.toml"

_KIND_TAGS = ("key", "atom", "draw")
_UNSAFE_IN_FILE_NAME = re.compile(r'[\\/:*?"<>|\s]+')

_IDS_IN_A_SEARCH = 20
"""A longer list of ids is hard to copy from a terminal, so a deck that moved as a whole is searched as a whole."""

_SPLIT_OFF = 0.4
"""A new card that holds so much of what another card's answer has lost was split off it."""

_ANOTHER_CARD = 0.5
"""Below this similarity a card that comes back under its old id is told to be another one."""


@dataclass
class _Known:
    """A card with what the compiler has found out about it.

    Attributes:
        earlier: its entry in the lock, as the build before left it; empty if it is new.
    """

    card: Card
    source: Source
    deck: str
    id: str = ""
    earlier: dict = field(default_factory=dict)

    @property
    def text(self) -> tuple[str, str]:
        return self.card.wording

    @property
    def question_id(self) -> str:
        return question_id(self.card.question.text)

    @property
    def place(self) -> str:
        return f"{self.card.file.name}:{self.card.line}"


def compile_notes(
    paths: Sequence[Path | str],
    output: Path | str,
    *,
    lang: str,
    attachments: Sequence[Path | str] = (),
    strict: bool = False,
    repair: bool = True,
    write_ids: bool = False,
    lock: Path | str | None = None,
    embeds: Path | str | None = None,
    forms: ShortForms = NO_SHORT_FORMS,
    now: int | None = None,
) -> Report:
    """Compile notes into one package.

    Args:
        paths: the notes.
        output: the package to write.
        lang: language of the placeholders, unless the front matter says ``language:``.
        attachments: further folders in which pictures are looked up, after the note's own.
        strict: a picture that cannot be packed is an error.
        repair: undo mojibake of a whole file; otherwise it is an error.
        write_ids: write each card's id into its note; the note as it was is kept as ``NOTE.md.bak`` (or ``.bak.2`` …).
        lock: the lock file; by default the one beside the notes that knows them, else ``<deck>.lock.json`` beside the
            first.
        embeds: the picture map; by default ``embeds.toml`` beside the first note, if there is one. Its new names may
            be figures of the course.
        forms: the short forms of cards that are read where a note's front matter does not say.
        now: the time given to new and changed cards, in seconds since 1970; the clock's by default.

    Returns:
        The report; after an error nothing was written. Its ``exit_code`` is 2 if a note cannot be opened or none
        holds a card.

    Raises:
        ValueError: if ``lang`` is unknown or ``paths`` is empty.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: use one of {', '.join(LANGUAGES)}")
    if not paths:
        raise ValueError("no notes given")
    output = Path(output)
    notes = [Path(path) for path in dict.fromkeys(map(str, paths))]
    report = Report(strict=strict)
    known = _read(notes, report, repair, forms)
    report.cards = len(known)
    if not known:
        if not report.errors:
            report.add("NO_CARDS", notes[0])
        return report
    if output.exists() and any(output.samefile(note) for note in notes if note.exists()):
        report.add("UNWRITABLE", output, reason=say("cards.reason.output_is_note"))
        return report
    front_matter_language = next((item.source.setting("language") for item in known), "")
    if front_matter_language in LANGUAGES:
        lang = front_matter_language
    learner_lock = _open_lock(known, notes, lock, lang, report)
    if learner_lock is None:
        return report
    try:
        renamed = _renamed_pictures(notes[0], embeds)
    except ValueError as error:
        report.add("EMBEDS_BROKEN", embeds or notes[0].parent / EMBEDS_FILE, reason=error)
        return report

    now = int(time.time()) if now is None else now
    missing = _assign_ids(known, learner_lock, now, report)
    decks, media = _render(known, learner_lock, [Path(folder) for folder in attachments], renamed, lang, now, report)
    if report.errors:
        return report
    if not _save(learner_lock, output, package_bytes(decks, media), report):
        return report
    report.output, report.media = output, len(media)
    if write_ids:
        _write_ids(known, report)
    _report_moves(known, learner_lock, report)
    report.retired_search = browser_search(NOTE_TYPE, "*", missing)
    if missing:
        report.add("CARDS_GONE", learner_lock.path, count=len(missing), search=report.retired_search)
    return report


def _read(notes: Sequence[Path], report: Report, repair: bool, forms: ShortForms) -> list[_Known]:
    known = []
    for note in notes:
        source = read_source(note, report, repair=repair, forms=forms)
        if source is not None:
            known += [_Known(card, source, deck_of(card, source), card.id) for card in parse(source, report)]
    return known


def deck_of(card: Card, source: Source) -> str:
    """The deck of a learner's card: the front matter's, else its tag line's, else the name of the file."""
    deck = source.setting("deck")
    if not deck:
        tag = _deck_tag(card.tags)
        deck = tag.replace("/", "::") if tag else source.path.stem
    parts = [" ".join(part.split()) for part in deck.replace('"', "'").split("::")]
    return "::".join(part for part in parts if part) or source.path.stem


def tags_of(card: Card, source: Source) -> tuple[str, ...]:
    """The tags of a learner's note in Anki: all but the one that names the deck, nested by ``::``."""
    deck_tag = "" if source.setting("deck") else _deck_tag(card.tags)
    tags = [tag for tag in [*source.tags, *card.tags] if tag != deck_tag]
    return tuple(dict.fromkeys("_".join(tag.replace("/", "::").replace('"', "").split()) for tag in tags))


def _deck_tag(tags: Sequence[str]) -> str:
    """The tag that names a deck: the plugin's own if there is one, else the first that is not a kind of card."""
    plugins = [tag for tag in tags if tag.split("/")[0] in DECK_TAGS]
    others = [tag for tag in tags if tag not in _KIND_TAGS]
    return next(iter([*plugins, *others]), "")


# --- the files that are written ---------------------------------------------------------------------------------------


def _open_lock(
    known: list[_Known], notes: list[Path], given: Path | str | None, lang: str, report: Report
) -> LearnerLock | None:
    """The lock of these notes, or ``None`` after an error."""
    # A short form that is read from now on must not give the cards below it another collection.
    deck = next((item.deck for item in known if not item.card.short), known[0].deck)
    default = path = Path(given) if given else notes[0].parent / f"{_file_name(deck)}{LEARNER_SUFFIX}"
    try:
        if not given:
            ids = {item.id for item in known if item.id}
            paths = find_learner_locks(default, notes, ids, {item.question_id for item in known})
            if len(paths) > 1:
                report.add("LOCKS_SEVERAL", notes[0], locks=", ".join(one.name for one in paths))
                return None
            path = paths[0]
        lock = LearnerLock.load(path, deck, lang)
    except LockError as error:
        report.add("LOCK_BROKEN", error.path, reason=error)
        return None
    if path != default:
        report.add("LOCK_FOUND", notes[0], lock=path.name, deck=lock.collection)
    return lock


def _save(lock: LearnerLock, output: Path, package: bytes, report: Report) -> bool:
    """Write the lock and the package, or neither.

    The lock comes first: a package that no lock remembers would be out of step with the next one.
    """
    before = lock.path.read_bytes() if lock.path.exists() else None
    try:
        lock.save()
    except OSError as error:
        report.add("UNWRITABLE", lock.path, reason=error.strerror or type(error).__name__)
        return False
    try:
        replace_file(output, package)
    except OSError as error:
        report.add("UNWRITABLE", output, reason=error.strerror or type(error).__name__)
        with suppress(OSError):  # a lock that is ahead does no harm
            if before is None:
                lock.path.unlink()
            else:
                replace_file(lock.path, before)
        return False
    return True


def _write_ids(known: list[_Known], report: Report) -> None:
    for path in dict.fromkeys(item.source.path for item in known):
        here = [item for item in known if item.source.path == path]
        try:
            ids = {item.card.line: item.id for item in here}
            write_ids_into(here[0].source, [item.card for item in here], ids, report)
        except OSError as error:
            report.add("IDS_NOT_WRITTEN", path, reason=error.strerror or type(error).__name__)


# --- identity ---------------------------------------------------------------------------------------------------------


def _assign_ids(known: list[_Known], lock: LearnerLock, now: int, report: Report) -> list[str]:
    """Give every card its id; returns the ids of these notes' cards that have gone, and marks them so in the lock."""
    elsewhere = _Elsewhere(lock, known[0].source.forms)
    _check_duplicates(known, lock, elsewhere, report)
    if report.errors:
        return []
    here = {lock.name_of(item.source.path) for item in known}
    written = {item.id for item in known if item.id}
    # Entries of these notes, and of notes that are no longer there (they may have been renamed to one of these).
    free = {
        card_id: entry
        for card_id, entry in lock.cards.items()
        if card_id not in written and (entry["file"] in here or not lock.has_file(entry["file"]))
    }
    _report_foreign_ids(known, free, lock, now, report)
    _recognise_questions(known, free, lock, elsewhere)
    # A note that has gone is one of these under an older name if one of its cards is here.
    here |= {lock.cards[item.id]["file"] for item in known if item.id in lock.cards}
    _recognise_reworded(known, free, here, lock, report)
    _name_new([item for item in known if not item.id], {item.id for item in known} | set(lock.cards))
    for item in known:
        item.earlier = lock.cards.get(item.id, {})
    for entry in free.values():
        if entry["file"] in here:
            entry.setdefault("gone", now)
    return sorted(free)


def _check_duplicates(known: list[_Known], lock: LearnerLock, elsewhere: _Elsewhere, report: Report) -> None:
    """Two cards with one id, or with one question and no ids; also if one of them is in another note of the lock."""
    written: dict[str, _Known] = {}
    questions: dict[str, _Known] = {}
    here = {lock.name_of(item.source.path) for item in known}
    for item in known:
        name = item.id or item.question_id
        same = (written if item.id else questions).setdefault(name, item)
        if same is not item:
            report.add("DUPLICATE_ID", item.card.file, item.card.line, id=name, first=same.place)
        file = lock.cards.get(item.id, {}).get("file")
        if file and file not in here:
            other = next((card for card in elsewhere.cards(file) if card.id == item.id), None)
            if other:
                first = f"{file}:{other.line}"
                report.add("DUPLICATE_ID", item.card.file, item.card.line, id=item.id, first=first)


class _Elsewhere:
    """The notes that share the lock but are not being compiled."""

    def __init__(self, lock: LearnerLock, forms: ShortForms) -> None:
        self._folder = lock.path.parent
        self._forms = forms
        self._cards: dict[str, list[Card]] = {}

    def cards(self, file: str) -> list[Card]:
        """The cards of a note; none if it is not there."""
        if file not in self._cards:
            unheard = Report()
            source = read_source(self._folder / file, unheard, forms=self._forms)
            self._cards[file] = [] if source is None else parse(source, unheard)
        return self._cards[file]


def _report_foreign_ids(
    known: list[_Known], free: dict[str, dict], lock: LearnerLock, now: int, report: Report
) -> None:
    """Ids that the learner wrote and that cost a card its history, or give it another card's."""
    by_question = {question_id(entry["question"]): card_id for card_id, entry in free.items()}
    for item in known:
        if not item.id:
            continue
        entry = lock.cards.get(item.id)
        if entry is None and item.question_id in by_question:
            before = by_question[item.question_id]
            report.add("ID_CHANGED", item.card.file, item.card.line, id=item.id, before=before)
            free[before].setdefault("gone", now)  # no other card's earlier wording
        elif entry and "gone" in entry and similarity(item.text, (entry["question"], entry["answer"])) < _ANOTHER_CARD:
            report.add("ID_REUSED", item.card.file, item.card.line, id=item.id, before=entry["question"])


def _recognise_questions(known: list[_Known], free: dict[str, dict], lock: LearnerLock, elsewhere: _Elsewhere) -> None:
    """Take from ``free`` the cards that are there as they were, and those that came back."""

    def take(key: Callable[[str, str], object], among: dict[str, dict]) -> None:
        ids: dict[object, str] = {}
        for card_id, entry in sorted(among.items(), key=lambda pair: ("gone" in pair[1], pair[0])):
            ids.setdefault(key(entry["question"], entry["answer"]), card_id)
        for item in known:
            card_id = "" if item.id else ids.pop(key(*item.text), "")
            if card_id:
                item.id = card_id
                free.pop(card_id, None)

    take(lambda question, answer: (question_id(question), *word_list(answer)), free)
    take(lambda question, _: question_id(question), {card_id: e for card_id, e in free.items() if "gone" in e})
    # A card cut from another note of the lock and pasted here.
    asked = {item.question_id for item in known if not item.id}
    away = {
        card_id: entry
        for card_id, entry in lock.cards.items()
        if card_id not in free and "gone" not in entry and question_id(entry["question"]) in asked
    }
    claimed = {item.id for item in known}
    for file in dict.fromkeys(entry["file"] for card_id, entry in away.items() if card_id not in claimed):
        still = elsewhere.cards(file)
        still_there = {card.id for card in still} | {question_id(card.question.text) for card in still}
        cut = {
            card_id: entry
            for card_id, entry in away.items()
            if entry["file"] == file and not {card_id, question_id(entry["question"])} & still_there
        }
        take(lambda question, _: question_id(question), cut)


def _recognise_reworded(
    known: list[_Known], free: dict[str, dict], here: set[str], lock: LearnerLock, report: Report
) -> None:
    """Take from ``free`` the cards of the build before that are still here in other words."""

    def text(entry: dict) -> tuple[str, str]:
        return entry["question"], entry["answer"]

    nameless = {index: item.text for index, item in enumerate(known) if not item.id}
    before = {card_id: text(entry) for card_id, entry in free.items() if entry["file"] in here and "gone" not in entry}
    kept = [text(entry) for card_id, entry in lock.cards.items() if entry["file"] in here and card_id not in before]
    # Somebody may have renamed the note and changed the answer, but not the question.
    strangers = {card_id: text(entry) for card_id, entry in free.items() if entry["file"] not in here}
    questions = {question_id(question) for question, _ in nameless.values()}
    before |= {card_id: pair for card_id, pair in strangers.items() if question_id(pair[0]) in questions}
    old, new = _neighbours_before(lock, here, set(before)), _neighbours_now(known, lock)

    def in_place(index: int, card_id: str) -> bool:
        return any(one and one == other for one, other in zip(new[index], old.get(card_id, ("", "")), strict=True))

    for index, (card_id, alike) in match_reworded(before, nameless, kept=kept, in_place=in_place).items():
        item = known[index]
        item.id = card_id
        del free[card_id]
        if item.question_id != question_id(before[card_id][0]):
            report.add("ID_KEPT", item.card.file, item.card.line, id=card_id, percent=round(100 * alike))


def _neighbours_before(lock: LearnerLock, files: set[str], missing: set[str]) -> dict[str, tuple[str, str]]:
    """Missing id → the ids that stood before and after it and are still there; empty where there is none."""
    neighbours: dict[str, tuple[str, str]] = {}
    for file in files:
        entries = [(entry.get("line", 0), card_id) for card_id, entry in lock.cards.items() if entry["file"] == file
                   and "gone" not in entry]  # fmt: skip
        ids = [card_id for line, card_id in sorted(entries) if line]
        there = ["" if card_id in missing else card_id for card_id in ids]
        neighbours |= {card_id: pair for card_id, pair in zip(ids, _around(there), strict=True) if card_id in missing}
    return neighbours


def _neighbours_now(known: list[_Known], lock: LearnerLock) -> list[tuple[str, str]]:
    """For each card the nearest known ids before and after it in its note."""
    pairs: list[tuple[str, str]] = []
    for path in dict.fromkeys(item.source.path for item in known):
        pairs += _around([item.id if item.id in lock.cards else "" for item in known if item.source.path == path])
    return pairs


def _around(ids: list[str]) -> list[tuple[str, str]]:
    """For each place the nearest id that is not empty on either side of it."""
    before, after = [""], [""]
    for card_id in ids:
        before.append(card_id or before[-1])
    for card_id in reversed(ids):
        after.append(card_id or after[-1])
    return list(zip(before, reversed(after[:-1]), strict=False))


def _name_new(nameless: list[_Known], taken: set[str]) -> None:
    for item in nameless:
        base = name = item.question_id
        number = 1
        while name in taken:  # the id of a card that was reworded since, or of another note
            number += 1
            name = f"{base}-{number}"
        item.id = name
        taken.add(name)


# --- what has become of the cards -------------------------------------------------------------------------------------


def _report_moves(known: list[_Known], lock: LearnerLock, report: Report) -> None:
    """One line for the cards that changed their deck, for those that changed their note, and for each that was split."""
    decks: dict[tuple[str, str], list[_Known]] = {}
    files: dict[tuple[str, Path], list[_Known]] = {}
    for item in known:
        if not item.earlier:
            continue
        if item.earlier["deck"] != item.deck:
            decks.setdefault((item.earlier["deck"], item.deck), []).append(item)
        if item.earlier["file"] != lock.name_of(item.source.path):
            files.setdefault((item.earlier["file"], item.source.path), []).append(item)
    for (before, now), items in decks.items():
        rest = {entry["deck"] for entry in lock.cards.values() if "gone" not in entry}
        whole = not any(f"{deck}::".startswith(f"{before}::") for deck in rest)
        search = browser_search(NOTE_TYPE, before, [item.id for item in items])
        if whole and len(items) > _IDS_IN_A_SEARCH:
            search = in_deck(NOTE_TYPE, before)
        place = _place(items[0].earlier)
        report.add("DECK_MOVED", items[0].source.path, items[0].card.line,
                   count=len(items), place=place, before=before, now=now, search=search)  # fmt: skip
    for (_, path), items in files.items():
        report.add("CARD_MOVED", path, items[0].card.line, count=len(items), place=_place(items[0].earlier))
    _report_splits(known, report)


def _report_splits(known: list[_Known], report: Report) -> None:
    """New cards that hold what another card's answer no longer does."""
    changed = [item for item in known if item.earlier and item.earlier["answer"] != item.text[1]]
    for item in known if changed else ():
        if item.earlier:
            continue
        shares = [share_split_off(item.text[1], one.earlier["answer"], one.text[1]) for one in changed]
        kept = changed[shares.index(max(shares))]
        if max(shares) >= _SPLIT_OFF:
            values = {"id": kept.id, "kept": kept.place, "place": _place(kept.earlier)}
            report.add("CARD_SPLIT", item.card.file, item.card.line, **values)


def _place(entry: dict) -> str:
    """Where a card stood; the line is missing in a lock from before lines were kept."""
    return entry["file"] + (f":{entry['line']}" if "line" in entry else "")


def _file_name(deck: str) -> str:
    return _UNSAFE_IN_FILE_NAME.sub("-", deck).strip("-.") or "deck"


# --- rendering --------------------------------------------------------------------------------------------------------


def _render(
    known: list[_Known],
    lock: LearnerLock,
    attachments: list[Path],
    renamed: dict[str, str],
    lang: str,
    now: int,
    report: Report,
) -> tuple[list[Deck], dict[str, bytes]]:
    decks: dict[str, Deck] = {}
    renderers: dict[Path, Renderer] = {}
    for item in known:
        path = item.source.path
        if path not in renderers:
            figures = [_course_figures(lang)] if renamed else []
            pictures = pictures_of(path, attachments, figures, renamed, report)
            renderers[path] = Renderer(pictures, report, path, lang)
        renderer = renderers[path]
        where = " › ".join([path.stem, *(renderer.inline(text, item.card.line) for text in item.card.headings)])
        fields = rendered_fields(item.card, item.id, where, renderer, report)
        tags = tags_of(item.card, item.source)
        content = content_hash(fields, tags)
        mtime = lock.mtime(item.id, content, now)
        lock.cards[item.id] = {
            "file": lock.name_of(path),
            "line": item.card.line,
            "deck": item.deck,
            "question": item.text[0],
            "answer": item.text[1],
            "hash": content,
            "mtime": mtime,
        }
        deck = decks.setdefault(item.deck, Deck(item.deck, deck_id(item.deck)))
        deck.notes += notes_of(item.card, fields, tags, mtime, lock.collection, lock.language)
    media = {name: content for renderer in renderers.values() for name, content in renderer.media.items()}
    return list(decks.values()), media


def _renamed_pictures(note: Path, embeds: Path | str | None) -> dict[str, str]:
    path = Path(embeds) if embeds else note.parent / EMBEDS_FILE
    return read_renamed(path) if embeds or path.exists() else {}


def _course_figures(lang: str) -> Path:
    """Our own figures, if the package runs from a clone of the course."""
    return Path(__file__).resolve().parents[2] / "flashcards" / "media" / lang
