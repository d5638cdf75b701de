"""The corpora of real text: docstrings of the installed packages, their stored extract, and the course's own prose."""

from __future__ import annotations

import ast
import importlib.metadata
import platform
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from course_lib.corpora import course_text, library_docs

DATA = Path(library_docs.__file__).parent / "data"

# -- from a docstring to its prose --

NUMPY_STYLE = """
Return the mean of an array along an axis.

Parameters
----------
values : array_like, optional
    The numbers to take the mean of. Other objects are
    converted first.
axis : int
    The axis, see `numpy.sum` for more.

Returns
-------
out : ndarray
    Where :math:`n` is zero the result is not a number.

See :class:`~numpy.ndarray` and the `user guide <https://example.org/guide>`_ for the *details* of **every** case.

.. versionadded:: 1.5

.. note::
   Half precision loses digits [1]_ when many numbers are summed.

A heading of four words
-----------------------
This is what it does with a list::

    This is some code that reads like prose.

>>> mean([1, 2])
Done. This is what Python answers to the call.

========  ==================================
name      This cell of a table is no prose.
========  ==================================

.. code-block:: python

   print("This is a string within some code.")

A last paragraph that stands behind the code.
"""


def test_prose_of_a_docstring():
    assert library_docs.prose(NUMPY_STYLE) == [
        "Return the mean of an array along an axis.",
        "The numbers to take the mean of. Other objects are converted first.",
        "The axis, see numpy.sum for more.",
        "See numpy.ndarray and the user guide for the details of every case.",
        "Half precision loses digits when many numbers are summed.",
        "This is what it does with a list::",
        "A last paragraph that stands behind the code.",
    ]


def test_plain_prose_has_whole_sentences_without_identifiers():
    assert library_docs.prose(NUMPY_STYLE, plain=True) == [
        "Return the mean of an array along an axis.",
        "The numbers to take the mean of. Other objects are converted first.",
        "Half precision loses digits when many numbers are summed.",
        "A last paragraph that stands behind the code.",
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Call the_function with these three words.",
        "The class OrderedDict remembers its order.",
        "The camelCase name is an identifier here.",
        "It calls close() on the open file.",
        "See the .Rectangle documentation for the names.",
        "It lives at https://example.org for all.",
        "A mask of shape [2, 3] is given.",
        "It goes on. no capital stands here.",
        "No full stop stands at its end",
        "Too short here.",
        "Use the dollars $x^2$ for a formula.",
    ],
)
def test_a_sentence_that_is_not_plain_goes(sentence):
    assert library_docs.prose(f"This sentence is kept anyway. {sentence}", plain=True) == [
        "This sentence is kept anyway."
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "It holds, e.g. 3.5 of them (or more).",
        "Don't use the well-known 'old' name; it's gone!",
        'The value "none" is a string, isn\'t it?',
    ],
)
def test_a_plain_sentence_stays(sentence):
    assert library_docs.prose(sentence, plain=True) == [sentence]


def test_google_style_arguments_keep_their_descriptions():
    text = (
        "Args:\n    input (Tensor): the tensor to be changed in place.\n    dim (int, optional): the one to sum over."
    )
    assert library_docs.prose(text) == ["the tensor to be changed in place.", "the one to sum over."]


def test_docstrings_of_modules_classes_functions_and_of_calls():
    tree = ast.parse(
        '"""Of the module."""\nclass A:\n    "Of the class."\n    def f(self):\n        """Of the method."""\n'
        '        "no docstring"\nx = "no docstring"\nadd_docstr(a, r"""Of the C function.""")\n'
        'add_newdoc("numpy", "f", ("g", """Of another."""))\nprint("no docstring")\n'
    )
    assert set(library_docs._docstrings(tree)) == {
        "Of the module.",
        "Of the class.",
        "Of the method.",
        "Of the C function.",
        "Of another.",
    }


def test_packages_are_read_not_imported():
    program = (
        "import sys; from course_lib.corpora import library_docs as l; n = len(list(l._read('networkx', set())));"
        "print(n > 500, 'networkx' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False", "False"], done.stderr


def test_a_package_that_is_missing_is_left_out():
    assert list(library_docs._read("no_such_package_anywhere", set())) == []


# -- the live corpus --


