"""The weights counted from sizes are those that the real models have: built from their configurations, without memory."""

from __future__ import annotations

import pytest
import torch
import transformers

from course_lib import model_weights
from course_lib.feed_forward import FeedForward
from course_lib.model_weights import MODELS, attention_weights, count, feed_forward_weights
from course_lib.multi_head import MultiHeadAttention

LLAMA = {
    "vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False,
}  # fmt: skip
T5 = {"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12, "feed_forward_proj": "relu"}
REAL = {
    "BERT-base": lambda: transformers.BertModel(transformers.BertConfig(), add_pooling_layer=False),
    "GPT-2": lambda: transformers.GPT2Model(transformers.GPT2Config()),
    "T5-base": lambda: transformers.T5Model(transformers.T5Config(**T5)),
    "Llama 3 8B": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA)),
}


def real_counts(name: str) -> dict[str, int]:
    """The numbers of weights of the library's model, sorted by the names of its parameters."""
    with torch.device("meta"):
        model = REAL[name]()
    counts = dict.fromkeys(count(MODELS[name]), 0)
    for path, weight in model.named_parameters():
        counts[part_of(path)] += weight.numel()
    return counts


def part_of(path: str) -> str:
    lower = path.lower()
    if any(word in lower for word in ("layernorm", "layer_norm", "norm.weight", "ln_")):
        return "normalisation"
    if "EncDecAttention" in path:
        return "cross-attention"
    if "attention" in lower or "attn" in lower:
        return "attention"
    if any(word in lower for word in ("mlp", "densereludense", "intermediate", "output.dense")):
        return "feed-forward"
    if any(word in lower for word in ("embed", "wte", "wpe", "shared", "lm_head")):
        return "embeddings"
    raise AssertionError(f"whose is {path}?")


@pytest.mark.parametrize("name", MODELS)
def test_counts_are_those_of_the_real_models(name):
    assert count(MODELS[name]) == real_counts(name)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("gated", [True, False])
def test_one_block_counted_is_the_block_of_the_course(gated, bias):
    layer = FeedForward(12, 20, "swiglu" if gated else "relu", bias=bias)
    assert feed_forward_weights(12, 20, gated=gated, bias=bias) == sum(p.numel() for p in layer.parameters())
    attention = MultiHeadAttention(12, 4, bias=bias)
    assert attention_weights(12, 4, bias=bias) == sum(p.numel() for p in attention.parameters())


def test_every_model_of_the_lesson_is_compared():
    assert set(REAL) == set(model_weights.MODELS)
