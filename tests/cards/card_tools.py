"""What the card tests share: short ways to compile text, a judge of HTML of its own, and the real Anki."""

from __future__ import annotations

import html
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course_lib.cards.media import Pictures
from course_lib.cards.parsing import Card, parse
from course_lib.cards.reading import source_from_text
from course_lib.cards.rendering import Renderer
from course_lib.cards.report import Report

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
NOW = 1_800_000_000
"""A fixed time for builds, later than every time in the committed lock."""

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" "1f15c4890000000d49444154789c63f8ffff3f0005fe02fe"
    "a7c9a3f50000000049454e44ae426082"
)  # fmt: skip

FORBIDDEN_TAGS = set("script iframe style object embed form input button svg math link meta base video audio".split())
LINK_SCHEMES = ("https:", "http:", "mailto:", "obsidian:")


def read_cards(text: str, *, own: bool = False) -> tuple[list[Card], Report]:
    """The cards of ``text``, and what was said about it."""
    report = Report(own=own)
    source = source_from_text(text, Path("note.md"), report)
    return parse(source, report), report


def render(markdown: str, report: Report | None = None, roots: tuple[Path, ...] = (), link=lambda target: None) -> str:
    """The HTML of an answer."""
    report = report or Report()
    (card,), _ = read_cards(f"Question\n?\n{markdown}")
    return Renderer(Pictures(roots), report, Path("note.md"), "en", link).field(card.answer)


def visible_text(field_html: str) -> str:
    """What a browser shows of ``field_html``, in one line."""
    collector = _Collector()
    collector.feed(field_html)
    collector.close()
    return " ".join("".join(collector.text).split())


def dangers(field_html: str) -> list[str]:
    """Everything in ``field_html`` that a card must never hold; written apart from the compiler's own list."""
    collector = _Collector()
    collector.feed(field_html)
    collector.close()
    return collector.dangers


class _Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.dangers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.dangers.append(f"<{tag}>")
        for name, value in attrs:
            address = html.unescape(value or "").strip().lower()
            if name.startswith("on") or name in ("style", "srcdoc", "srcset", "id"):
                self.dangers.append(f"{tag} {name}")
            if name == "href" and not address.startswith(LINK_SCHEMES):
                self.dangers.append(f"{tag} href={address}")
            if name == "src" and (":" in address or "/" in address):
                self.dangers.append(f"{tag} src={address}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


# --- the real Anki ----------------------------------------------------------------------------------------------------


def need(module: str):
    """Import a test tool; without it the test is skipped, but in CI it fails."""
    if os.environ.get("COURSE_CI"):
        __import__(module)
    return pytest.importorskip(module)


@contextmanager
def anki_collection() -> Iterator:
    """An empty collection of the real Anki backend."""
    need("anki")
    from anki.collection import Collection

    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(str(Path(folder) / "collection.anki2"))
        without_waiting(collection)
        try:
            yield collection
        finally:
            collection.close()


def without_waiting(collection) -> None:
    """Spare an open collection the wait for the disk after every answer; it need not survive a power cut."""
    collection.db.execute("pragma synchronous=off")


def import_package(collection, package: Path) -> dict[str, int]:
    """Import with Anki's default options; how many notes were new, updated, duplicate, conflicting."""
    from anki.collection import ImportAnkiPackageOptions, ImportAnkiPackageRequest

    request = ImportAnkiPackageRequest(package_path=str(package), options=ImportAnkiPackageOptions())
    log = collection.import_anki_package(request).log
    return {
        "new": len(log.new),
        "updated": len(log.updated),
        "duplicate": len(log.duplicate),
        "conflicting": len(log.conflicting),
    }


def imported(new: int = 0, updated: int = 0, duplicate: int = 0, conflicting: int = 0) -> dict[str, int]:
    """The expected result of :func:`import_package`."""
    return {"new": new, "updated": updated, "duplicate": duplicate, "conflicting": conflicting}
