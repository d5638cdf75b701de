"""course_lib.own_text: documents, what is held out, a GPT that is trained, judged, writes, is saved and loaded."""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import socket
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from string import Formatter

import pytest
import torch

from course_lib import own_text as module
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.language import LANGUAGES, catalogue, say
from course_lib.own_text import END, TextGPT, hold_out, load_text_gpt, read_documents, train_on_text
from course_lib.sampling import distribution, draw
from course_lib.training import Diverged

RHYME = "The fox has crossed the river. It waits under the old bridge for the crow. The crow is late, as ever. "
TEXT = RHYME * 40
DOCUMENTS = [f"{RHYME}Ёж № {number} пришёл.\n\nA hedgehog came" for number in range(12)]
TINY = {
    "vocabulary": 290, "context": 16, "d_model": 32, "heads": 2, "layers": 1, "steps": 3, "size": 4, "rate": 0.01,
    "warm_up": 10, "samples": 0, "progress": False,
}  # fmt: skip
tiny = partial(train_on_text, **TINY)


def restless(**options: object) -> TextGPT:
    """A model with strong opinions, so that whatever it is given shows in what it says."""
    gpt = train_on_text(DOCUMENTS, **{**TINY, "layers": 2, "steps": 0, **options})
    with torch.no_grad():
        for seed, parameter in enumerate(gpt.model.parameters()):
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            parameter.add_(0.4 * noise)
    return gpt


@pytest.fixture(scope="module")
def by_heart() -> TextGPT:
    return train_on_text([TEXT], **{**TINY, "vocabulary": 330, "context": 24, "steps": 150, "size": 8})


@pytest.fixture(scope="module")
def strong() -> TextGPT:
    return restless()


# ----------------------------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("content", "documents"),
    [
        ("one", ["one"]),
        ("\n one \n\n two\t\n", ["one \n\n two"]),
        ("\ufeffone", ["one"]),
        ("one\r\ntwo\rthree\n", ["one\ntwo\nthree"]),
        (f"one\n{END}\ntwo{END}{END} \n{END}", ["one", "two"]),
        ("Ёж\u2028и\x85ё\u0308", ["Ёж\u2028и\x85ё\u0308"]),
    ],
)
def test_a_file_is_read(tmp_path: Path, content: str, documents: list[str]) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content.encode())
    assert read_documents(path) == read_documents(str(path)) == documents


def test_texts_are_read() -> None:
    assert read_documents(["a ", "\ufeff b", "", f"c{END}d"]) == ["a", "b", "c", "d"]
    assert read_documents(text for text in ("a\r\nb", "c")) == ["a\r\nb", "c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no text"),
        (b"\xef\xbb\xbf \n\r\n", "holds no text"),
        (END.encode() * 3, "holds no text"),
        ("Ёж".encode("cp1251"), r'not in UTF-8.*read_text\("cp1251"\)'),
        ("fox".encode("utf-16"), "not in UTF-8"),
    ],
)
def test_a_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    for do in (read_documents, tiny):
        with pytest.raises(ValueError, match=message) as error:
            do(path)
        assert "text.txt" in str(error.value)


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ([], ValueError, "holds no text"),
        (["", " \n"], ValueError, "holds no text"),
        (["a", 3], ValueError, "not int: 3"),
        ([b"abc"], ValueError, "not bytes"),
        ("Once there was\na fox", ValueError, r"for one text \[text\], not 'Once there was"),
        ("Once there was a fox. " * 20, ValueError, r"for one text \[text\]"),
        ("nowhere.txt", FileNotFoundError, "nowhere.txt"),
        (Path("nowhere.txt"), FileNotFoundError, "nowhere.txt"),
        (["half of a pair \ud83e" * 20], ValueError, "surrogate"),
        ([*DOCUMENTS, "\ud83e"], ValueError, "surrogate"),
    ],
)
def test_a_source_is_refused(source: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        tiny(source)


# ------------------------------------------------------------------------------------------------------------ held out


@pytest.mark.parametrize(
    ("sizes", "share", "kept"),
    [
        ([10] * 10, 0.1, 1),
        ([10] * 10, 0.34, 3),
        ([10] * 10, 0.36, 4),
        ([10] * 10, 0.99, 9),
        ([10] * 10, 0.001, 1),
        ([50, 40, 10], 0.2, 1),
        ([50, 40, 10], 0.4, 2),
        ([1, 1, 98], 0.1, 1),
        ([98, 1, 1], 0.5, 2),
        ([3, 3], 0.5, 1),
        ([10] * 10, 0.0, 0),
        ([10], 0.0, 0),
    ],
)
def test_last_documents_are_held_out(sizes: list[int], share: float, kept: int) -> None:
    documents = [chr(ord("a") + number) * size for number, size in enumerate(sizes)]
    learned, held_out = hold_out(documents, share)
    assert learned + held_out == documents and len(held_out) == kept


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_tail_of_a_single_document_is_held_out(share: float) -> None:
    (head,), (tail,) = hold_out([TEXT.strip()], share)
    assert TEXT.startswith(head) and TEXT.strip().endswith(tail)
    assert len(tail) == pytest.approx(share * len(TEXT), abs=2)
    assert len(head) + len(tail) == pytest.approx(len(TEXT.strip()), abs=1)  # a space may be lost between them


def test_hardly_anything_is_held_out_of_hardly_anything() -> None:
    assert hold_out(["ab"], 0.1) == (["a"], ["b"])
    assert hold_out(["a"], 0.1) == hold_out(["a"], 0.9) == ([], ["a"])
    with pytest.raises(ValueError, match="too short"):
        tiny(["a"])


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, math.nan])
def test_a_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        tiny([TEXT], held_out=share)


