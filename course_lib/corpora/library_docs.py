"""The *library docs* corpus: real technical English from the docstrings of the installed packages; nothing is downloaded.

Source files are parsed with :mod:`ast`, never imported. A document is the prose of one docstring, or of one topic of
Python's own language reference (``pydoc_data``). It holds whole sentences only: code, doctests, formulas, tables, lists of
parameters' types, headings and markup are taken out by :func:`prose`.

Two forms of it:

* :func:`documents`: everything, more than a million words. It differs between versions of the packages, so a lesson prints
  verdicts about it, not figures.
* :func:`frozen`: an extract of a third of a megabyte, stored with the course, the same everywhere. It is taken from Python,
  NumPy, PyTorch and Matplotlib alone; their licences stand beside it, in ``data/LICENSES.md``.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib.metadata
import importlib.util
import inspect
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("python", "numpy", "torch", "matplotlib", "networkx", "nltk", "IPython", "tornado", "PIL")
"""Where the documents come from, in their order; one that is not installed is left out. All are dependencies of the
course, or of its dependencies (networkx of PyTorch, tornado of JupyterLab)."""

FROZEN_PACKAGES = ("python", "numpy", "torch", "matplotlib")
FROZEN_BYTES = {"python": 140_000, "numpy": 70_000, "torch": 80_000, "matplotlib": 60_000}
"""How much of the frozen extract comes from each package, at most."""

_OWN_TERMS = ("numpy.ma", "numpy.random", "matplotlib.sphinxext")  # folders with a licence file of their own
_LEFT_OUT = {"test", "tests", "testing", "_vendor", "extern", "third_party", "site-packages", "lib2to3", "idlelib"}
_LEFT_OUT |= {"turtledemo", "encodings", "distutils", "sphinxext"}
_BYTES_PER_QUOTE = 4000
"""A file with fewer triple quotes than one in so many bytes is not parsed: a sixth of the time for a seventieth of the
text."""
_DATA = resources.files("course_lib.corpora") / "data"


class Document(NamedTuple):
    """The prose of one docstring or topic.

    Attributes:
        package: one of :data:`PACKAGES`.
        module: where it stands, as a dotted name.
        text: its paragraphs, one a line.
    """

    package: str
    module: str
    text: str


# -- from source files to docstrings --


def _folder(package: str) -> Path | None:
    if package == "python":
        return Path(sysconfig.get_path("stdlib"))
    spec = importlib.util.find_spec(package)  # finds a package without running it
    return Path(spec.origin).parent if spec and spec.origin else None


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """The package's source files with their modules' names, in alphabetical order."""
    folder = _folder(package)
    if folder is None:
        return
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).with_suffix("").parts
        if _LEFT_OUT.intersection(parts) or package == "torch" and len(parts) > 1 and parts[0].startswith("_"):
            continue  # PyTorch's private packages are most of its code and little of its prose
        yield ".".join((() if package == "python" else (package,)) + parts).removesuffix(".__init__"), path


def _docstrings(tree: ast.Module) -> Iterator[str]:
    """The docstrings of a module, its classes and functions, and the texts given to ``add_docstr`` and ``add_newdoc``."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        body: Sequence[ast.stmt] = node.body
        for statement in body:
            if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                waiting.append(statement)
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                call = statement.value
                if getattr(call.func, "id", getattr(call.func, "attr", "")) in ("add_docstr", "add_newdoc"):
                    texts = [inner.value for inner in ast.walk(call) if isinstance(inner, ast.Constant)]
                    yield max((text for text in texts if isinstance(text, str)), key=len, default="")
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            if isinstance(body[0].value.value, str):
                yield body[0].value.value


def _raw(package: str, *, to_copy: bool = False) -> Iterator[tuple[str, str]]:
    """Module and docstring; ``to_copy`` leaves out whatever may be under another licence than the package."""
    if package == "python":
        from pydoc_data import topics

        for name, text in sorted(topics.topics.items()):
            yield f"pydoc_data.topics.{name}", text
    for module, path in _files(package):
        source = path.read_bytes()
        if to_copy and (module.startswith(_OWN_TERMS) or re.search(rb"copyright|licen[cs]e", source, re.IGNORECASE)):
            continue
        if source.count(b'"""') * _BYTES_PER_QUOTE < len(source):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a stray backslash in somebody's docstring
                tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        for text in _docstrings(tree):
            yield module, text


