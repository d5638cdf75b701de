"""The course's words and letters: one term, one wording; one symbol, one meaning.

``glossary.toml`` holds every term in English and Russian with the wordings that the course does not use for it,
``notation.toml`` every symbol with its meaning, shape and colour. Nothing here imports torch or matplotlib.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from course_lib.language import LANGUAGES, language, say
from course_lib.tables import show_table


@dataclass(frozen=True)
class Term:
    """One term; ``definition`` is ``{"en": …, "ru": …}``, or empty while no lesson needs it."""

    en: str
    ru: str
    lesson: int
    banned_en: tuple[str, ...] = ()
    banned_ru: tuple[str, ...] = ()
    definition: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Symbol:
    """One letter of the notation.

    ``shape`` lists the sizes along its axes (empty: a number), ``colour`` is a name in ``figures.style.COLOURS`` or "",
    ``plain`` how the symbol is written where TeX cannot be shown.
    """

    tex: str
    meaning: dict[str, str]
    shape: tuple[str, ...]
    lessons: tuple[int, ...]
    plain: str = ""
    colour: str = ""


@dataclass(frozen=True)
class Ban:
    """A wording that the course does not use: word stems (see :func:`pattern`), and what to write instead."""

    stems: str
    lang: str
    instead: str


def _load(name: str) -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(resources.files("course_lib").joinpath(name).read_text(encoding="utf-8"))


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


@cache
def terms() -> tuple[Term, ...]:
    """All terms of ``glossary.toml``, in its order.

    Raises:
        ValueError: if an English or a Russian term stands twice, or a definition lacks a language.
        TypeError: if an entry has a field that :class:`Term` does not know.
    """
    table = tuple(Term(**_frozen(entry)) for entry in _load("glossary.toml")["term"])
    for lang in LANGUAGES:
        words = [getattr(term, lang) for term in table]
        if twice := sorted({word for word in words if words.count(word) > 1}):
            raise ValueError(f"glossary.toml: {', '.join(twice)} more than once")
    for term in table:
        if term.definition and set(term.definition) != set(LANGUAGES):
            raise ValueError(f"glossary.toml: the definition of {term.en!r} needs {' and '.join(LANGUAGES)}")
    return table


@cache
def symbols() -> tuple[Symbol, ...]:
    """All symbols of ``notation.toml``, in its order.

    Raises:
        ValueError: if a symbol stands twice, or a meaning lacks a language.
        TypeError: if an entry has a field that :class:`Symbol` does not know.
    """
    table = tuple(Symbol(**_frozen(entry)) for entry in _load("notation.toml")["symbol"])
    names = [symbol.tex for symbol in table]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"notation.toml: {', '.join(twice)} more than once: a symbol has one meaning")
    for symbol in table:
        if set(symbol.meaning) != set(LANGUAGES):
            raise ValueError(f"notation.toml: the meaning of {symbol.tex!r} needs {' and '.join(LANGUAGES)}")
    return table


# ---------------------------------------------------------------- wordings that the course does not use


@cache
def bans() -> tuple[Ban, ...]:
    """All banned wordings: those of the terms, then those of style."""
    found = [
        Ban(stems, lang, getattr(term, lang))
        for term in terms()
        for lang in LANGUAGES
        for stems in getattr(term, f"banned_{lang}")
    ]
    found += [
        Ban(stems, lang, rule["instead"])
        for rule in _load("glossary.toml")["style"]
        for lang in LANGUAGES
        for stems in rule.get(f"banned_{lang}", ())
    ]
    return tuple(found)


@cache
def pattern(stems: str) -> re.Pattern[str]:
    """What a banned wording matches: "скрыт пространств" is a word in «скрыт…» followed by one in «пространств…».

    A stem that ends in "!" is a whole word. Case does not matter; words may stand on two lines.
    """
    words = [re.escape(stem[:-1]) + r"\b" if stem.endswith("!") else re.escape(stem) + r"\w*" for stem in stems.split()]
    return re.compile(r"(?<![\w-])" + r"\s+".join(words), re.IGNORECASE)


def banned(text: str, lang: str) -> Iterator[tuple[int, str, Ban]]:
    """The banned wordings in a text of one language: the line (from 1), the words found, and the ban they break."""
    for ban in bans():
        if ban.lang == lang:
            for match in pattern(ban.stems).finditer(text):
                yield text.count("\n", 0, match.start()) + 1, match[0], ban


# ---------------------------------------------------------------- tables


def _plain(tex: str) -> str:
    """TeX of this table's few commands as plain text."""
    text = re.sub(r"\\(?:mathrm|text)\{(\w+)\}", r"\1", tex)
    text = text.replace(r"\top", "ᵀ").replace("^", "").replace(r"\sqrt{d_k}", "√d_k")
    return re.sub(r"[{}$`]", "", text)


def notation_table(lesson: int) -> None:
    """Show the symbols that a lesson uses, in the session's language: symbol, meaning, shape.

    The square before a symbol has its colour in the figures; it is a second mark, never the only one.
    """
    from course_lib.figures.style import COLOURS

    plain, rows = [], []
    for symbol in symbols():
        if lesson not in symbol.lessons:
            continue
        meaning, name = symbol.meaning[language()], symbol.plain or _plain(symbol.tex)
        square = f'<span style="color:{COLOURS[symbol.colour]}">■</span> ' if symbol.colour else ""
        shape = rf"$({', '.join(symbol.shape)})$" if symbol.shape else say("notation.number")
        rows.append((f"{square}${symbol.tex}$", meaning, shape))
        plain.append(" · ".join((name, _plain(meaning), _plain(shape))))
    show_table((say("notation.symbol"), say("notation.meaning"), say("notation.shape")), rows, plain)


def glossary_table(lesson: int) -> None:
    """Show the terms that a lesson introduces: in the session's language, in the other one, and what they mean."""
    lang = language()
    other = "ru" if lang == "en" else "en"
    rows = [
        (getattr(term, lang), getattr(term, other), term.definition[lang])
        for term in terms()
        if term.lesson == lesson and term.definition
    ]
    head = (say("glossary.term"), say("glossary.other"), say("glossary.definition"))
    show_table(head, rows)
