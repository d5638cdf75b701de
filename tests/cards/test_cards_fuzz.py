"""Whatever somebody types: no exception, nothing forbidden in a field, the same cards with any line end, linear time."""

from __future__ import annotations

import gc
import random
import re
import tempfile
import time
from pathlib import Path

import pytest
from card_tools import dangers, read_cards
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.cards.media import Pictures
from course_lib.cards.notebook import folded, unfolded
from course_lib.cards.notes import compile_notes
from course_lib.cards.package import NOTE_TYPE, Note, check_notes
from course_lib.cards.parsing import parse
from course_lib.cards.reading import source_from_text
from course_lib.cards.rendering import Renderer, is_blank
from course_lib.cards.report import Report
from course_lib.cards.short_forms import CLOZE_MARKS, ShortForms
from course_lib.cards.tex import tex_problem

PIECES = [
    "q", "Почему?", " ", "\n", "\n\n", "\n?\n", "\n??\n", "\t- ", " \t- ", "- ", "1. ", "> ", "> [!quote] ", "#tag\n", "## h\n",
    "$", "$$", "\n$$\n", "\\frac{a}{b}", "\\left(", "{", "}", "&", "%", "`", "```", "\n```python\n", "~~~", "==", "**", "_", "~~",
    "[[", "]]", "![[", "x.png", "|", "[", "](", ")", "<", ">", "<script>", "<s>", "</p>", "<br>", "<sub>", "<!--", "-->", "%%",
    "<!--SR:!2024-01-01,1,250-->", " ^some-id", "^x", "javascript:alert(1)", "https://a.b", "data:image/png;base64,A", "onclick=",
    "[sound:", "[latex]", "[$]", "&lt;", "&#106;", "\\", "\x1f", "\x00", "\u202e", "---\n", "| a | b |\n|---|---|\n", "🃏", "\r",
    "a::b", ":::", "::", "{{", "}}", ";;", "1;;", "^[", "[^1]", "\n[^1]: ", "\n\t\t- ", "\n  ", "#🃏/x ", "\u200b", "- [ ] ",
]  # fmt: skip

markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join)
FORMS = [ShortForms(), ShortForms(inline=True, cloze=tuple(CLOZE_MARKS))]
fuzz = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def fields_of(text: str, forms: ShortForms = FORMS[0]) -> list[str]:
    report = Report()
    source = source_from_text(text, Path("note.md"), report, forms=forms)
    renderer = Renderer(Pictures([]), report, Path("note.md"), "en")
    fields = []
    for card in parse(source, report):
        fields += [renderer.field(card.question), renderer.field(card.answer)]
        fields += [renderer.inline(heading, card.line) for heading in card.headings]
    report.lines()
    return fields


@fuzz
@given(markdown)
def test_any_text_gives_harmless_fields(text):
    for field in fields_of(f"q\n?\n{text}") + fields_of(text) + fields_of(text, FORMS[1]):
        assert dangers(field) == []
        for command in ("[sound:", "[latex]", "[/latex]", "[$]", "[anki:", "\x1f"):
            assert command not in field
        if not is_blank(field):
            check_notes([Note("g", {"Question": field, "Answer": field, "Id": NOTE_TYPE}, (), 1)])


@fuzz
@given(markdown)
def test_line_ends_and_the_mark_do_not_matter(text):
    text = text.replace("\r", "")
    expected, _ = read_cards(text)
    for variant in (text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text):
        assert read_cards(variant)[0] == expected


@fuzz
@given(markdown)
def test_no_line_of_a_card_is_lost_or_doubled(text):
    """Every card's lines lie in the file, in order, and no two cards share one."""
    cards, _ = read_cards(text)
    numbers = [number for card in cards for number in (*card.question.lines, *card.answer.lines)]
    assert numbers == sorted(set(numbers))
    for card in cards:
        for passage in (card.question, card.answer):
            assert passage.text.count("\n") + 1 == len(passage.lines)


