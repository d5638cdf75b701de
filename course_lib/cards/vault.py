"""The Obsidian vault around a note: where its attachments lie, and where a picture named without a path is.

A vault is a folder with ``.obsidian/`` in it. Obsidian puts new attachments where ``attachmentFolderPath`` of
``.obsidian/app.json`` says: ``/`` (or nothing) the vault itself, ``./`` beside the note, ``./sub`` in a folder beside
the note, ``sub`` in a folder of the vault. An embed names a file anywhere in the vault. Nothing outside the vault is ever
looked at, and links to folders are not followed.
"""

from __future__ import annotations

import itertools
import json
import os
import unicodedata
from collections import deque
from functools import cached_property
from pathlib import Path

from course_lib.cards.report import Report

MAX_ENTRIES = 10_000
"""Files and folders of a vault that are looked through for a picture; what lies deeper than these is not found."""

_SETTINGS = Path(".obsidian") / "app.json"


class Vault:
    """A vault by its root folder, which is an absolute path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.is_cut_short = False
        """Whether some of the vault was not looked through; known after the first search."""

    @classmethod
    def around(cls, note: Path) -> Vault | None:
        """The innermost vault that the note lies in, as its path is written."""
        for folder in Path(os.path.abspath(note)).parents:
            try:
                if (folder / ".obsidian").is_dir():
                    return cls(folder)
            except OSError:
                return None
        return None

    def attachment_folder(self, note: Path, report: Report) -> Path | None:
        """Where Obsidian puts the note's attachments; ``None`` if it does not say, or what it says cannot be used."""
        path = self.root / _SETTINGS
        try:
            settings = json.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            report.add("VAULT_SETTINGS", path, 0)
            return None
        value = settings.get("attachmentFolderPath", "/") if isinstance(settings, dict) else None
        if not isinstance(value, str) or "\0" in value:
            report.add("VAULT_SETTINGS", path, 0)
            return None
        value = value.replace("\\", "/")
        beside_note = value == "." or value.startswith("./")
        base = Path(os.path.abspath(note)).parent if beside_note else self.root
        folder = Path(os.path.normpath(base / value[beside_note:].lstrip("/")))
        if not folder.is_relative_to(self.root) or not folder.resolve().is_relative_to(self.root.resolve()):
            report.add("VAULT_OUTSIDE", path, 0, folder=value)
            return None
        return folder

    def inside(self, name: str, folder: Path) -> str | None:
        """A name with ``..`` in it, seen from ``folder``, as a name seen from the root; ``None`` if it leads out."""
        path = Path(os.path.normpath(Path(os.path.abspath(folder)) / name))
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else None

    def find(self, name: str, folder: Path) -> list[Path]:
        """The files of this base name that are nearest to ``folder``: one, none, or several equally near."""
        candidates = self._files.get(_key(name), [])
        here = Path(os.path.abspath(folder))
        by_distance: dict[int, list[Path]] = {}
        for path in candidates:
            by_distance.setdefault(_distance(here, path.parent), []).append(path)
        return by_distance[min(by_distance)] if by_distance else []

    def is_alone(self, name: str) -> bool:
        """Whether no more than one file has this base name."""
        return len(self._files.get(_key(name), [])) <= 1

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Base name → files, folders near the root first; hidden folders and links to folders are passed over."""
        found: dict[str, list[Path]] = {}
        folders = deque([self.root])
        entries = 0
        while folders:
            try:
                with os.scandir(folders.popleft()) as scanned:
                    content = sorted(scanned, key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in content:
                entries += 1
                if entries > MAX_ENTRIES:
                    self.is_cut_short = True
                    return found
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    found.setdefault(_key(entry.name), []).append(Path(entry.path))
        return found


def _key(name: str) -> str:
    """Obsidian finds a file by its name whatever the case of the letters; macOS writes "й" as two characters."""
    return unicodedata.normalize("NFC", name).casefold()


def _distance(one: Path, other: Path) -> int:
    """Steps from folder to folder, up and down."""
    pairs = zip(one.parts, other.parts, strict=False)
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    return len(one.parts) + len(other.parts) - 2 * common
