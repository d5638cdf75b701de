"""Pictures: which files a card may show, and under which name they travel.

A note is somebody else's text. A picture is looked up by name in the folders that the caller allows, and a path that
leaves them (``..``, an absolute path, a symbolic link) stops the build: a shared deck must not carry a private file.
In a vault (:mod:`course_lib.cards.vault`) ``..`` may stay inside it, and a bare name is looked for in all of it. In the
package a picture is named by the hash of its content, so two pictures of one name never meet and a changed picture
reaches every learner.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

from course_lib.cards.report import Report
from course_lib.cards.vault import Vault

MAX_PICTURE_BYTES = 10_000_000

_SIGNATURES = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".webp": (b"RIFF",),
}
PICTURE_TYPES = frozenset({*_SIGNATURES, ".svg"})

_USUAL_FOLDERS = ("attachments", "assets", "images", "img", "media", "files", "_resources")

_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "http://www.w3.org/1999/xlink href"
_SAFE_SVG = frozenset(
    "svg g defs symbol use title desc metadata style path rect circle ellipse line polyline polygon text tspan "
    "textPath marker pattern mask clipPath linearGradient radialGradient stop image switch filter feGaussianBlur "
    "feOffset feBlend feColorMatrix feFlood feComposite feMerge feMergeNode a".split()
)
_CSS_OUTSIDE = re.compile(r"@import|expression\s*\(|javascript:|url\s*\(\s*['\"]?\s*(?!#|['\"]?#)", re.IGNORECASE)
_DATA_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,", re.IGNORECASE)


class PictureError(ValueError):
    """A picture that must not or cannot be packed; ``code`` is the code of the report."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Pictures:
    """Finds the pictures of one file.

    Args:
        roots: the folders that may be read, in the order in which they are searched.
        renamed: old picture names, and the names to use instead (``embeds.toml``).
        vault: searched last, for the base name; its root is one of ``roots``.
        folder: of the note, from which ``..`` and nearness in the vault are counted.

    Attributes:
        picked: name → file, where the vault has several pictures of that name and the nearest was taken.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        renamed: Mapping[str, str] | None = None,
        vault: Vault | None = None,
        folder: Path | None = None,
    ) -> None:
        self._roots = [root.resolve() for root in roots]
        self._vault = vault
        self._folder = folder or Path()
        self.picked: dict[str, Path] = {}
        self._renamed = {unicodedata.normalize("NFC", old): new for old, new in (renamed or {}).items()}

    @property
    def is_cut_short(self) -> bool:
        """Whether a picture may lie in a part of the vault that was not looked through."""
        return self._vault is not None and self._vault.is_cut_short

    def knows(self, name: str) -> bool:
        """Whether the picture map names it, whatever its suffix."""
        return unicodedata.normalize("NFC", name) in self._renamed

    def read(self, name: str) -> tuple[bytes, str] | None:
        """The content and the suffix of the picture that an embed calls ``name``; ``None`` if there is no such file.

        Raises:
            PictureError: if the name leaves the roots, or the file is not a harmless picture.
        """
        asked = name
        name = self._renamed.get(unicodedata.normalize("NFC", name), name)
        name = name.replace("\\", "/")
        if name.startswith(("/", "~")) or re.match(r"[A-Za-z]:", name):
            raise PictureError("PICTURE_PATH")
        if ".." in name.split("/"):
            inside = self._vault.inside(name, self._folder) if self._vault else None
            if inside is None:
                raise PictureError("PICTURE_PATH")
            name = inside
        path = self._find(name) or self._find_in_vault(name, asked)
        if path is None:
            return None
        suffix = path.suffix.lower()
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise PictureError("PICTURE_TOO_BIG")
        data = path.read_bytes()
        if suffix == ".svg":
            if svg_is_active(data):
                raise PictureError("ACTIVE_SVG")
        elif not data.startswith(_SIGNATURES[suffix]):
            raise PictureError("NOT_A_PICTURE")
        return data, suffix

    def _find(self, name: str) -> Path | None:
        """A regular file under a root; a name that only a link leads out of the roots is an error, not a miss."""
        base = name.rsplit("/", 1)[-1]
        places = dict.fromkeys([name, base, *(f"{folder}/{base}" for folder in _USUAL_FOLDERS)])
        for root in self._roots:
            for place in places:
                for form in dict.fromkeys((place, unicodedata.normalize("NFD", place))):
                    try:
                        path = (root / form).resolve(strict=True)
                        if not path.is_file():
                            continue
                    except (OSError, ValueError, RuntimeError):
                        continue
                    return self._checked(path)
        return None

    def _find_in_vault(self, name: str, asked: str) -> Path | None:
        """The nearest picture of that base name in the vault, if none is as near."""
        base = name.rsplit("/", 1)[-1]
        nearest = self._vault.find(base, self._folder) if self._vault else []
        try:
            paths = sorted({self._checked(path.resolve(strict=True)) for path in nearest if path.is_file()})
        except (OSError, RuntimeError):
            return None
        if len(paths) > 1:
            raise PictureError("PICTURE_AMBIGUOUS")
        if paths and not self._vault.is_alone(base):
            self.picked[asked] = nearest[0].relative_to(self._vault.root)
        return paths[0] if paths else None

    def _checked(self, path: Path) -> Path:
        if not is_inside(path, self._roots) or path.suffix.lower() not in PICTURE_TYPES:
            raise PictureError("PICTURE_PATH")
        return path


def pictures_of(
    note: Path, attachments: Sequence[Path], further: Sequence[Path], renamed: Mapping[str, str], report: Report
) -> Pictures:
    """Finds the pictures of a note.

    Args:
        attachments: folders that the caller allows besides the note's own.
        further: folders to be searched last, after the vault's (the course's figures).
        renamed: the picture map.
        report: told of settings that cannot be used.
    """
    vault = Vault.around(note)
    if vault is None:
        return Pictures([note.parent, *attachments, *further], renamed)
    folder = vault.attachment_folder(note, report)
    roots = [note.parent, *attachments, *([folder] if folder else []), vault.root, *further]
    return Pictures(roots, renamed, vault, note.parent)


def is_inside(path: Path, roots: Sequence[Path]) -> bool:
    """Whether the resolved ``path`` lies in one of the resolved ``roots``."""
    return any(path.is_relative_to(root) for root in roots)


def packed_name(data: bytes, suffix: str) -> str:
    """The name of a picture in the package: the hash of its content."""
    return f"course-{hashlib.sha256(data).hexdigest()[:20]}{suffix}"


def read_renamed(path: Path) -> dict[str, str]:
    """The picture map of ``embeds.toml``: ``"Pasted image 1.png" = "multi-head.png"``.

    Raises:
        ValueError: if the file is not TOML, or a value is not a name.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not all(isinstance(name, str) for name in table.values()):
        raise ValueError(f'{path}: every line must read "old name" = "new name"')
    return table