@fuzz
@given(markdown)
def test_short_forms_add_cards_and_change_none(text):
    plain, with_forms = ([], [])
    for forms, cards in zip(FORMS, (plain, with_forms), strict=True):
        cards += parse(source_from_text(text, Path("note.md"), Report(), forms=forms), Report())
    assert [card for card in with_forms if not card.short] == plain
    for card in with_forms:
        assert card.question.text.strip() and card.answer.text.strip() and card.end_line >= card.line
        assert bool(card.asked) == bool(card.cloze) and (not card.cloze or card.short)
    ids = [(card.line, card.cloze) for card in with_forms]
    assert len(set(ids)) == len(ids), "a place in the note is one card"


@fuzz
@given(
    st.lists(st.sampled_from([*"{}%&^_\\[]() x1", "\\left(", "\\right)", "\\frac", "\\begin{a}", "\\end{a}"])).map(
        "".join
    )
)
def test_any_formula_is_judged(tex):
    problem = tex_problem(tex)
    assert problem is None or problem


@fuzz
@given(markdown)
def test_any_card_can_be_shown_in_a_notebook(text):
    cards, _ = read_cards(f"q\n?\n{text}")
    shown = folded(cards)
    assert shown.count("<details>") == len(cards) and "<script" not in strip_code(shown)
    unfolded(cards)


@settings(fuzz, max_examples=120)
@given(st.binary(max_size=60) | markdown.map(str.encode) | markdown.map(lambda text: f"q\n?\n{text}".encode()))
def test_any_bytes_give_a_package_or_an_error_but_no_exception(data):
    with tempfile.TemporaryDirectory() as folder:
        note, output = Path(folder) / "note.md", Path(folder) / "out.apkg"
        note.write_bytes(data)
        report = compile_notes([note], output, lang="en", forms=FORMS[len(data) % 2], now=1)
        assert report.exit_code in (0, 1, 2) and output.exists() == (report.exit_code == 0)


def strip_code(text: str) -> str:
    """Without what a viewer shows as code or typesets, where ``<`` is an ordinary character."""
    return re.sub(r"```.*?```|`[^`\n]+`|\$\$.+?\$\$|\$[^$\n]+\$", "", text, flags=re.DOTALL)


