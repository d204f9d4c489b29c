"""Text encoders: Keras models from int `[b, length]` to `[b, width]`."""

import keras
import keras_hub

from uniclip_keras.errors import InputError
from uniclip_keras.models.towers import apply_blocks
from uniclip_keras.models.towers import check_heads
from uniclip_keras.models.towers import check_layers


def clip_text(
    vocabulary_size=49408,
    context_length=77,
    width=512,
    layers=12,
    heads=8,
    pooling="end",
    mlp_width=None,
    activation="quick_gelu",
    name="text_encoder",
):
    """Makes CLIP's causal text transformer; the defaults are CLIP's.

    Args:
        vocabulary_size: int. Number of token ids.
        context_length: int. Tokens per text.
        width: int. Token width.
        layers: int. Number of transformer layers.
        heads: int. Attention heads per layer.
        pooling: str. "end" takes the last layer's state at the end token, to
            which the tokenizer must give the largest id (CLIP); only that
            token goes through all of the last layer. "mean" averages the
            states of all tokens except padding (id 0); a small encoder learns
            faster from it.
        mlp_width: int or None. Hidden width of the MLPs, `4 * width` by
            default.
        activation: str. OpenAI's "quick_gelu", or "gelu" of many models that
            were trained like it.
        name: str. Name of the model.

    Raises:
        InputError: If the heads do not divide the width, the pooling or the
            activation is unknown, or there is no layer.
    """
    if pooling not in ("end", "mean"):
        raise InputError(
            f"pooling={pooling!r} is unknown; choose from ['end', 'mean']."
        )
    check_heads(width, heads)
    check_layers(layers)
    tokens = keras.Input((context_length,), dtype="int32", name="tokens")
    x = keras_hub.layers.TokenAndPositionEmbedding(
        vocabulary_size, context_length, width, name="embedding"
    )(tokens)
    end = keras.ops.argmax(tokens, axis=-1) if pooling == "end" else None
    x = apply_blocks(
        x,
        layers,
        heads,
        mlp_width or 4 * width,
        positions=end,
        activation=activation,
        causal=True,
        epsilon=1e-5,
    )
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    if pooling == "mean":
        x = MeanTokenPooling(name="features")(x, tokens)
    return keras.Model(tokens, x, name=name)


def siglip_text(
    vocabulary_size=32_000,
    context_length=64,
    width=768,
    layers=12,
    heads=12,
    mlp_width=None,
    activation="gelu_tanh",
    name="text_encoder",
):
    """Makes SigLIP's text transformer (Zhai et al., 2023); see `clip_text`.

    Tokens attend in both directions, to padding too. Features are the last
    layer's state at the last position, whatever its token; only that one goes
    through all of the last layer.

    Raises:
        InputError: If the heads do not divide the width, the activation is
            unknown, or there is no layer.
    """
    check_heads(width, heads)
    check_layers(layers)
    tokens = keras.Input((context_length,), dtype="int32", name="tokens")
    x = keras_hub.layers.TokenAndPositionEmbedding(
        vocabulary_size, context_length, width, name="embedding"
    )(tokens)
    x = apply_blocks(
        x,
        layers,
        heads,
        mlp_width or 4 * width,
        positions=context_length - 1,
        activation=activation,
    )
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    return keras.Model(tokens, x, name=name)


@keras.saving.register_keras_serializable("uniclip_keras")
class MeanTokenPooling(keras.layers.Layer):
    """Averages each text's states over its tokens except padding (id 0)."""

    def call(self, states, tokens):
        present = keras.ops.cast(keras.ops.not_equal(tokens, 0), states.dtype)
        weights = present / keras.ops.sum(present, axis=-1, keepdims=True)
        return keras.ops.einsum("bl,blw->bw", weights, states)
