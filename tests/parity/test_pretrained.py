"""course_lib.pretrained: the files of others and ours, in both directions, and what is refused. Nothing here uses a network."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import (
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoModelForPreTraining, BertForPreTraining, GPT2LMHeadModel
from unsettled_layers import close, own

from course_lib import pretrained as module
from course_lib.bert import BERT
from course_lib.gpt import GPT
from course_lib.language import LANGUAGES, catalogue, use_language
from course_lib.normalisation import LayerNorm
from course_lib.pretrained import CONFIG, INDEX, WEIGHTS, PretrainedUnavailable, bert_from_state, gpt_from_state

IDS = torch.tensor([[3, 1, 8, 2, 12, 0], [5, 5, 4, 9, 7, 11]])
KINDS = ["gpt", "bert"]
CLASSES = {
    "gpt": (GPT, GPT2LMHeadModel, AutoModelForCausalLM),
    "bert": (BERT, BertForPreTraining, AutoModelForPreTraining),
}
TIED = {"gpt": ["lm_head.weight"], "bert": ["cls.predictions.decoder.weight", "cls.predictions.decoder.bias"]}
FROM_STATE = {"gpt": gpt_from_state, "bert": bert_from_state}

Parts = tuple[dict[str, Any], dict[str, Tensor]]


def made(kind: str, dtype: torch.dtype = torch.float64) -> GPT | BERT:
    return own(CLASSES[kind][0], 13, 9, 6, 2, 3, 10, eps=1e-3, dtype=dtype)


def parts(kind: str) -> Parts:
    """The configuration and the weights as transformers has them."""
    theirs = made(kind).to_transformers()
    return theirs.config.to_dict(), dict(theirs.state_dict())


def outputs(model: nn.Module) -> Tensor:
    """Logits of all heads, side by side, of our models and of theirs."""
    if isinstance(model, BERT):
        vectors = model(IDS)
        masked, following = model.masked_logits(vectors), model.next_logits(model.pooled(vectors))
    elif isinstance(model, BertForPreTraining):
        masked, following = model(IDS).to_tuple()[:2]
    else:
        found = model(IDS)
        return found if isinstance(found, Tensor) else found.logits
    return torch.cat([masked.flatten(1), following], dim=1)


def same_weights(one: nn.Module, other: nn.Module) -> None:
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, tensor in one.state_dict().items():
        assert tensor.dtype == other.state_dict()[name].dtype and torch.equal(tensor, other.state_dict()[name]), name


def write(folder: Path, config: dict[str, Any], state: dict[str, Tensor]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config, default=str), encoding="utf-8")
    save_file({name: tensor.clone().contiguous() for name, tensor in state.items()}, folder / WEIGHTS)
    return folder


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What transformers warns of."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> Iterator[str]:
    use_language(request.param)
    yield request.param
    use_language("en")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: object) -> None:
        raise OSError("a test has asked for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)


both = pytest.mark.parametrize("kind", KINDS)
types = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])


# ---------------------------------------------------------------------------------------------------- there and back


@both
@types
def test_what_is_saved_comes_back(kind: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = made(kind, dtype)
    model.save_pretrained(tmp_path / "made" / "here")
    assert sorted(path.name for path in (tmp_path / "made" / "here").iterdir()) == [CONFIG, WEIGHTS]
    back = CLASSES[kind][0].from_pretrained(tmp_path / "made" / "here")
    same_weights(model, back)
    close(outputs(back).double(), outputs(model).double(), 0)
    same_weights(model, CLASSES[kind][0].from_pretrained(str(tmp_path / "made" / "here")))


@both
@types
@pytest.mark.parametrize("by", ["class", "auto"])
def test_transformers_loads_what_is_saved(kind: str, dtype: torch.dtype, by: str, tmp_path: Path, said: list) -> None:
    model = made(kind, dtype)
    model.save_pretrained(tmp_path)
    loader = CLASSES[kind][1 if by == "class" else 2]
    theirs, info = loader.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()) and said == [], (info, said)
    assert type(theirs) is CLASSES[kind][1] and theirs.dtype == dtype and theirs.config.architectures
    close(outputs(theirs).double(), outputs(model.to_transformers()).double(), 0)
    if dtype == torch.float64:
        close(outputs(theirs), outputs(model))


@both
@types
@pytest.mark.parametrize("size", ["1GB", "1KB"])
def test_we_load_what_transformers_saves(kind: str, dtype: torch.dtype, size: str, tmp_path: Path) -> None:
    """In one file, and in many with an index."""
    model = made(kind, dtype)
    theirs = model.to_transformers()
    theirs.save_pretrained(tmp_path, max_shard_size=size)
    assert (tmp_path / INDEX).exists() == (size == "1KB") and (tmp_path / WEIGHTS).exists() == (size == "1GB")
    same_weights(model, CLASSES[kind][0].from_pretrained(tmp_path))


@both
def test_the_files_hold_what_others_need(kind: str, tmp_path: Path) -> None:
    made(kind).save_pretrained(tmp_path, {"eos_token_id": 3, "note": "ночь"})
    config = json.loads((tmp_path / CONFIG).read_text("utf-8"))
    assert config["model_type"] == {"gpt": "gpt2", "bert": "bert"}[kind]
    assert config["architectures"] == [CLASSES[kind][1].__name__] and config["dtype"] == "float64"
    assert config["eos_token_id"] == 3 and config["note"] == "ночь" and config["pad_token_id"] is None
    names = set(load_file(tmp_path / WEIGHTS))
    assert names == set(made(kind).to_transformers().state_dict()) - set(TIED[kind])
    header = (tmp_path / WEIGHTS).read_bytes()
    assert json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"] == {"format": "pt"}
    theirs = CLASSES[kind][1].from_pretrained(tmp_path)
    assert theirs.config.eos_token_id == 3
    drops = {part.p for part in theirs.modules() if isinstance(part, nn.Dropout)}
    assert drops == {0.0}


@both
@pytest.mark.parametrize("training", [False, True])
def test_no_dropout_is_exported(kind: str, training: bool) -> None:
    model = made(kind)
    close(outputs(model.to_transformers().train(training)), outputs(model))


@both
def test_other_weights_give_other_files(kind: str, tmp_path: Path) -> None:
    """A new model in the old one's place."""
    made(kind).save_pretrained(tmp_path)
    other = own(CLASSES[kind][0], 14, 8, 4, 1, 1, 5, seed=1)
    other.save_pretrained(tmp_path)
    same_weights(other, CLASSES[kind][0].from_pretrained(tmp_path))


