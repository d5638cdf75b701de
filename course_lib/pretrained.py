"""GPT-2's and BERT's weights as others keep them: the names of ``transformers``, its ``config.json``, ``model.safetensors``.

Lesson 08 reads models of others and writes its own so that others can. The names are those of the ``transformers`` library,
which has no description of them; two of its habits matter. GPT-2 keeps a matrix as it is applied, x W (``Conv1D``), and the
matrices of queries, keys and values side by side in one; BERT keeps the transpose (``nn.Linear``), three matrices apart.

Much more fits into a configuration than the two classes of the course have: what would compute something else is refused,
rather than read half. The weights keep their type: a file in float16 makes a model in float16.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_lib.bert import BERT
from course_lib.feed_forward import Activation
from course_lib.files import replace_file
from course_lib.gpt import GPT
from course_lib.language import say
from course_lib.normalisation import LayerNorm

if TYPE_CHECKING:
    from transformers import BertForPreTraining, GPT2LMHeadModel

CONFIG, WEIGHTS = "config.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
"""Names the files of a model whose weights are spread over several."""
PICKLE = "pytorch_model.bin"

_NEW_NAMES = {"gamma": "weight", "beta": "bias"}
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_ACTIVATIONS: dict[str, Activation] = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
_ACTIVATION_NAMES = {"relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_new"}


class PretrainedUnavailable(ConnectionError):
    """A model of the hub cannot be had: no network and not in the cache, or no such model there."""


@dataclass(frozen=True)
class _Family:
    """How ``transformers`` writes down one of the two models.

    Attributes:
        title: what messages call it.
        model: the course's class.
        kind, architecture: ``model_type`` and the class in ``transformers``.
        entries: which entry of the configuration holds an argument of ``model``.
        defaults: the values of entries that old files leave out.
        activations: those that ``model`` can be given; BERT's head of masked language modelling has that of the blocks in
            ``transformers``, and always the exact GELU here.
        plain: further entries, with the one value that the course's class can do.
        free: what is written besides where nobody asks for another value.
        names: from L to {their name: our names, whose tensors stand side by side in theirs}.
        transposed: whether matrices are kept as nn.Linear does.
        prefix: what the names of the body begin with, and none does in files of a model without heads.
        heads: what the names of the heads begin with.
        ties: names that stand for the weights of another name.
        ignored: names of tensors that are no weights.
    """

    title: str
    model: type[GPT] | type[BERT]
    kind: str
    architecture: str
    entries: Mapping[str, str]
    defaults: Mapping[str, Any]
    activations: tuple[Activation, ...]
    plain: Mapping[str, Any]
    free: Mapping[str, Any]
    names: Callable[[int], dict[str, tuple[str, ...]]]
    transposed: bool
    prefix: str
    heads: str
    ties: Mapping[str, str]
    ignored: re.Pattern[str]


_ALWAYS_PLAIN = {
    "tie_word_embeddings": True,
    "add_cross_attention": False,
    "is_encoder_decoder": False,
    "pruned_heads": {},
    "quantization_config": None,
}
# Tokens that the library would otherwise assume; which numbers they have is for the vocabulary to say.
_NO_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def _layer_norm(theirs: str, ours: str) -> dict[str, tuple[str, ...]]:
    return {f"{theirs}.weight": (f"{ours}.gamma",), f"{theirs}.bias": (f"{ours}.beta",)}


def _linear(theirs: str, ours: str, *letters: str) -> dict[str, tuple[str, ...]]:
    """A weight and a bias; several letters stand side by side."""
    return {
        f"{theirs}.{kind}": tuple(f"{ours}{own}_{letter}" for letter in letters)
        for kind, own in (("weight", "W"), ("bias", "b"))
    }


def _gpt_names(layers: int) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {
        "transformer.wte.weight": ("embedding",),
        "transformer.wpe.weight": ("positions",),
    }
    for number in range(layers):
        theirs, ours = f"transformer.h.{number}", f"stack.blocks.{number}"
        names |= _layer_norm(f"{theirs}.ln_1", f"{ours}.norm_1")
        names |= _linear(f"{theirs}.attn.c_attn", f"{ours}.attention.", "Q", "K", "V")
        names |= _linear(f"{theirs}.attn.c_proj", f"{ours}.attention.", "O")
        names |= _layer_norm(f"{theirs}.ln_2", f"{ours}.norm_2")
        names |= _linear(f"{theirs}.mlp.c_fc", f"{ours}.feed_forward.", "1")
        names |= _linear(f"{theirs}.mlp.c_proj", f"{ours}.feed_forward.", "2")
    return names | _layer_norm("transformer.ln_f", "stack.norm")


def _bert_names(layers: int) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {
        "bert.embeddings.word_embeddings.weight": ("embedding",),
        "bert.embeddings.position_embeddings.weight": ("positions",),
        "bert.embeddings.token_type_embeddings.weight": ("segments",),
        "cls.predictions.bias": ("b_out",),
    }
    names |= _layer_norm("bert.embeddings.LayerNorm", "norm")
    for number in range(layers):
        theirs, ours = f"bert.encoder.layer.{number}", f"stack.blocks.{number}"
        for word, letter in (("query", "Q"), ("key", "K"), ("value", "V")):
            names |= _linear(f"{theirs}.attention.self.{word}", f"{ours}.attention.", letter)
        names |= _linear(f"{theirs}.attention.output.dense", f"{ours}.attention.", "O")
        names |= _layer_norm(f"{theirs}.attention.output.LayerNorm", f"{ours}.norm_1")
        names |= _linear(f"{theirs}.intermediate.dense", f"{ours}.feed_forward.", "1")
        names |= _linear(f"{theirs}.output.dense", f"{ours}.feed_forward.", "2")
        names |= _layer_norm(f"{theirs}.output.LayerNorm", f"{ours}.norm_2")
    names |= _linear("bert.pooler.dense", "", "pool")
    names |= _linear("cls.predictions.transform.dense", "", "head")
    names |= _layer_norm("cls.predictions.transform.LayerNorm", "norm_head")
    return names | _linear("cls.seq_relationship", "", "next")


_GPT2 = _Family(
    title="GPT-2",
    model=GPT,
    kind="gpt2",
    architecture="GPT2LMHeadModel",
    entries={
        "vocabulary": "vocab_size",
        "longest": "n_positions",
        "d_model": "n_embd",
        "heads": "n_head",
        "layers": "n_layer",
        "d_ff": "n_inner",
        "activation": "activation_function",
        "eps": "layer_norm_epsilon",
    },
    defaults={"n_inner": None, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5},
    activations=("relu", "gelu", "gelu_tanh"),
    plain={
        **_ALWAYS_PLAIN,
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "reorder_and_upcast_attn": False,
    },
    free={"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, **_NO_TOKENS},
    names=_gpt_names,
    transposed=False,
    prefix="transformer.",
    heads="lm_head.",
    ties={"lm_head.weight": "transformer.wte.weight"},
    # The causal mask, and the number that stood for minus infinity, once were kept with the weights.
    ignored=re.compile(r"transformer\.h\.\d+\.attn\.(bias|masked_bias)"),
)

_BERT = _Family(
    title="BERT with its pre-training heads",
    model=BERT,
    kind="bert",
    architecture="BertForPreTraining",
    entries={
        "vocabulary": "vocab_size",
        "longest": "max_position_embeddings",
        "d_model": "hidden_size",
        "heads": "num_attention_heads",
        "layers": "num_hidden_layers",
        "d_ff": "intermediate_size",
        "segments": "type_vocab_size",
        "activation": "hidden_act",
        "eps": "layer_norm_eps",
    },
    defaults={"type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12},
    activations=("gelu",),
    plain={**_ALWAYS_PLAIN, "is_decoder": False, "position_embedding_type": "absolute"},
    free={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, **_NO_TOKENS},
    names=_bert_names,
    transposed=True,
    prefix="bert.",
    heads="cls.",
    ties={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored=re.compile(r"bert\.embeddings\.(position_ids|token_type_ids)"),
)


# ------------------------------------------------------------------------------------------------------ configurations


def _arguments(family: _Family, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the course's class is made with.

    Raises:
        ValueError: if an entry is missing, or asks for what the class has not.
    """
    if config.get("model_type", family.kind) != family.kind:  # the oldest files leave it out
        raise ValueError(f"the configuration is one of {config['model_type']!r}, not of {family.kind!r}")
    for entry, plain in family.plain.items():
        found = config.get(entry)
        if found is not None and found != plain:
            raise ValueError(f"the configuration has {entry} = {found!r}, which has no counterpart here")
    arguments = {}
    for argument, entry in family.entries.items():
        if entry not in config and entry not in family.defaults:
            raise ValueError(f"the configuration lacks {entry}")
        given = value = config.get(entry, family.defaults.get(entry))
        if argument == "activation":
            value = _ACTIVATIONS.get(given) if isinstance(given, str) else None
            fits = value in family.activations
        elif argument == "eps":
            fits = type(given) in (int, float) and 0 <= given < math.inf
        else:
            by_default = given is None and family.defaults.get(entry, 0) is None
            fits = by_default or (type(given) is int and given >= 1)
        if not fits:
            raise ValueError(f"the configuration has {entry} = {given!r}, which has no counterpart here")
        arguments[argument] = value
    return arguments


