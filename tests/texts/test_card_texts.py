"""The course's own cards: every key question is there, in both languages, and a pair of cards says the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from course_prose import LANGUAGES, ROOT

from course_lib.cards.lint import lint_card, lint_lesson
from course_lib.cards.parsing import Card, parse
from course_lib.cards.reading import source_from_text
from course_lib.cards.report import Report

SLUGS = (
    "00_why_transformers 01_word2vec 02_bpe 03_attention 04_multi_head 05_positions 06_encoder_block 07_decoder "
    "08_bert_vs_gpt"
).split()

# The seventeen key questions by lesson, in the order in which the notes number them.
KEY_QUESTIONS = {
    "00_why_transformers": ["key-rnn-memory", "key-rnn-speed"],
    "02_bpe": ["key-bpe-vocabulary"],
    "03_attention": ["key-embedding-layer", "key-self-attention", "key-attention-scaling"],
    "04_multi_head": ["key-multi-head"],
    "05_positions": ["key-positional-encoding"],
    "06_encoder_block": ["key-ffn", "key-depth", "key-residual-layernorm"],
    "07_decoder": ["key-cross-attention", "key-causal-mask", "key-output-layer"],
    "08_bert_vs_gpt": ["key-encoder-decoder-only", "key-mlm", "key-cls-sep"],
}
# Key questions and atoms whose answer is drawn, with the figure on their card.
FIGURES = {
    "key-self-attention": "self-attention-one-token.png",
    "key-multi-head": "multi-head.png",
    "key-residual-layernorm": "encoder-block.png",
    "draw-two-ways": "recurrence-and-attention.png",
    "draw-lstm-cell": "lstm-cell.png",
    "draw-one-block": "one-block-three-tasks.png",
    "draw-training-pairs": "word2vec-window.png",
    "draw-negative-sampling": "word2vec-negative-sampling.png",
    "draw-bpe-merges": "bpe-merges.png",
    "draw-scaled-dot-product": "scaled-dot-product.png",
    "draw-attention-matrix-form": "attention-matrix-form.png",
    "draw-clock-hands": "clock-hands.png",
    "draw-rotary": "rotary.png",
    "draw-positions-enter": "where-positions-enter.png",
    "draw-ffn-memory": "ffn-memory.png",
    "draw-norm-axes": "norm-axes.png",
    "draw-norm-orders": "norm-orders.png",
    "draw-transformer": "transformer.png",
    "draw-training-mask": "training-mask.png",
    "draw-decoder-block": "decoder-block.png",
    "draw-three-families": "three-families.png",
    "draw-bert-input": "bert-input.png",
    "draw-masked-language-model": "masked-language-model.png",
}


def sections(slug: str) -> list[str]:
    """The sections of a lesson, by the ids of the cells with their headings; an unwritten lesson has its summary only."""
    source = ROOT / "notebooks" / "source" / f"{slug}.py"
    if not source.exists():
        return ["summary"]
    return re.findall(r'id="([^"]+)" lang="en".*\n# ## ', source.read_text(encoding="utf-8"))


# The atoms that back each key question: two to four, of which each holds a part of its answer.
BACKED_BY = {
    "key-rnn-memory": "write-before-question accuracy-by-pairs one-factor-a-step distance-not-in-score",
    "key-rnn-speed": "chain-by-length chain-by-depth writing-waits where-an-rnn-waits",
    "key-bpe-vocabulary": "bpe-step draw-bpe-merges vocabulary-too-large why-pre-tokenisation",
    "key-embedding-layer": "embedding-row embedding-gradient embedding-context-free",
    "key-self-attention": "value-role query-meets-keys score-entry cost-quadratic",
    "key-attention-scaling": "draw-scaled-dot-product score-deviation scale-key-size softmax-saturated",
    "key-multi-head": "one-head-one-mixture identical-heads concatenation-sum why-output-matrix",
    "key-positional-encoding": "equivariant-not-invariant draw-positions-enter rope-where alibi-bias",
    "key-ffn": "ffn-each-token draw-ffn-memory ffn-keys-are-weights ffn-two-thirds",
    "key-depth": "depth-time logit-lens post-norm-warm-up",
    "key-residual-layernorm": "residual-derivative residual-explodes layer-norm-axis draw-norm-orders",
    "key-cross-attention": "cross-weights-shape cross-no-triangle draw-decoder-block",
    "key-causal-mask": "one-pass-training late-mask-sum draw-training-mask",
    "key-output-layer": "logit-difference logits-plus-100 tied-read-out adaptive-softmax",
    "key-encoder-decoder-only": "block-without-cross draw-three-families no-cache-for-bert",
    "key-mlm": "mlm-random mlm-kept mlm-head-where draw-masked-language-model",
    "key-cls-sep": "segments-and-sep nsp-classes bert-pooler frozen-cls",
}
LEAST_CARDS = 137
"""Of each language: the seventeen key questions and 120 atoms."""
LEAST_SHARED = 1
"""Words that an atom and the key question it backs have in common, by their first letters."""

KINDS = {"what", "why", "where", "compute", "contrast"}
# The atoms of the written lessons, those to draw not counted: a card lost by mistake is missed here.
ATOMS = {
    "00_why_transformers": 32,
    "01_word2vec": 24,
    "02_bpe": 17,
    "03_attention": 18,
    "04_multi_head": 18,
    "05_positions": 19,
    "06_encoder_block": 19,
    "07_decoder": 26,
    "08_bert_vs_gpt": 32,
}
# Facts that an answer of the notes gets wrong or leaves out, and ours must hold.
FACTS = {
    "key-rnn-memory": ("context window", "контекстного окна"),
    "key-rnn-speed": ("generation stays", "генерация по-прежнему"),
    "key-bpe-vocabulary": ("30–60", "30–60"),
    "key-ffn": ("2/3", "2/3"),
    "key-attention-scaling": ("before softmax", "до softmax"),
    "key-self-attention": ("$O(T^2)$", "$O(T^2)$"),
    "key-positional-encoding": ("equivariant", "эквивариантно"),
    "key-residual-layernorm": ("mean 0", "среднему 0"),
    "key-cross-attention": ("belong to each decoder block", "у каждого блока декодера свои"),
    "key-causal-mask": ("−∞ before softmax", "до softmax заменяют на −∞"),
    "key-output-layer": ("logit", "логит"),
    "key-mlm": ("15 %", "15 %"),
    "key-cls-sep": ("segment embeddings", "эмбеддинг сегмента"),
}


def cards_in(text: str, name: str = "03_attention.md") -> list[Card]:
    report = Report(own=True)
    cards = parse(source_from_text(text, Path(name), report), report)
    assert report.lines() == []
    return cards


def cards_of(lang: str, slug: str) -> dict[str, Card]:
    path = ROOT / "flashcards" / lang / f"{slug}.md"
    if not path.exists():
        return {}
    return {card.id: card for card in cards_in(path.read_text(encoding="utf-8"), path.name)}


ALL = {lang: {slug: cards_of(lang, slug) for slug in SLUGS} for lang in LANGUAGES}
PAIRS = [
    pytest.param(slug, ALL["en"][slug][id], ALL["ru"][slug].get(id), id=id) for slug in SLUGS for id in ALL["en"][slug]
]


def link(card: Card) -> tuple[str, str]:
    """The lesson and the section that the card's heading names."""
    match = re.fullmatch(r"\[\[([\w-]+)#([\w-]+)\|[^\]]+\]\]", card.headings[-1])
    assert match, card.headings
    return match[1], match[2]