# -- from a docstring to its prose --

_LITERAL = re.compile(
    r"\.\. +(?:code|code-block|plot|math|figure|image|ipython|doctest|testcode|testoutput|table|csv|grid)"
)
_DIRECTIVE = re.compile(r"\s*\.\. +")
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\(?[0-9a-z][.)]) +")
_NAME = r"[*`]{0,4}[\w.]+[*`]{0,4}"
_ENTRY = re.compile(rf"\s*{_NAME}(?:, {_NAME})*(?: ?\([^)]*\))? ?:(?: +|$)")  # "axis (int):", "x, y:"
_MARKUP = (
    # A character without which there is nothing to replace, what is replaced, and by what. § stands for a formula.
    ("`", re.compile(r":math:`[^`]*`"), "§"),
    ("$", re.compile(r"\$[^$\n]+\$"), "§"),
    ("`", re.compile(r":(?:[\w.+-]+:)?[\w+-]+:`[~!]?([^`<]*?)(?: *<[^>]*>)?`"), r"\1"),
    ("`", re.compile(r"`([^`<]*?) *<[^>]*>`_{1,2}"), r"\1"),
    ("`", re.compile(r"``([^`]*)``"), r"\1"),
    ("`", re.compile(r"`([^`\n]*)`_{0,2}"), r"\1"),
    ("[", re.compile(r" ?\[[\w#*]+\]_"), ""),
    ("*", re.compile(r"(?<![\w*])\*{1,2}(?=\w)([^*\n]+?)(?<=[\w.!?)])\*{1,2}(?![\w*])"), r"\1"),
)
_SENTENCE = re.compile(r"(?<=[.!?])(?:['\")]*) +(?=[A-Z\"'(])")
_PLAIN = re.compile(r"[A-Z][A-Za-z0-9 ,.;:!?'\"()%-]*[.!?]")
_IDENTIFIER = re.compile(r"\w[.]\w|\b[a-z]+[A-Z]|[A-Z][a-z]+[A-Z][a-z]|(?<![\w.])\.\w|\(\)|[.!?] +[a-z]")
_NUMBER_OR_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf)\.|\d\.\d")


def _paragraphs(docstring: str) -> Iterator[str]:
    """The paragraphs that may be prose, each on one line, markup still in it."""
    lines = inspect.cleandoc(docstring).split("\n")
    paragraph: list[str] = []
    skip_deeper_than: int | None = None  # inside a literal block: its lines stand deeper than this
    until_blank = False
    for number, line in enumerate(lines):
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if not stripped:
            until_blank = False
            if paragraph:
                yield " ".join(paragraph)
                paragraph = []
            continue
        if skip_deeper_than is not None:
            if indent > skip_deeper_than:
                continue
            skip_deeper_than = None
        if until_blank or stripped.startswith((">>>", "... ", "In [")) or re.fullmatch(r"=+(?: +=+)+", stripped):
            until_blank = True  # a doctest with its output, or a table
            continue
        below = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if re.fullmatch(r"([-=~^*+#\"'.])\1{2,}.*", stripped) or re.fullmatch(r"([-=~^*#])\1{2,}", below):
            yield " ".join(paragraph)  # a rule, a border of a table, a heading
            paragraph = []
            continue
        if _LITERAL.match(stripped):
            skip_deeper_than = indent
            continue
        if _DIRECTIVE.match(line) or "|" in stripped:
            yield " ".join(paragraph)
            paragraph = []
            continue
        if _LIST_MARK.match(line) or _ENTRY.match(line):
            # An item of a list or of the parameters begins a paragraph; "x : int" itself is no prose.
            yield " ".join(paragraph)
            paragraph = []
            stripped = _ENTRY.sub("", _LIST_MARK.sub("", line, count=1), count=1).strip()
            if re.fullmatch(r"\s*\w[\w., ]* : .*", line):
                continue
        paragraph.append(stripped)
        if stripped.endswith("::"):
            skip_deeper_than = indent
            yield " ".join(paragraph)
            paragraph = []
    yield " ".join(paragraph)


