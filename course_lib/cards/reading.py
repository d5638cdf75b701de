"""From the bytes of a Markdown file to clean text, or to one clear error.

Notes come from many programs. What can be undone without guessing is undone (byte order mark, line ends, invisible
characters, a whole file of UTF-8 that some program took for MacRoman or a Windows code page); what would take a guess
is refused with the place and the cure.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.cards.report import Report
from course_lib.cards.short_forms import NO_SHORT_FORMS, ShortForms
from course_lib.language import say

MAX_BYTES = 2_000_000
"""A larger file is refused unread: a year of notes is a tenth of this."""

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
# C0 and C1 controls (\x1f separates the fields of a note in Anki's database), bidirectional overrides, inner BOMs.

_ENOUGH_LETTERS = 4

_FRONT_MATTER_FENCES = ("---", "...")


@dataclass
class Source:
    """A file's clean text.

    Attributes:
        path: where it was read, as given; used in messages.
        lines: the text, split at ``\\n``; line ``n`` of the file is ``lines[n - 1]``.
        body: index of the first line after the front matter.
        front_matter: ``key: value`` pairs; the value of ``tags`` is a list.
        repaired: the text was mojibake, so the file itself must not be edited.
        forms: the short forms of cards to be read where the front matter does not say.
    """

    path: Path
    lines: list[str]
    body: int = 0
    front_matter: dict[str, str | list[str]] = field(default_factory=dict)
    repaired: bool = False
    forms: ShortForms = NO_SHORT_FORMS

    def setting(self, key: str) -> str:
        """The front matter's value of ``key`` as text; empty if it has none."""
        value = self.front_matter.get(key, "")
        return value if isinstance(value, str) else ", ".join(value)

    @property
    def tags(self) -> list[str]:
        """The front matter's ``tags``, without ``#``."""
        value = self.front_matter.get("tags", [])
        words = value if isinstance(value, list) else re.split(r"[,\s]+", value)
        return [word.lstrip("#") for word in words if word.strip("#")]


def read_source(
    path: Path, report: Report, *, repair: bool = True, forms: ShortForms = NO_SHORT_FORMS
) -> Source | None:
    """Read ``path``; ``None`` after an error, which stands in ``report``.

    Args:
        repair: undo mojibake; otherwise it is an error.
        forms: see :class:`Source`.
    """
    try:
        if not path.is_file():
            report.add("UNREADABLE", path, reason=say("cards.reason.not_a_file"))
            return None
        size = path.stat().st_size
        if size > MAX_BYTES:
            report.add("TOO_BIG", path, size=size, limit=MAX_BYTES)
            return None
        data = path.read_bytes()
    except OSError as error:
        report.add("UNREADABLE", path, reason=error.strerror or type(error).__name__)
        return None
    text = decode(data, path, report)
    if text is None:
        return None
    fixed = undo_mojibake(text)
    if fixed != text:
        report.add("MOJIBAKE" if repair else "MOJIBAKE_REFUSED", path)
        if not repair:
            return None
    return source_from_text(fixed, path, report, repaired=fixed != text, forms=forms)


def source_from_text(
    text: str, path: Path, report: Report, *, repaired: bool = False, forms: ShortForms = NO_SHORT_FORMS
) -> Source:
    """Clean decoded ``text``: one kind of line end, nothing invisible, composed letters, front matter split off."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    hidden = _INVISIBLE.search(text)
    if hidden:
        report.add("CONTROL_CHARACTERS", path, text.count("\n", 0, hidden.start()) + 1, code=f"U+{ord(hidden[0]):04X}")
        text = _INVISIBLE.sub("", text)
    # macOS writes "й" as two characters; the same question must give the same id everywhere.
    lines = unicodedata.normalize("NFC", text).split("\n")
    front_matter, body = _read_front_matter(lines)
    return Source(path, lines, body, front_matter, repaired, forms)


def decode(data: bytes, path: Path, report: Report) -> str | None:
    """UTF-8 with or without a byte order mark; anything else is reported with the offending byte, and ``None``."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        report.add("UTF16", path, 1, byte=0)
        return None
    # UTF-16 without its mark may be valid UTF-8 by accident; half of its bytes are control characters.
    controls = sum(data.count(bytes([code])) for code in (0, 4))
    if controls > len(data) // 8:
        report.add("UTF16", path, 1, byte=min(data.find(bytes([code])) for code in (0, 4) if bytes([code]) in data))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = re.sub(rb"\r\n?", b"\n", data[: error.start]).count(b"\n") + 1
        report.add("ENCODING", path, line, byte=error.start, value=f"0x{data[error.start]:02X}")
        return None


def undo_mojibake(text: str) -> str:
    """The text as it was before a program read its UTF-8 as MacRoman, cp1251 or cp1252; unchanged if none did.

    Only a file that is spoilt as a whole is repaired: a note *about* encodings may quote a spoilt word on purpose.
    """
    if text.isascii():
        return text
    import ftfy  # here, because it takes longer to import than an ASCII file to compile

    whole_file_only = ftfy.TextFixerConfig(
        restore_byte_a0=False, replace_lossy_sequences=False, decode_inconsistent_utf8=False
    )
    fixed, steps = ftfy.fix_encoding_and_explain(text, whole_file_only)
    if steps and any(step.action == "decode" for step in steps):
        return fixed
    return _undo_strictly(text)


def _undo_strictly(text: str) -> str:
    """What ftfy finds too short to judge: a text all of whose letters beyond ASCII form valid UTF-8 after a way back.

    A few such letters cannot do that by chance: in MacRoman, say, every dash would have to stand before an umlaut.
    """
    if sum(not character.isascii() for character in text) >= _ENOUGH_LETTERS:
        for codec in ("macroman", "sloppy-windows-1251", "sloppy-windows-1252"):  # ftfy has registered these
            try:
                return text.encode(codec).decode("utf-8")
            except UnicodeError:
                continue
    return text


def _read_front_matter(lines: list[str]) -> tuple[dict[str, str | list[str]], int]:
    """``key: value`` pairs between two ``---``, and the index of the line after them.

    The two list forms of Obsidian's properties, ``[a, b]`` and a dash per line, are read; deeper YAML is ignored.
    """
    if not lines or lines[0].strip() != "---":
        return {}, 0
    end = next((index for index, line in enumerate(lines[1:], 1) if line.strip() in _FRONT_MATTER_FENCES), None)
    if end is None or any(line.strip() in ("?", "??") for line in lines[1:end]):
        return {}, 0  # a rule at the top of the file, and cards below it
    values: dict[str, str | list[str]] = {}
    key = ""
    for line in lines[1:end]:
        stripped = line.strip()
        if stripped.startswith("- ") and key:
            previous = values[key]
            values[key] = [*(previous if isinstance(previous, list) else []), _unquote(stripped[2:])]
        elif ":" in stripped and not stripped.startswith("#"):
            key, _, value = (part.strip() for part in stripped.partition(":"))
            key = key.lower()
            if value.startswith("[") and value.endswith("]"):
                values[key] = [_unquote(part) for part in value[1:-1].split(",") if part.strip()]
            else:
                values[key] = _unquote(value)
    return values, end + 1


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