def words_of(card: Card) -> set[str]:
    """The beginnings of a card's longer words, which forms of one word share."""
    text = re.sub(r"!\[\[[^|\]]*\|", " ", f"{card.question.text}\n{card.answer.text}".lower())
    return {word[:5] for word in re.findall(r"[a-zа-яё]{5,}", text)}


def unbacked(cards: dict[str, dict[str, Card]], backed_by: dict[str, str]) -> list[str]:
    """Key questions without two to four atoms of their own lesson that speak of the same things; atoms named twice."""
    named = [id for ids in backed_by.values() for id in ids.split()]
    found = [f"{id} backs two key questions" for id, count in Counter(named).items() if count > 1]
    for slug, of_lesson in cards.items():
        for key in (card for card in of_lesson.values() if "key" in card.tags):
            ids = backed_by.get(key.id, "").split()
            if not 2 <= len(ids) <= 4:
                found.append(f"{key.id}: {len(ids)} atoms")
            for id in ids:
                if id not in of_lesson or "atom" not in of_lesson[id].tags:
                    found.append(f"{key.id}: {id} is no atom of {slug}")
                elif len(words_of(key) & words_of(of_lesson[id])) < LEAST_SHARED:
                    found.append(f"{key.id}: {id} speaks of something else")
    return found


def wrong_section(card: Card, lang: str) -> str:
    """Why the section that a card names is not one of the built notebook, by its cell and by its title; or nothing."""
    slug, cell = link(card)
    title = card.headings[-1].removesuffix("]]").partition("|")[2]
    notebook = ROOT / "notebooks" / ("" if lang == "en" else lang) / f"{slug}.ipynb"
    if not notebook.exists():
        return f"{notebook.relative_to(ROOT)} is not built"
    for one in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        heading = re.match(r"## (?:\d+\. )?(.+)", "".join(one["source"]))
        if one["id"] == cell and one["cell_type"] == "markdown" and heading:
            return "" if heading[1] == title else f"{slug}#{cell}: {title!r} is {heading[1]!r} in the notebook"
    return f"{slug}#{cell}: no cell with a heading"


