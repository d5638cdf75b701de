"""Where the weights of real models are: counted from the sizes in their configuration files; lesson 06."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Configuration:
    """The sizes of a transformer that decide how many weights it has.

    Attributes:
        d_model: D.
        d_ff: the size of the hidden vector of a feed-forward layer.
        heads: H, of queries.
        key_heads: heads of keys and values; H unless queries share them.
        encoder_blocks, decoder_blocks: how many blocks there are with one attention and, in the decoder, with a second one
            that looks at the encoder (cross-attention). Blocks without cross-attention count as the encoder's, also where
            they have a causal mask.
        vocabulary: rows of the embedding table.
        other_rows: rows of further tables that are added to it (positions, segments).
        gated: whether a feed-forward layer has three matrices, not two.
        bias: whether the linear layers have biases, and the normalisations a β.
        final_norms: normalisations outside the blocks.
        tied: whether the read-out shares the embedding table.
        relative_biases: learned biases of distances, all tables together.
    """

    d_model: int
    d_ff: int
    heads: int
    encoder_blocks: int
    vocabulary: int
    key_heads: int | None = None
    decoder_blocks: int = 0
    other_rows: int = 0
    gated: bool = False
    bias: bool = True
    final_norms: int = 1
    tied: bool = True
    relative_biases: int = 0


MODELS = {
    # Devlin et al. 2019, without the layer over [CLS]; 512 positions and 2 segments.
    "BERT-base": Configuration(768, 3072, 12, 12, 30_522, other_rows=514),
    # Radford et al. 2019, the smallest; 1,024 positions.
    "GPT-2": Configuration(768, 3072, 12, 12, 50_257, other_rows=1024),
    # Raffel et al. 2020; 32 buckets for each of 12 heads, once in the encoder and once in the decoder.
    "T5-base": Configuration(
        768, 3072, 12, 12, 32_128, decoder_blocks=12, bias=False, final_norms=2, relative_biases=2 * 32 * 12
    ),
    # Grattafiori et al. 2024, table 3.
    "Llama 3 8B": Configuration(
        4096, 14_336, 32, 32, 128_256, key_heads=8, gated=True, bias=False, tied=False
    ),
}  # fmt: skip


def count(model: Configuration) -> dict[str, int]:
    """How many weights each part has, over all blocks: ``"attention"``, ``"cross-attention"``, ``"feed-forward"``,
    ``"normalisation"``, ``"embeddings"`` (a read-out of its own among them)."""
    blocks = model.encoder_blocks + model.decoder_blocks
    attention = attention_weights(model.d_model, model.heads, model.key_heads, bias=model.bias)
    norm = 2 * model.d_model if model.bias else model.d_model
    rows = model.vocabulary * (1 if model.tied else 2) + model.other_rows
    return {
        "attention": blocks * attention + model.relative_biases,
        "cross-attention": model.decoder_blocks * attention,
        "feed-forward": blocks * feed_forward_weights(model.d_model, model.d_ff, gated=model.gated, bias=model.bias),
        "normalisation": (2 * blocks + model.decoder_blocks + model.final_norms) * norm,
        "embeddings": rows * model.d_model,
    }


def attention_weights(d_model: int, heads: int, key_heads: int | None = None, *, bias: bool = True) -> int:
    """The weights of one attention: W_Q, W_K, W_V and W_O with their biases.

    Args:
        d_model: D.
        heads: H, a divisor of D.
        key_heads: heads of keys and values; H by default.
        bias: whether each of the four has a bias.
    """
    narrow = d_model // heads * (heads if key_heads is None else key_heads)
    return 2 * d_model * (d_model + narrow) + (2 * (d_model + narrow) if bias else 0)


def feed_forward_weights(d_model: int, d_ff: int, *, gated: bool = False, bias: bool = True) -> int:
    """The weights of one feed-forward layer: two matrices, or three if it is gated (SwiGLU), with their biases."""
    wide = 2 if gated else 1
    return (wide + 1) * d_model * d_ff + (wide * d_ff + d_model if bias else 0)