@pytest.fixture(scope="module")
def documents():
    return library_docs.documents()


def test_more_than_a_million_words_of_the_packages_the_course_needs(documents):
    assert len(library_docs.words()) > 1_000_000
    seen = Counter(document.package for document in documents)
    assert set(library_docs.FROZEN_PACKAGES) <= set(seen) <= set(library_docs.PACKAGES)
    assert min(seen[package] for package in library_docs.FROZEN_PACKAGES) > 1000
    # In the order of the packages, and within one by the names of the files.
    assert list(dict.fromkeys(document.package for document in documents)) == [
        package for package in library_docs.PACKAGES if package in seen
    ]


def test_no_paragraph_stands_twice_and_no_code_is_left(documents):
    paragraphs = [paragraph for document in documents for paragraph in document.text.split("\n")]
    assert len(set(paragraphs)) == len(paragraphs)
    code = [paragraph for paragraph in paragraphs if re.search(r">>>|^\.\. |^import \w|:math:|``|\\\w|----", paragraph)]
    assert len(code) < 1e-3 * len(paragraphs), code[:5]


def test_words_are_lower_case_runs_of_letters():
    document = library_docs.Document("python", "m", "Don't use 3 well-known_names, please. The 2nd one.\nEnd of it!")
    assert library_docs.sentences([document]) == [
        ["don't", "use", "well-known", "names", "please"],
        ["the", "nd", "one"],
        ["end", "of", "it"],
    ]
    assert library_docs.words([document])[:3] == ["don't", "use", "well-known"]


# -- the stored extract --


def test_the_extract_has_its_size_and_its_four_packages():
    assert 300_000 <= (DATA / "library_docs.txt").stat().st_size <= 400_000
    sizes = Counter()
    for document in library_docs.frozen():
        sizes[document.package] += len(document.text)
    assert set(sizes) == set(library_docs.FROZEN_PACKAGES)
    for package, most in library_docs.FROZEN_BYTES.items():
        assert 0.95 * most < sizes[package] <= most


def test_the_extract_is_clean():
    for document in library_docs.frozen():
        assert len(document.text.split()) >= 40 and len(document.text) <= 3000
        for paragraph in document.text.split("\n"):
            assert re.fullmatch(r"[A-Z][A-Za-z0-9 ,.;:!?'\"()%-]*[.!?]", paragraph), paragraph
            assert not re.search(r"\w_\w|\b[a-z]+[A-Z]|\(\)|\s\.\w|  |https?:", paragraph), paragraph


def _version(package):
    return platform.python_version() if package == "python" else importlib.metadata.version(package).split("+")[0]


def _stored_rows():
    """Package → version and count, from the table of LICENSES.md."""
    text = (DATA / "LICENSES.md").read_text(encoding="utf-8")
    names = {"Python": "python", "NumPy": "numpy", "PyTorch": "torch", "Matplotlib": "matplotlib"}
    rows = re.findall(r"^\| (\w+) ([\d.]+) \| (\d+) \|", text, flags=re.MULTILINE)
    return {names[name]: (version, int(count)) for name, version, count in rows}


@pytest.mark.slow
@pytest.mark.parametrize("package", library_docs.FROZEN_PACKAGES)
def test_the_extract_is_what_these_versions_give(package):
    stored, _ = _stored_rows()[package]
    if _version(package) != stored:
        pytest.skip(f"the extract was made with {package} {stored}, installed is {_version(package)}")
    assert library_docs.choose([package]) == [one for one in library_docs.frozen() if one.package == package]


def test_the_licences_are_named_in_full():
    text = (DATA / "LICENSES.md").read_text(encoding="utf-8")
    seen = Counter(document.package for document in library_docs.frozen())
    assert {package: count for package, (_, count) in _stored_rows().items()} == seen
    flat = " ".join(text.split())
    for required in (
        "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
        "Copyright (c) 2001, 2002",
        "Copyright (c) 2005-2025, NumPy Developers.",
        "Copyright (c) 2016- Facebook, Inc",
        "Copyright (c) 2012- Matplotlib Development Team; All Rights Reserved",
        "License agreement for matplotlib versions 1.3.0 and later",
        "Creative Commons Attribution 4.0",
        "nothing was reworded",
    ):
        assert required in flat, required
    assert flat.count("Redistribution and use in source and binary forms") == 2
    assert flat.count("THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS") == 2
    assert "OpenBLAS" not in text and "Reserved Font Name" not in text  # licences of binaries are no licence of text