def formulas(card: Card) -> list[str]:
    return re.findall(r"\$\$.+?\$\$|\$[^$]+\$", card.question.text + "\n" + card.answer.text)


def english_terms(text: str) -> list[str]:
    """The terms in brackets that are written in Latin letters, as in «внимание (attention)»."""
    return re.findall(r"\(([A-Za-z][A-Za-z0-9 ,/-]*)\)", re.sub(r"\$[^$]*\$", "", text))


# ---------------------------------------------------------------- what there is


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_key_question_stands_in_the_file_of_its_lesson(lang: str) -> None:
    found = {slug: [id for id, card in cards.items() if "key" in card.tags] for slug, cards in ALL[lang].items()}
    assert {slug: ids for slug, ids in found.items() if ids} == KEY_QUESTIONS
    assert sum(map(len, found.values())) == 17


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("slug", "count"), ATOMS.items())
def test_a_written_lesson_has_its_atoms(slug: str, count: int, lang: str) -> None:
    cards = ALL[lang][slug].values()
    atoms = [card for card in cards if "atom" in card.tags and "draw" not in card.tags]
    assert len(atoms) == count
    kinds = Counter(kind for card in atoms for kind in set(card.tags) & KINDS)
    assert sum(kinds.values()) == len(atoms) and set(kinds) == KINDS
    assert 3 * kinds["why"] >= len([card for card in cards if "atom" in card.tags])


