"""Card ids into a learner's note, so that no lock has to guess which card is which.

The note is somebody's work. Only `` ^id`` is added, at the end of an answer that lacks one; every other byte stays, the
note as it was is kept beside it, and what was written is read again first: unless the cards are the same as before but
for their ids, the note is left alone.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from course_lib.cards.package import replace_file
from course_lib.cards.parsing import Card, parse
from course_lib.cards.reading import Source, decode, source_from_text
from course_lib.cards.report import Report
from course_lib.language import say

_SCHEDULING = re.compile(r"<!--SR:[^<>\n]*-->")
_BLOCK_ID_AT_END = re.compile(r"(?:^|\s)(\^[A-Za-z0-9_-]{3,})$")
_WIKILINK = re.compile(r"\[\[[^\]\n]*\]\]")
_ENDS_A_BLOCK = re.compile(r"(?:```|~~~|\$\$)$|^[\s>]*(?:[-*_=]\s*){3,}$")


def write_ids(source: Source, cards: list[Card], ids: Mapping[int, str], report: Report) -> None:
    """Write the ids of those of a note's cards that have none.

    Args:
        source: the note as it was read.
        cards: all its cards.
        ids: line of a card → its id.

    Raises:
        OSError: if the note or its copy cannot be written; then the note is as it was.
    """
    path = source.path
    # A text with deletions is several cards with one place for an id: they are told apart by the lock.
    unmarked = [card for card in cards if not card.id and not card.cloze]
    if not unmarked:
        return
    if source.repaired:
        report.add("IDS_NOT_WRITTEN", path, reason=say("cards.reason.repaired"))
        return
    if not os.access(path, os.W_OK):  # a file can be replaced although it is read-only
        report.add("IDS_NOT_WRITTEN", path, reason=say("cards.reason.read_only"))
        return
    data = path.read_bytes()
    marked, written = _marked(data, source, unmarked, ids, report)
    if not written:
        return
    expected = [_content(card, card.id or (ids[card.line] if card.line in written else "")) for card in cards]
    if _cards_in(marked, source) != expected:
        report.add("IDS_NOT_WRITTEN", path, reason=say("cards.reason.not_the_same"))
        return
    backup = _backup(path, data)
    replace_file(path, marked)
    report.add("IDS_WRITTEN", path, count=len(written), backup=backup.name)


def _marked(
    data: bytes, source: Source, cards: list[Card], ids: Mapping[int, str], report: Report
) -> tuple[bytes, set[int]]:
    """The note with the ids of ``cards`` in it, and the lines of the cards that have theirs now."""
    lines = re.split(rb"(\r\n|\r|\n)", data)  # with the ends of the lines in between, each line keeps its own
    newline = lines[1] if len(lines) > 1 else b"\n"
    written: set[int] = set()
    for card in cards:
        index = 2 * (card.end_line - 1)
        if index >= len(lines):  # the note has been cut since it was read; the comparison will tell
            break
        text = lines[index].decode("utf-8", errors="replace")
        answer = _without_scheduling(text)
        comment = text[len(answer) :]
        # Invisible characters may follow an id; the source is read without them.
        obsidians = _BLOCK_ID_AT_END.search(_without_scheduling(source.lines[card.end_line - 1]))
        if obsidians:
            # A block has one id in Obsidian, and other notes may link to this one.
            reason = say("cards.reason.block_id", id=obsidians[1])
            report.add("IDS_NOT_WRITTEN", card.file, card.end_line, reason=reason)
            continue
        mark = f"^{ids[card.line]}"
        if not card.short and (_ENDS_A_BLOCK.search(answer) or "|" in _WIKILINK.sub("", answer)):
            # The last line ends a fence, a formula or a table, or is a rule: the id stands on a line of its own.
            lines[index] = (answer + comment).encode() + newline + mark.encode()
        else:
            lines[index] = f"{answer} {mark}{comment}".encode()
        written.add(card.line)
    return b"".join(lines), written


def _without_scheduling(line: str) -> str:
    """A line without the spaces and the plugin's scheduling comments at its end."""
    line = line.rstrip()
    while line.endswith("-->") and _SCHEDULING.fullmatch(line, max(line.rfind("<!--"), 0)):
        line = line[: line.rfind("<!--")].rstrip()
    return line


def _cards_in(data: bytes, source: Source) -> list[tuple]:
    unheard = Report()
    text = decode(data, source.path, unheard)
    if text is None:
        return []
    again = source_from_text(text, source.path, unheard, forms=source.forms)
    return [_content(card, card.id) for card in parse(again, unheard)]


def _content(card: Card, card_id: str) -> tuple:
    """What must not change when ids are written: all but the lines."""
    return (card_id, card.question.text, card.answer.text, card.both_ways, card.number, card.tags, card.headings)


def _backup(path: Path, data: bytes) -> Path:
    """A copy of the note beside it; one of an earlier day is never overwritten."""
    number = 1
    while True:
        copy = path.with_name(f"{path.name}.bak" + (f".{number}" if number > 1 else ""))
        if not copy.exists():
            replace_file(copy, data)
            shutil.copymode(path, copy)
            return copy
        if copy.read_bytes() == data:
            return copy
        number += 1
