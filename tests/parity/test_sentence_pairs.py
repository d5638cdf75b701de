"""course_lib.sentence_pairs: pairs from files and catalogues, and a translator that is trained, judged, saved and loaded."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import socket
import struct
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest
import tokenizers
import torch

from course_lib import sentence_pairs as module
from course_lib.language import LANGUAGES, catalogue, say, use_language
from course_lib.sentence_pairs import (
    PairsUnavailable,
    SentenceTranslator,
    Wheel,
    catalogue_pairs,
    public_pairs,
    read_pairs,
    split,
    train_on_pairs,
)

NOUNS = {"cat": "кошка", "dog": "собака", "fox": "лиса", "crow": "ворона", "fish": "рыба"}
ADJECTIVES = {"old": "старая", "red": "рыжая", "big": "большая", "kind": "добрая"}
VERBS = {"sleeps": "спит", "eats": "ест"}
PAIRS = [
    (f"The {adjective} {noun} {verb}.", f"{ADJECTIVES[adjective].capitalize()} {NOUNS[noun]} {VERBS[verb]}.")
    for adjective, noun, verb in product(ADJECTIVES, NOUNS, VERBS)
]
TINY = {"vocabulary": 320, "d_model": 32, "heads": 2, "d_ff": 64, "layers": 1, "size": 16, "rate": 0.01, "warm_up": 10}


@pytest.fixture(scope="module")
def trained() -> SentenceTranslator:
    return train_on_pairs(PAIRS, steps=90, progress=False, **TINY)


def tsv(folder: Path, content: str | bytes) -> Path:
    path = folder / "pairs.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("content", "pairs"),
    [
        ("one\tодин\ntwo\tдва\n", [("one", "один"), ("two", "два")]),
        ("one\tодин", [("one", "один")]),
        ("\ufeffone\tодин\n", [("one", "один")]),
        ("one\tодин\r\ntwo\tдва\rthree\tтри", [("one", "один"), ("two", "два"), ("three", "три")]),
        ("\n  \none\tодин\n\t\t\n\n", [("one", "один")]),
        ("one\tодин\tCC-BY 2.0 (France)\tmore\n", [("one", "один")]),
        ("\u00a0 one \t один \u2009\n", [("one", "один")]),
        ("b\tб\na\tа\nb\tб\n b\tб \nb\tбэ\n", [("b", "б"), ("a", "а"), ("b", "бэ")]),
        # Two spellings of one letter, й and ё as two characters each.
        ("tree\tи\u0306е\u0308лка\ntree\tйёлка\n", [("tree", "йёлка")]),
        # Neither a quotation mark nor a separator of lines inside a sentence ends or joins anything.
        ('"Go\tИди\nhe "said"\t«он»\u2028ушёл\x85!\n', [('"Go', "Иди"), ('he "said"', "«он»\u2028ушёл\x85!")]),
        # Numbers as sentences are sentences.
        ("21\t22\t23\t24\nx\ty\n", [("21", "22"), ("x", "y")]),
        ("21\ttwenty-one\n", [("21", "twenty-one")]),
        ("21\ttwenty-one\tword\t2\n", [("21", "twenty-one")]),
        ("one\tодин\t21\t2\n", [("one", "один")]),
    ],
)
def test_a_file_is_read(tmp_path: Path, content: str, pairs: list) -> None:
    assert read_pairs(tsv(tmp_path, content)) == pairs
    assert read_pairs(str(tmp_path / "pairs.tsv")) == pairs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("one\tодин\n\ntwo два\n", r"line 3\b.*'two два'"),
        ("one\tодин\ntwo\t\n", r"line 2\b"),
        ("\tодин\n", r"line 1\b"),
        ("one\t \u00a0 \tattribution\n", r"line 1\b"),
        ("", "no pair"),
        ("\ufeff\n \n\t\n", "no pair"),
        ("one\tодин\n".encode("utf-16"), "not in UTF-8"),
        ("one\tодин\n".encode("cp1251"), "not in UTF-8"),
        ("17\tOne.\t81\tОдин.\n18\tTwo.\t82\tДва.\n", re.escape("columns=(1, 3)")),
    ],
)
def test_a_file_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        read_pairs(tsv(tmp_path, content))
    assert "pairs.tsv" in str(error.value)


def test_columns_are_chosen(tmp_path: Path) -> None:
    path = tsv(tmp_path, "17\tOne.\t81\tОдин.\n")
    assert read_pairs(path, columns=(1, 3)) == [("One.", "Один.")]
    assert read_pairs(path, columns=(3, 1)) == [("Один.", "One.")]
    with pytest.raises(ValueError, match="line 1"):
        read_pairs(path, columns=(1, 4))
    for columns in ((-1, 0), (0,), (0, 1, 2)):
        with pytest.raises(ValueError, match="columns"):
            read_pairs(path, columns=columns)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_pairs(tmp_path / "nowhere.tsv")


# ------------------------------------------------------------------------------------------------------- splitting


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_no_source_stands_in_both_parts(share: float, seed: int) -> None:
    # Every source three times, far apart; one of them in another spelling.
    spellings = ("и\u0306", "й", "й ")
    pairs = [(f"{number} {end}", f"{number} {copy}") for copy, end in enumerate(spellings) for number in range(20)]
    training, test = split(pairs, share, seed)
    assert not {module.clean(source) for source, _ in training} & {module.clean(source) for source, _ in test}
    assert sorted(training + test) == sorted(pairs)
    assert training == [pair for pair in pairs if pair in training] and test == [pair for pair in pairs if pair in test]
    assert len(test) == 3 * round(20 * share)


def test_the_seed_decides_the_split() -> None:
    assert split(PAIRS, 0.2, 1) == split(PAIRS, 0.2, 1) != split(PAIRS, 0.2, 2)


def test_both_parts_of_a_split_hold_something() -> None:
    two = [("a", "а"), ("b", "б"), ("b", "бэ")]
    for share in (0.01, 0.99):
        assert all(split(two, share, 0))
    with pytest.raises(ValueError, match="two different sources"):
        split(two[1:], 0.5, 0)
    for share in (0, 1, -0.1, float("nan")):
        with pytest.raises(ValueError, match="share"):
            split(two, share, 0)


# -------------------------------------------------------------------------------------------------------- training


def test_training_learns_the_pairs(trained: SentenceTranslator) -> None:
    assert len(trained.losses) == 90 and trained.dropped == 0
    assert trained.losses[0] > 3 and max(trained.losses[-5:]) < 0.2
    assert trained.loss(PAIRS) < 0.1
    assert trained.exact(PAIRS) > 0.9
    sources = [source for source, _ in PAIRS[:3]]
    for width in (1, 3):
        assert trained.translate(sources, width) == [target for _, target in PAIRS[:3]]


def test_the_vocabularies_begin_with_the_special_tokens(trained: SentenceTranslator) -> None:
    for tokenizer in (trained.source, trained.target):
        assert tokenizer.special == {"<pad>": 0, "<s>": 1, "</s>": 2}
        assert len(tokenizer) <= 320 and sorted(tokenizer.vocabulary.values()) == list(range(3, len(tokenizer)))
    assert trained.target.encode("кошка") != trained.source.encode("кошка")  # each has learned its own language


def test_what_looks_like_a_special_token_is_text(trained: SentenceTranslator) -> None:
    read, written = module._ids(("<pad></s>", "</s>"), trained.source, trained.target)
    assert min(read) > 2 and written[0] == 1 and written[-1] == 2 and min(written[1:-1]) > 2


def test_seeds_decide_everything() -> None:
    def run(seed: int, steps: int) -> SentenceTranslator:
        return train_on_pairs(PAIRS, steps=steps, seed=seed, progress=False, **TINY)

    assert run(0, 2).losses == run(0, 2).losses != run(1, 2).losses
    first, again, other = (run(seed, 0).model.encoder.blocks[0].feed_forward.W_1 for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_model_has_the_sizes_asked_for() -> None:
    model = train_on_pairs(PAIRS, steps=0, progress=False, **{**TINY, "layers": 3}).model
    for side in (model.encoder, model.decoder):
        assert len(side.blocks) == 3 and side.blocks[0].feed_forward.W_1.shape == (32, 64)
    assert model.encoder.blocks[0].attention.heads == 2 and model.target_embedding.dtype == torch.float32
    assert model.positions == "sinusoidal" and model.tied


def test_batches_change_with_step_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    loss = module.translator_training.loss

    def watch(model, batch):
        seen.append(batch.source)
        return loss(model, batch)

    monkeypatch.setattr(module.translator_training, "loss", watch)
    for seed in (0, 1):
        train_on_pairs(PAIRS, steps=3, seed=seed, progress=False, **TINY)
    assert len(seen) == 6 and all(len(source) == 16 for source in seen)
    assert len({tuple(source.flatten().tolist()) for source in seen}) == 6


def test_the_recipe_reaches_the_training_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict = {}

    def minimise(loss, parameters, **options):
        given.update(options, count=len(list(parameters)))
        return []

    monkeypatch.setattr(module.training, "minimise", minimise)
    train_on_pairs(PAIRS, steps=7, progress=False, **TINY)
    schedule = given.pop("schedule")
    assert [schedule(step, 100) for step in (0, 9, 50)] == pytest.approx([0.1, 0.91, 0.5])
    assert given.pop("count") > 20
    assert given == {"steps": 7, "rate": 0.01, "betas": (0.9, 0.98), "clip": 1.0, "progress": None}


def test_long_pairs_are_left_out_and_counted() -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E30)))  # characters of three bytes each, which no merge joins to 40 tokens
    long_source, long_target = (many, "да"), ("yes", many)
    made = train_on_pairs([long_source, *PAIRS, long_target], steps=1, progress=False, longest=40, **TINY)
    assert made.dropped == 2 and made.longest == 40
    pairs = [*PAIRS, ("cat", "ест"), ("The red cat eats the fish.", "ест"), ("cat", "Рыжая кошка ест рыбу.")]
    made = train_on_pairs(pairs, steps=0, progress=False, **TINY)
    lengths = [max(len(made.source.encode(source)), len(made.target.encode(target))) for source, target in pairs]
    for longest in range(min(lengths), max(lengths) + 1):  # the limit itself is allowed
        made = train_on_pairs(pairs, steps=0, progress=False, longest=longest, **TINY)
        assert made.dropped == sum(length > longest for length in lengths)
    assert made.dropped == 0
    with pytest.raises(ValueError, match="more than 1 tokens"):
        train_on_pairs(PAIRS, steps=0, progress=False, longest=1, **TINY)


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([], {}, "no pair"),
        ([("a", " \u00a0")], {}, "empty"),
        ([("", "a")], {}, "empty"),
        (PAIRS, {"vocabulary": 258}, "vocab_size"),
        (PAIRS, {"size": 0}, "size"),
        (PAIRS, {"longest": 0}, "longest"),
        (PAIRS, {"steps": -1}, "steps"),
        (PAIRS, {"warm_up": -1}, "not -1"),
        (PAIRS, {"heads": 3}, "3"),
    ],
)
def test_training_refuses(pairs: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_on_pairs(pairs, progress=False, **{**TINY, "steps": 1, **options})


def test_a_progress_bar_is_shown_if_wanted(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    minimise = module.training.minimise
    monkeypatch.setattr(
        module.training, "minimise", lambda *a, progress, **k: names.append(progress) or minimise(*a, **k)
    )
    train_on_pairs(PAIRS, steps=1, progress=False, **TINY)
    assert names == [None] and capsys.readouterr() == ("", "")
    train_on_pairs(PAIRS, steps=1, progress=True, **TINY)
    assert names[1] == say("pairs.bar")


# --------------------------------------------------------------------------------------------------------- judging


def by_hand(translator: SentenceTranslator, pairs: list) -> float:
    """The mean over all target tokens, pair by pair, without a batch and so without padding."""
    found = []
    for source, target in pairs:
        read = torch.tensor([translator.source.encode(source)])
        written = torch.tensor([[1, *translator.target.encode(target), 2]])
        logits = translator.model(read, None, written[:, :-1], None)[0].double()
        found += (-logits.log_softmax(-1).gather(1, written[0, 1:, None])).flatten().tolist()
    return sum(found) / len(found)


@pytest.mark.parametrize("together", [3, 64])
def test_the_loss_is_the_mean_over_tokens(
    trained: SentenceTranslator, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(module, "TOGETHER", together)
    pairs = [("The cat", "Лиса"), ("The old dog eats fish in the wood.", "ъ" * 30), *PAIRS[:2], ("fish", "рыба!")]
    assert trained.loss(pairs) == pytest.approx(by_hand(trained, pairs), rel=1e-4)
    assert trained.loss(pairs) > 1
    # White space and spelling are those of training.
    assert trained.loss([(f" {PAIRS[0][0]}\n", f"{PAIRS[0][1]} ")]) == trained.loss(PAIRS[:1])


def test_exact_counts_distinct_sources(trained: SentenceTranslator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SentenceTranslator, "translate", lambda self, texts: [text.upper() for text in texts])
    assert trained.exact([("a", "A"), ("b", "b")]) == 0.5
    assert trained.exact([("a", "x"), ("a", " A "), ("a", "y"), ("b", "A")]) == 0.5
    assert trained.exact([("a", "A")]) == 1 and trained.exact([("a", "a")]) == 0


@pytest.mark.parametrize("method", ["loss", "exact"])
def test_judging_needs_pairs(trained: SentenceTranslator, method: str) -> None:
    for pairs, message in (([], "no pair"), ([("a", "")], "empty")):
        with pytest.raises(ValueError, match=message):
            getattr(trained, method)(pairs)


@pytest.mark.parametrize("width", [1, 2])
def test_translations_keep_the_order_of_the_texts(
    trained: SentenceTranslator, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    texts = [PAIRS[9][0], "", f"  {PAIRS[0][0]} ", "a fox " * 50, " \n", PAIRS[9][0], "\U0001f98a é <s>"]
    expected = [trained.translate([text], width)[0] for text in texts]
    assert expected[1] == expected[4] == "" and expected[0] == PAIRS[9][1] and expected[2] == PAIRS[0][1]
    for together in (2, 64):
        monkeypatch.setattr(module, "TOGETHER", together)
        assert trained.translate(texts, width) == expected
    assert trained.translate([]) == trained.translate([""]) * 0 == []


def test_a_wider_beam_uses_the_penalty(trained: SentenceTranslator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    beam = trained.model.beam
    monkeypatch.setattr(trained.model, "beam", lambda *task, **options: asked.append(options) or beam(*task, **options))
    trained.translate([PAIRS[0][0]])
    assert asked == []
    trained.translate([PAIRS[0][0]], 4)
    assert asked == [{"width": 4, "length_penalty": 0.6}]


def test_translations_end(trained: SentenceTranslator, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.no_grad():
        endless = train_on_pairs(PAIRS, steps=0, progress=False, longest=20, **TINY)
        # Rows of the tied read-out that are alike: the first of all ids, that of padding, is always the most probable.
        endless.model.target_embedding.fill_(0.0)
    assert len(endless.model.greedy(torch.tensor([[5]]), None, 1, 2, 21)[0]) == 21
    asked = []
    greedy = endless.model.greedy
    monkeypatch.setattr(endless.model, "greedy", lambda *task: asked.append(task[-1]) or greedy(*task))
    assert endless.translate(["The cat"]) == [""]  # special tokens are no text
    assert asked == [21]  # 20 tokens and the end token


def test_translate_refuses(trained: SentenceTranslator) -> None:
    with pytest.raises(ValueError, match="one string"):
        trained.translate("The cat")
    with pytest.raises(ValueError, match="width"):
        trained.translate(["The cat"], 0)


# ----------------------------------------------------------------------------------------------------------- files


def test_a_saved_translator_is_the_same(trained: SentenceTranslator, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    trained.save(folder)
    again = SentenceTranslator.load(str(folder))
    texts = [source for source, _ in PAIRS[::5]] + ["a strange fox"]
    for width in (1, 2):
        assert again.translate(texts, width) == trained.translate(texts, width)
    assert again.loss(PAIRS) == trained.loss(PAIRS)
    names = ("losses", "dropped", "longest", "sizes")
    assert [getattr(again, name) for name in names] == [getattr(trained, name) for name in names]
    assert sorted(path.name for path in folder.iterdir()) == [
        "configuration.json", "source.json", "target.json", "weights.pt",
    ]  # fmt: skip
    text = PAIRS[7][1]
    assert tokenizers.Tokenizer.from_file(str(folder / "target.json")).encode(text).ids == trained.target.encode(text)


def test_files_of_two_translators_are_not_mixed(trained: SentenceTranslator, tmp_path: Path) -> None:
    trained.save(tmp_path / "a")
    train_on_pairs(PAIRS, steps=0, seed=1, progress=False, **TINY).save(tmp_path / "b")
    (tmp_path / "a" / "weights.pt").write_bytes((tmp_path / "b" / "weights.pt").read_bytes())
    with pytest.raises(ValueError, match=r"weights\.pt is not the file"):
        SentenceTranslator.load(tmp_path / "a")


def test_an_interrupted_save_leaves_nothing_half_written(
    trained: SentenceTranslator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.save(tmp_path)
    other = train_on_pairs(PAIRS, steps=0, seed=1, progress=False, **TINY)
    replace = module.replace_file

    def breaks(path: Path, content: bytes) -> None:
        if path.name == "configuration.json":
            raise OSError("the disk is full")
        replace(path, content)

    monkeypatch.setattr(module, "replace_file", breaks)
    with pytest.raises(OSError, match="full"):
        other.save(tmp_path)
    with pytest.raises(ValueError, match="is not the file"):  # new weights under the old configuration
        SentenceTranslator.load(tmp_path)
    monkeypatch.undo()
    other.save(tmp_path)
    assert SentenceTranslator.load(tmp_path).loss(PAIRS) == other.loss(PAIRS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version is 2"),
        ({"sizes": {"d_model": 32}}, "layers"),
        ({"sizes": {"d_model": 16, "heads": 2, "d_ff": 64, "layers": 1}}, "size mismatch"),
        ({"sha256": {}}, "source.json"),
        ({"sha256": None}, "configuration.json"),
    ],
)
def test_a_strange_configuration_is_refused(
    trained: SentenceTranslator, tmp_path: Path, change: dict, message: str
) -> None:
    trained.save(tmp_path)
    path = tmp_path / "configuration.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        SentenceTranslator.load(tmp_path)
    path.write_text("{")
    with pytest.raises(ValueError, match="configuration.json"):
        SentenceTranslator.load(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        SentenceTranslator.load(tmp_path)


# ------------------------------------------------------------------------------------------------------ catalogues


def mo(messages: dict[str, str]) -> bytes:
    """A catalogue in GNU's binary form (GNU gettext manual, section 10.3, "The Format of GNU MO Files")."""
    header = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=3; plural=(n!=1);\n"
    rows = sorted((key.encode(), text.encode()) for key, text in ({"": header} | messages).items())
    start, data, tables = 28 + 16 * len(rows), b"", []
    for column in (0, 1):
        for row in rows:
            tables += [len(row[column]), start + len(data)]
            data += row[column] + b"\0"
    sizes = (0x950412DE, 0, len(rows), 28, 28 + 8 * len(rows), 0, start)
    return struct.pack(f"<{len(sizes) + len(tables)}I", *sizes, *tables) + data