class Watched:
    """The windows that training is given: (B, T) and the targets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.windows: list[torch.Tensor] = []
        loss = module.F.cross_entropy
        forward = module.GPT.forward
        given: list[torch.Tensor] = []

        def watch_forward(model, ids, *args):
            given[:] = [ids]
            return forward(model, ids, *args)

        def watch_loss(logits, wanted, **options):
            if torch.is_grad_enabled():
                self.windows.append(torch.cat([given[0], wanted.view(given[0].shape)[:, -1:]], dim=1))
                assert torch.equal(wanted.view(given[0].shape)[:, :-1], given[0][:, 1:])  # the next token is the target
            return loss(logits, wanted, **options)

        monkeypatch.setattr(module.GPT, "forward", watch_forward)
        monkeypatch.setattr(module.F, "cross_entropy", watch_loss)


@pytest.mark.parametrize("several", [True, False])
def test_training_does_not_see_what_is_held_out(several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "ЩЩЪ " * 100
    source = [*DOCUMENTS, secret] if several else [f"{TEXT * 2}{secret}"]
    watched = Watched(monkeypatch)
    gpt = tiny(source, held_out=len(secret) / sum(map(len, source)) * 0.98, steps=60, size=32)
    if not several:  # the cut is 8 characters behind the beginning of what is planted
        secret = secret[8:]
    assert gpt.held_out.tokens == pytest.approx(len(gpt.tokenizer.encode(secret.strip())), abs=2)
    assert len(watched.windows) == 60
    seen = {gpt.tokenizer.decode(row) for windows in watched.windows for row in windows.tolist()}
    assert not any("ЩЩЪ ЩЩЪ ЩЩЪ" in text for text in seen)
    assert not any("Щ".encode() in token for token in gpt.tokenizer.vocabulary)
    # They are seen if they are not held out.
    watched.windows.clear()
    gpt = tiny([*source, "Б" * 300], held_out=300 / sum(map(len, source)), steps=60, size=32)
    seen = {gpt.tokenizer.decode(row) for windows in watched.windows for row in windows.tolist()}
    assert any("ЩЩЪ ЩЩЪ ЩЩЪ" in text for text in seen) and not any("ББ" in text for text in seen)


def test_the_vocabulary_is_that_of_the_training_part() -> None:
    for source in (DOCUMENTS, [TEXT]):
        gpt = tiny(source)
        learned, _ = hold_out(read_documents(source), 0.1)
        assert gpt.tokenizer.merges == Tokenizer.train(learned, 290, special=[END]).merges != ()
        assert gpt.tokenizer.special == {END: len(gpt.tokenizer) - 1} and len(gpt.model.embedding) == 290
        length = sum(len(gpt.tokenizer.encode(document)) for document in learned) + len(learned) + 1
        assert gpt.tokens == length


def test_documents_stand_between_end_tokens() -> None:
    gpt = tiny(DOCUMENTS)
    end = gpt.tokenizer.special[END]
    expected = [end]
    for document in ("a fox", "Ёж"):
        expected += [*gpt.tokenizer.encode(document), end]
    assert module._stream(gpt.tokenizer, ["a fox", "Ёж"]).tolist() == expected


# ------------------------------------------------------------------------------------------------------------- windows


def test_windows_are_pieces_of_the_training_part_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    documents = [" ".join(str(number**3) for number in range(start, start + 25)) for start in (10, 40, 70)]
    gpt = tiny(documents, held_out=0.4, steps=40, size=64)
    stream = module._stream(gpt.tokenizer, hold_out(documents, 0.4)[0]).tolist()
    places = {tuple(stream[start : start + 17]): start for start in range(len(stream) - 16)}
    windows = [tuple(row) for windows in watched.windows for row in windows.tolist()]
    assert len(windows) == 40 * 64 and set(windows) <= places.keys() and len(places) == len(stream) - 16
    found = {places[window] for window in windows}
    assert {0, len(stream) - 17} <= found and len(found) > 0.9 * len(places)


def test_windows_change_with_step_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    for seed in (0, 1):
        tiny(DOCUMENTS, seed=seed)
    assert [tuple(windows.shape) for windows in watched.windows] == [(4, 17)] * 6
    assert len({tuple(windows.flatten().tolist()) for windows in watched.windows}) == 6


def test_one_window_is_enough() -> None:
    tokens = tiny(DOCUMENTS[:2], held_out=0).tokens
    assert len(tiny(DOCUMENTS[:2], held_out=0, context=tokens - 1).losses) == 3
    with pytest.raises(ValueError, match=f"has {tokens} tokens, and one window takes {tokens + 1}"):
        tiny(DOCUMENTS[:2], held_out=0, context=tokens)


# ------------------------------------------------------------------------------------------------------------ training


def test_a_text_is_learned_by_heart(by_heart: TextGPT) -> None:
    assert len(by_heart.losses) == 150 and by_heart.losses[0] > 5 and max(by_heart.losses[-5:]) < 0.6
    assert by_heart.training.nats < 0.5 and by_heart.held_out.nats < 0.7  # what is held out says the same once more
    written = by_heart.write("The fox has", 80, temperature=0)
    assert written.startswith(RHYME[len("The fox has") :]) and (RHYME * 4)[len("The fox has") :].startswith(written)
    assert len(by_heart.tokenizer.encode(written)) > 2 * by_heart.model.longest  # the window has slid


def test_what_was_not_in_the_text_is_not_learned(by_heart: TextGPT) -> None:
    assert by_heart.loss("Zebras dislike quick jumping vixens").nats > 4 * by_heart.loss(RHYME).nats


def test_seeds_decide_everything() -> None:
    first, again, other = (tiny(DOCUMENTS, seed=seed) for seed in (3, 3, 4))
    assert first.losses == again.losses != other.losses
    assert first.training == again.training and first.held_out == again.held_out
    for a, b, c in zip(*(one.model.parameters() for one in (first, again, other)), strict=True):
        assert torch.equal(a, b) and not torch.equal(a, c)
    assert not torch.equal(*(tiny(DOCUMENTS, seed=seed, steps=0).model.embedding for seed in (3, 4)))


def test_the_model_has_the_sizes_asked_for() -> None:
    model = tiny(DOCUMENTS, layers=3, dtype=torch.float64).model
    assert len(model.stack.blocks) == 3 and model.stack.blocks[0].attention.heads == 2 and model.longest == 16
    assert model.embedding.shape == (290, 32) and model.embedding.dtype == torch.float64
    assert model.stack.blocks[0].feed_forward.W_1.shape == (32, 128)
    assert tiny(DOCUMENTS).model.embedding.dtype == torch.float32
    assert tiny(DOCUMENTS, vocabulary=257).tokenizer.merges == ()


def test_the_recipe_reaches_the_training_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict] = []

    def minimise(loss, parameters, **options):
        given.append({"count": len(list(parameters)), **options})
        return []

    monkeypatch.setattr(module.training, "minimise", minimise)
    tiny(DOCUMENTS, steps=7)
    train_on_text(DOCUMENTS, **{**TINY, "progress": True})
    schedule = given[0].pop("schedule")
    assert [schedule(step, 100) for step in (0, 9, 50)] == pytest.approx([0.1, 0.91, 0.5])
    assert given[0].pop("count") > 10 and callable(given[0].pop("after"))
    assert given[0] == {"steps": 7, "rate": 0.01, "betas": (0.9, 0.98), "clip": 1.0, "progress": None}
    assert given[1]["progress"] == say("own_text.bar")


def test_the_losses_are_those_of_the_training_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    returned = []
    minimise = module.training.minimise
    monkeypatch.setattr(module.training, "minimise", lambda *a, **k: returned.append(minimise(*a, **k)))
    assert [tiny(DOCUMENTS, steps=4).losses] == returned and len(returned[0]) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary": 256}, "vocab_size"),
        ({"size": 0}, "size"),
        ({"context": 0}, "context"),
        ({"steps": -1}, "steps"),
        ({"samples": -1}, "samples"),
        ({"warm_up": -1}, "not -1"),
        ({"heads": 3}, "3"),
        ({"layers": 0}, "one block"),
    ],
)
def test_training_refuses(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny(DOCUMENTS, **options)


@pytest.mark.parametrize(
    ("samples", "at"), [(0, []), (1, [7]), (2, [4, 7]), (3, [3, 5, 7]), (7, [*range(1, 8)]), (9, [*range(1, 8)])]
)
def test_samples_are_shown_on_stderr(samples: int, at: list[int], capsys: pytest.CaptureFixture) -> None:
    gpt = tiny(DOCUMENTS, steps=7, samples=samples)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [int(step) for step in re.findall(r"^step (\d+), loss ", captured.err, re.MULTILINE)] == at
    assert gpt.losses == tiny(DOCUMENTS, steps=7).losses  # looking changes nothing
    if at:
        text = gpt.write("", module.SAMPLE, temperature=0.8, seed=6)
        last = say("own_text.sample", step=7, loss=f"{gpt.losses[6]:.3f}", text=text)
        assert len(text) > 20 and captured.err.endswith(f"{last}\n")


def test_nothing_goes_to_stdout(capsys: pytest.CaptureFixture) -> None:
    train_on_text(DOCUMENTS, **{**TINY, "progress": True, "samples": 2})
    captured = capsys.readouterr()
    assert captured.out == "" and "step 3" in captured.err


# ------------------------------------------------------------------------------------------------------------- judging


def by_hand(gpt: TextGPT, documents: list[str], windows: Callable = lambda rows: rows) -> tuple[float, float, int]:
    """Window by window and token by token."""
    end = gpt.tokenizer.special[END]
    stream = [end]
    for document in documents:
        stream += [*gpt.tokenizer.encode(document), end]
    width = gpt.model.longest
    rows = windows([stream[start : start + width + 1] for start in range(0, len(stream) - 1, width)])
    nats = [
        -gpt.model(torch.tensor([row[:place]]))[0, -1].double().log_softmax(-1)[row[place]].item()
        for row in rows
        for place in range(1, len(row))
    ]
    size = sum(len(gpt.tokenizer.token_bytes(one)) for row in rows for one in row[1:] if one != end)
    return sum(nats) / len(nats), sum(nats) / math.log(2) / size, len(nats)


@pytest.mark.parametrize("together", [1, 3, 16])
def test_the_loss_of_a_text(strong: TextGPT, monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr(module, "TOGETHER", together)
    for text in ("a", "The fox\n ждёт 🦊", TEXT[:300], "Ёж" * 31):
        found = strong.loss(f" {text}\n")
        assert found == pytest.approx(by_hand(strong, [text.strip()]), rel=1e-4)
        assert found.tokens == len(strong.tokenizer.encode(text.strip())) + 1
        bits = found.nats * found.tokens / math.log(2)
        assert found.bits_per_byte == pytest.approx(bits / len(text.strip().encode()))
    several = [TEXT[:50].strip(), "Ёж", TEXT[9:80].strip()]
    assert strong.loss(several) == strong.loss(END.join(several)) == pytest.approx(by_hand(strong, several), rel=1e-4)


def test_a_text_that_fills_its_windows_exactly(strong: TextGPT) -> None:
    for length in (15, 16, 17, 31, 32, 33):
        text = "x" * (length - 1)  # no merge; with the end token as many targets
        assert strong.loss(text) == pytest.approx(by_hand(strong, [text]), rel=1e-4)
        assert strong.loss(text).tokens == length


@pytest.mark.parametrize("text", ["", " \n", END, []])
def test_there_is_no_loss_of_nothing(strong: TextGPT, text: str | list) -> None:
    with pytest.raises(ValueError, match="no text"):
        strong.loss(text)


def test_both_parts_are_judged() -> None:
    gpt = tiny(DOCUMENTS, held_out=0.2)
    learned, kept = hold_out(DOCUMENTS, 0.2)
    assert gpt.training == gpt.loss(learned) and gpt.held_out == gpt.loss(kept) and gpt.training != gpt.held_out
    nothing = tiny(DOCUMENTS, held_out=0)
    assert nothing.held_out is None and nothing.training == nothing.loss(DOCUMENTS)
    tail = tiny([TEXT])
    assert tail.held_out == tail.loss(hold_out([TEXT], 0.1)[1])


@pytest.mark.parametrize("judged", [1, 16, 17, 100])
def test_of_a_large_part_some_windows_are_judged(strong: TextGPT, monkeypatch: pytest.MonkeyPatch, judged: int) -> None:
    def some(rows: list) -> list:
        chosen = math.ceil(judged / 16)
        return [rows[number * len(rows) // chosen] for number in range(chosen)]

    stream = module._stream(strong.tokenizer, DOCUMENTS)
    found = module._judge(strong.model, strong.tokenizer, stream, judged)
    assert found == pytest.approx(by_hand(strong, DOCUMENTS, some), rel=1e-4)
    assert judged <= found.tokens < judged + 16
    monkeypatch.setattr(module, "JUDGED", judged)
    assert tiny(DOCUMENTS).training.tokens == found.tokens


# ------------------------------------------------------------------------------------------------------------- writing


def slowly(gpt: TextGPT, prompt: str, count: int, temperature: float, top_k: int | None, seed: int) -> str:
    """Without a cache: every token from the whole window; a full one loses its older half."""
    end, longest = gpt.tokenizer.special[END], gpt.model.longest
    window = (gpt.tokenizer.encode(prompt, allow_special=True) or [end])[-longest:]
    uniform = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    written = []
    for u in uniform:
        logits = gpt.model(torch.tensor([window]))[0, -1].double()
        token = int(draw(distribution(logits, temperature, top_k), u))
        if token == end:
            break
        written.append(token)
        if len(window) == longest:
            window = window[len(window) - max(longest // 2, 1) + 1 :] if longest > 1 else []
        window = [*window, token]
    return codecs.getincrementaldecoder("utf-8")("replace").decode(gpt.tokenizer.decode_bytes(written))


@pytest.mark.parametrize("context", [1, 2, 7, 16])
def test_a_text_longer_than_the_context_is_written(context: int) -> None:
    gpt = restless(context=context, dtype=torch.float64)
    for prompt in ("", "a", "The fox has crossed the river", f"{TEXT}{END}Ёж", "x" * context, "x" * (context - 1)):
        for temperature, top_k in ((0.0, None), (2.0, 40)):
            written = gpt.write(prompt, 30, temperature=temperature, top_k=top_k, seed=5)
            assert written == slowly(gpt, prompt, 30, temperature, top_k, 5)


def test_the_seed_decides_the_text(strong: TextGPT) -> None:
    texts = [strong.write("The", 30, seed=seed, temperature=2.0) for seed in (0, 0, 1, 2)]
    assert texts[0] == texts[1] and len(set(texts)) == 3
    assert len({strong.write("The", 30, seed=seed, temperature=0) for seed in range(3)}) == 1
    longer = strong.write("The", 60, seed=0, temperature=2.0)
    assert longer.startswith(texts[0]) and len(longer) > len(texts[0])  # more tokens change none of the first ones


def test_the_choice_of_tokens_reaches_the_distribution(strong: TextGPT, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        module, "distribution", lambda logits, *a: asked.append((logits.dtype, *a)) or distribution(logits, *a)
    )
    strong.write("The", 1, temperature=0.7, top_k=5, top_p=0.9)
    assert asked == [(torch.float64, 0.7, 5, 0.9)]


def test_writing_ends_with_the_document(strong: TextGPT, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter([strong.tokenizer.vocabulary[b"H"], strong.tokenizer.vocabulary[b"i"], strong.tokenizer.special[END], 0])
    monkeypatch.setattr(module, "draw", lambda p, u: next(ids))
    assert strong.write("The", 4) == "Hi" and next(ids) == 0


def test_an_unfinished_character_is_left_out(strong: TextGPT, monkeypatch: pytest.MonkeyPatch) -> None:
    def scripted(data: bytes, count: int) -> str:
        ids = iter([strong.tokenizer.vocabulary[bytes([byte])] for byte in data])
        monkeypatch.setattr(module, "draw", lambda p, u: next(ids))
        return strong.write("", count)

    fox = "a🦊b".encode()
    assert [scripted(fox, count) for count in range(7)] == ["", "a", "a", "a", "a", "a🦊", "a🦊b"]
    assert scripted(b"a\x80b", 3) == "a\ufffdb"


def test_an_empty_prompt_begins_a_document(strong: TextGPT) -> None:
    texts = [strong.write(prompt, 20, temperature=2.0) for prompt in ("", END, f"{TEXT}{END}")]
    assert texts[0] == texts[1]  # the third one has other tokens in its window
    assert texts[2] != texts[0]


def test_writing_refuses(strong: TextGPT) -> None:
    for prompt, count, options in (("a", -1, {}), (3, 1, {}), ("\ud83e", 1, {}), ("a", 1, {"temperature": -1.0})):
        with pytest.raises(ValueError, match="-1|not int|surrogate"):
            strong.write(prompt, count, **options)
    assert strong.write("a", 0) == ""


# --------------------------------------------------------------------------------------------------------------- files

NAMES = ["config.json", "model.safetensors", "own_text.json", "tokenizer.json", "tokenizer_config.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def same(one: TextGPT, other: TextGPT) -> bool:
    fields = ("losses", "tokens", "training", "held_out")
    return (
        all(getattr(one, field) == getattr(other, field) for field in fields)
        and one.tokenizer.to_json() == other.tokenizer.to_json()
        and all(map(torch.equal, one.model.parameters(), other.model.parameters()))
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("held_out", [0, 0.1])
def test_what_is_saved_is_loaded(tmp_path: Path, dtype: torch.dtype, held_out: float) -> None:
    gpt = tiny(DOCUMENTS, dtype=dtype, held_out=held_out, folder=tmp_path / "deep" / "own")
    again = load_text_gpt(tmp_path / "deep" / "own")
    assert same(again, gpt) and again.model.embedding.dtype == dtype
    assert again.write("The", 40, seed=1) == gpt.write("The", 40, seed=1) and again.loss(TEXT) == gpt.loss(TEXT)
    assert names(tmp_path / "deep" / "own") == NAMES and names(tmp_path / "deep") == ["own"]
    gpt.save(str(tmp_path / "other"))
    assert same(load_text_gpt(str(tmp_path / "other")), gpt)
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o755


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*args: object, **options: object) -> None:
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket.socket, "connect", no_connection)


TRICKY = [
    "The fox has crossed", " два\n\n\tпробела  и 🦊", f"{END}The{END}", "I'll don't 12345 №½", "a\u0308 \r\n x", "<|endof",
]  # fmt: skip


def test_transformers_loads_the_folder(tmp_path: Path, offline: None, recwarn: pytest.WarningsRecorder) -> None:
    transformers = pytest.importorskip("transformers")
    gpt = restless(context=64)
    gpt.save(tmp_path / "own")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "own")
    model, report = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "own", output_loading_info=True)
    assert type(model) is transformers.GPT2LMHeadModel and model.dtype == torch.float32
    assert not any(report.values()) and not recwarn.list
    end = gpt.tokenizer.special[END]
    assert tokenizer.eos_token_id == tokenizer.bos_token_id == model.config.eos_token_id == end == len(tokenizer) - 1
    assert model.config.bos_token_id == end and tokenizer.model_max_length == 64
    for text in TRICKY:
        ids = gpt.tokenizer.encode(text, allow_special=True)
        assert tokenizer(text)["input_ids"] == ids and tokenizer.decode(ids) == text
        with torch.no_grad():
            ours, theirs = gpt.model(torch.tensor([ids])), model(torch.tensor([ids])).logits
        # The two add in another order, in float32.
        torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5 * ours.abs().max().item())
        assert ours.std() > 1
        new = model.generate(torch.tensor([ids]), max_new_tokens=30, do_sample=False, pad_token_id=end)[0, len(ids) :]
        new = new[: new.tolist().index(end)] if end in new else new
        whole = codecs.getincrementaldecoder("utf-8")("replace").decode(gpt.tokenizer.decode_bytes(new.tolist()))
        assert gpt.write(text, 30, temperature=0) == whole != ""


def test_an_older_model_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for seed in (0, 1):  # into an empty folder, then over the older one
        gpt = tiny(DOCUMENTS, seed=seed, folder=folder)
        assert same(load_text_gpt(folder), gpt)
        assert names(tmp_path) == ["own"] and names(folder) == NAMES
    folder.chmod(0o700)
    gpt.save(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for seed in (0, 1):
        gpt = tiny(DOCUMENTS, seed=seed, folder=tmp_path / "link")
        assert (tmp_path / "link").is_symlink() and same(load_text_gpt(tmp_path / "own"), gpt)


@pytest.mark.parametrize("foreign", ["thesis.docx", "config.json", ".git", "file"])
def test_what_is_not_ours_is_not_replaced(tmp_path: Path, foreign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own"
    if foreign == "file":
        folder.write_text("mine")
    elif foreign == "thesis.docx":  # beside a model of ours
        tiny(DOCUMENTS, folder=folder)
        (folder / foreign).write_text("mine")
    else:
        folder.mkdir()
        (folder / foreign).write_text("mine")
    gpt = tiny(DOCUMENTS)
    monkeypatch.setattr(module, "read_documents", lambda source: pytest.fail("it is found before the work is done"))
    for do in (gpt.save, lambda folder: tiny(DOCUMENTS, folder=folder)):
        with pytest.raises(FileExistsError, match="file" if foreign == "file" else re.escape(foreign)):
            do(folder)
    assert (folder if foreign == "file" else folder / foreign).read_text() == "mine"
    assert names(tmp_path) == ["own"]


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("step", ["weights", "tokenizer.json", "tokenizer_config.json", "own_text.json", "rename"])
@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()], ids=["full", "interrupt"])
def test_a_failed_save_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool, step: str, error: BaseException
) -> None:
    folder = tmp_path / "own"
    first, second = tiny(DOCUMENTS), tiny(DOCUMENTS, seed=1)
    if old:
        first.save(folder)
    replace, rename, save = module.replace_file, os.rename, module.GPT.save_pretrained
    fails = [True]

    def breaks_replace(path: Path, content: bytes) -> None:
        replace(path, content[:9] if path.name == step else content)
        if path.name == step:
            raise error

    def breaks_rename(source: Path, target: Path) -> None:
        if step == "rename" and target == folder and fails:
            fails.clear()
            raise error
        rename(source, target)

    def breaks_save(model, where, config) -> None:
        save(model, where, config)
        if step == "weights":
            (where / "model.safetensors").write_bytes(b"half")
            raise error

    monkeypatch.setattr(module, "replace_file", breaks_replace)
    monkeypatch.setattr(module.os, "rename", breaks_rename)
    monkeypatch.setattr(module.GPT, "save_pretrained", breaks_save)
    with pytest.raises(type(error)):
        second.save(folder)
    monkeypatch.undo()
    assert names(tmp_path) == (["own"] if old else [])
    if old:
        assert same(load_text_gpt(folder), first)
    second.save(folder)
    assert same(load_text_gpt(folder), second)


def test_an_interrupt_after_the_rename_leaves_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tiny(DOCUMENTS), tiny(DOCUMENTS, seed=1)
    first.save(tmp_path / "own")
    rename = os.rename

    def late(source: Path, target: Path) -> None:
        rename(source, target)
        if target == tmp_path / "own":
            raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "rename", late)
    with pytest.raises(KeyboardInterrupt):
        second.save(tmp_path / "own")
    assert same(load_text_gpt(tmp_path / "own"), second) and names(tmp_path) == ["own"]


def test_a_folder_that_cannot_be_written_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*args: object, **options: object) -> None:
        raise PermissionError("it is read-only")

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(module, "read_documents", lambda source: pytest.fail("it is found before the work is done"))
    with pytest.raises(OSError, match="file"):
        tiny(DOCUMENTS, folder=tmp_path / "file" / "own")
    monkeypatch.setattr(module.tempfile, "mkdtemp", refuses)
    with pytest.raises(PermissionError, match="read-only"):
        tiny(DOCUMENTS, folder=tmp_path / "own")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version is 2"),
        ({"version": None}, "version is None"),
        ({"losses": ...}, "losses"),
        ({"training": [1.0]}, "TextLoss"),
        ({"sha256": {}}, "model.safetensors"),
        ({"sha256": None}, "own_text.json"),
    ],
)
def test_strange_notes_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    tiny(DOCUMENTS, folder=tmp_path / "own")
    path = tmp_path / "own" / "own_text.json"
    notes = {name: value for name, value in (json.loads(path.read_text()) | change).items() if value is not ...}
    path.write_text(json.dumps(notes))
    with pytest.raises(ValueError, match=message):
        load_text_gpt(tmp_path / "own")
    path.write_text("{")
    with pytest.raises(ValueError, match="own_text.json"):
        load_text_gpt(tmp_path / "own")
    path.write_text("[]")
    with pytest.raises(ValueError, match="own_text.json"):
        load_text_gpt(tmp_path / "own")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        load_text_gpt(tmp_path / "own")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_files_of_two_models_are_not_mixed(tmp_path: Path, name: str) -> None:
    tiny(DOCUMENTS, folder=tmp_path / "a")
    tiny([TEXT], folder=tmp_path / "b")
    (tmp_path / "a" / name).write_bytes((tmp_path / "b" / name).read_bytes())
    with pytest.raises(ValueError, match=f"{name} is not the file"):
        load_text_gpt(tmp_path / "a")
    for missing in (name, "config.json"):
        tiny(DOCUMENTS, folder=tmp_path / "a")
        (tmp_path / "a" / missing).unlink()
        with pytest.raises(FileNotFoundError):
            load_text_gpt(tmp_path / "a")


def test_a_tokenizer_of_another_size_is_refused(tmp_path: Path) -> None:
    tiny(DOCUMENTS, folder=tmp_path)
    larger = Tokenizer.train(TEXT, 300, special=[END]).to_json()
    (tmp_path / "tokenizer.json").write_text(larger, "utf-8")
    notes = json.loads((tmp_path / "own_text.json").read_text())
    notes["sha256"]["tokenizer.json"] = module._checksum(tmp_path / "tokenizer.json")
    (tmp_path / "own_text.json").write_text(json.dumps(notes))
    with pytest.raises(ValueError, match="300 tokens, the model 290"):
        load_text_gpt(tmp_path)


# -------------------------------------------------------------------------------------------------------- interruption


def stops_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    """What Ctrl-C does in the loss of a step, 0 first."""
    forward, calls = module.GPT.forward, []

    def breaks(model, ids, *args):
        if torch.is_grad_enabled():
            calls.append(ids)
            if len(calls) == step + 1:
                raise error
        return forward(model, ids, *args)

    monkeypatch.setattr(module.GPT, "forward", breaks)


def test_an_interrupted_training_saves_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    whole = tiny(DOCUMENTS, steps=8)
    stops_at(monkeypatch, 5, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tiny(DOCUMENTS, steps=8, folder=tmp_path / "own")
    monkeypatch.undo()
    saved = load_text_gpt(tmp_path / "own")
    assert saved.losses == whole.losses[:5] and saved.training is saved.held_out is None
    assert not torch.equal(saved.model.embedding, tiny(DOCUMENTS, steps=0).model.embedding)
    assert say("own_text.interrupted", step=5, folder=tmp_path / "own") in capsys.readouterr().err
    saved.write("The", 5)


def test_an_interrupt_while_the_parts_are_judged_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: object) -> None:
        raise KeyboardInterrupt

    whole = tiny(DOCUMENTS)
    monkeypatch.setattr(module, "_judge", breaks)
    with pytest.raises(KeyboardInterrupt):
        tiny(DOCUMENTS, folder=tmp_path / "own")
    saved = load_text_gpt(tmp_path / "own")
    assert saved.losses == whole.losses
    assert all(map(torch.equal, saved.model.parameters(), whole.model.parameters()))


def test_an_interrupt_before_the_first_step_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tiny(DOCUMENTS, folder=tmp_path / "own")
    stops_at(monkeypatch, 0, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tiny(DOCUMENTS, seed=1, folder=tmp_path / "own")
    monkeypatch.undo()
    assert same(load_text_gpt(tmp_path / "own"), first)


def test_without_a_folder_an_interrupt_is_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stops_at(monkeypatch, 2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tiny(DOCUMENTS)
    assert names(tmp_path) == []


def test_a_model_that_diverges_is_not_saved(tmp_path: Path) -> None:
    first = tiny(DOCUMENTS, folder=tmp_path / "own")
    with pytest.raises(Diverged):
        tiny(DOCUMENTS, steps=20, rate=1e30, folder=tmp_path / "own")
    assert same(load_text_gpt(tmp_path / "own"), first)


# --------------------------------------------------------------------------------------------------------------- words


def test_the_module_is_imported_without_transformers() -> None:
    assert not re.search(r"^\s*(?:import|from) transformers", Path(module.__file__).read_text("utf-8"), re.MULTILINE)


def test_both_languages_say_the_same() -> None:
    path = Path(module.__file__).parent / "catalogue" / "own_text.toml"
    texts = tomllib.loads(path.read_text("utf-8"))
    assert texts.keys() <= catalogue().keys()
    assert texts.keys() == set(re.findall(r'say\("(own_text[\w.-]+)"', Path(module.__file__).read_text("utf-8")))
    for text in texts.values():
        fields = [sorted(name for _, name, _, _ in Formatter().parse(text[lang]) if name) for lang in LANGUAGES]
        assert fields[0] == fields[1] and not re.search("[а-я]", text["en"])
