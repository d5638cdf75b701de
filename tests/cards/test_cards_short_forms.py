"""``question::answer`` and ``==deletions==``: read as the plugin reads them, and only when somebody asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_tools import FIXTURES, NOW, anki_collection, import_package, imported, render, visible_text
from test_cards_notes import notes_in

from course_lib.cards.notes import compile_notes
from course_lib.cards.parsing import parse
from course_lib.cards.reading import source_from_text
from course_lib.cards.report import Report
from course_lib.cards.short_forms import CLOZE_MARKS, DEFAULT_MARKS, ShortForms
from course_lib.cli import main

BOTH = ShortForms(inline=True, cloze=DEFAULT_MARKS)
ALL_MARKS = ShortForms(inline=True, cloze=tuple(CLOZE_MARKS))
NOTES = ["learner_note.md", "learner_note_lists.md", "learner_note_markup.md"]


def cards_of(text: str, forms: ShortForms = BOTH, *, own: bool = False):
    report = Report(own=own)
    return parse(source_from_text(text, Path("note.md"), report, forms=forms), report), report


def pairs(text: str, forms: ShortForms = BOTH) -> list[tuple[str, str]]:
    return [(card.question.text, card.answer.text) for card in cards_of(text, forms)[0]]


def build(folder, text: str, forms: ShortForms = BOTH, now: int = NOW, **options):
    (folder / "note.md").write_text(text, "utf-8")
    report = compile_notes([folder / "note.md"], folder / "out.apkg", lang="ru", forms=forms, now=now, **options)
    assert report.exit_code == 0, report.lines()
    return report


# --- off unless asked for ---------------------------------------------------------------------------------------------


def test_both_are_off_by_default():
    assert pairs("a::b\n\nThe ==city== is large.\n", ShortForms()) == []


@pytest.mark.parametrize("name", NOTES)
def test_no_option_changes_a_card_that_was_there_before(tmp_path, name):
    text = (FIXTURES / name).read_text("utf-8")
    build(tmp_path, text, ShortForms())
    before = notes_in(tmp_path / "out.apkg")
    for file in tmp_path.iterdir():
        file.unlink()
    build(tmp_path, text, ALL_MARKS)
    after = notes_in(tmp_path / "out.apkg")
    assert {key: after[key] for key in before} == before


def test_a_block_with_a_question_mark_is_one_card_whatever_it_holds():
    text = "What is `std::map`, or a::b?\n?\n- c::d\n- ==e== **f** {{g}}\n"
    assert pairs(text, ALL_MARKS) == [("What is `std::map`, or a::b?", "- c::d\n- ==e== **f** {{g}}")]


@pytest.mark.parametrize(
    ("front_matter", "forms", "expected"),
    [
        ("inline: true\n", ShortForms(), 1),
        ("inline: false\n", BOTH, 1),
        ("inline: no\ncloze: no\n", BOTH, 0),
        ("cloze: true\n", ShortForms(), 1),
        ("cloze: [highlights, bold]\n", ShortForms(), 2),
        ("cloze:\n  - bold\n  - curly\n", ShortForms(), 2),
        ("cloze: bold\n", BOTH, 2),
        ("", BOTH, 2),
    ],
)
def test_the_front_matter_goes_before_the_option(front_matter, forms, expected):
    cards, report = cards_of(f"---\n{front_matter}---\na::b\n\nThe ==x== is **y**{{{{z}}}}.\n", forms)
    assert len(cards) == expected and report.codes() == []


def test_settings_that_nobody_knows_are_told_and_ignored():
    cards, report = cards_of("---\ninline: perhaps\ncloze: [bold, italics]\n---\na::b\n\n**c** is d\n", ShortForms())
    assert [card.question.text for card in cards] == ["==[…]== is d"]
    assert report.codes() == ["SETTING", "SETTING"] and report.exit_code == 0


# --- one line ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "question", "answer"),
    [
        ("token::a piece of text", "token", "a piece of text"),
        ("Что такое BPE? :: Слияние частых пар.", "Что такое BPE?", "Слияние частых пар."),
        ("- a::b", "a", "b"),
        ("12. a::b", "a", "b"),
        ("> - a::b", "a", "b"),
        ("`std::map` :: a tree", "`std::map`", "a tree"),
        ("$a::b$ :: c::d", "$a::b$", "c::d"),
        ("[[a::b]]::c", "[[a::b]]", "c"),
        (r"a\::b::c", r"a\::b", "c"),
        ("a::b <!--SR:!2024-01-01,1,250-->", "a", "b"),
        ("a::==b== and **c**", "a", "==b== and **c**"),
    ],
)
def test_a_line_with_two_colons_is_a_card(line, question, answer):
    (card,), report = cards_of(f"Prose above.\n{line}\nProse below.")
    assert (card.question.text, card.answer.text, card.both_ways, card.line) == (question, answer, False, 2)
    assert report.codes() == []


def test_three_colons_ask_both_ways():
    (card,), _ = cards_of("a ::: b")
    assert (card.question.text, card.answer.text, card.both_ways) == ("a", "b", True)


@pytest.mark.parametrize(
    "text",
    ["`a::b`", "$a::b$", "```\na::b\n```", "$$\na::b\n$$", "| a::b | c |", "[x](http://h/a::b)", "<https://h/a::b>", "a: b", "%%a::b%% c"],
)  # fmt: skip
def test_colons_in_code_formulas_links_and_tables_make_no_card(text):
    assert pairs(text) == []


@pytest.mark.parametrize("line", ["a::", "::b", "- ::b", "key:: ^some-id"])
def test_a_line_with_one_side_only_is_told_and_no_card(line):
    cards, report = cards_of(f"{line}\n\nc::d")
    assert [card.question.text for card in cards] == ["c"]
    assert report.codes() == ["INLINE_EMPTY"] and report.exit_code == 0


def test_ids_tags_and_headings_of_a_line():
    cards, _ = cards_of("# Terms\n#🃏/nlp #exam\na::b ^card-a\n#flashcards/other c::d\n")
    assert [(card.id, card.tags, card.headings) for card in cards] == [
        ("card-a", ("🃏/nlp", "exam"), ("Terms",)),
        ("", ("flashcards/other",), ("Terms",)),
    ]


# --- fill-ins ---------------------------------------------------------------------------------------------------------


def test_every_deletion_is_asked_for_while_the_others_are_shown():
    assert pairs("The capital of ==France== is ==Paris==.") == [
        ("The capital of ==[…]== is Paris.", "The capital of ==France== is Paris."),
        ("The capital of France is ==[…]==.", "The capital of France is ==Paris==."),
    ]


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("==Paris;;city== lies on the ==Seine==^[river].", ["==[city]== lies on the Seine.", "Paris lies on the ==[river]==."]),
        ("==2;;a== ==1;;b== ==2;;c==", ["a ==[…]== c", "==[…]== b ==[…]=="]),
        ("==3;;a== ==b== ==1;;c==", ["a b ==[…]==", "a ==[…]== c", "==[…]== b c"]),
        ("==a;;[b](c) $x$ `y`== z", ["==[b(c) x y]== z"]),
        ("==2;;5== of ==1;;7;;how many==", ["5 of ==[how many]==", "==[…]== of 7"]),
    ],
)  # fmt: skip
def test_numbers_group_and_hints_replace_the_dots(text, questions):
    assert [question for question, _ in pairs(text)] == questions


@pytest.mark.parametrize(
    ("text", "forms", "questions"),
    [
        ("==a== **b** {{c}}", BOTH, ["==[…]== **b** {{c}}"]),
        ("==a== **b** {{c}}", ALL_MARKS, ["==[…]== **b** c", "a ==[…]== c", "a **b** ==[…]=="]),
        ("**==a==** b", ALL_MARKS, ["==[…]== b"]),
        ("x={{y}}", ALL_MARKS, ["x=[…]"]),
        ("авто==регрессия== и [==да==]", BOTH, ["авто==[…]== и [да]", "авторегрессия и [==[…]==]"]),
        ("==$x^2$== is ==`code`==", BOTH, ["==[…]== is `code`", "$x^2$ is ==[…]=="]),
        ("a == b == c, ==d, e==\nf===g==", BOTH, ["a == b == c, ==[…]==\nf===g=="]),
        ("==a\nb==", BOTH, []),
        ("`==a==` $b==c==d$ [[==e==]]", BOTH, []),
        ("```\n==a==\n```\n==b== is", BOTH, ["```\n==a==\n```\n==[…]== is"]),
        ("3. A list:\n- ==a==\n- b", BOTH, ["A list:\n- ==[…]==\n- b"]),
        ("==== ==", BOTH, []),
    ],
)
def test_what_is_a_deletion_and_what_is_not(text, forms, questions):
    assert [question for question, _ in pairs(text, forms)] == questions


def test_the_gap_is_seen_as_a_marked_gap():
    ((question, answer),) = pairs("авто==регрессия==(это термин)")
    assert render(question) == "<p>авто<mark>[…]</mark>(это термин)</p>"
    assert render(answer) == "<p>авто<mark>регрессия</mark>(это термин)</p>"
    ((question, _),) = pairs("- [==x;;подсказка==]")
    assert visible_text(render(question)) == "[[подсказка]]"


def test_a_block_id_gives_the_deletions_their_ids():
    cards, report = cards_of("==a== and ==3;;b== and ==c== ^my-text\n\n==d== ^37066d\n\nplain ^37066d\n")
    assert [card.id for card in cards] == ["my-text-1", "my-text-2", "my-text-3", ""]
    assert [card.answer.text for card in cards] == [
        "==a== and b and c",
        "a and b and ==c==",
        "a and ==b== and c",
        "==d==",
    ]
    assert report.codes() == ["BAD_ID"], "only where a card was made of it"


def test_a_deletion_put_in_front_takes_nobodys_history(tmp_path):
    build(tmp_path, "The capital is ==Paris==.\n")
    (before,) = notes_in(tmp_path / "out.apkg")
    build(tmp_path, "The ==capital== is ==Paris==.\n", now=NOW + 5)
    after = notes_in(tmp_path / "out.apkg")
    assert len(after) == 2 and "<mark>Paris</mark>" in after[before]["fields"][1]


def test_a_reworded_text_keeps_each_deletions_history(tmp_path):
    build(tmp_path, "The ==query== of a token meets the ==keys== of all tokens, and the ==values== are summed.\n")
    asked = {
        key: note["fields"][1].split("<mark>")[1].split("<")[0] for key, note in notes_in(tmp_path / "out.apkg").items()
    }
    report = build(
        tmp_path,
        "The ==query== of a token meets the ==keys== of every token; then the ==values== are added.\n",
        now=NOW + 5,
    )
    now = {
        key: note["fields"][1].split("<mark>")[1].split("<")[0] for key, note in notes_in(tmp_path / "out.apkg").items()
    }
    assert now == asked and report.codes().count("ID_KEPT") == 3


def test_a_text_of_highlights_only_is_no_heap_of_cards():
    cards, report = cards_of("==a== " * 100 + "\n\n" + "==b== " * 101)
    assert len(cards) == 100 and report.codes() == ["CLOZE_MANY"] and report.issues[0].line == 3


def test_two_gaps_for_one_word_are_two_cards(tmp_path):
    assert build(tmp_path, "==да== ==да== и ==да==\n").cards == 3


def test_footnotes_hold_for_deletions_too():
    cards, _ = cards_of("==a==[^1] is b\n\n[^1]: the note\n")
    assert cards[0].question.footnotes == (("1", "the note"),)


# --- the whole way ----------------------------------------------------------------------------------------------------

TEXT = """#🃏/термины
Токен::кусок текста
Слияние:::merge ^merge-term