MESSAGES = {
    "Save": "Сохранить",
    "Hello, %(name)s!": " Здравствуйте, %(name)s! ",
    "month\x04May": "Май",
    "May": "май",
    "%d page\0%d pages": "%d страница\0%d страницы\0%d страниц",
    "two\nlines": "две строки",
    "two lines": "две\nстроки",
    "URL": "URL",
    "d.m.Y": "j E Y",
    "✓": "да",
}
FOUND = [
    ("%d page", "%d страница"),
    ("Hello, %(name)s!", "Здравствуйте, %(name)s!"),
    ("May", "май"),
    ("Save", "Сохранить"),
    ("May", "Май"),
]


def wheel(folder: Path, extra: dict[str, bytes] | None = None) -> Path:
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/locale/ru/LC_MESSAGES/django.mo", mo(MESSAGES))
        archive.writestr("tiny/locale/de/LC_MESSAGES/django.mo", mo({"Save": "Сохранять по-немецки"}))
        archive.writestr("tiny/locale/ru/LC_MESSAGES/django.po", "msgid")
        archive.writestr("tiny/__init__.py", "")
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return path


def test_catalogues_of_a_wheel_are_read(tmp_path: Path) -> None:
    assert sorted(catalogue_pairs(wheel(tmp_path))) == sorted(FOUND)