def symbols_without_formula(text: str) -> list[str]:
    """Symbols with an index that stand as plain text: Anki shows ``d_k`` with its underscore."""
    return re.findall(
        r"\b[A-Za-z]\w*_\w+", re.sub(r"!\[\[.*?\]\]|\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", "", text, flags=re.DOTALL)
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_symbol_with_an_index_is_set_as_a_formula(lang: str) -> None:
    found = {
        id: symbols
        for cards in ALL[lang].values()
        for id, card in cards.items()
        if (symbols := symbols_without_formula(f"{card.question.text}\n{card.answer.text}"))
    }
    assert found == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_drawn_answers_show_their_figure(lang: str) -> None:
    embeds = {
        id: re.findall(r"!\[\[([^|\]]+)\|([^\]]+)\]\]", card.answer.text)
        for cards in ALL[lang].values()
        for id, card in cards.items()
        if "![[" in card.answer.text
    }
    assert {id: [name for name, _ in found] for id, found in embeds.items()} == {i: [n] for i, n in FIGURES.items()}
    for id, ((_, alternative),) in embeds.items():
        assert len(alternative.split()) >= 8, f"{id}: the alternative text says what the picture shows"
    drawn = {id for cards in ALL[lang].values() for id, card in cards.items() if "draw" in card.tags}
    assert drawn == set(FIGURES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_key_question_is_backed_by_atoms_of_its_lesson(lang: str) -> None:
    assert unbacked(ALL[lang], BACKED_BY) == []
    assert set(BACKED_BY) == {id for ids in KEY_QUESTIONS.values() for id in ids}
    assert sum(map(len, ALL[lang].values())) >= LEAST_CARDS


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("slug", SLUGS)
def test_a_card_names_a_section_as_the_notebook_does(slug: str, lang: str) -> None:
    """A learner finds it by its title: a phone cannot follow a link into a clone."""
    assert {wrong_section(card, lang) for card in ALL[lang][slug].values()} <= {""}


def test_both_languages_have_the_same_files() -> None:
    names = [{path.name for path in (ROOT / "flashcards" / lang).glob("*.md")} for lang in LANGUAGES]
    assert names[0] == names[1] == {f"{slug}.md" for slug in {*KEY_QUESTIONS, *ATOMS}}


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_have_the_same_cards_in_the_same_order(slug: str) -> None:
    assert list(ALL["en"][slug]) == list(ALL["ru"][slug])


# ---------------------------------------------------------------- one card in two languages


@pytest.mark.parametrize(("slug", "english", "russian"), PAIRS)
def test_a_pair_of_cards_says_the_same(slug: str, english: Card, russian: Card) -> None:
    assert english.tags == russian.tags
    assert link(english) == link(russian)
    assert formulas(english) == formulas(russian)
    for text in (english.question.text, russian.question.text):
        assert text.count("?") == 1, text


@pytest.mark.parametrize(("slug", "english", "russian"), PAIRS)
def test_a_card_names_a_section_of_its_own_lesson(slug: str, english: Card, russian: Card) -> None:
    lesson, section = link(english)
    assert lesson == slug
    assert section in sections(slug)


@pytest.mark.parametrize(("slug", "english", "russian"), PAIRS)
def test_a_russian_card_is_russian_and_gives_the_english_term_once(slug: str, english: Card, russian: Card) -> None:
    text = f"{russian.question.text}\n{russian.answer.text}"
    assert re.search("[а-яё]{4}", russian.question.text) and not re.search("[а-яё]", english.question.text, re.I)
    terms = english_terms(text)
    assert terms, "no English term in brackets"
    assert len(terms) == len(set(terms)), f"an English term stands twice: {terms}"
    assert not re.search('["“”]', text), "quotation marks are «ёлочки»"


@pytest.mark.parametrize("id", FACTS)
def test_an_answer_holds_the_fact_that_the_notes_leave_out(id: str) -> None:
    for lang, fact in zip(LANGUAGES, FACTS[id], strict=True):
        (card,) = (cards[id] for cards in ALL[lang].values() if id in cards)
        assert fact in card.answer.text


# ---------------------------------------------------------------- the numbers that cards keep to


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_cards_pass_the_linter(lang: str, slug: str) -> None:
    report = Report(own=True)
    for card in ALL[lang][slug].values():
        lint_card(card, lang, report)
    lint_lesson(list(ALL[lang][slug].values()), lang, report)
    # A lesson that is not written yet has its key questions only.
    assert set(report.codes()) <= (set() if slug in ATOMS else {"FEW_ATOMS"}), report.lines()


def test_the_linter_sees_an_answer_that_is_too_long() -> None:
    (card,) = cards_in("#atom #why\nWhy?\n?\n" + "word " * 26 + "^a-card\n")
    report = Report(own=True)
    lint_card(card, "en", report)
    assert report.codes() == ["ANSWER_WORDS"]


# ---------------------------------------------------------------- the checks can fail


def test_a_missing_english_term_and_a_second_one_are_seen() -> None:
    assert english_terms("Что ищет запрос (query) по $f(x)$?") == ["query"]
    assert english_terms("Что ищет запрос?") == []
    assert english_terms("Запрос (query)? Запрос (query).") == ["query", "query"]


def test_a_symbol_with_an_index_in_plain_text_is_seen() -> None:
    assert symbols_without_formula("How large is d_k, if `x_1` and $W_O$ …?\n![[a_b.png|a b]]") == ["d_k"]


def test_a_pair_that_differs_is_seen() -> None:
    start = "### [[03_attention#scale|Scale]]\n\n#atom #why\n"
    (one,) = cards_in(start + "Why $d_k$?\n?\nFor the variance. ^a-card\n")
    for other in (
        start.replace("#scale", "#mask") + "Why $d_k$?\n?\nX. ^a-card\n",
        start.replace("#why", "#what") + "Why $d_k$?\n?\nX. ^a-card\n",
        start + "Why $D$?\n?\nX. ^a-card\n",
        start + "Why $d_k$? So?\n?\nX. ^a-card\n",
    ):
        (two,) = cards_in(other)
        with pytest.raises(AssertionError):
            test_a_pair_of_cards_says_the_same("03_attention", one, two)


def test_a_section_that_is_not_in_the_lesson_is_seen() -> None:
    (card,) = cards_in("### [[03_attention#masks|Masks]]\n\nWhy?\n?\nX. ^a-card\n")
    with pytest.raises(AssertionError):
        test_a_card_names_a_section_of_its_own_lesson("03_attention", card, card)


def test_a_section_of_another_title_is_seen() -> None:
    for heading, found in (
        ("[[03_attention#window|Looking only nearby]]", ""),
        ("[[03_attention#window|Nearby]]", "'Nearby' is 'Looking only nearby'"),
        ("[[03_attention#mask-break|Looking only nearby]]", "no cell with a heading"),
        ("[[09_nothing#window|Looking only nearby]]", "is not built"),
    ):
        (card,) = cards_in(f"### {heading}\n\n#atom #why\nWhy?\n?\nX. ^a-card\n")
        assert found in wrong_section(card, "en") and bool(found) == bool(wrong_section(card, "en"))


def test_a_key_question_without_its_atoms_is_seen() -> None:
    one = {"03_attention": ALL["en"]["03_attention"]}
    good = {id: BACKED_BY[id] for id in KEY_QUESTIONS["03_attention"]}
    assert unbacked(one, good) == []
    for ids, fault in (
        ("", "0 atoms"),
        ("embedding-row", "1 atoms"),
        ("embedding-row no-such-card", "no-such-card is no atom of 03_attention"),
        ("embedding-row bpe-step", "bpe-step is no atom of 03_attention"),
        ("embedding-row key-attention-scaling", "key-attention-scaling is no atom"),
        ("embedding-row dot-product-length", "dot-product-length speaks of something else"),
        ("embedding-row value-role", "value-role backs two key questions"),
    ):
        assert any(fault in line for line in unbacked(one, {**good, "key-embedding-layer": ids})), fault
