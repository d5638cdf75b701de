"""Byte-pair encoding against Hugging Face tokenizers, SentencePiece and tiktoken: training, and encoding one long text.

Hugging Face and we learn the same merges from the same documents, and all encoders give the same ids. SentencePiece learns
another vocabulary of the same size, on characters. Hugging Face trains on all cores, SentencePiece and we on one: processor
time says how much work it was.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from itertools import cycle

from interleaving import Contender, Race

from course_lib.bpe_tokenizer import Tokenizer
from course_lib.corpora import library_docs
from course_lib.pretokenisation import GPT2_PATTERN

TRAINED_ON, ENCODED = 10_000_000, 4_000_000
TRAINING_GOALS = {4_096: 1 / 0.75, 32_768: 1 / 0.8}
COLD_GOAL, WARM_GOAL, TIKTOKEN_GOAL = 2.0, 3.0, 0.4


def documents(characters: int, quick: bool) -> list[str]:
    """Documents of the library docs, from the beginning again if there are too few, up to so many characters."""
    texts, size = [], 0
    for document in cycle(library_docs.frozen() if quick else library_docs.documents()):
        if size >= characters:
            return texts
        texts.append(document.text)
        size += len(document.text)
    return texts


def named(package: str, what: str = "") -> str:
    """A peer with its version, if it is installed."""
    try:
        return f"{package} {metadata.version(package)}{what}"
    except metadata.PackageNotFoundError:
        return package


def by_hugging_face(texts: list[str], size: int) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)


def by_sentencepiece(texts: list[str], size: int) -> None:
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for text in texts for line in text.split("\n")), model_writer=io.BytesIO(),
        model_type="bpe", vocab_size=size, character_coverage=1.0, max_sentence_length=1 << 20, num_threads=1,
        minloglevel=2,
    )  # fmt: skip


class HuggingFace:
    """Their encoder with our vocabulary, made when it is first needed."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer, self.theirs = tokenizer, None

    def encode(self, text: str, *, offsets: bool) -> list[int]:
        """The ids; ``offsets`` says whether they also find out where every token stands in the text."""
        if self.theirs is None:
            import tokenizers

            self.theirs = tokenizers.Tokenizer.from_str(self.tokenizer.to_json())
        return (self.theirs.encode(text) if offsets else self.theirs.encode_batch_fast([text])[0]).ids


class Tiktoken:
    """The same for tiktoken."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer, self.theirs = tokenizer, None

    def encode(self, text: str) -> list[int]:
        if self.theirs is None:
            import tiktoken

            ranks = self.tokenizer.mergeable_ranks()
            self.theirs = tiktoken.Encoding("ours", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={})
        return self.theirs.encode_ordinary(text)


def cold(tokenizer: Tokenizer, text: str) -> list[int]:
    """With a copy that remembers nothing."""
    return copy.copy(tokenizer).encode(text)


def races(quick: bool) -> Iterator[Race]:
    """Training twice, encoding twice; a twentieth of the text and small vocabularies if ``quick``."""
    texts = documents(TRAINED_ON // 20 if quick else TRAINED_ON, quick)
    characters = sum(map(len, texts))
    for size, goal in TRAINING_GOALS.items():
        size = size // 8 if quick else size
        yield Race(
            f"BPE training, {characters:,} characters, {size:,} tokens",
            characters,
            "characters",
            (
                Contender(named("tokenizers", ", all cores"), partial(by_hugging_face, texts, size)),
                Contender(named("sentencepiece", ", one thread"), partial(by_sentencepiece, texts, size)),
                Contender("ours, one thread", partial(Tokenizer.train, texts, size), goal),
            ),
        )
    tokenizer = Tokenizer.train(texts, max(TRAINING_GOALS) // (8 if quick else 1))
    text = "\n\n".join(texts)[: ENCODED // 20 if quick else ENCODED]
    warm = copy.copy(tokenizer)
    warm.encode(text)
    hugging_face, tiktoken = HuggingFace(tokenizer), Tiktoken(tokenizer)
    title = f"BPE encoding of one text, {len(text):,} characters, {len(tokenizer):,} tokens"
    yield Race(
        title,
        len(text),
        "characters",
        (
            Contender(named("tokenizers"), partial(hugging_face.encode, text, offsets=True)),
            Contender(named("tokenizers", " without offsets"), partial(hugging_face.encode, text, offsets=False)),
            Contender("ours, nothing remembered", partial(cold, tokenizer, text), COLD_GOAL),
            Contender("ours, from the second time on", partial(warm.encode, text), WARM_GOAL),
        ),
    )
    yield Race(
        title,
        len(text),
        "characters",
        (
            Contender(named("tiktoken"), partial(tiktoken.encode, text)),
            Contender("ours, nothing remembered", partial(cold, tokenizer, text)),
            Contender("ours, from the second time on", partial(warm.encode, text), TIKTOKEN_GOAL),
        ),
    )
