"""The minutes of reading that a lesson's title names agree with what there is to read."""

from __future__ import annotations

import nbformat
import pytest

from course_lib import notebook_rules as rules
from course_lib.language import LANGUAGES
from course_lib.lessons import NOTEBOOKS, Lesson
from course_lib.reading_time import SECONDS, TOLERANCE, WORDS_PER_MINUTE, Contents, contents, of_text, stated

BUILT = [(one, lang) for one in NOTEBOOKS for lang in LANGUAGES if one.notebook(lang).exists()]


def wrong_time(nb: nbformat.NotebookNode, lang: str) -> str:
    """What is wrong with the time that the notebook's first cell names, or nothing."""
    named, counted = stated(nb.cells[0].source, lang), contents(nb).minutes(lang)
    if abs(named - counted) <= TOLERANCE * counted:
        return ""
    return f"the title names {named} minutes of reading, the rates give {counted:.0f}"


@pytest.mark.parametrize(("lesson", "lang"), BUILT, ids=lambda one: one.slug if isinstance(one, Lesson) else one)
def test_the_title_names_the_time_it_takes(lesson, lang):
    assert wrong_time(rules.read(lesson.notebook(lang)), lang) == ""


def test_a_wrong_time_is_found():
    lesson, lang = BUILT[0]
    nb = rules.read(lesson.notebook(lang))
    right = stated(nb.cells[0].source, lang)
    title = nb.cells[0].source
    for wrong in (round(right * 0.75), round(right * 1.3)):
        nb.cells[0].source = title.replace(f"** {right} minutes", f"** {wrong} minutes")
        assert f"names {wrong} minutes" in wrong_time(nb, lang)
    nb.cells[0].source = title.replace(f"** {right} minutes", "** some minutes")
    with pytest.raises(ValueError, match="0 times"):
        wrong_time(nb, lang)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two words", Contents(words=2)),
        ("A self-attention doesn't cost −0.5 or 1,024.", Contents(words=7)),
        ("see [the lesson](03_attention.ipynb) and <b>this</b>", Contents(words=5)),
        ("with $d_k = 64$ or `x @ W + b`", Contents(words=4)),
        ("before\n\n$$\na + b\n$$\n\nafter $$c$$", Contents(words=2, formulas=2)),
        ("run\n\n```python\na = 1\n\nb = 2\n```\n", Contents(words=1, code=2)),
        ("ask <details><summary>answer</summary>many words</details>", Contents(words=1)),
        ("Вот пять слов и тире — всё", Contents(words=6)),
    ],
)
def test_what_a_text_has_to_read(text, expected):
    assert of_text(text) == expected


def test_what_a_notebook_has_to_read():
    v4 = nbformat.v4
    picture = v4.new_output("display_data", {"image/png": "", "text/plain": "many words of no account"})
    caption = v4.new_output("display_data", {"text/markdown": "*Figure.* Three words", "text/plain": "Three words"})
    printed = v4.new_output("stream", text="a\nb\n")
    explorer = v4.new_output("execute_result", {"text/html": '<div class="tx-explorer">', "text/plain": "a b"})
    cells = [
        v4.new_markdown_cell("One two", id="text"),
        v4.new_code_cell("f()\n\n# why\nshow(x)", id="code", outputs=[printed, picture, caption]),
        v4.new_code_cell("explore_heads(x)", id="page", outputs=[explorer]),
        v4.new_code_cell("explore_pointer(x)", id="kernel", outputs=[picture]),
        v4.new_markdown_cell("never read", id="ex-one-text"),
        v4.new_code_cell("pass", id="ex-one", outputs=[printed]),
    ]
    found = contents(v4.new_notebook(cells=cells))
    assert found == Contents(words=5, code=5, output=2, pictures=1, explorers=2)
    seconds = 5 * SECONDS["code"] + 2 * SECONDS["output"] + SECONDS["pictures"] + 2 * SECONDS["explorers"]
    for lang in LANGUAGES:
        assert found.minutes(lang) == pytest.approx(5 / WORDS_PER_MINUTE[lang] + seconds / 60)