def _empty(family: _Family, arguments: Mapping[str, Any], dtype: torch.dtype) -> GPT | BERT:
    """A model without numbers: they are not drawn only to be replaced."""
    with torch.device("meta"):
        return family.model(**arguments, dtype=dtype)


def _config(family: _Family, model: GPT | BERT, further: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a model, with further entries.

    Raises:
        ValueError: if there is no such form, or a further entry contradicts the model.
    """
    kinds = {
        (block.attention.heads, block.feed_forward.d_ff, block.feed_forward.activation) for block in model.stack.blocks
    }
    epsilons = {part.eps for part in model.modules() if isinstance(part, LayerNorm)}
    if len(kinds) != 1 or len(epsilons) != 1:
        raise ValueError(f"{family.title} has blocks of one kind and one ε, not {kinds} and {epsilons}")
    ((heads, d_ff, activation),), (eps,) = kinds, epsilons
    if activation not in family.activations:
        raise ValueError(f"{family.title} has the activation {' or '.join(family.activations)}, not {activation}")
    values = {
        "vocabulary": len(model.embedding),
        "longest": model.longest,
        "d_model": model.embedding.shape[1],
        "heads": heads,
        "layers": len(model.stack.blocks),
        "d_ff": d_ff,
        "activation": _ACTIVATION_NAMES[activation],
        "eps": eps,
    }
    if isinstance(model, BERT):
        values["segments"] = len(model.segments)
    fixed = {"model_type": family.kind, "architectures": [family.architecture]}
    fixed |= {entry: values[argument] for argument, entry in family.entries.items()}
    fixed["dtype"] = str(model.embedding.dtype).removeprefix("torch.")
    for entry, value in fixed.items():
        if entry in further and further[entry] != value:
            raise ValueError(f"the model has {entry} = {value!r}, and the further entry says {further[entry]!r}")
    return {**family.free, **further, **fixed}


# ------------------------------------------------------------------------------------------------------------- weights


def _from_state(family: _Family, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> GPT | BERT:
    arguments = _arguments(family, config)
    found = _canonical(family, state)
    names = family.names(arguments["layers"])
    for name in names:
        if name not in found:
            raise ValueError(f"the weights {name} are missing")
    for name in found:
        if name not in names:
            raise ValueError(f"the weights {name} have no place in {family.title} of {arguments['layers']} layers")
    kinds = {tensor.dtype: name for name, tensor in found.items()}
    if len(kinds) > 1 or not set(kinds) <= set(_DTYPES):
        listed = ", ".join(f"{kind} in {name}" for kind, name in kinds.items())
        raise ValueError(f"the weights must have one type of floating-point numbers, not {listed}")
    (dtype,) = kinds
    model = _empty(family, arguments, dtype)
    empty, own = model.state_dict(), {}
    for name, parts in names.items():
        tensor = found[name].detach()
        expected = _theirs(family, parts, empty).shape
        if tensor.shape != expected:
            raise ValueError(
                f"{name} has the shape {tuple(tensor.shape)}, the configuration asks for {tuple(expected)}"
            )
        tensor = tensor.T if _turned(family, parts) else tensor
        for part, values in zip(parts, tensor.chunk(len(parts), dim=-1), strict=True):
            own[part] = values.clone(memory_format=torch.contiguous_format)
    model.load_state_dict(own, assign=True)
    return model


def _canonical(family: _Family, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights under the names of today, each once."""
    found: dict[str, Tensor] = {}
    bare = not any(name.startswith(family.prefix) for name in state)
    for given, tensor in state.items():
        name = family.prefix + given if bare and not given.startswith(family.heads) else given
        name = re.sub(r"LayerNorm\.(gamma|beta)$", lambda m: "LayerNorm." + _NEW_NAMES[m[1]], name)
        if family.ignored.fullmatch(name):
            continue
        if name in found:
            raise ValueError(f"the weights {name} stand there twice, the second time as {given}")
        found[name] = tensor
    for tied, name in family.ties.items():
        if tied in found:
            tensor = found.pop(tied)
            other = found.setdefault(name, tensor)
            if other.dtype != tensor.dtype or not torch.equal(other, tensor):
                raise ValueError(f"{tied} is another matrix than {name}: such weights have no counterpart here")
    return found


def _turned(family: _Family, parts: tuple[str, ...]) -> bool:
    return family.transposed and parts[0].rsplit(".", 1)[-1].startswith("W_")


def _theirs(family: _Family, parts: tuple[str, ...], state: Mapping[str, Tensor]) -> Tensor:
    joined = torch.cat([state[part] for part in parts], dim=-1)
    return joined.T if _turned(family, parts) else joined


def _state(family: _Family, model: GPT | BERT, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Copies of the weights under their names.

    Raises:
        ValueError: if the model lacks some, has others besides, of other shapes or types; or the configuration asks for
            what the course's class has not.
    """
    own = model.state_dict()
    expected = _empty(family, _arguments(family, config), model.embedding.dtype).state_dict()
    for name in [*expected, *own]:
        if name not in own or name not in expected:
            raise ValueError(f"{family.title} has no such form: {name} is {'missing' if name in expected else 'more'}")
        for what in ("shape", "dtype"):
            if getattr(own[name], what) != getattr(expected[name], what):
                raise ValueError(
                    f"{family.title} has no such form: the {what} of {name} is {getattr(own[name], what)}, "
                    f"not {getattr(expected[name], what)}"
                )
    return {
        name: _theirs(family, parts, own).contiguous() for name, parts in family.names(len(model.stack.blocks)).items()
    }


def gpt_from_state(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> GPT:
    """A GPT of GPT-2's configuration and weights, which are copied and keep their type.

    Args:
        config: entries of ``config.json``.
        state: by name, with or without the prefix ``transformer.``; the read-out ``lm_head.weight`` may be left out, the
            buffers of old files are passed over.

    Raises:
        ValueError: if an entry or tensor is missing, unknown or of another shape, or the model would be another function;
            the message names it.
    """
    return _from_state(_GPT2, config, state)


def bert_from_state(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> BERT:
    """A BERT of the configuration and weights of ``BertForPreTraining``, which are copied and keep their type.

    Args:
        config: entries of ``config.json``.
        state: by name, with or without the prefix ``bert.``; ``cls.predictions.decoder`` may be left out, LayerNorm's
            weights may have their old names gamma and beta, the buffers of old files are passed over.

    Raises:
        ValueError: if an entry or tensor is missing, unknown or of another shape, or the model would be another function;
            the message names it.
    """
    return _from_state(_BERT, config, state)


def gpt_to_transformers(model: GPT) -> GPT2LMHeadModel:
    """``transformers``' GPT-2 with copies of these weights, in evaluation mode, all dropout 0.

    Raises:
        ValueError: if GPT-2 has no such form: no biases, another activation than ReLU or GELU.
    """
    import transformers  # takes seconds, and only this needs it

    return _filled(_GPT2, model, transformers.GPT2Config, transformers.GPT2LMHeadModel)


def bert_to_transformers(model: BERT) -> BertForPreTraining:
    """``transformers``' BERT with copies of these weights, in evaluation mode, all dropout 0.

    Raises:
        ValueError: if that library's BERT has no such form: an activation other than the exact GELU.
    """
    import transformers

    return _filled(_BERT, model, transformers.BertConfig, transformers.BertForPreTraining)


def _filled(family: _Family, model: GPT | BERT, configuration: type, architecture: type[nn.Module]) -> Any:
    config = _config(family, model, {})
    state = _state(family, model, config)
    state |= {tied: state[name] for tied, name in family.ties.items()}
    theirs = architecture(configuration(**config)).to(model.embedding.dtype)
    theirs.load_state_dict(state)
    return theirs.eval()


# --------------------------------------------------------------------------------------------------------------- files


def load_gpt(name: str | os.PathLike[str]) -> GPT:
    """A GPT from a folder, or from the Hugging Face hub by its name there (``"gpt2"``, ``"distilgpt2"``).

    Args:
        name: a folder with ``config.json`` and ``model.safetensors``, or a name; what was fetched once is read from the
            cache of ``huggingface_hub``.

    Raises:
        ValueError: if it is no GPT-2, damaged, or has no weights but pickled ones, which are not opened.
        FileNotFoundError: if the folder or one of its files is not there.
        PretrainedUnavailable: if a name was given and neither the hub nor the cache has the model.
    """
    return _load(_GPT2, name)


def load_bert(name: str | os.PathLike[str]) -> BERT:
    """A BERT from a folder, or from the hub by its name there (``"bert-base-uncased"``). Arguments and errors as above."""
    return _load(_BERT, name)


def save_gpt(model: GPT, folder: str | os.PathLike[str], config: Mapping[str, Any]) -> None:
    """Write ``config.json`` and ``model.safetensors``, each whole or not at all; ``transformers`` reads them, too.

    Args:
        folder: made if it is not there.
        config: further entries of the configuration, as ``{"eos_token_id": 0}``.

    Raises:
        ValueError: if GPT-2 has no such form, or an entry contradicts the model or cannot be written.
        OSError: if the folder cannot be written to.
    """
    _save(_GPT2, model, folder, config)


def save_bert(model: BERT, folder: str | os.PathLike[str], config: Mapping[str, Any]) -> None:
    """Write ``config.json`` and ``model.safetensors`` of a BERT. Arguments and errors as in :func:`save_gpt`."""
    _save(_BERT, model, folder, config)


def _save(family: _Family, model: GPT | BERT, folder: str | os.PathLike[str], config: Mapping[str, Any]) -> None:
    from safetensors.torch import save

    whole = _config(family, model, config)
    state = _state(family, model, whole)
    try:
        text = json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the configuration cannot be written as JSON: {error}") from error
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # The configuration last: a folder that has one has the weights, too.
    replace_file(folder / WEIGHTS, save(state, metadata={"format": "pt"}))
    replace_file(folder / CONFIG, f"{text}\n".encode())


def _load(family: _Family, name: str | os.PathLike[str]) -> Any:
    path = Path(name)
    find = _in_folder(path) if path.is_dir() or _looks_like_a_path(name) else _on_the_hub(str(name))
    config = find(CONFIG)
    if config is None:
        raise FileNotFoundError(f"{name} has no {CONFIG}")
    try:
        return _from_state(family, _json(config), dict(_weights(str(name), find)))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _looks_like_a_path(name: str | os.PathLike[str]) -> bool:
    text = os.fspath(name).replace(os.sep, "/")
    return isinstance(name, os.PathLike) or text[:1] in ("", ".", "~", "/") or text[-1:] == "/" or text.count("/") > 1


def _in_folder(folder: Path) -> Callable[[str], Path | None]:
    if folder.is_file():
        raise ValueError(f"{folder} is a file: give the folder with {CONFIG} and {WEIGHTS}")
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")

    def find(file: str) -> Path | None:
        path = folder / file
        return path if path.is_file() else None

    return find


def _on_the_hub(name: str) -> Callable[[str], Path | None]:
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, LocalEntryNotFoundError

    def find(file: str) -> Path | None:
        if file == PICKLE:
            return None  # would be fetched only to be refused
        try:
            return Path(huggingface_hub.hf_hub_download(name, file))
        except HFValidationError as error:
            raise ValueError(f"{name!r} is neither a folder nor a name that the hub could have: {error}") from error
        except Exception as error:  # among them those of the HTTP library, which is another one in each version
            if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
                return None  # the hub has the model, but not this file
            cause = error.__cause__ or error  # the hub's own message on a failed connection does not say what failed
            reason = f"{type(cause).__name__}: {' '.join(str(cause).split())}".rstrip(".")
        raise PretrainedUnavailable(say("pretrained.unavailable", name=name, file=file, reason=reason))

    return find


def _weights(name: str, find: Callable[[str], Path | None]) -> Iterator[tuple[str, Tensor]]:
    """All tensors of a model's files.

    Raises:
        ValueError: if a file is damaged, a name stands in two of them, or there are only pickled weights.
        FileNotFoundError: if a file is missing.
    """
    single = find(WEIGHTS)
    if single is not None:
        yield from _tensors(single).items()
        return
    index = find(INDEX)
    if index is None:
        if find(PICKLE) is not None:
            raise ValueError(
                f"it has its weights only in {PICKLE}, a pickle: opening one can run any program, so only {WEIGHTS} is read"
            )
        raise FileNotFoundError(f"{name} has no {WEIGHTS}, and pickled weights are not read")
    places = _json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise ValueError(f"{index} has no weight_map from names to files")
    seen = set()
    for file in sorted(set(places.values())):
        if Path(file).name != file or not file.endswith(".safetensors"):
            raise ValueError(f"{index} names {file!r}, which is no safetensors file beside it")
        path = find(file)
        if path is None:
            raise FileNotFoundError(f"{name} has no {file}, which {INDEX} names")
        for key, tensor in _tensors(path).items():
            if key in seen:
                raise ValueError(f"{path}: {key} stands in another file, too")
            seen.add(key)
            yield key, tensor


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, or not in JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not an object in JSON")
    return found
