"""Markdown to the HTML of a field: what Obsidian shows is shown, and nothing else gets in."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from card_tools import PNG, dangers, read_cards, render, visible_text

from course_lib.cards.media import Pictures
from course_lib.cards.rendering import Renderer, highlighted, is_blank, sanitise
from course_lib.cards.report import Report


def codes_of(markdown: str, **options) -> list[str]:
    report = Report(**options)
    render(markdown, report)
    return report.codes()


TYPED = ["<s>not struck</s>", "<\\N> is empty", "a<b and c>d", "a < b & c", "&lt; as typed &amp;", "<div onclick=x>",
         "<script>alert(1)</script>", "<!DOCTYPE html>", "</div></p>", "<b", "x <iframe src=y></iframe>"]  # fmt: skip


def check_typed_text_survives() -> None:
    """What was typed is what is seen: no tag of the note becomes a tag of the card."""
    for typed in TYPED:
        shown = visible_text(render(typed))
        expected = typed.replace("&lt;", "<").replace("&amp;", "&")
        assert shown == expected, f"{typed!r} is shown as {shown!r}"


def test_typed_text_survives():
    check_typed_text_survives()


@pytest.mark.parametrize(
    ("markdown", "tex"),
    [
        ("$x$", r"\(x\)"),
        ("$$x$$", r"\[x\]"),
        ("so $$x$$ here", r"\[x\]"),
        ("$a<b$", r"\(a&lt;b\)"),
        ("$a_1*b_2*c$", r"\(a_1*b_2*c\)"),
        ("$x_i$ and _a_ $y_i$", r"\(y_i\)"),
        ("$$\na\n- b\n= c\n$$", "\\[a\n- b\n= c\\]"),
        ("text\n$$\na\n$$", r"\[a\]"),
        ("text\n$$\na\n- b\n$$", "\\[a\n- b\\]"),
        ("- item\n$$\na\n$$\n- next", r"\[a\]"),
        ("> $$a$$", r"\[a\]"),
        (r"$\text{50\%}$", r"\(\text{50\%}\)"),
        (r"$\$5$", r"\(\$5\)"),
        ("$x$ is 5", r"\(x\)"),
        ("5$x$", r"\(x\)"),
    ],
)
def test_formulas_become_what_anki_typesets(markdown, tex):
    assert tex in render(markdown)


@pytest.mark.parametrize(
    "text", ["$5 and $10", "from $5 to $10 a page", "$ x $", "5$ or 6$", r"\$x\$", "`$x$`", "US$5, US$6", "$$"]
)
def test_money_is_no_formula(text):
    rendered = render(text)
    assert r"\(" not in rendered and r"\[" not in rendered
    assert visible_text(rendered) == text.replace("\\", "").strip("`")


def test_lists_nested_by_tabs_spaces_and_both_keep_their_levels():
    for indents in (("\t", "\t\t"), (" \t", " \t\t"), ("  ", "    "), ("    ", "        ")):
        rendered = render(f"- a\n{indents[0]}- b\n{indents[1]}- c\n- d")
        assert rendered.count("<ul>") == 3, indents
        assert "<pre>" not in rendered
    after_formula = render("$$x$$\n    - b")
    assert "<ul>" in after_formula and "<pre>" not in after_formula
    assert render("1. a\n2. b\n \t- c\n3. d").count("<ol>") == 1


def test_a_formula_keeps_its_punctuation():
    assert render("so $x$, $y$; $z$ and") == (
        '<p>so <span class="together">\\(x\\),</span> <span class="together">\\(y\\);</span> \\(z\\) and</p>'
    )
    assert render("($x$)…") == '<p>(<span class="together">\\(x\\))…</span></p>'


def test_an_item_that_is_a_formula_has_no_bullet():
    assert render("- $$x$$\n- a").count('<li class="formula">') == 1
    assert 'class="formula"' not in render("- so $$x$$\n- $x$\n- $$x$$\n  more\n\n$$x$$")


def test_obsidian_marks_links_callouts_and_tasks():
    assert "<mark>a <em>b</em></mark>" in render("==a *b*==")
    assert visible_text(render("a == b and c==d")) == "a == b and c==d"
    assert visible_text(render("[[page#h|alias]] [[page]] [[page#h]] [[#h]]")) == "alias page page › h h"
    callout = render("> [!quote] Who\n> said *it*")
    assert '<blockquote class="callout callout-quote">' in callout and "<em>it</em>" in callout
    assert '<p class="callout-title">Who</p>' in callout and "[!" not in callout
    assert '<p class="callout-title">Warning</p>' in render("> [!warning]-\n> x")
    assert visible_text(render("- [ ] one\n- [x] two")) == "☐ one ☑ two"
    assert "<blockquote>" in render("> plain")


def test_a_task_has_its_box_instead_of_a_bullet():
    rendered = render("- [ ] one\n- [x] two\n- [1] three\n1. [X] four")
    assert rendered.count('<li class="task">') == 3 and "<li>[1] three</li>" in rendered


@pytest.mark.parametrize("text", ["a [[ b", "[", "x[", "[[[ **b", "half-open [0, 1) and [2", "a\\[b"])
def test_brackets_that_nothing_closes_are_text(text):
    assert visible_text(render(text)) == text.replace("\\[", "[")


def test_what_stands_after_an_unclosed_bracket_is_read_as_usual():
    assert render("[a **b** $c$") == render("a **b** $c$").replace("a", "[a", 1)
    assert "<a " not in render("[ [a](b") and "href" in render("[ [a](https://b.c)")


def test_marks_need_no_space_around_them():
    assert render("авто==«регрессия»==(да)") == "<p>авто<mark>«регрессия»</mark>(да)</p>"
    assert visible_text(render("a == b, ==c ==d")) == "a == b, ==c ==d"


def footnoted(markdown: str, report: Report | None = None) -> str:
    (card,), _ = read_cards(f"q\n?\n{markdown}\n\n[^1]: note $x$ and [^2]\n[^2]: other\n")
    return Renderer(Pictures([]), report or Report(), Path("note.md"), "en").field(card.answer)


def test_footnotes_are_numbered_and_stand_below():
    rendered = footnoted("a[^2] b[^1] c[^2] d^[own **text**] e[^3] `f[^1]`")
    body, notes = rendered.split('<div class="footnotes">')
    assert visible_text(body) == "a1 b2 c1 d3 e[^3] f[^1]"
    assert visible_text(notes) == r"1 other2 note \(x\) and [^2]3 own text"
    assert "<strong>text</strong>" in notes and dangers(rendered) == []
    assert "footnotes" not in footnoted("plain `[^1]` $x^[2]$")


def test_a_footnotes_faults_are_told_and_a_heading_shows_none():
    report = Report()
    footnoted("a^[bad $\\frac{a$ one]", report)
    assert report.codes() == ["TEX"] and report.issues[0].line == 3
    renderer = Renderer(Pictures([]), Report(), Path("note.md"), "en")
    assert renderer.inline("Heading^[with a note]", 1) == "Heading"


def test_a_callout_may_have_any_type():
    callout = render("> [!цитата] Кто\n> сказал")
    assert '<blockquote class="callout">' in callout and '<p class="callout-title">Кто</p>' in callout
    assert '<p class="callout-title">Совет</p>' in render("> [!совет]\n> x")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10 % of 66–75 %", "10\u00a0% of 66–\u206075\u00a0%"),
        ("2 × 64 and t − 1, d_k = 32.", "2\u00a0×\u00a064 and t\u00a0−\u00a01, d_k\u00a0=\u00a032."),
        ("a × b × c", "a\u00a0×\u00a0b\u00a0×\u00a0c"),
        ("слово — это — знак", "слово\u00a0— это\u00a0— знак"),
        ("a long word = another", "a long word = another"),
        ("— реплика", "— реплика"),
        ("`2 × 64 %`", "2 × 64 %"),
    ],
)
def test_what_belongs_together_is_not_broken(text, shown):
    assert shown in html.unescape(render(text))


def test_code_ends_with_its_last_line():
    assert render("```\na\n\n\n```").count("\n") == render("```\na\n```").count("\n")


def test_line_breaks_and_the_few_tags_that_people_type():
    assert "<br>" in render("a\nb") and render("a<br/>b").count("<br>") == 1
    assert "d<sub>k</sub>" in render("d<sub>k</sub>") and "<kbd>Tab</kbd>" in render("<kbd>Tab</kbd>")
    assert visible_text(render("<sub>never closed")) == "<sub>never closed"


def test_no_line_disappears_or_turns_into_a_heading():
    assert visible_text(render("[1]: https://a.example\ntext")) == "[1]: https://a.example text"
    assert "<h" not in render("text\n---\nmore").replace("<hr>", "")


def test_comments_are_not_shown():
    assert visible_text(render("a <!-- b --> c %%d%% e")) == "a c e"
    assert visible_text(render("`<!-- b -->`")) == "<!-- b -->"


def test_code_gets_classes_not_colours():
    rendered = render("```python\ndef f(x): return '<b>'\n```")
    assert '<span class="k">def</span>' in rendered and "style=" not in rendered and "&lt;b&gt;" in rendered
    assert "<span" not in highlighted("x", "no-such-language")
    assert visible_text(render("```\n$x$ ==y== [[z]]\n```")) == "$x$ ==y== [[z]]"


def test_tables_are_aligned_by_class():
    rendered = render("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert '<td class="align-center">1</td>' in rendered and "style=" not in rendered


COMMANDS = ["[sound:x.mp3]", "[latex]x[/latex]", "[$]x[/$]", "[$$]x[/$$]", "[anki:play:q:0]", "[[type:Answer]]"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("around", ["{}", "`{}`", "```\n{}\n```", "**{}**"])
def test_what_anki_would_execute_is_text(command, around):
    rendered = render(around.format(command))
    for start in ("[sound:", "[latex]", "[$]", "[$$]", "[/$]", "[anki:", "[type:", "[[type:"):
        assert start not in rendered


HOSTILE_LINKS = ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "vbscript:x", "data:text/html,x", "file:///etc/passwd",
                 "java&#10;script:alert(1)", "//evil.example"]  # fmt: skip


@pytest.mark.parametrize("address", HOSTILE_LINKS)
def test_links_that_run_something_are_no_links(address):
    for markdown in (f"[x]({address})", f"<{address}>", f"![x]({address})", f'[x](<{address}> "t")'):
        rendered = render(markdown)
        assert dangers(rendered) == [] and "<a" not in rendered, rendered


def test_good_links_stay_and_relative_ones_become_text():
    assert '<a href="https://a.example/b">x</a>' in render("[x](https://a.example/b)")
    report = Report()
    assert visible_text(render("[x](other.md)", report)) == "x" and report.codes() == ["LINK_DROPPED"]


def check_second_wall() -> None:
    """What gets past the parser, here through a link that the caller makes, stops at the sanitiser."""
    for address in ("javascript:alert(1)", "data:text/html,x"):
        assert dangers(render("[[page]]", link=lambda target, address=address: address)) == []
    for hostile in ("<script>x</script>", "<p onclick=x>y</p>", "<img src=x onerror=y>", "<iframe src=//x></iframe>",
                    "<style>*{}</style>", '<a href="javascript:x">y</a>', "<svg><script>x</script></svg>",
                    "<p style='position:fixed'>x</p>", "<!--x--><form action=y>"):  # fmt: skip
        assert dangers(sanitise(hostile)) == [], hostile


def test_second_wall():
    check_second_wall()


@pytest.mark.parametrize(
    ("markdown", "code", "placeholder"),
    [
        ("![[none.png]]", "MISSING_PICTURE", "[picture missing: none.png]"),
        ("![[none.png|300]]", "MISSING_PICTURE", "[picture missing: none.png]"),
        ("![x](sub%20dir/none.png)", "MISSING_PICTURE", "[picture missing: sub dir/none.png]"),
        ("![x](https://a.example/b.png)", "REMOTE_PICTURE", "[picture on the web: https://a.example/b.png]"),
        ("![x](data:image/png;base64,AAAA)", "REMOTE_PICTURE", "[picture on the web: data:…]"),
        ("![[talk.pdf]]", "EMBED_TYPE", "[attachment: talk.pdf]"),
        ("![[talk.mp4]]", "EMBED_TYPE", "[attachment: talk.mp4]"),
        ("![[other note#part]]", "EMBED_TYPE", "[attachment: other note]"),
    ],
)
def test_what_cannot_be_packed_leaves_a_visible_placeholder(markdown, code, placeholder):
    report = Report()
    rendered = render(markdown, report)
    assert placeholder in visible_text(rendered) and "<img" not in rendered
    assert report.codes() == [code] and report.exit_code == 0 and report.issues[0].line == 3
    assert Report(strict=True).add(code, "f", 1, name="x") is None
    strict = Report(strict=True)
    render(markdown, strict)
    assert strict.exit_code == 1


def test_a_picture_that_is_there_is_shown_under_its_hash(tmp_path):
    (tmp_path / "Pasted image 1.png").write_bytes(PNG)
    rendered = render("![[Pasted image 1.png|300]] ![a dog](Pasted%20image%201.png)", roots=(tmp_path,))
    assert rendered.count('<img src="course-') == 2 and 'width="300"' in rendered and 'alt="a dog"' in rendered
    assert dangers(rendered) == []


@pytest.mark.parametrize(
    ("markdown", "line"),
    [("a\n\\$ $\\frac{a$", 4), ("so $$x\ny$$\n$\\frac{a$", 5), ("a\n- b $x$\n- $$\n\\left( x\n$$", 5)],
)
def test_a_broken_formula_is_an_error_with_its_line(markdown, line):
    report = Report()
    render(markdown, report)
    assert [(issue.code, issue.line) for issue in report.issues] == [("TEX", line)]
    assert report.exit_code == 1


@pytest.mark.parametrize("opening", ["{}- a\n", "{}1. a\n"])
def test_nesting_is_kept_to_thirty_lists_and_refused_beyond(opening):
    text = "".join(opening.format("\t" * level) for level in range(30))
    assert render(text).count("<li>") == 30
    assert codes_of("".join(opening.format("\t" * level) for level in range(200))) == ["TOO_DEEP"]
    assert codes_of(">" * 200 + " a") == ["TOO_DEEP"]


def test_blank_means_that_nothing_is_seen():
    assert is_blank("<p> <br>&nbsp;</p>") and not is_blank("<p>a</p>") and not is_blank('<p><img src="a.png"></p>')