def test_several_catalogues_give_a_pair_once(tmp_path: Path) -> None:
    more = {"a/locale/ru_RU/LC_MESSAGES/lab.mo": mo({"Save": "Сохранить", "Open": "Открыть", "May": "май"})}
    pairs = catalogue_pairs(wheel(tmp_path, more))
    assert len(pairs) == len(set(pairs)) and set(pairs) == {*FOUND, ("Open", "Открыть")}
    assert set(pairs[:3]) == {("Save", "Сохранить"), ("Open", "Открыть"), ("May", "май")}  # in the order of the names


# ---------------------------------------------------------------------------------------------------- public pairs


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> Iterator[str]:
    use_language(request.param)
    yield request.param
    use_language("en")


OWN_FILE = {"en": "A file of your own needs no network", "ru": "Для собственного файла сеть не нужна"}


def check_message(error: Exception, lang: str, *parts: str) -> None:
    assert isinstance(error, ConnectionError)
    for part in (*parts, OWN_FILE[lang], '`read_pairs("pairs.tsv")`', module.WHEELS[0].url, module.WHEELS[0].sha256):
        assert part in str(error)


def pretend(monkeypatch: pytest.MonkeyPatch, retrieve) -> None:
    """Put a pooch in the place of the real one, which may not be installed."""
    fake = ModuleType("pooch")
    fake.os_cache, fake.retrieve = lambda project: f"/cache/{project}", retrieve
    monkeypatch.setitem(sys.modules, "pooch", fake)


