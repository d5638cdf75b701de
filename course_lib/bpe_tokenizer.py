"""A byte-level BPE tokenizer: any text, any bytes, to numbers and back.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2. A text is cut into pieces
(:mod:`course_lib.pretokenisation`), each piece is taken as the bytes of its UTF-8, and the merges that training has learned
(:mod:`course_lib.bpe`) are made in the order in which they were learned. That order matters: the longest token that fits is
often another one.

    >>> tokenizer = Tokenizer.train("low lower lowest newest widest", 262)
    >>> tokenizer.merges
    ((b'e', b's'), (b'l', b'o'), (b'es', b't'), (b'lo', b'w'), (b' ', b'low'), (b'd', b'est'))
    >>> [tokenizer.token_bytes(number) for number in tokenizer.encode("lowest, slow")]
    [b'low', b'est', b',', b' ', b's', b'low']

Files are those of Hugging Face's ``tokenizers``; vocabularies go to tiktoken by :meth:`Tokenizer.mergeable_ranks`.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import chain, count, pairwise
from pathlib import Path
from typing import Any

from course_lib import tokenizer_json
from course_lib.bpe import BYTES, learn_merges
from course_lib.files import replace_file
from course_lib.pretokenisation import GPT2_PATTERN, PreTokeniser, count_words

Special = Sequence[str] | Mapping[str, int]

CACHED = 1 << 18
"""How many pieces of text are remembered with their ids; when there are more, all are forgotten."""
LONGEST_CACHED = 64
"""Characters of a piece that is remembered; longer ones hardly come again."""
LONG = 256
"""From so many bytes on, the merges of a piece are looked for in a heap, not in a list."""


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """A vocabulary with its merges.

    Attributes:
        vocabulary: the id of every token. All 256 single bytes are among them, so that nothing is ever unknown.
        merges: the pairs of tokens that become one, in the order in which they were learned.
        special: the ids of tokens that stand for themselves: they are made by no merge, and none crosses them.
        pattern: by which texts are cut, see :class:`~course_lib.pretokenisation.PreTokeniser`; None: not at all.

    Raises:
        ValueError: if a byte has no token, a merge names none, an id or a merge stands there twice, a special token is
            empty, or the pattern is not a regular expression.
    """

    vocabulary: Mapping[bytes, int]
    merges: tuple[tuple[bytes, bytes], ...]
    special: Mapping[str, int] = field(default_factory=dict)
    pattern: str | None = GPT2_PATTERN

    def __post_init__(self) -> None:
        for token in self.special:
            if not isinstance(token, str) or not token:
                raise ValueError(f"a special token is a string that is not empty, not {token!r}")
            _check_text(token)
        seen: dict[int, bytes | str] = {}
        for token, number in chain(self.vocabulary.items(), self.special.items()):
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise ValueError(f"the id of the token {token!r} is a whole number of 0 or more, not {number!r}")
            if number in seen:
                raise ValueError(f"the tokens {seen[number]!r} and {token!r} have the same id {number}")
            seen[number] = token
        for byte in BYTES:
            if byte not in self.vocabulary:
                raise ValueError(f"the byte {byte!r} has no token: the vocabulary is not a byte-level one")
        if len(set(self.merges)) != len(self.merges):
            once: set[tuple[bytes, bytes]] = set()
            pair = next(pair for pair in self.merges if pair in once or once.add(pair))
            raise ValueError(f"the merge of {pair[0]!r} and {pair[1]!r} stands there twice")
        for left, right in self.merges:
            for token in (left, right, left + right):
                if token not in self.vocabulary:
                    raise ValueError(
                        f"the merge of {left!r} and {right!r} needs {token!r}, which is not in the vocabulary"
                    )
        self._pre_tokeniser  # noqa: B018, compiles the pattern

    # --------------------------------------------------------------------------------------------------- making one

    @classmethod
    def train(
        cls,
        texts: str | Iterable[str],
        vocab_size: int,
        *,
        special: Special = (),
        pattern: str | None = GPT2_PATTERN,
        min_count: int = 1,
        progress: bool = False,
    ) -> Tokenizer:
        """Learn a vocabulary from texts.

        Memory grows with the number of distinct pieces, not with the texts; without a pattern, that is the same.

        Hugging Face's ``BpeTrainer`` learns the same merges, given all bytes as its alphabet, and gives them the same ids,
        but for special tokens: it puts them first (see :meth:`from_merges`), and if one is spelt like a token that is
        learned, both are one there, while here they have an id each.

        Args:
            texts: one text, or any number of them, which are read once and one by one; no token crosses from one into
                the next. Special tokens in them are text like any other.
            vocab_size: how many tokens there shall be, the 256 bytes and the special ones included.
            special: as for :meth:`from_merges`.
            pattern: by which texts are cut.
            min_count: a pair that is rarer is not merged.
            progress: whether to show progress bars on stderr.

        Returns:
            the tokenizer; with fewer tokens than asked for if there are no more pairs to merge.

        Raises:
            ValueError: if there is no text, or an argument cannot be.
        """
        least = len(BYTES) + len(special)
        if isinstance(vocab_size, bool) or not isinstance(vocab_size, int) or vocab_size < least:
            what = f"256 bytes and {len(special)} special tokens" if special else "256 bytes"
            raise ValueError(f"vocab_size must be a whole number of {least} or more ({what}), not {vocab_size!r}")
        cls.from_merges((), special=special, pattern=pattern)  # finds what is wrong with them before the work is done
        checked = map(_check_text, [texts] if isinstance(texts, str) else texts)
        words = {word.encode(): n for word, n in count_words(checked, pattern, progress=progress).items()}
        learned = learn_merges(words, vocab_size - least, min_count=min_count, progress=progress)
        return cls.from_merges(((merge.left, merge.right) for merge in learned), special=special, pattern=pattern)

    @classmethod
    def from_merges(
        cls,
        merges: Iterable[tuple[bytes, bytes]],
        *,
        special: Special = (),
        pattern: str | None = GPT2_PATTERN,
    ) -> Tokenizer:
        """The tokenizer of some merges: the bytes get the first ids, then the merges' results get theirs, in their order.

        Args:
            merges: pairs of tokens, in the order in which they were learned.
            special: special tokens, whose ids come last, as in GPT-2; or their ids, which the others leave out: with
                ``{"<|endoftext|>": 0}`` the bytes begin at 1, as in a vocabulary that Hugging Face's trainer has made.
            pattern: by which texts are cut.

        Raises:
            ValueError: see :class:`Tokenizer`; or if a special token stands there twice.
        """
        if isinstance(special, str) or len(set(special)) != len(special):
            raise ValueError(f"special tokens are a list of strings, in which none stands twice, not {special!r}")
        merges = tuple(merges)
        given = dict(special) if isinstance(special, Mapping) else {}
        taken = set(given.values())
        free = (number for number in count() if number not in taken)
        vocabulary: dict[bytes, int] = {}
        for token in chain(BYTES, (left + right for left, right in merges)):
            if token not in vocabulary:
                vocabulary[token] = next(free)
        return cls(vocabulary, merges, given or {token: next(free) for token in special}, pattern)

    # ------------------------------------------------------------------------------------------------------- tokens

    def __len__(self) -> int:
        """How many tokens there are, the special ones included."""
        return len(self._bytes)

    def token_bytes(self, number: int) -> bytes:
        """The bytes of the token with this id; those of its text, if it is a special one.

        Raises:
            KeyError: if no token has it.
        """
        return self.decode_bytes([number])

    @cached_property
    def _bytes(self) -> dict[int, bytes]:
        special = {number: token.encode() for token, number in self.special.items()}
        return {number: token for token, number in self.vocabulary.items()} | special

    # ----------------------------------------------------------------------------------------------------- encoding

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """The ids of a text.

        Args:
            text: any string that can be written in UTF-8.
            allow_special: whether special tokens are recognised in the text, the first and longest one first. Leave it
                out for a text that somebody else has written: what looks like one is text like any other then.

        Raises:
            ValueError: if the text is not a string, or holds half of a surrogate pair, which is no character.
        """
        return self._encode(_check_text(text), allow_special)

    def encode_bytes(self, data: bytes, *, allow_special: bool = False) -> list[int]:
        """The ids of bytes: those of :meth:`encode` if they are UTF-8, and ids that give them back if not.

        A byte that is in no valid sequence is cut like a punctuation mark.
        """
        return self._encode(bytes(data).decode("utf-8", errors="surrogateescape"), allow_special)

    def _encode(self, text: str, allow_special: bool) -> list[int]:
        ids: list[int] = []
        if not (allow_special and self.special):
            return self._encode_ordinary(text, ids)
        for place, part in enumerate(self._special_pattern.split(text)):
            if place % 2:
                ids.append(self.special[part])
            else:
                self._encode_ordinary(part, ids)
        return ids

    def _encode_ordinary(self, text: str, ids: list[int]) -> list[int]:
        pre_tokeniser, of_piece, of_chunk = self._pre_tokeniser, self._ids_of_piece, self._ids_of_chunk
        for part in pre_tokeniser.slices(text):
            others: Sequence[str] = ()
            if pre_tokeniser.by_chunks:
                part, others = pre_tokeniser.chunks(part)
            ids.extend(chain.from_iterable(map(of_piece.__getitem__, pre_tokeniser.pieces(part))))
            ids.extend(chain.from_iterable(map(of_chunk.__getitem__, others)))
        return ids

    @cached_property
    def _pre_tokeniser(self) -> PreTokeniser:
        return PreTokeniser(self.pattern)

    @cached_property
    def _special_pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.special, key=len, reverse=True)
        return re.compile(f"({'|'.join(map(re.escape, longest_first))})")

    @cached_property
    def _ids_of_piece(self) -> _Cache:
        byte_ids = [self.vocabulary[bytes([byte])] for byte in range(256)]

        def ids(piece: str) -> tuple[int, ...]:
            symbols = list(map(byte_ids.__getitem__, piece.encode("utf-8", errors="surrogateescape")))
            merge = self._merge_short if len(symbols) < LONG else self._merge_long
            return tuple(merge(symbols))

        return _Cache(ids)

    @cached_property
    def _ids_of_chunk(self) -> _Cache:
        """Of chunks without the space before them."""
        pieces, of_piece = self._pre_tokeniser.pieces, self._ids_of_piece
        return _Cache(lambda chunk: tuple(chain.from_iterable(map(of_piece.__getitem__, pieces(f" {chunk}")))))

    @cached_property
    def _ranks(self) -> dict[tuple[int, int], int]:
        """For two ids, the place of their merge."""
        ids = self.vocabulary
        return {(ids[left], ids[right]): rank for rank, (left, right) in enumerate(self.merges)}

    @cached_property
    def _merged(self) -> list[int]:
        """For the place of a merge, the id of its result."""
        return [self.vocabulary[left + right] for left, right in self.merges]

    def _merge_short(self, symbols: list[int]) -> list[int]:
        """Make the merge that was learned first, of several places the leftmost one, until no merge fits."""
        rank_of, merged, never = self._ranks.get, self._merged, len(self.merges)
        ranks = [rank_of(pair, never) for pair in pairwise(symbols)]
        while ranks and (rank := min(ranks)) < never:
            place = ranks.index(rank)
            symbols[place : place + 2] = [merged[rank]]
            del ranks[place]
            if place:
                ranks[place - 1] = rank_of((symbols[place - 1], symbols[place]), never)
            if place < len(ranks):
                ranks[place] = rank_of((symbols[place], symbols[place + 1]), never)
        return symbols

    def _merge_long(self, symbols: list[int]) -> list[int]:
        """The same in n log n steps: merges wait in a heap, and every symbol knows its neighbours.

        A merged symbol takes the place of its left part; in the place of the right one stands None.
        """
        ranks, size = self._ranks, len(symbols)
        left, right = list(range(-1, size - 1)), list(range(1, size + 1))
        waiting = [(ranks[pair], place) for place, pair in enumerate(pairwise(symbols)) if pair in ranks]
        heapq.heapify(waiting)
        alive: list[int | None] = list(symbols)
        while waiting:
            rank, place = heapq.heappop(waiting)
            other = right[place]
            if other == size or ranks.get((alive[place], alive[other])) != rank:
                continue  # one of the two has been merged with another one since
            alive[place], alive[other] = self._merged[rank], None
            right[place] = right[other]
            if right[place] < size:
                left[right[place]] = place
            for first, second in ((left[place], place), (place, right[place])):
                if first >= 0 and second < size and (alive[first], alive[second]) in ranks:
                    heapq.heappush(waiting, (ranks[alive[first], alive[second]], first))
        return [symbol for symbol in alive if symbol is not None]

    # ----------------------------------------------------------------------------------------------------- decoding

    def decode(self, ids: Iterable[int], *, errors: str = "replace") -> str:
        """The text of some ids.

        Args:
            ids: any of the vocabulary's, in any order.
            errors: what becomes of bytes that are no UTF-8, as in :meth:`bytes.decode`: ``"replace"`` puts U+FFFD there.

        Raises:
            KeyError: if no token has one of the ids.
            UnicodeDecodeError: if the bytes are no UTF-8, and ``errors`` is ``"strict"``.
        """
        return self.decode_bytes(ids).decode("utf-8", errors=errors)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of some ids.

        Raises:
            KeyError: if no token has one of the ids.
        """
        try:
            return b"".join(map(self._bytes.__getitem__, ids))
        except KeyError as error:
            raise KeyError(
                f"no token has the id {error}: there are {len(self)} tokens up to {max(self._bytes)}"
            ) from None

    # -------------------------------------------------------------------------------------------------------- files

    def to_json(self) -> str:
        """The content of a tokenizer.json, which Hugging Face's ``tokenizers`` reads.

        A pattern other than GPT-2's is a regular expression for their engine there, whose dialect is not quite ours.

        Raises:
            ValueError: if a special token reads as one of the vocabulary (``"Ġthe"`` for ``b" the"``).
        """
        return tokenizer_json.write(tokenizer_json.Parts(self.vocabulary, self.merges, self.special, self.pattern))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_json` into a file, whole or not at all.

        Raises:
            ValueError: as :meth:`to_json`.
        """
        replace_file(Path(path), self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """Read a tokenizer.json that :meth:`save` or ``tokenizers`` has written.

        Raises:
            ValueError: if it is broken, or is not byte-level BPE and nothing else; the message says what it is.
        """
        try:
            parts = tokenizer_json.read(Path(path).read_bytes())
            return cls(parts.vocabulary, tuple(parts.merges), parts.special, parts.pattern)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def mergeable_ranks(self) -> dict[bytes, int]:
        """The vocabulary for tiktoken, which makes the merge whose result has the smallest id.

            tiktoken.Encoding("mine", pat_str=tokenizer.pattern, mergeable_ranks=tokenizer.mergeable_ranks(),
                              special_tokens=dict(tokenizer.special))

        Raises:
            ValueError: if the ids of the merges' results do not grow, or tokens are made by no merge or by two: tiktoken
                would give other ids.
        """
        made = [self.vocabulary[left + right] for left, right in self.merges]
        if any(number >= following for number, following in pairwise(made)):
            raise ValueError(
                "the ids of the tokens do not grow in the order of the merges: tiktoken has no other order"
            )
        if len(BYTES) + len(made) != len(self.vocabulary):
            raise ValueError("there are tokens that no merge makes: tiktoken would make them")
        return dict(self.vocabulary)

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}  # what is remembered stays behind


class _Cache(dict[str, tuple[int, ...]]):
    """Ids of pieces of text: found when first asked for, remembered while there are not too many."""

    def __init__(self, find: Callable[[str], tuple[int, ...]]) -> None:
        super().__init__()
        self.find = find

    def __missing__(self, piece: str) -> tuple[int, ...]:
        ids = self.find(piece)
        if len(piece) <= LONGEST_CACHED:
            if len(self) >= CACHED:
                self.clear()
            self[piece] = ids
        return ids


def _check_text(text: str) -> str:
    if not isinstance(text, str):
        raise ValueError(f"a text is a string, not {type(text).__name__}: {text!r:.60}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {error.start} of the text is {text[error.start]!r}, half of a surrogate pair: it is no character, "
            "and UTF-8 has no bytes for it"
        ) from None
    return text