# --- time -------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "brackets": lambda n: "[" * n,
    "images": lambda n: "![" * (n // 2),
    "links": lambda n: "[a](" * (n // 4),
    "wikilinks": lambda n: "[[a" * (n // 3),
    "embeds": lambda n: "![[a|" * (n // 5),
    "marks": lambda n: "==a " * (n // 4),
    "stars": lambda n: "*a **b " * (n // 7),
    "stars-and-lines": lambda n: "*_" * (n // 2),
    "backticks": lambda n: "".join("`" * (i % 50 + 1) + "a" for i in range(n // 25)),
    "dollars": lambda n: "$a " * (n // 3),
    "escaped-dollars": lambda n: "$" + "\\$" * (n // 2),
    "display": lambda n: "$$a $b " * (n // 7),
    "comments": lambda n: "<!-- " * (n // 5),
    "percents": lambda n: "%% a" * (n // 4),
    "tags": lambda n: "<a " * (n // 3),
    "subs": lambda n: "<sub>a" * (n // 6),
    "entities": lambda n: "&a" * (n // 2),
    "escapes": lambda n: "\\" * n,
    "quotes": lambda n: "> " * (n // 2),
    "items": lambda n: "- " * (n // 2),
    "table": lambda n: "|a|b|\n|-|-|\n" + "|x\n" * (n // 3),
    "columns": lambda n: "|a" * (n // 8) + "\n" + "|-" * (n // 8) + "\n" + "|b\n" * (n // 100),
    "fractions": lambda n: "$" + "\\frac{" * (min(n, 4000) // 6) + "$",
    "spaces": lambda n: "a" + " " * n + "b",
    "code": lambda n: "```python\n" + "'" * min(n, 4000) + "\n```",
    "sound": lambda n: "[sound:" * (n // 7),
    "footnotes": lambda n: "^[" * (n // 2),
    "closed-footnotes": lambda n: "^[a] " * (n // 5),
    "footnote-marks": lambda n: "[^1]" * (n // 4) + "\n\n[^1]: a",
    "deep-items": lambda n: "- 1. " * (n // 5),
    "jumping-items": lambda n: "".join("\t" * (i % 20) + "- a\n" for i in range(n // 12)),
    "quoted-items": lambda n: "".join("> " * (i % 9) + "\t- a\n" for i in range(n // 20)),
    "block-ids": lambda n: "a ^abc\n" * (n // 7),
    "dashes": lambda n: "a — 2 × " * (n // 8),
}

WHOLE_FILES = {
    "fences": lambda n: "```py\n" * (n // 6),
    "falling-fences": lambda n: "".join("`" * (200 - i % 190) + "a\n" for i in range(n // 100)),
    "falling-fences-and-text": lambda n: "".join("`" * m + "a\n" for m in range(int(n**0.5), 2, -1)) + "a\n" * (n // 4),
    "formulas": lambda n: "$$\n?\n\n" * (n // 6),
    "open-formulas": lambda n: "so $$a\n" * (n // 7),
    "comments": lambda n: "<!-- a\n" * (n // 7),
    "percents": lambda n: "%%\n" * (n // 3),
    "scheduling": lambda n: "<!--SR:" * (n // 7),
    "tags": lambda n: "#a " * (n // 3),
    "headings": lambda n: "# a\n" * (n // 4),
    "hashes": lambda n: "# " + "#" * n,
    "backticks": lambda n: "$$" + "`" * n,
    "separators": lambda n: "?\n" * (n // 2),
    "numbers": lambda n: "1. a\n?\n" * (n // 7),
    "blanks": lambda n: "\n" * n,
    "one-line": lambda n: "a" * n,
    "ids": lambda n: "q\n?\na" + " ^aaa" * (n // 5),
    "colons": lambda n: "a::b\n" * (n // 5),
    "colons-in-a-line": lambda n: "::" * (n // 2),
    "gaps": lambda n: "==a== b\n\n" * (n // 9),
    "gaps-in-a-text": lambda n: "==a== " * (n // 6),
    "gaps-in-lines": lambda n: "==a== b\n" * (n // 8),
    "open-gaps": lambda n: "==a " * (n // 4),
    "open-braces": lambda n: "{{a " * (n // 4),
    "stars": lambda n: "**" * (n // 2),
    "masks": lambda n: "$a `b [[c <d %%e <!-- f" * (n // 23),
    "escapes": lambda n: "$" + "\\$" * (n // 2) + "::",
    "footnotes": lambda n: "[^1]: a\n" * (n // 8),
    "heading-tags": lambda n: "# a" + " #🃏" * (n // 3) + " b",
    "question-tags": lambda n: "#🃏 " * (n // 3) + "q\n?\na",
    "rules": lambda n: "- " * (n // 2) + "\n?\na",
}


def seconds(work) -> float:
    """Processor time of one run; other processes do not count, nor what collecting everybody's garbage takes."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()


def assert_linear(work, small: int, attempts: int = 3) -> None:
    """Four times the input takes about four times as long; sixteen would be quadratic."""
    least = 0.02  # below this a measurement says nothing, and a quadratic step would not stay below it
    for attempt in range(attempts):  # a slip fails every time, a disturbance of the machine does not
        long = seconds(lambda: work(4 * small))
        if long <= least or long < 9 * max(seconds(lambda: work(small)), least / 8):
            break
        assert attempt < attempts - 1, f"{small} takes less than a ninth of {4 * small}: {long:.2f} s"
    assert long < 4, f"{long:.1f} s"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_card_takes_linear_time(name):
    assert_linear(lambda n: fields_of("q\n?\n" + HOSTILE[name](n)), 5_000)


@pytest.mark.parametrize("name", WHOLE_FILES)
@pytest.mark.parametrize("forms", FORMS, ids=["plain", "short-forms"])
def test_a_hostile_file_takes_linear_time(name, forms):
    def work(n: int) -> None:
        report = Report()
        parse(source_from_text("q\n?\na\n\n" + WHOLE_FILES[name](n), Path("note.md"), report, forms=forms), report)

    assert_linear(work, 30_000)


def test_the_judge_of_time_sees_a_quadratic_step():
    with pytest.raises(AssertionError):
        assert_linear(lambda n: [None for _ in range(n // 40) for _ in range(n // 4)], 10_000)


def test_a_random_walk_through_the_pieces_never_fails():
    chance = random.Random(7)
    for _ in range(300):
        fields_of("q\n?\n" + "".join(chance.choice(PIECES) for _ in range(chance.randrange(120))))