def test_the_module_is_imported_without_pooch() -> None:
    names = [line for line in Path(module.__file__).read_text("utf-8").splitlines() if "import pooch" in line]
    assert len(names) == 1 and names[0].startswith(" "), "pooch is imported where it is needed"


def test_without_pooch_it_says_so(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(PairsUnavailable) as error:
        public_pairs()
    check_message(error.value, lang, "`pip install pooch`")


@pytest.mark.parametrize("failure", [OSError("no route\nto host"), ValueError("SHA256 hash of downloaded file")])
def test_a_failed_fetch_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, lang: str, failure: Exception) -> None:
    def retrieve(*args, **options):
        raise failure

    pretend(monkeypatch, retrieve)
    with pytest.raises(PairsUnavailable) as error:
        public_pairs()
    check_message(error.value, lang, " ".join(str(failure).split()))


def test_all_files_are_fetched_with_their_checksums(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash, fname, path))
        return str(local)

    pretend(monkeypatch, retrieve)
    local = wheel(tmp_path)
    pairs = public_pairs()
    assert len(pairs) == len(FOUND) and set(pairs) == set(FOUND)
    assert public_pairs(tmp_path) == pairs
    for number, (url, known_hash, fname, path) in enumerate(asked):
        one = module.WHEELS[number % len(module.WHEELS)]
        assert (url, known_hash) == (one.url, f"sha256:{one.sha256}") and url.endswith(f"/{fname}")
        assert path == ("/cache/transformers-course" if number < len(module.WHEELS) else tmp_path)
    assert len(asked) == 2 * len(module.WHEELS)


