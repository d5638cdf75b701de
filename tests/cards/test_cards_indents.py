"""Lists indented as people indent them: every level that is seen in Obsidian's editor is seen on the card."""

from __future__ import annotations

import re

import pytest
from card_tools import render, visible_text
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cards.indents import even_indents


def outline(html: str) -> list[tuple[int, str]]:
    """(depth, text) of each list item in a field."""
    depth, items = 0, []
    for tag, text in re.findall(r"<(/?(?:ul|ol)|li)[^>]*>([^<]*)", html):
        depth += {"ul": 1, "ol": 1, "/ul": -1, "/ol": -1}.get(tag, 0)
        if tag == "li":
            items.append((depth, text.strip()))
    return items


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("- a\n\t\t- b\n\t- c\n- d", [(1, "a"), (2, "b"), (2, "c"), (1, "d")]),
        ("- a\n\t- b\n\t\t\t\t- c", [(1, "a"), (2, "b"), (3, "c")]),
        ("text:\n\t- a\n\t\t- b\n\t- c", [(1, "a"), (2, "b"), (1, "c")]),
        ("text:\n\t1. a\n\t2. b", [(1, "a"), (1, "b")]),
        ("1. a\n  - b\n2. c\n   - d", [(1, "a"), (2, "b"), (1, "c"), (2, "d")]),
        ("1. a\n\t1. b\n\t\t- c\n2. d", [(1, "a"), (2, "b"), (3, "c"), (1, "d")]),
        ("- a\n \t- b\n \t\t- c\n \t- d", [(1, "a"), (2, "b"), (3, "c"), (2, "d")]),
        ("-\ta\n\t-\tb", [(1, "a"), (2, "b")]),
        ("- a\n    - b\n  - c", [(1, "a"), (2, "b"), (2, "c")]),
        ("- a\n - b", [(1, "a"), (1, "b")]),
        ("10. a\n\t- b\n11. c", [(1, "a"), (2, "b"), (1, "c")]),
        ("> - a\n> \t\t- b\n> - c", [(1, "a"), (2, "b"), (1, "c")]),
        ("> [!note] T\n> \t- a\n> \t\t- b", [(1, "a"), (2, "b")]),
    ],
)
def test_items_stand_at_the_level_that_is_seen(markdown, expected):
    assert outline(render(markdown)) == expected


def test_numbers_go_on_after_a_nested_list():
    rendered = render("1. a\n  - b\n2. c\n\t\t- d\n3. e")
    assert rendered.count("<ol") == 1 and rendered.count("<ul>") == 2


def test_what_belongs_to_an_item_goes_with_it():
    rendered = render("- a\n\t\t- b\n\t\t\t```py\n\t\t\tx = 1\n\n\t\t\t  y = 2\n\t\t\t```\n\t- c")
    assert outline(rendered) == [(1, "a"), (2, "b"), (2, "c")]
    assert re.sub(r"<[^>]+>", "", rendered[rendered.index("<pre") : rendered.index("</pre>")]) == "x = 1\n\n  y = 2\n"
    rendered = render("1. a\n\t- b\n\t\t$$\n\t\tx\n\t\t- y\n\t\t$$\n2. c")
    assert "\\[x\n- y\\]" in rendered and outline(rendered) == [(1, "a"), (2, "b"), (1, "c")]
    assert "<table>" in render("- a\n\t| b | c |\n\t|---|---|\n\t| d | e |").split("<li>")[1]
    assert "<blockquote" in render("1. a\n  > quoted").split("<li>")[1]


def test_code_and_formulas_may_begin_beside_the_mark():
    rendered = render("1. ```py\n\t- x\n\t\t- y\n\t```\n2. $$\n\t- z\n\t$$\n\t- b")
    assert outline(rendered) == [(1, ""), (1, ""), (2, "b")]
    assert visible_text(rendered) == "- x - y \\[- z\\] b"


def test_code_that_stands_left_of_its_fence_stays_code():
    rendered = render("- a\n\t```\nx\n\ty\n\t```\n- b")
    assert rendered.count("<pre>") == 1 and outline(rendered)[-1] == (1, "b")
    assert visible_text(rendered) == "ax y b"


@pytest.mark.parametrize(
    "block", ["```py\n\tx = 1\n\t```", "> quoted", "| a | b |\n\t|---|---|\n\t| c | d |", "$$\n\tx\n\t$$"]
)
def test_a_block_indented_under_a_line_of_text_is_a_block(block):
    assert render(f"So:\n\t{block}") == render("So:\n" + block.replace("\n\t", "\n"))


@pytest.mark.parametrize(
    "text",
    [
        "* * *",
        "text\n***\nmore",
        "a - b\n- not nested",
        "```\n- a\n\t\t- b\n```",
        "$$\n- a\n\t\t- b\n$$",
        "- a\n- b\n  - c\n    1. d",
    ],
)
def test_what_is_no_list_or_is_one_already_stays_as_it_is(text):
    assert even_indents(text) == text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.text(" \t", max_size=6),
            st.sampled_from(["- ", "1. ", "12) ", "* ", "- 1. ", "> ", "```", "$$", "$$x$$", "", "---", "| a |"]),
            st.sampled_from(["a", "", "b c", "`x`"]),
        ),
        max_size=12,
    )
)
def test_lines_stay_lines_and_lose_nothing_but_indents(lines):
    text = "\n".join("".join(line) for line in lines)
    evened = even_indents(text)
    assert [re.sub(r"\s", "", line) for line in evened.split("\n")] == [
        re.sub(r"\s", "", line) for line in text.split("\n")
    ]
    assert even_indents(evened) == evened, "a second pass has nothing left to do"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_a_well_formed_list_is_shown_as_commonmark_shows_it(steps):
    """Depths that grow by one at most, by two spaces each: nothing is moved."""
    depth, lines = 0, []
    for number, step in enumerate(steps):
        depth = 0 if not lines else min(step, depth + 1)
        lines.append("  " * depth + f"- item {number}")
    assert even_indents("\n".join(lines)) == "\n".join(lines)
