"""Pre-tokenisation: a text is cut into pieces that no token crosses, and the distinct ones are counted.

GPT-2's pattern (Radford et al. 2019, section 2.2, says why: *dog.*, *dog!* and *dog?* should not become three tokens):

    >>> pre_tokens("It's 2 dogs,  isn't it?")
    ['It', "'s", ' 2', ' dogs', ',', ' ', ' isn', "'t", ' it', '?']

A piece keeps the space before it. The pieces are the whole text, whatever the pattern: what it leaves out between two
matches is a piece, too (Hugging Face calls that behaviour *isolated*; tiktoken drops such a rest).

Which characters are letters and numbers is decided by the version of Unicode that the module :mod:`regex` knows. Other
libraries know other versions, and so cut a text in another way where it has characters that are a few years old.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import regex

GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""Contractions, or letters, digits, or other characters with at most one space before them, or white space."""

SLICE = 1 << 20
"""About how many characters of a long text are looked at together."""
BATCH = 1 << 23
"""About how many characters are read before their chunks are cut into pieces: the more, the more often a chunk is met again
before that; the fewer, the less memory."""

# GPT-2's pattern always cuts before a space that is followed by something visible. At that place a text can be cut without
# a look at the rest. It also cuts between something visible and a newline. (Python's \s holds four control characters more
# than Unicode's, so that a cut may be missed, but never is there one too many.)
_CHUNK = re.compile(r" (?=\S)")
_SLICE_END = re.compile(r"(?= \S)|(?<=\S)(?=\n)")


class PreTokeniser:
    """Cuts texts by a pattern.

    Attributes:
        pattern: a regular expression of the module ``regex``; None: a text is one piece.
        by_chunks: whether a text may be cut into :meth:`chunks` first, which is known of GPT-2's pattern only.

    Raises:
        ValueError: if the pattern is not a regular expression.
    """

    def __init__(self, pattern: str | None = GPT2_PATTERN) -> None:
        self.pattern = pattern
        self.by_chunks = pattern == GPT2_PATTERN
        try:
            self._compiled = None if pattern is None else regex.compile(pattern)
        except (regex.error, TypeError) as error:
            raise ValueError(f"the pattern {pattern!r} is not a regular expression: {error}") from error

    def pieces(self, text: str) -> Iterable[str]:
        """The pieces of a text in their order; put together again they are the text."""
        if self._compiled is None:
            return [text] if text else []
        if self.by_chunks:  # the pattern leaves nothing out and has no groups, so that the fast way is right
            return self._compiled.findall(text)
        return self._matches_and_gaps(text)

    def _matches_and_gaps(self, text: str) -> Iterator[str]:
        end = 0
        for match in self._compiled.finditer(text):
            if match.start() > end:
                yield text[end : match.start()]
            if match[0]:
                yield match[0]
            end = match.end()
        if end < len(text):
            yield text[end:]

    def slices(self, text: str) -> Iterator[str]:
        """A long text in parts that may be cut up one by one; the whole of it where no place for that is known."""
        start = 0
        while self.by_chunks and len(text) - start > SLICE and (end := _SLICE_END.search(text, start + SLICE)):
            yield text[start : end.start()]
            start = end.start()
        yield text[start:]

    @staticmethod
    def chunks(text: str) -> tuple[str, list[str]]:
        """A text cut before spaces at which GPT-2's pattern cuts, too: the first chunk, and the others *without the space*.

        Most chunks are a word with the punctuation behind it. To find them takes a third of the time of finding the
        pieces, and as they come again and again, what is known of a chunk need not be found anew.
        """
        first, *others = _CHUNK.split(text)
        return first, others


def pre_tokens(text: str, pattern: str | None = GPT2_PATTERN) -> list[str]:
    """The pieces of a text.

    Raises:
        ValueError: if the pattern is not a regular expression.
    """
    return list(PreTokeniser(pattern).pieces(text))


def count_words(
    texts: str | Iterable[str], pattern: str | None = GPT2_PATTERN, *, progress: bool = False
) -> Counter[str]:
    """How often each piece occurs in the texts, which are read one by one and not kept.

    Args:
        texts: one text, or any number of them; no piece crosses from one into the next.
        pattern: as for :class:`PreTokeniser`.
        progress: whether to show on stderr how much has been read.

    Raises:
        ValueError: if the pattern is not a regular expression, or a text is not a string.
    """
    tokeniser = PreTokeniser(pattern)
    words: Counter[str] = Counter()
    chunks: Counter[str] = Counter()
    waiting = 0
    for text in _tracked([texts] if isinstance(texts, str) else texts, progress):
        for part in tokeniser.slices(text):
            if tokeniser.by_chunks:
                waiting += len(part)
                part, others = tokeniser.chunks(part)
                chunks.update(others)
            words.update(tokeniser.pieces(part))
            if waiting > BATCH:
                _cut_chunks(chunks, tokeniser, words)
                waiting = 0
    _cut_chunks(chunks, tokeniser, words)
    return words


def _cut_chunks(chunks: Counter[str], tokeniser: PreTokeniser, words: Counter[str]) -> None:
    """Count the pieces of the chunks, which are gone then; those that are equally frequent are cut together."""
    equally_frequent: defaultdict[int, list[str]] = defaultdict(list)
    for chunk, occurrences in chunks.items():
        equally_frequent[occurrences].append(chunk)
    chunks.clear()
    for occurrences, alike in equally_frequent.items():
        for word, times in Counter(tokeniser.pieces("".join(f" {chunk}" for chunk in alike))).items():
            words[word] += times * occurrences


def _tracked(texts: Iterable[str], progress: bool) -> Iterator[str]:
    """The texts, checked, with the number of characters read on stderr if ``progress``."""
    if not progress:
        yield from map(_checked, texts)
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("words: {task.completed:,} characters read"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("words", total=None)
        for text in texts:
            yield _checked(text)
            bar.advance(task, len(text))


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise ValueError(f"a text is a string, not {type(text).__name__}: {text!r:.60}")
    return text