# ------------------------------------------------------------------------------------------------- files of all ages


def old_gpt(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """As GPT-2's first files were: without the prefix, with the causal mask and the number for minus infinity."""
    found = {
        prefix + name.removeprefix("transformer."): tensor for name, tensor in state.items() if "lm_head" not in name
    }
    for number in range(3):
        found[f"{prefix}h.{number}.attn.bias"] = torch.ones(9, 9, dtype=torch.uint8).tril()[None, None]
        found[f"{prefix}h.{number}.attn.masked_bias"] = torch.tensor(-1e4, dtype=torch.float32)
    return found


def old_bert(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As BERT's first files were: LayerNorm's weights by their Greek names, the positions as numbers, the read-out twice."""
    ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    found = {re.sub(r"LayerNorm\.\w+$", lambda m: ends[m[0]], name): tensor for name, tensor in state.items()}
    return found | {"bert.embeddings.position_ids": torch.arange(9)[None]}


@pytest.mark.parametrize("prefix", ["", "transformer."])
@pytest.mark.parametrize("read_out", [False, True])
def test_old_files_of_gpt2(prefix: str, read_out: bool) -> None:
    config, state = parts("gpt")
    old = old_gpt(state, prefix)
    if read_out:
        old["lm_head.weight"] = state["lm_head.weight"]
    few = ("vocab_size", "n_positions", "n_embd", "n_head", "n_layer", "n_inner", "layer_norm_epsilon")
    config = {name: config[name] for name in few} | {"n_ctx": 9, "_num_labels": 1, "task_specific_params": {"a": 1}}
    same_weights(made("gpt"), gpt_from_state(config, old))


def test_old_files_of_bert() -> None:
    config, state = parts("bert")
    old = old_bert(state)
    config = {name: value for name, value in config.items() if name not in ("hidden_act", "type_vocab_size")}
    config |= {"position_embedding_type": "absolute", "gradient_checkpointing": False, "pruned_heads": {}}
    same_weights(made("bert"), bert_from_state(config, old))
    for tied in TIED["bert"]:
        del old[tied]
        same_weights(made("bert"), bert_from_state(config, old))


def test_a_file_may_keep_a_tied_weight_under_either_name() -> None:
    for kind, name in (("gpt", "transformer.wte.weight"), ("bert", "bert.embeddings.word_embeddings.weight")):
        config, state = parts(kind)
        del state[name]
        same_weights(made(kind), FROM_STATE[kind](config, state))


def test_what_an_old_configuration_leaves_out() -> None:
    config, state = parts("gpt")
    state = {name: tensor for name, tensor in state.items() if ".mlp." not in name}
    model = own(GPT, 13, 9, 6, 2, 3)
    for name in ("n_inner", "layer_norm_epsilon", "activation_function", "model_type"):
        del config[name]
    same_weights(model, gpt_from_state(config, model.to_transformers().state_dict()))
    read = gpt_from_state(config, model.to_transformers().state_dict())
    assert read.stack.norm.eps == 1e-5 and read.stack.blocks[2].feed_forward.activation == "gelu_tanh"
    config, _ = parts("bert")
    model = own(BERT, 13, 9, 6, 2, 3, 10)
    del config["layer_norm_eps"], config["hidden_act"]
    read = bert_from_state(config, model.to_transformers().state_dict())
    assert read.norm_head.eps == 1e-12 and read.stack.blocks[2].feed_forward.activation == "gelu"


@pytest.mark.parametrize(
    ("entry", "activation"),
    [("gelu_new", "gelu_tanh"), ("gelu_pytorch_tanh", "gelu_tanh"), ("gelu", "gelu"), ("relu", "relu")],
)
def test_the_names_of_activations(entry: str, activation: str) -> None:
    config, state = parts("gpt")
    read = gpt_from_state({**config, "activation_function": entry}, state)
    assert {block.feed_forward.activation for block in read.stack.blocks} == {activation}
    assert (outputs(read) - outputs(made("gpt"))).abs().max().gt(0).item() == (activation != "gelu_tanh")


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("kind", "entry", "value"),
    [
        *(("gpt", name, True) for name in ("scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn")),
        *((kind, name, True) for kind in KINDS for name in ("add_cross_attention", "is_encoder_decoder")),
        *((kind, "tie_word_embeddings", False) for kind in KINDS),
        *((kind, "pruned_heads", {"1": [0]}) for kind in KINDS),
        *((kind, "quantization_config", {"bits": 4}) for kind in KINDS),
        ("gpt", "scale_attn_weights", False),
        ("bert", "is_decoder", True),
        ("bert", "position_embedding_type", "relative_key"),
        *(("gpt", "activation_function", name) for name in ("silu", "gelu_10", "quick_gelu", None, ["gelu"])),
        *(("bert", "hidden_act", name) for name in ("gelu_new", "relu", "swish", None, 1)),
        *(("gpt", name, value) for name in ("n_embd", "n_head", "n_layer") for value in (0, -1, 2.0, "6", True, None)),
        *(("gpt", "n_inner", value) for value in (0, 2.5, "10")),
        *(("bert", name, None) for name in ("vocab_size", "intermediate_size", "type_vocab_size")),
        *((kind, name, value) for kind, name in (("gpt", "layer_norm_epsilon"), ("bert", "layer_norm_eps"))
          for value in (-1e-5, float("inf"), float("nan"), "1e-5", None, True)),
    ],
)  # fmt: skip
def test_a_configuration_of_something_else_is_refused(kind: str, entry: str, value: object) -> None:
    config, state = parts(kind)
    with pytest.raises(ValueError, match=re.escape(f"{entry} = {value!r}")):
        FROM_STATE[kind](config | {entry: value}, state)


@both
def test_a_configuration_of_another_model_is_refused(kind: str) -> None:
    config, state = parts(kind)
    with pytest.raises(ValueError, match="one of 'llama', not of"):
        FROM_STATE[kind](config | {"model_type": "llama"}, state)
    with pytest.raises(ValueError, match="one of '(gpt2|bert)', not of"):
        FROM_STATE["bert" if kind == "gpt" else "gpt"](config, state)


REQUIRED = {
    "gpt": ("vocab_size", "n_positions", "n_embd", "n_head", "n_layer"),
    "bert": (
        "vocab_size", "max_position_embeddings", "hidden_size", "num_attention_heads", "num_hidden_layers",
        "intermediate_size",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "entry"), [(kind, entry) for kind in KINDS for entry in REQUIRED[kind]])
def test_a_configuration_without_a_size_is_refused(kind: str, entry: str) -> None:
    config, state = parts(kind)
    del config[entry]
    with pytest.raises(ValueError, match=f"lacks {entry}$"):
        FROM_STATE[kind](config, state)


@both
def test_each_missing_weight_is_named(kind: str) -> None:
    config, state = parts(kind)
    state = {name: tensor for name, tensor in state.items() if name not in TIED[kind]}
    assert len(state) == {"gpt": 40, "bert": 62}[kind]
    for name in state:
        fewer = {other: tensor for other, tensor in state.items() if other != name}
        with pytest.raises(ValueError, match=f"the weights {re.escape(name)} are missing"):
            FROM_STATE[kind](config, fewer)


@both
def test_each_weight_of_another_shape_is_named(kind: str) -> None:
    config, state = parts(kind)
    state = {name: tensor for name, tensor in state.items() if name not in TIED[kind]}
    for name, tensor in state.items():
        other = torch.cat([tensor, tensor[-1:]])
        says = f"{re.escape(name)} has the shape {re.escape(str(tuple(other.shape)))}, the configuration asks for"
        with pytest.raises(ValueError, match=f"{says} {re.escape(str(tuple(tensor.shape)))}"):
            FROM_STATE[kind](config, state | {name: other})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gpt", "transformer.h.3.ln_1.weight"),
        ("gpt", "h.0.attn.rotary.weight"),
        ("gpt", "transformer.h.0.crossattention.c_attn.weight"),
        ("gpt", "score.weight"),
        ("gpt", "lm_head.bias"),
        ("bert", "classifier.weight"),
        ("bert", "cls.predictions.extra"),
        ("bert", "bert.encoder.layer.0.attention.self.distance_embedding.weight"),
        ("bert", "bert.encoder.layer.17.output.dense.bias"),
    ],
)
def test_an_unknown_weight_is_named(kind: str, name: str) -> None:
    config, state = parts(kind)
    with pytest.raises(ValueError, match=f"the weights {re.escape(name)} have no place in"):
        FROM_STATE[kind](config, state | {name: torch.ones(2, dtype=torch.float64)})


def test_a_weight_that_stands_there_twice_is_refused() -> None:
    config, state = parts("bert")
    name, again = (f"bert.embeddings.LayerNorm.{end}" for end in ("weight", "gamma"))
    with pytest.raises(ValueError, match=f"{re.escape(name)} stand there twice, the second time as {re.escape(again)}"):
        bert_from_state(config, state | {again: state[name]})
    config, state = parts("gpt")
    with pytest.raises(ValueError, match="the weights ln_f.weight have no place"):
        gpt_from_state(config, state | {"ln_f.weight": state["transformer.ln_f.weight"]})


@pytest.mark.parametrize(("kind", "tied"), [(kind, tied) for kind in KINDS for tied in TIED[kind]])
def test_a_read_out_of_its_own_is_refused(kind: str, tied: str) -> None:
    config, state = parts(kind)
    for other in (state[tied] + 1, state[tied].float(), state[tied][:-1]):
        with pytest.raises(ValueError, match=f"{re.escape(tied)} is another matrix than"):
            FROM_STATE[kind](config, state | {tied: other})


@both
def test_types_are_one_and_of_floating_point(kind: str) -> None:
    config, state = parts(kind)
    state = {name: tensor for name, tensor in state.items() if name not in TIED[kind]}
    name = list(state)[5]
    with pytest.raises(ValueError, match=f"one type .* torch.float32 in {re.escape(name)}"):
        FROM_STATE[kind](config, state | {name: state[name].float()})
    for dtype in (torch.int8, torch.float8_e5m2, torch.complex64):
        with pytest.raises(ValueError, match=f"not {re.escape(str(dtype))}"):
            FROM_STATE[kind](config, {name: tensor.to(dtype) for name, tensor in state.items()})


@both
def test_heads_that_do_not_divide_are_refused(kind: str) -> None:
    config, state = parts(kind)
    with pytest.raises(ValueError, match="cannot be cut into 4 heads"):
        FROM_STATE[kind](config | {REQUIRED[kind][3]: 4}, state)


# ------------------------------------------------------------------------------------------- what is not written


def _spoil(kind: str, change: Callable[[Any], None]) -> GPT | BERT:
    model = made(kind)
    change(model)
    return model


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: setattr(m.stack.blocks[1].norm_1, "eps", 0.5), "blocks of one kind and one ε"),
        (lambda m: setattr(m.stack.blocks[1].feed_forward, "activation", "relu"), "blocks of one kind"),
        (lambda m: setattr(m.stack.blocks[2].attention, "heads", 3), "blocks of one kind"),
        (lambda m: setattr(m.stack.blocks[1].norm_2, "beta", None), "stack.blocks.1.norm_2.beta is missing"),
        (lambda m: m.register_buffer("other", torch.ones(1)), "other is more"),
        (lambda m: setattr(m.stack.blocks[0], "attention", m.stack.blocks[0].attention.grouped(1)), "shape of .*W_K"),
        (lambda m: m.stack.blocks[1].norm_2.float(), "dtype of .*gamma is torch.float32"),
    ],
)
@both
def test_a_model_without_such_a_form_is_not_written(kind: str, change: Callable, says: str, tmp_path: Path) -> None:
    model = _spoil(kind, change)
    with pytest.raises(ValueError, match=says):
        model.to_transformers()
    with pytest.raises(ValueError, match=says):
        model.save_pretrained(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(
    ("further", "says"),
    [
        ({"vocab_size": 14}, "the model has vocab_size = 13, and the further entry says 14"),
        ({"dtype": "float32"}, "dtype = 'float64'"),
        ({"model_type": "llama"}, "model_type"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings = False"),
        ({"note": {1, 2}}, "cannot be written as JSON"),
        ({"note": float("nan")}, "cannot be written as JSON"),
    ],
)
@both
def test_further_entries_that_do_not_fit_are_refused(kind: str, further: dict, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        made(kind).save_pretrained(tmp_path / "folder", further)
    assert not (tmp_path / "folder").exists()
    made(kind).save_pretrained(tmp_path, {"vocab_size": 13, "hidden_dropout_prob": 0.1})


@both
def test_weights_come_first_and_a_failure_leaves_the_old_files(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, real = [], module.replace_file

    def spy(path: Path, content: bytes) -> None:
        order.append(path.name)
        real(path, content)

    monkeypatch.setattr(module, "replace_file", spy)
    model = made(kind)
    model.save_pretrained(tmp_path)
    assert order == [WEIGHTS, CONFIG]

    def full(path: Path, content: bytes) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(module, "replace_file", full)
    with pytest.raises(OSError, match="no space left"):
        own(CLASSES[kind][0], 14, 8, 4, 1, 1, 5).save_pretrained(tmp_path)
    same_weights(model, CLASSES[kind][0].from_pretrained(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [CONFIG, WEIGHTS]


# ----------------------------------------------------------------------------------------------------- damaged folders


@both
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_folder_without_a_file(kind: str, name: str, tmp_path: Path) -> None:
    made(kind).save_pretrained(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{re.escape(str(tmp_path))} has no {name}"):
        CLASSES[kind][0].from_pretrained(tmp_path)


@both
def test_pickles_are_not_opened(kind: str, tmp_path: Path) -> None:
    model = made(kind)
    model.save_pretrained(tmp_path)
    (tmp_path / WEIGHTS).rename(tmp_path / module.PICKLE)
    with pytest.raises(
        ValueError, match="a pickle: opening one can run any program, so only model.safetensors is read"
    ):
        CLASSES[kind][0].from_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    same_weights(model, CLASSES[kind][0].from_pretrained(tmp_path))


@both
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000])
def test_a_damaged_configuration_is_named(kind: str, content: bytes, tmp_path: Path) -> None:
    made(kind).save_pretrained(tmp_path)
    (tmp_path / CONFIG).write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / CONFIG))} is (damaged|not an object)"):
        CLASSES[kind][0].from_pretrained(tmp_path)


@both
@pytest.mark.parametrize("length", [0, 5, 8, 200, -1])
def test_damaged_weights_are_named(kind: str, length: int, tmp_path: Path) -> None:
    made(kind).save_pretrained(tmp_path)
    whole = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(whole[:length])
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / WEIGHTS))} is damaged"):
        CLASSES[kind][0].from_pretrained(tmp_path)


@both
def test_an_error_names_the_folder(kind: str, tmp_path: Path) -> None:
    config, state = parts(kind)
    write(tmp_path / "a", config | {"tie_word_embeddings": False}, state)
    with pytest.raises(
        ValueError, match=rf"{re.escape(str(tmp_path / 'a'))}: the configuration has tie_word_embeddings"
    ):
        CLASSES[kind][0].from_pretrained(tmp_path / "a")
    state.pop(next(iter(state)))
    for tied in TIED[kind]:
        state.pop(tied)
    write(tmp_path / "b", config, state)
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path / 'b'))}: the weights .* are missing"):
        CLASSES[kind][0].from_pretrained(tmp_path / "b")


def sharded(folder: Path) -> dict[str, Any]:
    made("gpt").to_transformers().save_pretrained(folder, max_shard_size="1KB")
    return json.loads((folder / INDEX).read_text("utf-8"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda index: index.pop("weight_map"), "has no weight_map"),
        (lambda index: index["weight_map"].update({"transformer.wte.weight": 1}), "has no weight_map"),
        (
            lambda index: index["weight_map"].update({"transformer.wte.weight": "../x.safetensors"}),
            "no safetensors file",
        ),
        (lambda index: index["weight_map"].update({"transformer.wte.weight": "x.bin"}), "no safetensors file"),
    ],
)
def test_a_damaged_index_is_named(change: Callable, says: str, tmp_path: Path) -> None:
    index = sharded(tmp_path)
    change(index)
    (tmp_path / INDEX).write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / INDEX))} .*{says}"):
        GPT.from_pretrained(tmp_path)


def test_parts_of_a_model_that_are_missing_or_meet(tmp_path: Path) -> None:
    files = sorted(set(sharded(tmp_path)["weight_map"].values()))
    assert len(files) > 3
    first = (tmp_path / files[0]).read_bytes()
    (tmp_path / files[1]).write_bytes(first)
    with pytest.raises(ValueError, match=f"{files[1]}: .* stands in another file, too"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / files[0]).unlink()
    with pytest.raises(FileNotFoundError, match=f"has no {files[0]}, which {INDEX} names"):
        GPT.from_pretrained(tmp_path)


# ------------------------------------------------------------------------------------------------------------ the hub


@pytest.mark.parametrize(
    "name", ["./gone", "../gone", "/gone/folder", "a/b/c", "gone/", "~/gone", Path("gone"), Path("org/gone")]
)
def test_what_looks_like_a_path_is_not_asked_of_the_hub(
    name: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *args: pytest.fail("the hub was asked"))
    for kind in KINDS:
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            CLASSES[kind][0].from_pretrained(name)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    made("gpt").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a file: give the folder"):
        GPT.from_pretrained(tmp_path / WEIGHTS)


def response(status: int) -> Any:
    """What the hub's errors hold: a response of its HTTP library, whichever that is."""
    modules = (base.__module__.split(".")[0] for base in RemoteEntryNotFoundError.__mro__)
    library = sys.modules[next(name for name in modules if name.startswith("http"))]
    return library.Response(status, request=library.Request("HEAD", "https://huggingface.co/x"))


def hub(monkeypatch: pytest.MonkeyPatch, folder: Path, asked: list) -> None:
    """A hub that has the files of a folder."""

    def download(name: str, file: str) -> str:
        asked.append((name, file))
        if not (folder / file).exists():
            raise RemoteEntryNotFoundError("404", response=response(404))
        return str(folder / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)


@pytest.mark.parametrize("name", ["gpt2", "org/my-model"])
@both
def test_a_name_is_asked_of_the_hub(kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = made(kind), []
    model.save_pretrained(tmp_path / "there")
    hub(monkeypatch, tmp_path / "there", asked)
    monkeypatch.chdir(tmp_path)
    same_weights(model, CLASSES[kind][0].from_pretrained(name))
    assert asked == [(name, CONFIG), (name, WEIGHTS)]


def test_a_folder_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made("gpt").save_pretrained(tmp_path / "gpt2")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *args: pytest.fail("the hub was asked"))
    monkeypatch.chdir(tmp_path)
    same_weights(made("gpt"), GPT.from_pretrained("gpt2"))


def test_a_model_in_parts_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, asked = sharded(tmp_path / "there"), []
    hub(monkeypatch, tmp_path / "there", asked)
    same_weights(made("gpt"), GPT.from_pretrained("org/parts"))
    assert [file for _, file in asked] == [CONFIG, WEIGHTS, INDEX, *sorted(set(index["weight_map"].values()))]


def test_a_file_that_the_hub_has_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list = []
    made("bert").save_pretrained(tmp_path)
    (tmp_path / WEIGHTS).rename(tmp_path / module.PICKLE)
    hub(monkeypatch, tmp_path, asked)
    with pytest.raises(FileNotFoundError, match="org/old has no model.safetensors"):
        BERT.from_pretrained("org/old")
    assert [file for _, file in asked] == [CONFIG, WEIGHTS, INDEX], "the pickle is not even fetched"
    (tmp_path / CONFIG).unlink()
    with pytest.raises(FileNotFoundError, match="org/old has no config.json"):
        BERT.from_pretrained("org/old")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FAILURES = {
    "no network": (
        lambda: caused(LocalEntryNotFoundError("An error happened."), OSError("name or\nservice not known")),
        "OSError: name or service not known",
    ),
    "offline": (lambda: LocalEntryNotFoundError("not in the cache."), "LocalEntryNotFoundError: not in the cache"),
    "offline mode": (lambda: OfflineModeIsEnabled("HF_HUB_OFFLINE=1"), "OfflineModeIsEnabled: HF_HUB_OFFLINE=1"),
    "no such model": (
        lambda: RepositoryNotFoundError("404 Client Error", response=response(404)),
        "RepositoryNotFoundError: 404 Client Error",
    ),
    "another library": (lambda: type("ProxyError", (Exception,), {})("no proxy"), "ProxyError: no proxy"),
}


@pytest.mark.parametrize("failure", FAILURES)
@both
def test_without_the_hub_it_says_what_to_do(
    kind: str, failure: str, lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, reason = FAILURES[failure]

    def download(name: str, file: str) -> str:
        raise error()

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PretrainedUnavailable) as found:
        CLASSES[kind][0].from_pretrained("org/model")
    assert isinstance(found.value, ConnectionError)
    message = str(found.value)
    for part in (reason, "`org/model`", CONFIG, "https://huggingface.co/org/model", '`"./model"`'):
        assert part in message
    assert "hf download org/model config.json model.safetensors --local-dir model" in message
    assert ".." not in message.replace('"./model"', "") and "\n" not in message
    assert bool(re.search("[а-я]{4}", message)) == (lang == "ru")


def test_the_hub_itself_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real library, told to stay offline: its errors are the ones that are caught."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PretrainedUnavailable, match="The model `org/model` could not be obtained: "):
        GPT.from_pretrained("org/model")


@pytest.mark.parametrize("name", ["gpt 2", "a--b..c", "-gpt", "x" * 200])
def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(ValueError, match="is neither a folder nor a name that the hub could have") as error:
        GPT.from_pretrained(name)
    assert isinstance(error.value.__cause__, HFValidationError)


def test_the_hub_is_known_only_to_those_who_ask_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made("gpt").save_pretrained(tmp_path)
    for name in ("huggingface_hub", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(GPT.from_pretrained(tmp_path), GPT)


def test_both_languages_say_the_same() -> None:
    path = Path(module.__file__).parent / "catalogue" / "pretrained.toml"
    texts = tomllib.loads(path.read_text("utf-8"))
    assert texts.keys() <= catalogue().keys()
    assert texts.keys() == set(re.findall(r'say\("(pretrained[\w.-]+)"', Path(module.__file__).read_text("utf-8")))
    for text in texts.values():
        fields = [sorted(re.findall(r"\{\w+\}", text[lang])) for lang in LANGUAGES]
        assert fields[0] == fields[1] and fields[0]


def test_the_norms_of_a_read_model_have_its_eps() -> None:
    for kind in KINDS:
        norms = [part for part in FROM_STATE[kind](*parts(kind)).modules() if isinstance(part, LayerNorm)]
        assert len(norms) == {"gpt": 7, "bert": 8}[kind] and {norm.eps for norm in norms} == {1e-3}
