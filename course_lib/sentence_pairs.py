"""The translator of lesson 07 on sentence pairs of a learner's own: any two languages, real sentences, BPE tokens.

Model, loss and training loop are those of the lesson (:mod:`course_lib.translator_model`,
:mod:`course_lib.translator_training`, :mod:`course_lib.training`). What differs is the data: pairs come from a file, there is
a fixed number of them, and each side has a vocabulary that is learned from them. So a model can learn the pairs by heart,
which the lesson's, that meets fresh sentences at every step, cannot: judge it by pairs that :func:`split` has put aside.

    >>> training, test = split(read_pairs("pairs.tsv"), share=0.1, seed=0)
    >>> translator = train_on_pairs(training)
    >>> translator.translate(["Good morning."])
    >>> translator.loss(training), translator.loss(test)

Shapes use the course's letters: B pairs in a batch, T_s tokens of the source, T tokens of the target with its end token.
"""

from __future__ import annotations

import gettext
import hashlib
import io
import json
import os
import random
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_lib import training, translator_training
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.files import replace_file
from course_lib.language import say
from course_lib.translator_model import Transformer
from course_lib.translator_training import BETAS, CLIP, END, PAD, START, Batch

Pair = tuple[str, str]
"""A source sentence and its translation."""
Ids = tuple[list[int], list[int]]
"""The tokens of a pair; the target stands between start and end token."""

SPECIAL = {"<pad>": PAD, "<s>": START, "</s>": END}
"""The special tokens of both vocabularies, with the ids that :mod:`course_lib.translator_training` gives them."""
LENGTH_PENALTY = 0.6
"""α of beam search (Vaswani et al. 2017, "Attention Is All You Need", section 6.1)."""
TOGETHER = 64
"""How many sentences are translated or judged together; no answer hangs on it."""

_Item = TypeVar("_Item")


# ----------------------------------------------------------------------------------------------------- pairs of a file


def read_pairs(path: str | os.PathLike[str], *, columns: tuple[int, int] = (0, 1)) -> list[Pair]:
    """Sentence pairs from a file: one pair a line, columns separated by tabs, UTF-8 with or without a byte order mark.

    Nothing is quoted or escaped in such a file, so a quotation mark is one. Empty lines are skipped, further columns
    ignored. Sentences are brought into the Unicode form NFC (https://unicode.org/reports/tr15/, section 1.1), lose the white
    space around them, and a pair that comes again is kept once.

    Args:
        path: the file.
        columns: which columns hold source and target, counted from 0. ``(1, 0)`` turns the direction round; the sentence
            pairs that https://tatoeba.org exports have a number before each sentence: ``(1, 3)``.

    Returns:
        the pairs in the order of the file, one or more.

    Raises:
        ValueError: if a line lacks one of the columns or has nothing in it (the message names the line), the first columns
            are Tatoeba's numbers, there is no pair at all, or the file is not UTF-8.
        OSError: if it cannot be read.
    """
    if len(columns) != 2 or min(columns) < 0:
        raise ValueError(f"columns are two numbers of 0 or more, those of source and target, not {columns!r}")
    pairs: dict[Pair, None] = {}
    numbered = columns == (0, 1)
    try:
        # Text mode ends lines at \n, \r\n and \r alone; str.splitlines would cut a sentence at U+2028, too.
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                cells = [clean(cell) for cell in line.split("\t")]
                if not any(cells):
                    continue
                found = tuple(cells[column] if column < len(cells) else "" for column in columns)
                if not all(found):
                    raise ValueError(
                        f"{path}, line {number}: a line is a source sentence, a tab and its translation, not {line.strip()!r:.80}"
                    )
                numbered = numbered and len(cells) >= 4 and cells[0].isdecimal() and cells[2].isdecimal()
                pairs[found] = None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not in UTF-8: {error}") from error
    if not pairs:
        raise ValueError(f"{path} holds no pair of sentences")
    if numbered:
        raise ValueError(
            f"{path} has a number before each sentence, as in Tatoeba's exports: read it with columns=(1, 3)"
        )
    return list(pairs)


