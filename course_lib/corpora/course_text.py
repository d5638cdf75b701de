"""The course's own prose as a corpus, English and Russian: the same content in two languages.

:func:`collect` reads it from the lessons' sources, the cards, the READMEs, the table of claims and the captions, and strips markup and
formulas. What a lesson prints must not change whenever somebody mends a sentence, so the lessons read a stored copy,
:func:`frozen`; ``python -m course_lib.corpora.course_text`` writes it anew.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from course_lib.language import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
_DATA = resources.files("course_lib.corpora") / "data"

_OMITTED = "\ufffc"  # stands where a formula or code stood: the sentence around it goes too
_SIMPLE = re.compile(r"[A-Za-z]|[a-z]{2,}|\d+(?:\.\d+)?")  # a formula or code that reads as a word: T, softmax, 64
_SENTENCE = re.compile(r"(?<=[.!?…])(?:[»\"”)]*) +(?=[«\"“(A-ZА-ЯЁ])")
_CARD_SYNTAX = re.compile(r"^#\w[\w #-]*$|^\?{1,2}$|\^[a-z0-9-]+$|^---\n.*?^---$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)
_QUOTED_MARKUP = re.compile(r"[*_`$\\{}<>|\[\]#=^~/]|https?:|\.\w|\w_\w")


def _markdown(root: Path, lang: str) -> Iterator[str]:
    """The Markdown texts of one language, in a fixed order."""
    opening = re.compile(rf'# %% \[markdown\] .*lang="{lang}"')
    for path in sorted((root / "notebooks" / "source").glob("[0-9]*.py")):
        for cell in re.split(r"^(?=# %%)", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            if opening.match(cell):
                yield "\n".join(line.removeprefix("#").removeprefix(" ") for line in cell.splitlines()[1:])
    for path in sorted((root / "flashcards" / lang).glob("[0-9]*.md")):
        yield _CARD_SYNTAX.sub("", path.read_text(encoding="utf-8"))
    yield (root / ("README.md" if lang == "en" else f"README.{lang}.md")).read_text(encoding="utf-8")
    for row in tomllib.loads((root / "course_lib" / "claims.toml").read_text(encoding="utf-8"))["claim"]:
        yield f"{row['statement'][lang]}\n\n{row['finding'][lang]}"
    for path in sorted((root / "course_lib" / "catalogue").glob("*.toml")):
        for wording in tomllib.loads(path.read_text(encoding="utf-8")).values():
            yield wording[lang]


def _paragraphs(markdown: str) -> Iterator[str]:
    """The text of each paragraph, list item and table cell; :data:`_OMITTED` for formulas and code."""
    from course_lib.cards.markdown import markdown_parser  # the one parser that knows formulas and wikilinks

    for block in markdown_parser().parse(_TAG.sub("", markdown)):
        if block.type != "inline":
            continue
        text = ""
        for token in block.children or ():
            if token.type == "text":
                text += token.content
            elif token.type in ("softbreak", "hardbreak"):
                text += " "
            elif token.type in ("math_inline", "code_inline") and _SIMPLE.fullmatch(token.content):
                text += token.content
            elif token.type == "wikilink":
                text += token.meta["label"] or _OMITTED
            elif token.type not in ("image", "embed") and token.content:
                text += _OMITTED
        yield " ".join(text.split())


def _whole(sentence: str, lang: str) -> bool:
    """Whether this is a whole sentence of the language, with nothing but words, numbers and punctuation in it."""
    letters = re.findall(r"[^\W\d_]", sentence)
    of_language = sum(bool(re.match("[а-яё]", letter, re.IGNORECASE)) == (lang == "ru") for letter in letters)
    return (
        re.match(r"[«“\"(]*[^\W\d_]", sentence) is not None
        and sentence.lstrip('«“"(')[0].isupper()
        and _OMITTED not in sentence
        and not _QUOTED_MARKUP.search(sentence)
        and re.search(r"[.!?…][»\"”)]*$", sentence) is not None
        and all(sentence.count(opening) == sentence.count(closing) for opening, closing in ("()", "«»", "“”"))
        and sentence.count('"') % 2 == 0
        and len(re.findall(r"[^\W\d_]{2,}", sentence)) >= 4
        and of_language > 0.5 * len(letters)
    )


def collect(lang: str, root: Path = ROOT) -> list[str]:
    """The course's prose in one language, a paragraph an item, without headings' and lists' marks, formulas and code.

    Only whole sentences of four words or more are kept, and each paragraph once; a sentence that loses a formula or a
    piece of code is no sentence any more and goes.

    Args:
        lang: ``"en"`` or ``"ru"``.
        root: the clone to read.

    Raises:
        ValueError: for another language.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: use one of {', '.join(LANGUAGES)}")
    result: dict[str, None] = {}
    for markdown in _markdown(root, lang):
        for paragraph in _paragraphs(markdown):
            kept = [sentence for sentence in _SENTENCE.split(paragraph) if _whole(sentence, lang)]
            if kept:
                result[" ".join(kept)] = None
    return list(result)


@cache
def frozen(lang: str) -> tuple[str, ...]:
    """The stored copy of :func:`collect`: paragraphs, the same on every machine and after every edit of the course.

    Raises:
        ValueError: if ``lang`` is neither ``"en"`` nor ``"ru"``.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: use one of {', '.join(LANGUAGES)}")
    return tuple((_DATA / f"course_{lang}.txt").read_text(encoding="utf-8").splitlines())


def freeze(folder: Path | None = None, root: Path = ROOT) -> list[Path]:
    """Write ``course_en.txt`` and ``course_ru.txt`` anew, into the package or another folder; the files written."""
    folder = Path(str(_DATA)) if folder is None else folder
    written = []
    for lang in LANGUAGES:
        path = folder / f"course_{lang}.txt"
        path.write_text("\n".join(collect(lang, root)) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for path in freeze():
        print(f"{path.name}: {path.stat().st_size} bytes")