def test_the_addresses_are_those_of_pypi() -> None:
    for one in module.WHEELS:
        assert re.fullmatch(r"https://files\.pythonhosted\.org/packages/\w\w/\w\w/[0-9a-f]{60}/[\w.-]+\.whl", one.url)
        assert re.fullmatch(r"[0-9a-f]{64}", one.sha256)


@pytest.fixture
def pooch() -> ModuleType:
    return pytest.importorskip("pooch", reason="pooch is not installed")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Wheel]:
    """A wheel that a server on this machine gives out."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    path = wheel(folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/{path.name}"
        yield Wheel(address, hashlib.sha256(path.read_bytes()).hexdigest())
        server.shutdown()


def no_connection(*args: object, **options: object) -> None:
    raise OSError("the network is blocked")


def test_pooch_fetches_once(pooch: ModuleType, served: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(module, "WHEELS", (served,))
    pairs = public_pairs(tmp_path / "cache")
    assert set(pairs) == set(FOUND)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tiny-1.0-py3-none-any.whl"]
    monkeypatch.setattr(socket.socket, "connect", no_connection)
    assert public_pairs(tmp_path / "cache") == pairs
    with pytest.raises(PairsUnavailable):
        public_pairs(tmp_path / "another")


@pytest.mark.parametrize("fault", ["checksum", "missing", "offline"])
def test_pooch_fails_clearly(
    pooch: ModuleType, served: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str, fault: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    one = {
        "checksum": Wheel(served.url, "0" * 64),
        "missing": Wheel(f"{served.url}.txt", served.sha256),
        "offline": served,
    }[fault]
    monkeypatch.setattr(module, "WHEELS", (one,))
    if fault == "offline":
        monkeypatch.setattr(socket.socket, "connect", no_connection)
    with pytest.raises(PairsUnavailable) as error:
        public_pairs(tmp_path / "cache")
    check_message(error.value, lang, {"checksum": "SHA256", "missing": "404", "offline": "blocked"}[fault])
    assert not list((tmp_path / "cache").iterdir())


# ----------------------------------------------------------------------------------------------------------- words


def test_both_languages_say_the_same() -> None:
    path = Path(module.__file__).parent / "catalogue" / "sentence_pairs.toml"
    texts = tomllib.loads(path.read_text("utf-8"))
    assert texts.keys() <= catalogue().keys()
    assert texts.keys() == set(re.findall(r'say\("(pairs[\w.-]+)"', Path(module.__file__).read_text("utf-8")))
    for text in texts.values():
        fields, code, numbers = (
            [sorted(found(text[lang])) for lang in LANGUAGES]
            for found in (
                lambda one: [name for _, name, _, _ in Formatter().parse(one) if name],
                lambda one: re.findall(r"`[^`]+`", one),
                lambda one: re.findall(r"\d{2,}", one),
            )
        )
        assert fields[0] == fields[1] and code[0] == code[1] and numbers[0] == numbers[1]
        assert re.search("[а-я]", text["ru"]) and not re.search("[а-я]", text["en"])
