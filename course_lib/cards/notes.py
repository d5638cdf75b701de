"""A learner's own Obsidian notes → a deck that keeps its review history while the notes are reworded.

Nothing is asked of the notes but the plugin's syntax. A card without an id gets one from the lock file: by the same
question, else by the most similar text, else a new one. The lock lies beside the first note and belongs to it: it is
what a backup should hold. ``write_ids=True`` writes the ids into the notes, after which no lock has to guess.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.cards.building import notes_of, rendered_fields
from course_lib.cards.history import LearnerLock, LockError, content_hash
from course_lib.cards.identity import browser_search, deck_id, match_reworded, question_id
from course_lib.cards.media import Pictures, read_renamed
from course_lib.cards.package import NOTE_TYPE, Deck, replace_file, write_package
from course_lib.cards.parsing import Card, parse
from course_lib.cards.reading import Source, read_source
from course_lib.cards.rendering import Renderer
from course_lib.cards.report import Report
from course_lib.language import LANGUAGES, say

EMBEDS_FILE = "embeds.toml"

_DECK_TAGS = ("🃏", "flashcards", "flashcard")
_KIND_TAGS = ("key", "atom", "draw")
_UNSAFE_IN_FILE_NAME = re.compile(r'[\\/:*?"<>|\s]+')
_SCHEDULING_AT_END = re.compile(r"\s*(?:<!--SR:[^<>\n]*-->\s*)*$")


@dataclass
class _Known:
    """A card with what the compiler has found out about it."""

    card: Card
    source: Source
    deck: str
    id: str = ""


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
        write_ids: write each card's id into its note; the note as it was is kept as ``NOTE.md.bak``.
        lock: the lock file; by default ``<deck>.lock.json`` beside the first note.
        embeds: the picture map; by default ``embeds.toml`` beside the first note, if there is one. Its new names may
            be figures of the course.
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
    known = _read(notes, report, repair)
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
    lock_path = Path(lock) if lock else notes[0].parent / f"{_file_name(known[0].deck)}.lock.json"
    try:
        learner_lock = LearnerLock.load(lock_path, known[0].deck, lang)
        renamed = _renamed_pictures(notes[0], embeds)
    except LockError as error:
        report.add("LOCK_BROKEN", lock_path, reason=error)
        return report
    except ValueError as error:
        report.add("EMBEDS_BROKEN", embeds or notes[0].parent / EMBEDS_FILE, reason=error)
        return report

    missing = _assign_ids(known, learner_lock, report)
    now = int(time.time()) if now is None else now
    decks, media = _render(known, learner_lock, [Path(folder) for folder in attachments], renamed, lang, now, report)
    if report.errors:
        return report
    try:
        write_package(output, decks, media)
        learner_lock.save()
        if write_ids:
            _write_ids(known, report)
    except OSError as error:
        report.add("UNWRITABLE", output, reason=error.strerror or type(error).__name__)
        return report
    report.output, report.media = output, len(media)
    report.retired_search = browser_search(NOTE_TYPE, "*", missing)
    if missing:
        report.add("CARDS_GONE", lock_path, count=len(missing), search=report.retired_search)
    return report


def _read(notes: Sequence[Path], report: Report, repair: bool) -> list[_Known]:
    known = []
    for note in notes:
        source = read_source(note, report, repair=repair)
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
    plugins = [tag for tag in tags if tag.split("/")[0] in _DECK_TAGS]
    others = [tag for tag in tags if tag not in _KIND_TAGS]
    return next(iter([*plugins, *others]), "")


# --- identity ---------------------------------------------------------------------------------------------------------


def _assign_ids(known: list[_Known], lock: LearnerLock, report: Report) -> list[str]:
    """Give every card its id and enter it in the lock; returns the ids of these notes' cards that have gone."""
    written: dict[str, _Known] = {}
    questions: dict[str, _Known] = {}
    for item in known:
        same = written.get(item.id) if item.id else questions.get(question_id(item.card.question.text))
        if same is not None:
            name = item.id or question_id(item.card.question.text)
            first = f"{same.card.file.name}:{same.card.line}"
            report.add("DUPLICATE_ID", item.card.file, item.card.line, id=name, first=first)
        if item.id:
            written.setdefault(item.id, item)
        else:
            questions.setdefault(question_id(item.card.question.text), item)
    if report.errors:
        return []

    # A card of another note, compiled on its own into the same lock, is nobody's earlier wording.
    here = {_file_in_lock(item.source.path, lock) for item in known}
    candidates = {
        card_id: entry
        for card_id, entry in lock.cards.items()
        if card_id not in written and (entry["file"] in here or not (lock.path.parent / entry["file"]).exists())
    }
    by_question = {question_id(entry["question"]): card_id for card_id, entry in candidates.items()}
    for item in known:
        same = by_question.get(question_id(item.card.question.text))
        if same is None or same not in candidates:
            continue
        if not item.id:
            item.id = same
            del candidates[same]
        elif item.id not in lock.cards:
            report.add("ID_CHANGED", item.card.file, item.card.line, id=item.id, before=same)
    _recognise_reworded([item for item in known if not item.id], candidates, report)
    _name_new([item for item in known if not item.id], {item.id for item in known} | set(lock.cards))
    current = {item.id for item in known}
    return sorted(card_id for card_id in candidates if card_id not in current)


