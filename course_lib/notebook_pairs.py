"""A lesson's two notebooks, English and Russian, side by side: the same code, formulas, numbers, links and outputs.

Only the wording may differ, and the one call that sets the language: ``start(lesson=3)`` and ``start(lesson=3, lang="ru")``.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from nbformat import NotebookNode

from course_lib.language import catalogue
from course_lib.notebook_rules import CODE, FENCE, TIMING_TAG, kinds, picture, tags, text_of


def _comments_removed(code: str) -> str:
    """Python without its comments, which are prose; other text as it is."""
    try:
        tokens = [t for t in tokenize.generate_tokens(io.StringIO(code).readline) if t.type != tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return code
    return "\n".join(line.rstrip() for line in tokenize.untokenize(tokens).splitlines() if line.strip(" \\\t"))


def _figures(text: str, lang: str) -> Counter:
    """The numbers of a text, whatever the language's way to write them: 1,797 and 1 797, 0.5 and 0,5."""
    if lang == "en":
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    else:
        text = re.sub(r"(?<=\d)[\u00a0\u202f](?=\d{3}(?!\d))", "", text)
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    return Counter(re.findall(r"\d+(?:\.\d+)?", text))


def _longer(numbers: Counter) -> Counter:
    """The numbers of more than one character."""
    return Counter({number: times for number, times in numbers.items() if len(number) > 1})


def _link(url: str) -> str:
    """A link without what the language changes: the way up to the root, the folder of the language."""
    url = re.sub(r"^(\.\./|\./)+", "", url)
    url = re.sub(r"(^|/)(en|ru)/", r"\1", url)
    return url.replace(".ru.md", ".md")


def _verdicts_in_english(quoted: str) -> str:
    """A quoted line of a claim, whatever the language of its verdict."""
    for key, words in catalogue().items():
        if key.startswith("verdict."):
            quoted = re.sub(rf"(?<=\] ){re.escape(words['ru'])}\b", words["en"], quoted)
    return quoted


@cache
def _parts(source: str, lang: str) -> dict[str, Counter]:
    """What two wordings of one text must share: formulas, code, links, numbers, and the skeleton of the page."""
    text = source
    fences = [(language, _comments_removed(code).strip()) for _, language, code in FENCE.findall(text)]
    text = FENCE.sub("\n", text)
    code = [_verdicts_in_english(quoted) for _, quoted in CODE.findall(text)]
    text = CODE.sub(" ", text)
    formulas = re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL)
    text = re.sub(r"\$\$(.+?)\$\$", " ", text, flags=re.DOTALL)
    formulas += re.findall(r"(?<!\\)\$(.+?)(?<!\\)\$", text, re.DOTALL)
    text = re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", " ", text, flags=re.DOTALL)
    formulas = [re.sub(r"\\(text|mathrm|operatorname)\{[^}]*\}", r"\\\1{}", " ".join(f.split())) for f in formulas]
    link = r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:href|src)=\"([^\"]+)\"|<(https?://[^>\s]+)>"
    links = [_link("".join(groups)) for groups in re.findall(link, text)]
    text = re.sub(link, "]", text)
    # A one-digit number is often a word in one of the languages ("two", «два»), so only longer ones must agree.
    numbers = _longer(_figures(text, lang))
    skeleton = [f"heading {len(level)}" for level in re.findall(r"^(#+) ", text, re.MULTILINE)]
    skeleton += re.findall(r"<(details|summary|img|table|figure)\b", text)
    skeleton += ["table row"] * len(re.findall(r"^\|.*\|\s*$", text, re.MULTILINE))
    return {
        "formulas": Counter(formulas),
        "code in backticks": Counter(code),
        "code blocks": Counter(fences),
        "links": Counter(links),
        "numbers": numbers,
        "headings, tables and pictures": Counter(skeleton),
    }


def _only(en: Counter, ru: Counter) -> str:
    return f"only en {list((en - ru).elements())}, only ru {list((ru - en).elements())}"


