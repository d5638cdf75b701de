"""The GPT of lesson 08 on a text of a learner's own: any language, BPE tokens, a folder that ``transformers`` can load.

Model, sampling and training loop are those of the lesson (:mod:`course_lib.gpt`, :mod:`course_lib.sampling`,
:mod:`course_lib.training`). What differs is the data: there is a fixed amount of it, and the vocabulary is learned from it.
So a model can learn its text by heart, which the lesson's, that meets fresh stories at every step, cannot: a part of the text
is put aside, and the losses on both parts tell what was learned and what was only memorised.

    >>> gpt = train_on_text("book.txt", folder="my_gpt")
    >>> gpt.training, gpt.held_out
    >>> print(gpt.write("It was a dark and", 100, temperature=0.8))
    >>> gpt = load_text_gpt("my_gpt")

Shapes use the course's letters: B windows in a batch, n_vocab tokens in the vocabulary.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib import training
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.files import replace_file
from course_lib.gpt import GPT
from course_lib.gpt_training import BETAS, CLIP
from course_lib.language import say
from course_lib.pretrained import CONFIG, WEIGHTS
from course_lib.sampling import distribution, draw

END = "<|endoftext|>"
"""The special token that stands before, between and after documents (Radford et al. 2019, whose GPT-2 has it, too)."""
TOGETHER = 16
"""How many windows are judged together; no answer hangs on it."""
JUDGED = 1 << 14
"""How many tokens of each part are judged after training, about: windows that are spread evenly over the part."""
SAMPLE = 60
"""How many tokens a sample during training has at most."""


class TextLoss(NamedTuple):
    """How well a model predicts a text.

    Attributes:
        nats: the mean cross-entropy of a token. It compares only between models with one vocabulary: the larger that is, the
            fewer and the harder the tokens.
        bits_per_byte: the same sum in bits, over the bytes of the text in UTF-8: it compares between vocabularies. What the
            end tokens cost is in it, though they have no bytes.
        tokens: how many tokens were predicted.
    """

    nats: float
    bits_per_byte: float
    tokens: int


# ---------------------------------------------------------------------------------------------------------------- texts


def read_documents(source: str | os.PathLike[str] | Iterable[str]) -> list[str]:
    """The documents of a file or of some texts.

    Where ``<|endoftext|>`` is written in a text, one document ends and another one begins. White space around a document is
    taken away, and so is a byte order mark; empty documents are left out, and nothing else is changed.

    Args:
        source: the path of a file in UTF-8, or a list of texts.

    Returns:
        the documents in their order, one or more.

    Raises:
        ValueError: if there is no text, the file is not UTF-8, something is no string, or a string is no path but a text.
        OSError: if the file cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        # The operating system's own words for a whole text in the place of a path help nobody.
        if isinstance(source, str) and ("\n" in path or len(path) > 255 and not os.path.exists(path)):
            raise ValueError(f"the path of a file, or a list of texts: for one text [text], not {source!r:.60}")
        try:
            with open(path, encoding="utf-8") as file:
                texts = [file.read()]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not in UTF-8: {error}. Give a text in another encoding as "
                '[Path("…").read_text("cp1251")], with the name of its encoding'
            ) from error
        name = path
    else:
        texts, name = list(source), "the list of texts"
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"a text is a string, not {type(text).__name__}: {text!r:.60}")
    documents = [part.strip() for text in texts for part in text.removeprefix("\ufeff").split(END)]
    documents = [document for document in documents if document]
    if not documents:
        raise ValueError(f"{name} holds no text")
    return documents