# -- the course's own prose --

LESSON = """\
# %% [markdown] id="title" lang="en"
# # Lesson 01. Words
#
# A vector is a **list** of numbers, see [the guide](https://example.org). The sum $2x + y$ of it is given here.
#
# <details><summary>Answer</summary>
#
# - It is called $T$, and `softmax` comes after it.
# - Too short.
#
# $$z = \\\\sum_i x_i$$
#
# </details>
# %% [markdown] id="title" lang="ru"
# # Урок 01. Слова
#
# Вектор — это **список** чисел, «как в уроке». Сумма $2x + y$ у него задана здесь.
# %% id="code"
# This comment of the code is no prose at all.
x = 1
"""
CARDS = """\
---
lesson: 1
---
# Words

#atom #what
What is a word vector good for?
?
It lets a model compare words by the cosine. ^word-vector
"""


@pytest.fixture
def clone(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    write("notebooks/source/01_words.py", LESSON)
    write("notebooks/source/ruff.toml", "x = 1")
    write("flashcards/en/01_words.md", CARDS)
    write(
        "README.md",
        "# Title\n\nThis course is about <b>words</b> and vectors.\n\n```sh\nmake this is not prose at all.\n```\n",
    )
    write("README.ru.md", "Этот курс рассказывает о словах и векторах. See the English version instead of it.\n")
    row = '[[claim]]\nstatement = {en = "A word is a vector here.", ru = "Слово здесь — это вектор."}\n'
    write("course_lib/claims.toml", row + 'finding = {en = "", ru = ""}\n')
    caption = '["a.b"]\nen = "All {count} words have a vector."\nru = "Подпись к рисунку из пяти слов."\n'
    write("course_lib/catalogue/a.toml", caption)
    return tmp_path


def test_the_course_s_prose_is_read_in_both_languages(clone):
    assert course_text.collect("en", clone) == [
        "A vector is a list of numbers, see the guide.",
        "It is called T, and softmax comes after it.",
        "What is a word vector good for?",
        "It lets a model compare words by the cosine.",
        "This course is about words and vectors.",
        "A word is a vector here.",
    ]
    assert course_text.collect("ru", clone) == [
        "Вектор — это список чисел, «как в уроке».",
        "Этот курс рассказывает о словах и векторах.",
        "Слово здесь — это вектор.",
        "Подпись к рисунку из пяти слов.",
    ]


def test_freezing_writes_what_is_collected(clone, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    first = [path.read_bytes() for path in course_text.freeze(folder, clone)]
    assert [path.read_bytes() for path in course_text.freeze(folder, clone)] == first
    assert first[1].decode().splitlines() == course_text.collect("ru", clone)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_stored_prose_is_clean(lang):
    paragraphs = course_text.frozen(lang)
    assert len(set(paragraphs)) == len(paragraphs)
    for paragraph in paragraphs:
        assert not re.search(r"[*_`$\\{}<>|\[\]#=^~]|https?:|  |\ufffc", paragraph), paragraph
        assert re.search(r"[.!?…][»\"”)]*$", paragraph) and paragraph.lstrip('«“"(')[0].isupper(), paragraph
        assert paragraph.count("(") == paragraph.count(")") and paragraph.count("«") == paragraph.count("»")


def test_the_stored_prose_is_large_enough_and_the_languages_match():
    english, russian = (course_text.frozen(lang) for lang in ("en", "ru"))
    assert sum(len(text.split()) for text in english) > 6000 and sum(len(text.split()) for text in russian) > 5000
    assert 0.8 < len(english) / len(russian) < 1.25
    letters = [
        Counter("ru" if "а" <= c <= "я" else "en" for t in texts for c in t.lower() if c.isalpha())
        for texts in (english, russian)
    ]
    assert letters[0]["ru"] < 0.01 * letters[0]["en"] and letters[1]["en"] < 0.1 * letters[1]["ru"]


def test_an_unknown_language_is_refused():
    for function in (course_text.collect, course_text.frozen):
        with pytest.raises(ValueError, match="unknown language"):
            function("de")
