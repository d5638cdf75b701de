"""The rules that the course's own cards keep to, as far as they can be counted.

A learner's notes are their own affair and are never linted. What counts as a word: a run of letters and digits, with
hyphens and apostrophes inside; a formula is one word, a picture none. A *formula* is a display formula, or an inline
one that states a relation (``=``, ``\\le``, ``\\to`` …); a bare symbol such as ``$d_k$`` is a word of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from course_lib.cards.parsing import Card
from course_lib.cards.report import Report

KEY_MAX_WORDS = 80
KEY_MAX_BULLETS = 6
ATOM_QUESTION_MAX_WORDS = 20
ATOM_ANSWER_MAX_WORDS = 25
MAX_FORMULAS = 1
MAX_PICTURES = 1
DRAW_CHECKLIST = range(4, 7)
ATOMS_PER_KEY = 2
LEAST_WHY_SHARE = 1 / 3

_FENCE = re.compile(r"^\s*(`{3,}|~{3,}).*?^\s*\1\s*$", re.MULTILINE | re.DOTALL)
_DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"(?<!\\)\$(?!\s)((?:[^$\\]|\\.)+)(?<!\s)\$(?!\d)")
_RELATION = re.compile(r"[=<>]|\\(?:leq?|geq?|neq?|approx|propto|sim|equiv|in|to|mapsto|rightarrow|ll|gg)(?![A-Za-z])")
_EMBED = re.compile(r"!\[\[[^\]\n]*\]\]|!\[[^\]\n]*\]\([^)\n]*\)")
_WIKILINK = re.compile(r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]*)\]\]")
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?", re.MULTILINE)
_WORD = re.compile(r"\w+(?:[-‑'’]\w+)*")

_YES_NO = {
    "en": re.compile(
        r"(?:is|are|was|were|does|do|did|can|could|will|would|has|have|had|should|may|must)(?:n['’]t)?\b", re.IGNORECASE
    ),
    "ru": re.compile(r"[^?]*\bли\b|(?:верно|правда|правильно|разве|неужели)\b", re.IGNORECASE),
}
_LIST_ALL = {
    "en": re.compile(r"\b(?:list|name|enumerate)\s+(?:all|every|each|the)\b|^(?:list|enumerate)\b", re.IGNORECASE),
    "ru": re.compile(r"\bперечисл\w+|\bназов\w+\s+вс[её]\w*", re.IGNORECASE),
}
_PRONOUNS = {
    "en": frozenset("it its they them their this these those he she him her".split()),
    "ru": frozenset("он она оно они его её их ему ей им это этот эта эти этого этой".split()),
}
_PRONOUN_WITHIN = 3
_WHY = {
    "en": re.compile(r"\bwhy\b|\bwhat (?:breaks|goes wrong|fails|happens without)\b", re.IGNORECASE),
    "ru": re.compile(r"\b(?:почему|зачем)\b|\bчто (?:ломается|сломается|пойдёт не так|будет без)\b", re.IGNORECASE),
}
_ENGLISH_TERM = re.compile(r"\(([A-Za-z][A-Za-z -]{2,})\)")


def count_words(markdown: str) -> int:
    """The words that a reader meets in ``markdown``."""
    text = _INLINE.sub(" formula ", _DISPLAY.sub(" formula ", _FENCE.sub(" ", markdown)))
    return len(_WORD.findall(_BULLET.sub("", shown_text(text))))


def shown_text(markdown: str) -> str:
    """``markdown`` without code blocks and pictures, and of links their text only."""
    return _LINK.sub(r"\1", _WIKILINK.sub(r"\1", _EMBED.sub(" ", _FENCE.sub(" ", markdown))))


def count_formulas(markdown: str) -> int:
    """Display formulas, and inline ones that state a relation."""
    displayed = _DISPLAY.findall(markdown)
    inline = _INLINE.findall(_DISPLAY.sub(" ", markdown))
    return len(displayed) + sum(bool(_RELATION.search(tex)) for tex in inline)


def count_pictures(markdown: str) -> int:
    return len(_EMBED.findall(markdown))


def count_items(markdown: str) -> int:
    """The items of all lists, nested ones included."""
    return len(_BULLET.findall(_FENCE.sub(" ", markdown)))


def asks_why(card: Card, language: str) -> bool:
    """Whether the card asks for a reason: by its tag, or by the question's words."""
    return "why" in card.tags or bool(_WHY[language].search(card.question.text))


