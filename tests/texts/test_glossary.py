"""One term, one wording; one symbol, one meaning; and no text of the course says it otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from course_prose import ROOT, Prose, of_source, only_prose, prose

from course_lib import glossary
from course_lib.glossary import Ban, banned, bans, pattern, symbols, terms
from course_lib.language import use_language

CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
# What the Russian literature writes in Latin letters.
LATIN_IN_RUSSIAN = {"softmax", "skip-gram", "CBOW", "pre-norm", "prefill", "teacher forcing", "top-k", "top-p"}


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


def faults(texts: list[Prose]) -> list[str]:
    return [
        f"{text.name}:{line}: {words!r}: write {ban.instead}"
        for text in texts
        for line, words, ban in banned(text.text, text.lang)
    ]


# ---------------------------------------------------------------- the glossary itself

WRITTEN = {int(path.name[:2]) for path in (ROOT / "notebooks" / "source").glob("[0-9]*.py")}


def test_the_glossary_covers_the_course() -> None:
    assert len(terms()) >= 80
    assert {term.lesson for term in terms()} == set(range(9))


def test_every_term_stands_in_both_languages() -> None:
    for term in terms():
        assert term.en == term.en.strip() and not CYRILLIC.search(term.en) and term.en
        assert CYRILLIC.search(term.ru) or term.ru in LATIN_IN_RUSSIAN, term.en


def test_every_term_that_a_written_lesson_introduces_is_defined_in_one_sentence() -> None:
    undefined = [term.en for term in terms() if term.lesson in WRITTEN and not term.definition]
    assert undefined == ["attention mechanism"]  # it is defined by "attention"
    for term in terms():
        for lang, text in term.definition.items():
            assert text.endswith(".") and text[0] == text[0].upper(), (term.en, lang)
            assert bool(CYRILLIC.search(text)) == (lang == "ru"), (term.en, lang)


def test_no_term_is_banned_by_another() -> None:
    for term in terms():
        for lang in ("en", "ru"):
            assert list(banned(getattr(term, lang), lang)) == [], getattr(term, lang)


def test_bans_are_written_in_the_letters_of_their_language() -> None:
    for ban in bans():
        if ban.lang == "en":
            assert not CYRILLIC.search(ban.stems), ban
        elif ban.stems != "onehot":
            assert CYRILLIC.search(ban.stems), ban


# ---------------------------------------------------------------- the texts of the course


def test_no_text_of_the_course_uses_a_banned_wording() -> None:
    assert faults(list(prose())) == []


def test_the_texts_that_are_read_are_there() -> None:
    names = [text.name for text in prose()]
    for part in ("03_attention.py", "en/03_attention.md", "ru/03_attention.md", "claims.toml", "core.toml", "notation"):
        assert any(part in name for name in names), part
    for lang in ("en", "ru"):
        text = "\n".join(text.text for text in prose() if text.lang == lang)
        assert len(re.findall(r"\w+", text)) > 3000
        assert bool(CYRILLIC.search(text[:2000])) == (lang == "ru")


@pytest.mark.parametrize("ban", bans(), ids=lambda ban: f"{ban.lang}-{ban.stems.replace(' ', '_')}")
def test_every_banned_wording_is_caught(ban: Ban) -> None:
    words = ban.stems.replace("!", "")
    assert [found for _, found, by in banned(f"Тут — {words}, и всё.\n", ban.lang) if by == ban] == [words]


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("Посмотрим на скрытые\nпространства модели.", "ru", ["скрытые\nпространства"]),
        ("Таких хедов восемь.", "ru", ["хедов"]),
        ("Весы сети.", "ru", ["Весы"]),
        ("Внимание является взвешенной суммой.", "ru", ["является"]),
        ("Данный слой.", "ru", ["Данный"]),
        ("Self attention and skip connections.", "en", ["Self attention", "skip connections"]),
        # and what must pass:
        ("Набор данных, скрытый слой, веса головы, явление, проявляется, хедж.", "ru", []),
        ("Латентное пространство скрытого состояния.", "ru", []),
        ("Self-attention; MultiheadAttention is torch's class.", "en", []),
    ],
)
def test_forms_of_a_word_are_matched_and_neighbours_are_not(text: str, lang: str, expected: list[str]) -> None:
    assert sorted(found for _, found, _ in banned(text, lang)) == sorted(expected)


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("notebooks/source/03_attention.py", '# %% [markdown] id="a" lang="ru"\n# Восемь хедов.\n', "хедов"),
        ("flashcards/ru/03_attention.md", "Что такое аттеншн?\n?\nВнимание. ^a-card\n", "аттеншн"),
        ("README.ru.md", "Данный курс.\n", "Данный"),
        ("README.md", "A seamless course.\n", "seamless"),
        ("course_lib/claims.toml", '[[claim]]\nid = "0.1"\nstatement.en = ""\nstatement.ru = "Весы."\n', "Весы"),
        ("course_lib/catalogue/new.toml", '["a.b"]\nen = "a skip connection"\nru = "связь"\n', "skip connection"),
    ],
)
def test_a_fault_planted_in_a_copy_of_the_course_is_found(tmp_path: Path, path: str, text: str, found: str) -> None:
    for name in ("claims.toml", "notation.toml", "glossary.toml"):
        target = tmp_path / "course_lib" / name
        target.parent.mkdir(exist_ok=True)
        target.write_text((ROOT / "course_lib" / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert faults(list(prose(tmp_path))) == []
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    (fault,) = faults(list(prose(tmp_path)))
    assert f"{found!r}" in fault


def test_code_formulas_and_addresses_are_no_prose() -> None:
    text = "See `self attention` and $весы$, https://example.org/feedforward\n```python\nfeedforward = 1\n```\n"
    assert list(banned(only_prose(text), "en")) == []
    assert only_prose(text).count("\n") == text.count("\n")


def test_only_the_cells_of_a_language_are_read() -> None:
    source = '# %% [markdown] id="a" lang="en"\n# one\n# %% [markdown] id="a" lang="ru"\n# два\n# %% id="b"\n# three\n'
    assert of_source(source, "en").split() == ["one"]
    assert of_source(source, "ru").split() == ["два"]


# ---------------------------------------------------------------- notation


def test_a_letter_has_one_meaning() -> None:
    plain = [symbol.plain or glossary._plain(symbol.tex) for symbol in symbols()]
    assert len(plain) == len(set(plain))
    assert {"B", "T", "D", "H", "d_k", "d_v", "d_ff", "n_vocab", "X", "Q", "K", "V", "Z"} <= set(plain)
    assert {"W_Q", "W_K", "W_V", "W_O"} <= set(plain)


def test_shapes_are_made_of_letters_of_the_table() -> None:
    letters = {symbol.tex for symbol in symbols()} | {"T_{max}"}  # the last row of the table of positions
    for symbol in symbols():
        for size in symbol.shape:
            assert set(size.split()) <= letters, symbol.tex


def test_colours_are_those_of_the_figures() -> None:
    from course_lib.figures.style import COLOURS

    of = {symbol.tex: symbol.colour for symbol in symbols()}
    assert {colour for colour in of.values() if colour} <= set(COLOURS)
    for letter, name in (("Q", "query"), ("K", "key"), ("V", "value")):
        assert of[letter] == of[f"W_{letter}"] == name


@pytest.mark.parametrize(("lang", "head", "word"), [("en", "Symbol", "queries"), ("ru", "Символ", "запросы")])
def test_the_table_of_a_lesson_follows_the_language(monkeypatch, lang: str, head: str, word: str) -> None:
    shown = []
    monkeypatch.setattr("course_lib.tables._show", lambda *texts: shown.append(texts))
    use_language(lang)
    glossary.notation_table(3)
    ((plain, markdown),) = shown
    assert f"Q · {word}, XW_Q" in plain and "n_vocab · " in plain and "(n_vocab, D)" in plain and "$" not in plain
    assert markdown.splitlines()[0].startswith(f"| {head} |") and "■</span> $Q$ |" in markdown
    assert "| $H$ |" not in markdown  # heads come in lesson 04
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in markdown.splitlines()}
    assert widths == {4}


@pytest.mark.parametrize(("lang", "row"), [("en", "| query | запрос |"), ("ru", "| запрос | query |")])
def test_the_terms_of_a_lesson_follow_the_language(monkeypatch, lang: str, row: str) -> None:
    shown = []
    monkeypatch.setattr("course_lib.tables._show", lambda *texts: shown.append(texts))
    use_language(lang)
    glossary.glossary_table(3)
    assert row in shown[0][1]


def test_a_term_or_a_symbol_that_stands_twice_is_refused(monkeypatch) -> None:
    term = {"en": "key", "ru": "ключ", "lesson": 3}
    symbol = {"tex": "V", "meaning": {"en": "a", "ru": "б"}, "shape": [], "lessons": [3]}
    monkeypatch.setattr(glossary, "_load", lambda name: {"term": [term, term], "symbol": [symbol, symbol]})
    with pytest.raises(ValueError, match="more than once"):
        glossary.terms.__wrapped__()
    with pytest.raises(ValueError, match="one meaning"):
        glossary.symbols.__wrapped__()


def test_a_stem_is_matched_literally() -> None:
    assert pattern("a.b").search("a.bc") and not pattern("a.b").search("axb")


def test_the_glossary_needs_no_torch() -> None:
    code = (
        "import sys; from course_lib import glossary; glossary.notation_table(3); "
        "sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0
