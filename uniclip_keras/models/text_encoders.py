"""Text encoders: Keras models from int `[b, length]` to `[b, width]`."""

import keras
import keras_hub

from uniclip_keras.errors import InputError
from uniclip_keras.models.towers import check_heads


def clip_text(
    vocabulary_size=49408,
    context_length=77,
    width=512,
    layers=12,
    heads=8,
    pooling="end",
    name="text_encoder",
):
    """Makes KerasHub's causal CLIP text transformer; the defaults are CLIP's.

    Args:
        vocabulary_size: int. Number of token ids.
        context_length: int. Tokens per text.
        width: int. Token width.
        layers: int. Number of transformer layers.
        heads: int. Attention heads per layer.
        pooling: str. "end" takes the last layer's state at the end token, to
            which the tokenizer must give the largest id (CLIP). "mean"
            averages the states of all tokens except padding (id 0); a small
            encoder learns faster from it.
        name: str. Name of the model.

    Raises:
        InputError: If the heads do not divide the width, or the pooling is
            unknown.
    """
    if pooling not in POOLINGS:
        raise InputError(
            f"pooling={pooling!r} is unknown; choose from {sorted(POOLINGS)}."
        )
    check_heads(width, heads)
    transformer = keras_hub.models.CLIPTextEncoder(
        vocabulary_size=vocabulary_size,
        embedding_dim=width,
        hidden_dim=width,
        num_layers=layers,
        num_heads=heads,
        intermediate_dim=4 * width,
        max_sequence_length=context_length,
    )
    tokens = keras.Input((context_length,), dtype="int32", name="tokens")
    states = transformer({"token_ids": tokens})
    features = POOLINGS[pooling](name="features")(states, tokens)
    return keras.Model(tokens, features, name=name)


@keras.saving.register_keras_serializable("uniclip_keras")
class EndTokenPooling(keras.layers.Layer):
    """States `[b, length, width]` -> those at the end tokens, `[b, width]`.

    The end token is the largest id of its row of tokens `[b, length]`.
    """

    def call(self, states, tokens):
        end = keras.ops.argmax(tokens, axis=-1)
        picked = keras.ops.take_along_axis(states, end[:, None, None], axis=1)
        return keras.ops.squeeze(picked, axis=1)


@keras.saving.register_keras_serializable("uniclip_keras")
class MeanTokenPooling(keras.layers.Layer):
    """Averages each text's states over its tokens except padding (id 0)."""

    def call(self, states, tokens):
        present = keras.ops.cast(keras.ops.not_equal(tokens, 0), states.dtype)
        weights = present / keras.ops.sum(present, axis=-1, keepdims=True)
        return keras.ops.einsum("bl,blw->bw", weights, states)


POOLINGS = {"end": EndTokenPooling, "mean": MeanTokenPooling}