def _acceptable(sentence: str, plain: bool) -> bool:
    words = re.findall(r"[A-Za-z]{2,}", sentence)
    if len(words) < 4:
        return False
    if plain:
        return bool(_PLAIN.fullmatch(sentence)) and not _IDENTIFIER.search(_NUMBER_OR_ABBREVIATION.sub("", sentence))
    return not re.search(r"[§\\{}<>=]", sentence) and sum(map(len, words)) > 0.7 * len(sentence)


def prose(docstring: str, *, plain: bool = False) -> list[str]:
    """The paragraphs of a docstring that are prose, each cut down to its sentences.

    Dropped are code and literal blocks, doctests with their output, directives, tables, headings, parameters' types, and
    every sentence with a formula or hardly any words. With ``plain`` a sentence must also begin with a capital, end with
    a full stop, and hold no identifier, address or other character that plain English does without.
    """
    result = []
    for paragraph in _paragraphs(docstring):
        for needle, pattern, replacement in _MARKUP:
            if needle in paragraph:
                paragraph = pattern.sub(replacement, paragraph)
        paragraph = " ".join(paragraph.split()).replace("--", "-")
        kept = []
        for sentence in _SENTENCE.split(paragraph):
            if _acceptable(sentence, plain):
                kept.append(sentence)
        if kept:
            result.append(" ".join(kept))
    return result


def _read(package: str, seen: set[str], *, plain: bool = False) -> Iterator[Document]:
    for module, docstring in _raw(package, to_copy=plain):
        # Repetition is mostly of paragraphs (a parameter described in ten functions), so that is what is compared.
        fresh = [paragraph for paragraph in dict.fromkeys(prose(docstring, plain=plain)) if paragraph not in seen]
        seen.update(fresh)
        if fresh:
            yield Document(package, module, "\n".join(fresh))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Millions of short-lived nodes are made of the source files; looking for cycles among them doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@cache
def documents() -> tuple[Document, ...]:
    """All documents of the installed packages, in a fixed order; no paragraph twice."""
    seen: set[str] = set()
    with _no_collection():
        return tuple(document for package in PACKAGES for document in _read(package, seen))


_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")


def sentences(texts: Iterable[Document] | None = None) -> list[list[str]]:
    """The sentences of the documents (all of them by default) as lists of lower-case words.

    A word is a run of letters, with apostrophes and hyphens inside (*don't*, *element-wise*); numbers and punctuation go.
    """
    every = documents() if texts is None else texts
    lists = (
        _WORD.findall(sentence.lower())
        for document in every
        for paragraph in document.text.split("\n")
        for sentence in _SENTENCE.split(paragraph)
    )
    return [words for words in lists if words]


def words(texts: Iterable[Document] | None = None) -> list[str]:
    """The words of :func:`sentences` in one list."""
    return [word for sentence in sentences(texts) for word in sentence]


# -- the stored extract --


@cache
def frozen() -> tuple[Document, ...]:
    """The extract that is stored with the course: the same documents on every machine and under every version."""
    result = []
    for block in (_DATA / "library_docs.txt").read_text(encoding="utf-8").strip().split("\n\n"):
        head, text = block.split("\n", 1)
        result.append(Document(*head.removeprefix("@ ").split(), text))
    return tuple(result)


def choose(packages: Sequence[str] = FROZEN_PACKAGES) -> list[Document]:
    """Documents for the extract, from what is installed now.

    Plain prose of forty words or more from the packages, a long text cut after three thousand letters. Which
    ones, up to :data:`FROZEN_BYTES`, the digests of the texts decide: no one's choice, and the same on every run.
    """
    result = []
    for package in packages:
        candidates = []
        with _no_collection():
            documents_of_package = list(_read(package, set(), plain=True))
        for document in documents_of_package:
            cut = document.text[: document.text.rfind("\n", 0, 3000)] if len(document.text) > 3000 else document.text
            if len(cut.split()) >= 40:
                candidates.append(document._replace(text=cut))
        left, chosen = FROZEN_BYTES[package], set()
        for document in sorted(candidates, key=lambda one: hashlib.sha256(one.text.encode()).digest()):
            if len(document.text) <= left:
                chosen.add(document)
                left -= len(document.text)
        result.extend(document for document in candidates if document in chosen)
    return result