Запрос встречает ==ключи==, а складывают ==значения==. ^attention-text

Сколько голов?
?
Двенадцать. ^heads
"""


def test_anki_takes_them_as_ordinary_notes_and_updates_them(tmp_path):
    with anki_collection() as collection:
        build(tmp_path, TEXT)
        assert import_package(collection, tmp_path / "out.apkg") == imported(new=6)
        assert len(collection.models.all_names_and_ids()) == 7, "our one note type beside Anki's six"
        build(tmp_path, TEXT.replace("складывают", "суммируют").replace("кусок", "часть"), now=NOW + 5)
        assert import_package(collection, tmp_path / "out.apkg") == imported(updated=3, duplicate=3)
        note = collection.get_note(collection.find_notes("Id:attention-text-2")[0])
        assert note["Question"] == "<p>Запрос встречает ключи, а суммируют <mark>[…]</mark>.</p>"


def test_ids_are_written_for_lines_and_not_for_deletions(tmp_path):
    text = "a::b\n- c::d <!--SR:!2024-01-01,1,250-->\n\nThe ==x== is ==y==.\n"
    report = build(tmp_path, text, write_ids=True)
    before = notes_in(tmp_path / "out.apkg")
    lines = (tmp_path / "note.md").read_text("utf-8").split("\n")
    assert [line.count("^q-") for line in lines] == [1, 1, 0, 0, 0], report.lines()
    for file in tmp_path.glob("*.lock.json"):
        file.unlink()
    build(tmp_path, "\n".join(lines))
    assert notes_in(tmp_path / "out.apkg") == before


def test_the_command_has_both_options_for_notes_only(tmp_path, monkeypatch, capsys):
    (tmp_path / "note.md").write_text(TEXT, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["deck", "note.md"]) == 0 and len(notes_in(tmp_path / "note.apkg")) == 1
    assert main(["deck", "note.md", "--inline"]) == 0 and len(notes_in(tmp_path / "note.apkg")) == 3
    assert main(["deck", "note.md", "--inline", "--cloze"]) == 0 and len(notes_in(tmp_path / "note.apkg")) == 5
    capsys.readouterr()
    assert main(["deck", "--cloze"]) == 2 and "--cloze need a NOTE" in capsys.readouterr().err
