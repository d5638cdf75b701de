"""The cards inside the lessons: a lesson's key questions, and three cards of earlier lessons to recall.

Each function displays one output: Markdown with the answers folded, which JupyterLab and GitHub both show (formulas
included), and the same as plain text for every other reader. The text comes from ``flashcards/``; pictures are named
rather than shown, since a notebook's output has no file beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from course_lib import progress
from course_lib.cards.course import Lesson, load_lessons
from course_lib.cards.parsing import Card
from course_lib.cards.report import Report
from course_lib.language import language, say

RECALLED = 3

_FORMULA_OR_CODE = re.compile(r"(```.*?```|`[^`\n]+`|\$\$.+?\$\$|\$(?!\s)(?:[^$\\\n]|\\.)+(?<!\s)\$(?!\d))", re.DOTALL)
_EMBED = re.compile(r"!\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]|!\[([^\[\]\n]*)\]\([^()\n]*\)")
_WIKILINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
_CALLOUT = re.compile(r"^(>[ \t]*)\[!([A-Za-z-]+)\][+-]?[ \t]*(.*)$", re.MULTILINE)
_MARK = re.compile(r"==(?=\S)([^=\n]+)(?<=\S)==")


def key_questions(lesson: int) -> None:
    """Display the key questions of a lesson, in the session's language; all its cards, if none is a key question.

    Raises:
        LookupError: if the lesson has no cards.
    """
    cards = [card for item in _lessons(language()) if item.number == lesson for card in item.cards]
    if not cards:
        raise LookupError(f"lesson {lesson:02d} has no cards in flashcards/{language()}")
    _display([card for card in cards if "key" in card.tags] or cards)
    progress.lesson_ended(lesson)  # every lesson's last cell


def recall(lesson: int) -> None:
    """Display three cards of earlier lessons, always the same ones.

    Raises:
        LookupError: if there are no cards before this lesson.
    """
    cards = recalled_cards(_lessons(language()), lesson)
    if not cards:
        raise LookupError(f"no cards before lesson {lesson:02d} in flashcards/{language()}")
    _display(cards)


def recalled_cards(lessons: Sequence[Lesson], lesson: int) -> list[Card]:
    """Three cards, from the lessons before ``lesson`` in turn, the nearest first.

    Within a lesson the order is that of a hash of both names: fixed, and the same in both languages. Cards to draw are
    left out, their answer is a picture.
    """
    earlier = [item for item in reversed(lessons) if item.number < lesson]
    piles = []
    for item in earlier:
        cards = [card for card in item.cards if card.id and "draw" not in card.tags]
        piles.append(sorted(cards, key=lambda card: hashlib.sha256(f"{lesson} {card.id}".encode()).digest()))
    chosen: list[Card] = []
    while len(chosen) < RECALLED and any(piles):
        for pile in piles:
            if pile and len(chosen) < RECALLED:
                chosen.append(pile.pop(0))
    return chosen


def folded(cards: Sequence[Card]) -> str:
    """The cards as Markdown: questions in bold, answers behind a click."""
    blocks = []
    for number, card in enumerate(cards, 1):
        question = plain_markdown(card.question.text).replace("\n", " ")
        answer = plain_markdown(card.answer.text)
        # The blank lines matter: without them the answer would be raw HTML, its formulas and lists unread.
        blocks.append(
            f"**{number}.** {question}\n\n"
            f"<details>\n<summary>{say('cards.notebook.answer')}</summary>\n\n{answer}\n\n</details>"
        )
    return "\n\n".join(blocks) + "\n"


def unfolded(cards: Sequence[Card]) -> str:
    """The cards as plain text."""
    blocks = []
    for number, card in enumerate(cards, 1):
        question = plain_markdown(card.question.text, escape=False).replace("\n", " ")
        answer = plain_markdown(card.answer.text, escape=False)
        blocks.append(f"{number}. {question}\n\n   " + answer.replace("\n", "\n   "))
    return "\n\n".join(blocks) + "\n"


def plain_markdown(text: str, *, escape: bool = True) -> str:
    """Obsidian's Markdown as Markdown that every notebook viewer knows.

    Args:
        escape: write ``<`` outside code and formulas as an entity, for a viewer that would take it for HTML.
    """
    parts = _FORMULA_OR_CODE.split(text)
    for index in range(0, len(parts), 2):  # the odd ones are code and formulas
        part = parts[index]
        if escape:
            part = part.replace("&", "&amp;").replace("<", "&lt;")
        part = _EMBED.sub(_picture_named, part)
        part = _WIKILINK.sub(r"\1", part)
        part = _CALLOUT.sub(lambda match: f"{match[1]}**{match[3] or match[2].capitalize()}**  ", part)
        parts[index] = _MARK.sub(r"**\1**", part)
    return "".join(parts)


def _picture_named(match: re.Match[str]) -> str:
    alt = (match[2] or match[3] or "").split("|")[0].strip()
    if not alt or alt.isdigit():
        return say("cards.notebook.figure")
    return say("cards.notebook.figure_named", name=alt)


@cache
def _lessons(lang: str) -> list[Lesson]:
    root = Path(__file__).resolve().parents[2]
    return load_lessons(root, lang, Report(own=True))


def _display(cards: Sequence[Card]) -> None:
    from IPython.display import display

    display({"text/markdown": folded(cards), "text/plain": unfolded(cards)}, raw=True)
