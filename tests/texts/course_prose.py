"""The course's prose, by language: what a reader reads, with code, formulas and addresses blanked out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "ru")

# What is no prose: fenced code, formulas, code spans, addresses, HTML tags, the targets of wikilinks; and authors and title
# of an entry in a list of papers, which others have worded.
_NOT_PROSE = re.compile(
    r"^- [A-ZÀ-Ýİ]\.[^*\n]*\*[^*\n]+\*|^\s*```.*?^\s*```|\$\$.*?\$\$|`[^`\n]+`|\$[^$\n]+\$|https?://[^\s)>\]]+|</?[a-z][^<>\n]*>|\[\[[^\]|\n]+\|",
    re.MULTILINE | re.DOTALL,
)


class Prose(NamedTuple):
    """A text of one language; ``name`` says where it stands, its lines are numbered as in the file if it is a file."""

    name: str
    lang: str
    text: str


def only_prose(text: str) -> str:
    """The text with everything that is no prose replaced by blanks; the lines keep their numbers."""
    return _NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def of_source(text: str, lang: str) -> str:
    """The Markdown cells of one language in a lesson's percent script; all other lines are empty."""
    kept, inside = [], False
    for line in text.splitlines():
        if line.startswith("# %%"):
            inside = line.startswith("# %% [markdown]") and f'lang="{lang}"' in line
            kept.append("")
        else:
            kept.append(line.removeprefix("#").removeprefix(" ") if inside else "")
    return "\n".join(kept)


def of_table(value: object, lang: str, path: str = "") -> Iterator[tuple[str, str]]:
    """The strings of one language in a table of texts, ``{…: {"en": …, "ru": …}}``, each with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == lang and isinstance(inner, str):
                yield path, inner
            elif key not in LANGUAGES:
                yield from of_table(inner, lang, f"{path} {key}".strip())
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            name = inner.get("id", inner.get("tex", number)) if isinstance(inner, dict) else number
            yield from of_table(inner, lang, f"{path} {name}".strip())


def prose(root: Path = ROOT) -> Iterator[Prose]:
    """Everything that a reader reads: lessons, cards, READMEs, claims, notation, the catalogue, definitions."""
    for lang in LANGUAGES:
        for path in sorted((root / "notebooks" / "source").glob("*.py")):
            yield Prose(path.name, lang, only_prose(of_source(path.read_text(encoding="utf-8"), lang)))
        for path in sorted((root / "flashcards" / lang).glob("*.md")):
            yield Prose(f"{lang}/{path.name}", lang, only_prose(path.read_text(encoding="utf-8")))
        tables = [root / "course_lib" / name for name in ("claims.toml", "notation.toml", "glossary.toml")]
        for path in [*tables, *sorted((root / "course_lib" / "catalogue").glob("*.toml"))]:
            for key, text in of_table(tomllib.loads(path.read_text(encoding="utf-8")), lang):
                yield Prose(f"{path.name} {key}", lang, only_prose(text))
    for name, lang in (("README.md", "en"), ("README.ru.md", "ru")):
        if (root / name).exists():
            yield Prose(name, lang, only_prose((root / name).read_text(encoding="utf-8")))