def _licence(package: str) -> str:
    """The text of a package's own licence, without those of the software that its binary distribution bundles."""
    if package == "python":
        text = Path(sysconfig.get_path("stdlib"), "LICENSE.txt").read_text(encoding="utf-8")
    else:
        files = importlib.metadata.files(package) or ()
        named = [file for file in files if re.fullmatch(r".*dist-info/(?:licenses/)?LICENSE(?:\.txt)?", str(file))]
        text = named[0].read_text(encoding="utf-8")
        text = re.split(r"\n-{4,}\s*\n(?=\s*-{4,}|\s*This binary)", text)[0]
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def freeze(folder: Path | None = None) -> list[Path]:
    """Write ``library_docs.txt`` and ``LICENSES.md`` anew from what is installed; the files written.

    Every figure that a lesson prints about the extract changes with it.
    """
    folder = Path(str(_DATA)) if folder is None else folder
    chosen = choose()
    texts, licences = folder / "library_docs.txt", folder / "LICENSES.md"
    blocks = (f"@ {document.package} {document.module}\n{document.text}" for document in chosen)
    texts.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    rows, full = [], []
    for package in FROZEN_PACKAGES:
        version = platform.python_version() if package == "python" else importlib.metadata.version(package)
        name, licence, notice = _TERMS[package]
        own = _licence(package)
        notice = " ".join(re.search(notice, own)[0].split())
        count = sum(document.package == package for document in chosen)
        rows.append(f"| {name} {version.split('+')[0]} | {count} | {licence} | {notice} |")
        full.append(f"## {name}: {licence}\n\n```text\n{own}\n```")
    licences.write_text(_LICENCES.format(rows="\n".join(rows), full="\n\n".join(full)), encoding="utf-8")
    return [texts, licences]


_TERMS = {
    # package: its name, its licence, the copyright notice in the licence
    "python": ("Python", "PSF License Version 2", r"Copyright\s\(c\)\s2001[^;]*;\s+All\s+Rights\s+Reserved"),
    "numpy": ("NumPy", "BSD 3-Clause", r"Copyright \(c\).*"),
    "torch": ("PyTorch", "BSD 3-Clause", r"Copyright \(c\) 2016-.*"),
    "matplotlib": (
        "Matplotlib",
        "Matplotlib license (based on that of Python)",
        r"Copyright\s\(c\)\s2012-[^;]*;\s+All\s+Rights\s+Reserved",
    ),
}
_LICENCES = """\
# Licences of the texts in this folder

## course_en.txt, course_ru.txt

The course's own prose, by its authors, under Creative Commons Attribution 4.0 International (CC BY 4.0), like the rest of the
course's text: see `LICENSE-TEXT` at the root of the repository. `course_lib/corpora/course_text.py` made the files.

## library_docs.txt

Extracts from the docstrings of these packages and, for Python, from its language reference (`pydoc_data`). The course's own
licences do not apply to them; each stays under the licence of its package, whose full text follows. A line that begins with
`@` names the package and the module of the text below it.

| Package | Texts | Licence | Copyright |
|---|---|---|---|
{rows}

**Changes.** Sentences were taken out of the texts (those with code, formulas or identifiers in them, headings, tables, lists of
parameters), and long texts were cut short; markup was removed; nothing was reworded. `freeze()` in
`course_lib/corpora/library_docs.py` made the file. Source files with a copyright notice of their own were left out.

The names of the packages and their authors are not used to endorse or promote this course.

{full}
"""


if __name__ == "__main__":
    for written in freeze():
        print(f"{written.name}: {written.stat().st_size} bytes")