def lint_card(card: Card, language: str, report: Report) -> None:
    """The rules about one card."""

    def complain(code: str, **values: object) -> None:
        report.add(code, card.file, card.line, **values)

    question, answer = card.question.text, card.answer.text
    is_key, is_atom, is_draw = (kind in card.tags for kind in ("key", "atom", "draw"))
    if is_key == is_atom:
        complain("NO_KIND")
    if is_key:
        _at_most(count_words(answer), KEY_MAX_WORDS, "KEY_WORDS", complain)
        if not is_draw:
            _at_most(count_items(answer), KEY_MAX_BULLETS, "KEY_BULLETS", complain)
    elif is_atom:
        _at_most(count_words(question), ATOM_QUESTION_MAX_WORDS, "QUESTION_WORDS", complain)
        if question.count("?") != 1:
            complain("QUESTION_MARKS", count=question.count("?"))
        if not is_draw:
            _at_most(count_words(answer), ATOM_ANSWER_MAX_WORDS, "ANSWER_WORDS", complain)
            _at_most(count_formulas(answer), MAX_FORMULAS, "FORMULAS", complain)
        _at_most(count_pictures(answer), MAX_PICTURES, "PICTURES", complain)
    if is_draw:
        if count_pictures(answer) != 1:
            complain("DRAW_PICTURE", count=count_pictures(answer))
        if count_items(answer) not in DRAW_CHECKLIST:
            complain("DRAW_CHECKLIST", count=count_items(answer))
    _lint_wording(card, language, complain)


def lint_lesson(cards: Sequence[Card], language: str, report: Report) -> None:
    """The rules about a written lesson's cards together: enough atoms, and enough of them that ask why."""
    keys = [card for card in cards if "key" in card.tags]
    atoms = [card for card in cards if "atom" in card.tags]
    if not cards:
        return
    if len(atoms) < ATOMS_PER_KEY * len(keys):
        report.add("FEW_ATOMS", cards[0].file, 0, atoms=len(atoms), keys=len(keys), least=ATOMS_PER_KEY)
    why = sum(asks_why(card, language) for card in atoms)
    if atoms and why < LEAST_WHY_SHARE * len(atoms):
        report.add("FEW_WHY", cards[0].file, 0, why=why, atoms=len(atoms))


def lint_languages(
    cards: Mapping[str, tuple[Card, str]], others: Mapping[str, tuple[Card, str]], report: Report
) -> None:
    """Both languages have the same ids, with the same tags and the same source section.

    Args:
        cards, others: id → the card and its section's target, of this language and of the other one.
    """
    for card_id, (card, section) in cards.items():
        if card_id not in others:
            report.add("NOT_IN_OTHER_LANGUAGE", card.file, card.line, id=card_id)
            continue
        other, other_section = others[card_id]
        if set(card.tags) != set(other.tags) or section != other_section:
            report.add("LANGUAGES_DIFFER", card.file, card.line, id=card_id, other=f"{other.file.name}:{other.line}")


def _at_most(count: int, limit: int, code: str, complain: Callable[..., None]) -> None:
    if count > limit:
        complain(code, count=count, limit=limit)


def _lint_wording(card: Card, language: str, complain: Callable[..., None]) -> None:
    question = card.question.text.strip()
    if _YES_NO[language].match(question):
        complain("YES_NO")
    if _LIST_ALL[language].search(question):
        complain("LIST_ALL")
    first_words = [word.lower() for word in _WORD.findall(question)[:_PRONOUN_WITHIN]]
    pronoun = next((word for word in first_words if word in _PRONOUNS[language]), None)
    if pronoun:
        complain("PRONOUN", word=pronoun)
    if language == "ru":
        terms = [term.lower() for term in _ENGLISH_TERM.findall(question + " " + card.answer.text)]
        twice = next((term for term in terms if terms.count(term) > 1), None)
        if twice:
            complain("TERM_TWICE", term=twice)