def hold_out(documents: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Documents to train on, and documents to judge the model by: the end of the text.

    Of several documents the last ones are held out, whole: so many that their share of all characters comes nearest to the
    one asked for, one at least, and not all. Of a single one its tail is, which then counts as a document of its own. If the
    documents are sorted by something, shuffle them first; and of two that are alike one may end up on either side.

    Args:
        documents: one or more, none empty.
        share: of the characters, 0 … 1; 0 to hold out nothing.

    Returns:
        training and held-out documents; of a text of a few characters nothing may be left to train on.

    Raises:
        ValueError: if the share is less than 0, or not less than 1.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share that is held out is 0 or more and less than 1, not {share}")
    documents = [document.strip() for document in documents]
    wanted = share * sum(map(len, documents))
    if share == 0:
        return documents, []
    if len(documents) == 1:
        place = min(round(len(documents[0]) - wanted), len(documents[0]) - 1)
        head, tail = documents[0][:place].strip(), documents[0][place:].strip()
        return [head] if head else [], [tail]
    size, miss, first = 0, math.inf, len(documents)
    for place in range(len(documents) - 1, 0, -1):
        size += len(documents[place])
        if abs(size - wanted) >= miss:
            break
        miss, first = abs(size - wanted), place
    return documents[:first], documents[first:]


def _stream(tokenizer: Tokenizer, documents: Iterable[str]) -> Tensor:
    """All documents in one row of ids, with an end token before, between and after them."""
    end = tokenizer.special[END]
    ids = [end]
    for document in documents:
        ids += tokenizer.encode(document)
        ids.append(end)
    return torch.tensor(ids)


# ------------------------------------------------------------------------------------------------------------- training


def train_on_text(
    source: str | os.PathLike[str] | Iterable[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    vocabulary: int = 2048,
    context: int = 128,
    d_model: int = 128,
    heads: int = 4,
    layers: int = 4,
    steps: int = 1000,
    size: int = 32,
    rate: float = 0.003,
    warm_up: int = 100,
    held_out: float = 0.1,
    seed: int = 0,
    samples: int = 5,
    progress: bool = True,
    dtype: torch.dtype = torch.float32,
) -> TextGPT:
    """Learn a vocabulary, then a GPT, from a text.

    The end of the text is held out, see :func:`hold_out`: neither the vocabulary nor the model is trained on it. Each step
    takes windows of ``context`` + 1 tokens from random places of the rest, in which documents follow one another: Adam, a
    rate that rises over the first steps and then falls to zero, clipped gradients, no dropout.

    Ctrl-C ends the training and raises :class:`KeyboardInterrupt`. With a folder, the model is first saved as far as it got,
    without its losses on the two parts; without one it is lost.

    Args:
        source: the path of a text file in UTF-8, or a list of texts; see :func:`read_documents`.
        folder: where the model is saved when it is done, see :meth:`TextGPT.save`; None: nowhere.
        vocabulary: how many tokens there may be, the 256 bytes and the end token included.
        context: how many tokens the model can look at.
        d_model, heads, layers: D, H, L; d_ff is 4D.
        steps, size: how many batches, and of how many windows, drawn by seed and number of the step.
        rate, warm_up: the learning rate that the straight fall begins from, and over how many steps it comes in.
        held_out: the share of the text that is held out; 0 for nothing.
        seed: of the first weights, of the windows and of the samples.
        samples: how many times, at equal intervals, the model writes something on stderr; the last time at the end.
        progress: whether to show progress bars on stderr.
        dtype: of the weights.

    Returns:
        the model with its tokenizer, its losses and those on both parts.

    Raises:
        ValueError: if there is no text, it is too short for one window, it is not UTF-8, or a number cannot be.
        FileExistsError: if the folder holds something else than a saved model; before the training, as far as it can be known.
        OSError: if a file cannot be read or written; likewise.
        Diverged: see :func:`course_lib.training.minimise`; nothing is saved then.
    """
    if min(size, context) < 1 or min(steps, samples) < 0:
        raise ValueError(
            f"size and context are 1 or more, steps and samples 0 or more, not {size}, {context}, {steps} and {samples}"
        )
    if folder is not None:
        _check_folder(Path(folder).resolve())
    learned, kept = hold_out(read_documents(source), held_out)
    if not learned:
        raise ValueError("the text is too short: nothing is left to train on")
    tokenizer = Tokenizer.train(learned, vocabulary, special=(END,), progress=progress)
    stream, kept_stream = _stream(tokenizer, learned), _stream(tokenizer, kept)
    if len(stream) <= context:
        raise ValueError(
            f"the text is too short: its training part has {len(stream)} tokens, and one window takes {context + 1}. "
            "Give more text, a smaller context or a smaller vocabulary"
        )
    generator = torch.Generator().manual_seed(seed)
    model = GPT(len(tokenizer), context, d_model, heads, layers, generator=generator, dtype=dtype)
    losses: list[float] = []
    unjudged = TextGPT(model, tokenizer, losses, len(stream), None, None)
    latest: Tensor

    def loss(step: int) -> Tensor:
        nonlocal latest
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        starts = torch.randint(len(stream) - context, (size, 1), generator=generator)
        windows = stream[starts + torch.arange(context + 1)]
        latest = F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        return latest

    def after(step: int) -> None:
        losses.append(latest.item())
        if (step + 1) * samples // steps > step * samples // steps:
            text = unjudged.write("", SAMPLE, temperature=0.8, seed=1_000_003 * seed + step)
            print(say("own_text.sample", step=step + 1, loss=f"{losses[-1]:.3f}", text=text), file=sys.stderr)

    try:
        training.minimise(
            loss,
            model.parameters(),
            steps=steps,
            rate=rate,
            schedule=training.warm(warm_up, training.falling),
            betas=BETAS,
            clip=CLIP,
            after=after,
            progress=say("own_text.bar") if progress else None,
        )
        judged = (_judge(model, tokenizer, part, JUDGED) if len(part) > 1 else None for part in (stream, kept_stream))
        trained = TextGPT(model, tokenizer, losses, len(stream), *judged)
        if folder is not None:
            trained.save(folder)
        return trained
    except KeyboardInterrupt:
        if folder is not None and losses:  # an untrained model is no reason to give up an older one
            unjudged.save(folder)
            print(say("own_text.interrupted", step=len(losses), folder=folder), file=sys.stderr)
        raise


@torch.no_grad()
def _judge(model: GPT, tokenizer: Tokenizer, stream: Tensor, most: int | None = None) -> TextLoss:
    """The loss on windows that follow one another; on about ``most`` tokens of them, if there are more."""
    width = model.longest
    count = math.ceil((len(stream) - 1) / width)
    missing = count * width - (len(stream) - 1)
    given = F.pad(stream[:-1], (0, missing)).view(count, width)  # behind the causal mask, padding disturbs nobody
    wanted = F.pad(stream[1:], (0, missing), value=-100).view(count, width)
    if most is not None:
        chosen = min(count, math.ceil(most / width))
        rows = torch.arange(chosen) * count // chosen
        given, wanted = given[rows], wanted[rows]
    nats = 0.0
    for x, y in zip(given.split(TOGETHER), wanted.split(TOGETHER), strict=True):
        nats += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=-100, reduction="sum").item()
    predicted = wanted[wanted >= 0]
    end = tokenizer.special[END]
    lengths = torch.tensor([0 if one == end else len(tokenizer.token_bytes(one)) for one in range(len(tokenizer))])
    # Windows that happen to hold end tokens alone have no bytes.
    size = max(int(lengths[predicted].sum()), 1)
    return TextLoss(nats / len(predicted), nats / math.log(2) / size, len(predicted))


# ---------------------------------------------------------------------------------------------------------------- model

_TOKENIZER, _TOKENIZER_CONFIG, _NOTES = "tokenizer.json", "tokenizer_config.json", "own_text.json"
_FILES = {CONFIG, WEIGHTS, _TOKENIZER, _TOKENIZER_CONFIG, _NOTES}
_VERSION = 1


@dataclass(frozen=True, eq=False)
class TextGPT:
    """A GPT with the tokenizer of its text: text in, text out.

    Attributes:
        model: the GPT.
        tokenizer: its vocabulary; the only special token is ``<|endoftext|>``.
        losses: of each step of training, in nats per token.
        tokens: how many tokens the training part has, end tokens included.
        training, held_out: the losses on the two parts after training, of large ones on windows that are spread evenly over
            them; None if there is no such part, or the training was interrupted.
    """

    model: GPT
    tokenizer: Tokenizer
    losses: list[float]
    tokens: int
    training: TextLoss | None
    held_out: TextLoss | None

    @torch.no_grad()
    def write(
        self,
        prompt: str,
        count: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> str:
        """Write on, token after token.

        The cache holds as many tokens as the model has positions. When it is full, the window slides: the older half is
        forgotten, and because the rest changes its positions, its keys and values are computed anew.

        Args:
            prompt: what is continued; of a long one, the end. ``<|endoftext|>`` in it is the end token. With an empty prompt
                the model begins a document.
            count: how many tokens are written; fewer if the model ends the document.
            temperature, top_k, top_p: see :func:`course_lib.sampling.distribution`.
            seed: of the draws; the same one draws the same text.

        Returns:
            the new text without the prompt. A character of which the last token holds a part only is left out.

        Raises:
            ValueError: if the prompt is no text, ``count`` is negative, or a number cannot be.
        """
        if count < 0:
            raise ValueError(f"0 tokens or more are written, not {count}")
        end, longest = self.tokenizer.special[END], self.model.longest
        ids = self.tokenizer.encode(prompt, allow_special=True) or [end]
        uniform = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        written: list[int] = []
        cache, new = self.model.start(), ids[-longest:]
        for u in uniform:
            logits = self.model.step(torch.tensor([new]), cache)[0, -1]
            token = int(draw(distribution(logits.double(), temperature, top_k, top_p), u))
            if token == end:
                break
            written.append(token)
            ids.append(token)
            new = [token]
            if cache.length == longest:
                cache, new = self.model.start(), ids[-max(longest // 2, 1) :]
        # Not final: the bytes of an unfinished character at the end wait for more.
        return codecs.getincrementaldecoder("utf-8")("replace").decode(self.tokenizer.decode_bytes(written))

    def loss(self, text: str | Iterable[str]) -> TextLoss:
        """How well the model predicts a text: teacher forcing, on windows that follow one another without overlap.

        The first token of a window is given only the one before it, so the figure is that of training, and a little higher
        than what the model could do with a full window for each token.

        Args:
            text: one text, or several; documents are found in them as by :func:`read_documents`.

        Raises:
            ValueError: if there is no text.
        """
        documents = read_documents([text] if isinstance(text, str) else text)
        return _judge(self.model, self.tokenizer, _stream(self.tokenizer, documents))

    # ------------------------------------------------------------------------------------------------------------ files

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model into a folder, which appears whole or not at all.

        ``transformers`` loads it, with no network: ``AutoModelForCausalLM.from_pretrained(folder)`` gives the same logits, and
        ``AutoTokenizer.from_pretrained(folder)`` the same ids.

        The files are written into a folder beside it, which then takes its place. The older model steps aside for that
        moment; should the machine stop just then, it is found under a hidden name that ends in ``.old``.

        Args:
            folder: may hold an older model, which is replaced, but nothing else.

        Raises:
            FileExistsError: if there is something else in the folder, or it is a file.
            OSError: if it cannot be written; whatever was there is there still.
        """
        folder = Path(folder).resolve()
        _check_folder(folder)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
        try:
            os.chmod(beside, folder.stat().st_mode & 0o777 if folder.exists() else 0o755)  # mkdtemp made it private
            end = self.tokenizer.special[END]
            self.model.save_pretrained(beside, {"bos_token_id": end, "eos_token_id": end})
            replace_file(beside / _TOKENIZER, self.tokenizer.to_json().encode())
            settings = {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": END,
                "eos_token": END,
                "model_max_length": self.model.longest,
                "clean_up_tokenization_spaces": False,
            }
            replace_file(beside / _TOKENIZER_CONFIG, json.dumps(settings, indent=1).encode())
            notes = {
                "version": _VERSION,
                "tokens": self.tokens,
                "training": self.training,
                "held_out": self.held_out,
                "losses": self.losses,
                "sha256": {name: _checksum(beside / name) for name in (WEIGHTS, _TOKENIZER)},
            }
            replace_file(beside / _NOTES, json.dumps(notes, indent=1).encode())
            _put_in_place(beside, folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise


def load_text_gpt(folder: str | os.PathLike[str]) -> TextGPT:
    """Read what :meth:`TextGPT.save` has written.

    Raises:
        ValueError: if the files are broken, do not belong together, or are of another version.
        OSError: if one cannot be read.
    """
    folder = Path(folder)
    try:
        notes = json.loads((folder / _NOTES).read_bytes())
        if notes["version"] != _VERSION:
            raise ValueError(f"the version is {notes['version']!r}, not {_VERSION}")
        for name in (WEIGHTS, _TOKENIZER):
            if _checksum(folder / name) != notes["sha256"][name]:
                raise ValueError(f"{name} is not the file that was saved with it")
        judged = (None if notes[part] is None else TextLoss(*notes[part]) for part in ("training", "held_out"))
        tokenizer, model = Tokenizer.load(folder / _TOKENIZER), GPT.from_pretrained(folder)
        if len(tokenizer) != len(model.embedding):
            raise ValueError(f"the tokenizer has {len(tokenizer)} tokens, the model {len(model.embedding)}")
        return TextGPT(model, tokenizer, notes["losses"], notes["tokens"], *judged)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / _NOTES}: {error}") from error


def _checksum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_folder(folder: Path) -> None:
    """Whether a model can be saved there, and harms nothing: an older one is deleted with its whole folder."""
    if folder.exists():
        if not folder.is_dir():
            raise FileExistsError(f"{folder} is a file: give a folder that is new, empty, or holds a saved model")
        found = {path.name for path in folder.iterdir()}
        foreign = found - _FILES if _NOTES in found else found
        if foreign:
            raise FileExistsError(
                f"{folder} holds {min(foreign)}, which is not of a model saved here: "
                "give a folder that is new, empty, or holds a saved model and nothing else"
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryDirectory(dir=folder.parent).cleanup()  # can one write there?


def _put_in_place(new: Path, folder: Path) -> None:
    """Rename a folder to one that may be there; no full folder can be replaced in one step."""
    old = new.with_suffix(".old")
    try:
        if folder.exists():
            os.rename(folder, old)
        os.rename(new, folder)
    finally:
        if not folder.exists() and old.exists():
            os.rename(old, folder)
        shutil.rmtree(old, ignore_errors=True)