def _recognise_reworded(nameless: list[_Known], candidates: dict[str, dict], report: Report) -> None:
    before = {card_id: (entry["question"], entry["answer"]) for card_id, entry in candidates.items()}
    texts = {index: (item.card.question.text, item.card.answer.text) for index, item in enumerate(nameless)}
    for index, (card_id, similarity) in match_reworded(before, texts).items():
        item = nameless[index]
        item.id = card_id
        report.add("ID_KEPT", item.card.file, item.card.line, id=card_id, percent=round(100 * similarity))


def _name_new(nameless: list[_Known], taken: set[str]) -> None:
    for item in nameless:
        base = name = question_id(item.card.question.text)
        number = 1
        while name in taken:  # the id of a card that was reworded since, or of another note
            number += 1
            name = f"{base}-{number}"
        item.id = name
        taken.add(name)


def _file_in_lock(path: Path, lock: LearnerLock) -> str:
    return Path(os.path.relpath(path.resolve(), lock.path.parent.resolve())).as_posix()


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
            pictures = Pictures([path.parent, *attachments, *figures], renamed)
            renderers[path] = Renderer(pictures, report, path, lang)
        renderer = renderers[path]
        where = " › ".join([path.stem, *(renderer.inline(text, item.card.line) for text in item.card.headings)])
        fields = rendered_fields(item.card, item.id, where, renderer, report)
        tags = tags_of(item.card, item.source)
        content = content_hash(fields, tags)
        mtime = lock.mtime(item.id, content, now)
        entry = lock.cards.get(item.id, {})
        if entry.get("deck", item.deck) != item.deck:
            report.add("DECK_MOVED", path, item.card.line, before=entry["deck"], now=item.deck)
        lock.cards[item.id] = {
            "file": _file_in_lock(path, lock),
            "deck": item.deck,
            "question": item.card.question.text,
            "answer": item.card.answer.text,
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


# --- ids into the notes -----------------------------------------------------------------------------------------------


def _write_ids(known: list[_Known], report: Report) -> None:
    """Add `` ^id`` to the answers that lack one; every other byte of a note stays as it was."""
    for path in dict.fromkeys(item.source.path for item in known):
        items = [item for item in known if item.source.path == path and not item.card.id]
        if not items or items[0].source.repaired:
            continue  # a note in a broken encoding is not ours to mend
        data = path.read_bytes()
        # Lone carriage returns end lines too, and every line keeps the end it has.
        lines = re.split(rb"(\r\n|\r|\n)", data)
        newline = lines[1] if len(lines) > 1 else b"\n"
        for item in items:
            index = 2 * (item.card.end_line - 1)
            text = lines[index].decode("utf-8")
            scheduling = _SCHEDULING_AT_END.search(text)
            answer, comment = text[: scheduling.start()], text[scheduling.start() :]
            if re.search(r"(?:```|~~~|\||\$\$)\s*$", answer):
                # The last line ends a fence, a table or a formula: the id stands on a line of its own.
                lines[index] = (answer + comment).encode() + newline + f"^{item.id}".encode()
            else:
                lines[index] = f"{answer} ^{item.id}{comment}".encode()
        replace_file(path.with_name(path.name + ".bak"), data)
        replace_file(path, b"".join(lines))
        report.add("IDS_WRITTEN", path, count=len(items), backup=path.name + ".bak")
