"""The language of a session, and the one catalogue of everything the package says in words.

The texts stand in ``course_lib/catalogue/*.toml``, each key once, each with an English and a Russian wording, so that
the code of a lesson is the same in both languages.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

LANGUAGES = ("en", "ru")
_current = "en"


def language() -> str:
    """The language of this session: ``"en"`` or ``"ru"``."""
    return _current


def use_language(lang: str) -> None:
    """Switch the language of everything the package says.

    Raises:
        ValueError: if ``lang`` is not one of :data:`LANGUAGES`.
    """
    global _current
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: use one of {', '.join(LANGUAGES)}")
    _current = lang


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All texts, ``{key: {"en": …, "ru": …}}``.

    Raises:
        ValueError: if a key stands in two files or lacks a language.
    """
    texts: dict[str, dict[str, str]] = {}
    for path in sorted(resources.files("course_lib").joinpath("catalogue").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".toml"):
            continue
        for key, wording in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if key in texts:
                raise ValueError(f"{path.name}: the key {key!r} stands in another file too")
            if set(wording) != set(LANGUAGES):
                raise ValueError(f"{path.name}: {key!r} needs exactly the languages {', '.join(LANGUAGES)}")
            texts[key] = wording
    return texts


def say(key: str, **values: object) -> str:
    """The text of ``key`` in the session's language, its ``{fields}`` filled in.

    Raises:
        KeyError: if the catalogue has no such key, or the text names a field that ``values`` lacks.
    """
    return catalogue()[key][_current].format(**values)