def clean(text: str) -> str:
    """The text in the form NFC, without white space around it: one spelling for what looks alike."""
    return unicodedata.normalize("NFC", text).strip()


def split(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on, and pairs to judge the model by; no source sentence stands in both.

    Sources, not pairs, are drawn: a sentence with several translations would otherwise be met in training and asked for
    afterwards. Sentences that differ a little may still stand on both sides.

    Args:
        pairs: of two different sources or more.
        share: of the distinct sources, which goes to the test, 0 … 1; rounded, and on either side stays one at least.
        seed: which ones are drawn.

    Returns:
        training and test pairs, both in the order of ``pairs``.

    Raises:
        ValueError: if there is one source only, or the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share of the test is more than 0 and less than 1, not {share}")
    sources = list(dict.fromkeys(clean(source) for source, _ in pairs))
    if len(sources) < 2:
        raise ValueError(f"to be split, pairs need two different sources or more, not {len(sources)}")
    size = min(max(round(share * len(sources)), 1), len(sources) - 1)
    test = set(random.Random(seed).sample(sources, size))
    return (
        [pair for pair in pairs if clean(pair[0]) not in test],
        [pair for pair in pairs if clean(pair[0]) in test],
    )


# ------------------------------------------------------------------------------------------------------- public pairs


class Wheel(NamedTuple):
    """A package of PyPI whose Russian message catalogues are read.

    Attributes:
        url: where PyPI keeps this very file for good.
        sha256: its checksum, as PyPI publishes it.
    """

    url: str
    sha256: str


_FILES = "https://files.pythonhosted.org/packages"
WHEELS = (
    Wheel(
        f"{_FILES}/5e/3d/a035a4ee9b1d4d4beee2ae6e8e12fe6dee5514b21f62504e22efcbd9fb46/django-5.2.8-py3-none-any.whl",
        "37e687f7bd73ddf043e2b6b97cfe02fcbb11f2dbb3adccc6a2b18c6daa054d7f",
    ),
    Wheel(
        f"{_FILES}/ea/a6/164b249ff081f1ffe09dc27594e33fa1e5e307e0b60b34fa35d08189d84d/"
        "jupyterlab_language_pack_ru_ru-4.5.post3-py2.py3-none-any.whl",
        "d294daf163b0df9bdd14012b574ff311f1f4a166524b38469e90e26eb2c380f6",
    ),
    Wheel(
        f"{_FILES}/19/74/a5cf6b21d7f6c891ff4177f22ee24018dce0db8b1b76f6fa6551c13bec5c/wagtail-8.0.1-py3-none-any.whl",
        "1e6ad5c7891a54efce1400e168298b5a2cc343b642cee89c31bf5ec30c98b26c",
    ),
)
"""Django, the Russian language pack of JupyterLab, Wagtail: 18 MB together, all under the BSD licence of three clauses."""

_CATALOGUE = re.compile(r"/locale/ru(?:_RU)?/LC_MESSAGES/[^/]+\.mo$")
_LATIN, _CYRILLIC = re.compile(r"[A-Za-z]"), re.compile(r"[А-Яа-яЁё]")


class PairsUnavailable(ConnectionError):
    """The public pairs cannot be had: no network, another file than expected, no place to keep it, or pooch is missing."""


def public_pairs(cache: str | os.PathLike[str] | None = None) -> list[Pair]:
    """Real English–Russian pairs: the messages of three programs and what their translators made of them.

    A button, a heading or a sentence or two each, placeholders and markup left as they are. The files (:data:`WHEELS`) are
    fetched once and then read from the cache; their checksums fix them, so the pairs are always the same 4,633.

    Args:
        cache: the folder to keep the files in; by default one in the user's cache, where pooch puts it.

    Returns:
        the pairs, each once; some sources have several translations.

    Raises:
        PairsUnavailable: if a file is not in the cache and cannot be fetched, or is not the one that it should be. The
            message says what was tried, and that a file of one's own needs no network.
    """
    pairs: dict[Pair, None] = {}
    for wheel in WHEELS:
        pairs |= dict.fromkeys(catalogue_pairs(_fetched(wheel, cache)))
    return list(pairs)


def _fetched(wheel: Wheel, cache: str | os.PathLike[str] | None) -> Path:
    try:
        import pooch  # needed here only: a TSV of one's own is read without it

        folder = pooch.os_cache("transformers-course") if cache is None else cache
        name = wheel.url.rsplit("/", 1)[1]
        return Path(pooch.retrieve(wheel.url, known_hash=f"sha256:{wheel.sha256}", fname=name, path=folder))
    except ImportError:
        reason = say("pairs.no-pooch")
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; pooch finds a wrong checksum a ValueError
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    raise PairsUnavailable(say("pairs.unavailable", reason=reason, url=wheel.url, sha256=wheel.sha256))


def catalogue_pairs(wheel: str | os.PathLike[str]) -> list[Pair]:
    """English messages with their Russian translations, from the catalogues (``.mo``) of a package's wheel.

    Of a message with a plural the singular is taken, with the form for one. Left out: messages or translations with a line
    break, and what was not translated but copied (no Latin letter in the source, or no Cyrillic one in the target).

    Returns:
        the pairs, each once, in the order of the catalogues' names.

    Raises:
        OSError: if the file cannot be read.
        zipfile.BadZipFile: if it is not a zip file, as a wheel is.
    """
    pairs: dict[Pair, None] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(filter(_CATALOGUE.search, archive.namelist())):
            messages = gettext.GNUTranslations(io.BytesIO(archive.read(name)))
            # The class can look a message up; to list them all, there is its dictionary only.
            for key, target in messages._catalog.items():
                message, form = key if isinstance(key, tuple) else (key, 0)
                # The context, which tells equal messages apart, stands before an "end of transmission".
                source, target = clean(message.rsplit("\x04", 1)[-1]), clean(target)
                if form == 0 and _LATIN.search(source) and _CYRILLIC.search(target) and "\n" not in source + target:
                    pairs[source, target] = None
    return list(pairs)


# ----------------------------------------------------------------------------------------------------------- training


def train_on_pairs(
    pairs: Sequence[Pair],
    *,
    vocabulary: int = 2000,
    d_model: int = 128,
    heads: int = 4,
    d_ff: int = 512,
    layers: int = 2,
    steps: int = 500,
    size: int = 64,
    rate: float = 0.0015,
    warm_up: int = 100,
    seed: int = 0,
    progress: bool = True,
    longest: int = 64,
) -> SentenceTranslator:
    """Learn two vocabularies, then a translator, from pairs.

    Teacher forcing, the mean cross-entropy of a target token, Adam, a rate that rises over the first steps and then falls
    to zero, clipped gradients, as in :func:`course_lib.translator_training.train`. Pre-norm blocks, sinusoidal positions,
    tied read-out, 32-bit weights, no dropout.

    Args:
        pairs: source and target; cleaned as :func:`read_pairs` does it.
        vocabulary: how many tokens each side may have, the 256 bytes and 3 special ones included.
        d_model, heads, d_ff: D, H, and the size of a feed-forward layer's hidden vector.
        layers: how many blocks the encoder has, and the decoder.
        steps, size: how many batches, and of how many pairs, drawn with replacement by seed and number of the step.
        rate, warm_up: the highest learning rate, and after how many steps it is reached.
        seed: of the first weights and of the batches.
        progress: whether to show progress bars on stderr.
        longest: how many tokens either side of a pair may have; longer pairs are left out.

    Returns:
        the translator; how many pairs were left out stands in ``dropped``.

    Raises:
        ValueError: if there is no pair, none is short enough, a sentence is empty, or a number cannot be.
        Diverged: see :func:`course_lib.training.minimise`.
    """
    if min(size, longest) < 1 or steps < 0:
        raise ValueError(f"size and longest are 1 or more, steps 0 or more, not {size}, {longest} and {steps}")
    cleaned = _cleaned(pairs)
    source, target = (
        Tokenizer.train([pair[side] for pair in cleaned], vocabulary, special=SPECIAL, progress=progress)
        for side in (0, 1)
    )
    encoded = [_ids(pair, source, target) for pair in cleaned]
    kept = [(read, written) for read, written in encoded if len(read) <= longest and len(written) - 2 <= longest]
    if not kept:
        raise ValueError(f"all {len(encoded)} pairs have more than {longest} tokens on a side")
    sizes = {"d_model": d_model, "heads": heads, "d_ff": d_ff, "layers": layers}
    model = _untrained(source, target, sizes, seed)

    def loss(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        drawn = torch.randint(len(kept), (size,), generator=generator).tolist()
        return translator_training.loss(model, _batch([kept[place] for place in drawn]))

    losses = training.minimise(
        loss,
        model.parameters(),
        steps=steps,
        rate=rate,
        schedule=training.warm(warm_up, training.falling),
        betas=BETAS,
        clip=CLIP,
        progress=say("pairs.bar") if progress else None,
    )
    return SentenceTranslator(model, source, target, losses, len(encoded) - len(kept), longest, sizes)


def _cleaned(pairs: Sequence[Pair]) -> list[Pair]:
    cleaned = [(clean(source), clean(target)) for source, target in pairs]
    if not cleaned:
        raise ValueError("there is no pair of sentences")
    for pair, given in zip(cleaned, pairs, strict=True):
        if not all(pair):
            raise ValueError(f"a sentence of the pair {given!r} is empty")
    return cleaned


def _ids(pair: Pair, source: Tokenizer, target: Tokenizer) -> Ids:
    # Special tokens that somebody has written into a sentence are text like any other.
    return source.encode(pair[0]), [START, *target.encode(pair[1]), END]


def _untrained(source: Tokenizer, target: Tokenizer, sizes: dict[str, int], seed: int) -> Transformer:
    layers = sizes["layers"]
    return Transformer(
        len(source),
        len(target),
        sizes["d_model"],
        sizes["heads"],
        sizes["d_ff"],
        layers,
        layers,
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.float32,
    )


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids → (B, longest row), padded at the end, and their lengths (B,)."""
    ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)
    return ids, torch.tensor([len(row) for row in rows])


def _batch(pairs: Sequence[Ids]) -> Batch:
    return Batch(*_padded([read for read, _ in pairs]), *_padded([written for _, written in pairs]))


def _parts(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    items = list(items)
    for start in range(0, len(items), TOGETHER):
        yield items[start : start + TOGETHER]


# --------------------------------------------------------------------------------------------------------- translator

_SOURCE, _TARGET, _WEIGHTS, _CONFIGURATION = "source.json", "target.json", "weights.pt", "configuration.json"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class SentenceTranslator:
    """A trained translator with its two vocabularies: text in, text out.

    Attributes:
        model: the transformer.
        source, target: the tokenizers of the two languages.
        losses: of each step of training, in nats per target token.
        dropped: how many pairs training has left out as too long.
        longest: how many tokens a side of a pair had at most; a translation has no more.
        sizes: ``d_model``, ``heads``, ``d_ff`` and ``layers`` of the model.
    """

    model: Transformer
    source: Tokenizer
    target: Tokenizer
    losses: list[float]
    dropped: int
    longest: int
    sizes: dict[str, int]

    def translate(self, texts: Sequence[str], width: int = 1) -> list[str]:
        """Translations of some texts.

        Args:
            texts: one sentence each, as in training.
            width: 1 for greedy search; more for beam search that keeps so many texts, with α = :data:`LENGTH_PENALTY`.

        Returns:
            a translation for each text, in their order; an empty one for an empty text.

        Raises:
            ValueError: if ``texts`` is one string, a text is none, or the width is less than 1.
        """
        if isinstance(texts, str):
            raise ValueError("texts are a list of strings, not one string")
        ids = [self.source.encode(clean(text)) for text in texts]
        translations = [""] * len(ids)
        # Texts of about one length together, so that little is computed for padding.
        for places in _parts(sorted((place for place in range(len(ids)) if ids[place]), key=lambda one: len(ids[one]))):
            task = (*_padded([ids[place] for place in places]), START, END, self.longest + 1)
            if width == 1:
                rows = self.model.greedy(*task)
            else:
                rows = self.model.beam(*task, width=width, length_penalty=LENGTH_PENALTY)
            for place, row in zip(places, rows, strict=True):
                translations[place] = self.target.decode(one for one in row if one not in (PAD, START, END)).strip()
        return translations

    @torch.no_grad()
    def loss(self, pairs: Sequence[Pair]) -> float:
        """The mean cross-entropy of a target token, end tokens counted, in nats; teacher forcing, as in training.

        Pairs of any length count. Figures compare only between models with the same target vocabulary: the larger it is, the
        fewer and the harder the tokens.

        Raises:
            ValueError: if there is no pair, or a sentence is empty.
        """
        encoded = [_ids(pair, self.source, self.target) for pair in _cleaned(pairs)]
        total, tokens = 0.0, 0
        for part in _parts(sorted(encoded, key=lambda one: len(one[1]))):
            batch = _batch(part)
            count = int((batch.target_lengths - 1).sum())
            total += translator_training.loss(self.model, batch).item() * count
            tokens += count
        return total / tokens

    def exact(self, pairs: Sequence[Pair]) -> float:
        """The share of the distinct sources that greedy search translates exactly as one of their targets, 0 … 1.

        A right translation in other words counts as wrong, so this is a lower bound.

        Raises:
            ValueError: if there is no pair, or a sentence is empty.
        """
        right: dict[str, set[str]] = {}
        for source, target in _cleaned(pairs):
            right.setdefault(source, set()).add(target)
        written = self.translate(list(right))
        return sum(map(set.__contains__, right.values(), map(clean, written))) / len(right)

    # ---------------------------------------------------------------------------------------------------------- files

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the translator into a folder, which is made if it is not there.

        ``source.json`` and ``target.json`` are read by Hugging Face's ``tokenizers``, too. Each of the four files is written
        whole or not at all; ``configuration.json`` comes last and holds the checksums of the others, so that files of two
        translators are never taken for one.

        Raises:
            OSError: if it cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = io.BytesIO()
        torch.save(self.model.state_dict(), weights)
        files = {
            _SOURCE: self.source.to_json().encode(),
            _TARGET: self.target.to_json().encode(),
            _WEIGHTS: weights.getvalue(),
        }
        for name, content in files.items():
            replace_file(folder / name, content)
        configuration = {
            "version": _VERSION,
            "sizes": self.sizes,
            "longest": self.longest,
            "dropped": self.dropped,
            "losses": self.losses,
            "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
        replace_file(folder / _CONFIGURATION, json.dumps(configuration, indent=1).encode())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` has written.

        Raises:
            ValueError: if the files are broken, do not belong together, or are of another version.
            OSError: if one cannot be read.
        """
        folder = Path(folder)
        try:
            configuration = json.loads((folder / _CONFIGURATION).read_bytes())
            if configuration["version"] != _VERSION:
                raise ValueError(f"the version is {configuration['version']!r}, not {_VERSION}")
            for name in (_SOURCE, _TARGET, _WEIGHTS):
                if hashlib.sha256((folder / name).read_bytes()).hexdigest() != configuration["sha256"][name]:
                    raise ValueError(f"{name} is not the file that was saved with it")
            source, target = Tokenizer.load(folder / _SOURCE), Tokenizer.load(folder / _TARGET)
            sizes, others = configuration["sizes"], [configuration[one] for one in ("losses", "dropped", "longest")]
            model = _untrained(source, target, sizes, seed=0)
            model.load_state_dict(torch.load(folder / _WEIGHTS, weights_only=True))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{folder / _CONFIGURATION}: {error}") from error
        return cls(model, source, target, *others, sizes)