def svg_is_active(data: bytes) -> bool:
    """Whether an SVG could do more than be seen: run, fetch, embed HTML, or expand entities.

    Only known drawing elements pass; what cannot be parsed counts as active.
    """
    inspector = _SvgInspector()
    try:
        inspector.parser.Parse(data, True)
    except (_ActiveSvgError, expat.ExpatError, ValueError):
        return True
    return bool(_CSS_OUTSIDE.search("".join(inspector.style)))


class _ActiveSvgError(Exception):
    """Ends the inspection at the first danger, before an entity can be expanded."""


class _SvgInspector:
    def __init__(self) -> None:
        self.style: list[str] = []
        self._style_depth = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._refuse
        self.parser.ProcessingInstructionHandler = self._refuse

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _ActiveSvgError

    def _doctype(self, name: str, system: str | None, public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            raise _ActiveSvgError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, element = name.rpartition(" ")
        foreign = namespace not in ("", _SVG)  # drawing programs add their own notes; nobody shows or runs them
        if namespace.endswith("xhtml") or (not foreign and element not in _SAFE_SVG):
            raise _ActiveSvgError
        self._style_depth += element == "style"
        for attribute, value in attributes.items():
            local = attribute.rpartition(" ")[2].lower()
            leads_out = attribute in ("href", "src", _XLINK_HREF) and not (
                value.startswith("#") or _DATA_PICTURE.match(value)
            )
            if local.startswith("on") or leads_out or _CSS_OUTSIDE.search(value):
                raise _ActiveSvgError

    def _end(self, name: str) -> None:
        self._style_depth -= name.rpartition(" ")[2] == "style"

    def _text(self, content: str) -> None:
        if self._style_depth:
            self.style.append(content)