def wording_problems(name: str, en: str, ru: str) -> list[str]:
    """What two wordings of one cell do not share: formulas, code, links, numbers, headings and tables."""
    found = []
    first, second = _parts(en, "en"), _parts(ru, "ru")
    for part, of_en in first.items():
        of_ru = second[part]
        if of_en != of_ru:
            found.append(f"{name}: {part}: {_only(of_en, of_ru)}")
    return found


def _readable(outputs: Sequence[NotebookNode]) -> list[str]:
    """What is read of each output, the pieces of one stream as one: as many texts as :func:`kinds` has entries."""
    texts: dict[Any, str] = {}
    for n, output in enumerate(outputs):
        key = output.name if output.output_type == "stream" else n
        texts[key] = texts.get(key, "") + text_of(output)
    return list(texts.values())


def _worded(outputs: Sequence[NotebookNode]) -> list[bool]:
    """For each text of :func:`_readable`, whether it is a wording (a caption, a table in words) and not a printed
    result."""
    found: dict[Any, bool] = {}
    for n, output in enumerate(outputs):
        data = output.get("data", {})
        found[output.name if output.output_type == "stream" else n] = "text/markdown" in data or "image/png" in data
    return list(found.values())


def pair_problems(en: NotebookNode, ru: NotebookNode) -> list[str]:
    """What the two notebooks of a lesson do not share: cells, code, tags; outputs in number, kind, figures and size."""
    found = []
    if [(c.id, c.cell_type) for c in en.cells] != [(c.id, c.cell_type) for c in ru.cells]:
        return ["the two notebooks do not have the same cells"]
    for a, b in zip(en.cells, ru.cells, strict=True):
        if tags(a) != tags(b):
            found.append(f"{a.id}: tags {tags(a)} and {tags(b)}")
        if a.cell_type == "markdown":
            found += wording_problems(a.id, a.source, b.source)
            if re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", a.source) and not re.search("[а-яё]", b.source):
                found.append(f"{a.id}: the Russian text has no Russian in it")
            continue
        if a.source != english(b.source):
            found.append(f'{a.id}: the code differs by more than start(…, lang="ru")')
        if kinds(a.outputs) != kinds(b.outputs):
            found.append(f"{a.id}: kinds of outputs {kinds(a.outputs)} and {kinds(b.outputs)}")
            continue
        if TIMING_TAG not in tags(a):
            for wording, old, new in zip(_worded(a.outputs), _readable(a.outputs), _readable(b.outputs), strict=True):
                plain = tuple(Counter(re.findall(r"\d+(?:\.\d+)?", text)) for text in (old, new))
                worded = _figures(old, "en"), _figures(new, "ru")
                if wording:  # in a caption, a one-digit number may be a word, as in the prose
                    plain, worded = (tuple(map(_longer, pair)) for pair in (plain, worded))
                if plain[0] != plain[1] and not (wording and worded[0] == worded[1]):
                    found.append(f"{a.id}: numbers printed: {_only(*plain)}")
        drawn = [[o.data["image/png"] for o in c.outputs if "image/png" in o.get("data", {})] for c in (a, b)]
        for pngs in zip(*drawn, strict=True):
            old, new = (picture(png)[1].shape[1::-1] for png in pngs)
            if old != new:
                found.append(f"{a.id}: pictures of {old} and {new} pixels")
    return found


_NAME = r'\d+|"\w+"'
START = re.compile(rf"^start\(lesson=({_NAME})\)$", re.MULTILINE)


def russian(source: str) -> str:
    """A code cell of the Russian notebook: the same, but for the language that ``start`` is given."""
    return START.sub(r'start(lesson=\1, lang="ru")', source)


def english(source: str) -> str:
    """The inverse of :func:`russian`."""
    return re.sub(rf'^start\(lesson=({_NAME}), lang="ru"\)$', r"start(lesson=\1)", source, flags=re.MULTILINE)
