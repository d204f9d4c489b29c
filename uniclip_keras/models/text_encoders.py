"""Text encoders: Keras models from token ids to features [b, width]."""

import keras
import keras_hub

from uniclip_keras.errors import InputError


def clip_text(
    vocabulary_size=49408,
    context_length=77,
    width=512,
    layers=12,
    heads=8,
    pooling="end",
    name="text_encoder",
):
    """KerasHub's CLIP text transformer, causal; the defaults are CLIP's own.

    Args:
        vocabulary_size: number of token ids.
        context_length: tokens per text.
        width: token width.
        layers: number of transformer layers.
        heads: attention heads per layer.
        pooling: "end" takes the last layer's state at the end token, which
            the tokenizer must give the largest id (CLIP); "mean" averages
            the states of all tokens but padding (id 0), from which a small
            tower learns faster.

    Returns:
        `keras.Model`: int `[b, context_length]` -> `[b, width]`.

    Raises:
        InputError: when the heads do not divide the width, or for another
            pooling.
    """
    if pooling not in POOLINGS:
        raise InputError(
            f"pooling={pooling!r} is unknown; choose from {sorted(POOLINGS)}."
        )
    if width % heads:
        raise InputError(
            f"width={width} of the text encoder is not divisible by "
            f"heads={heads}; choose a multiple."
        )
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
    """The state at each text's end token, the largest id of its row.

    Call arguments:
        states: float tensor `[b, length, width]`.
        tokens: int tensor `[b, length]`.

    Returns:
        tensor `[b, width]`.
    """

    def call(self, states, tokens):
        end = keras.ops.argmax(tokens, axis=-1)
        picked = keras.ops.take_along_axis(states, end[:, None, None], axis=1)
        return keras.ops.squeeze(picked, axis=1)

    def compute_output_shape(self, states_shape, tokens_shape=None):
        return (states_shape[0], states_shape[-1])


@keras.saving.register_keras_serializable("uniclip_keras")
class MeanTokenPooling(keras.layers.Layer):
    """The mean state of each text's tokens, padding (id 0) left out.

    Call arguments:
        states: float tensor `[b, length, width]`.
        tokens: int tensor `[b, length]`.

    Returns:
        tensor `[b, width]`.
    """

    def call(self, states, tokens):
        present = keras.ops.cast(keras.ops.not_equal(tokens, 0), states.dtype)
        weights = present / keras.ops.sum(present, axis=-1, keepdims=True)
        return keras.ops.einsum("bl,blw->bw", weights, states)

    def compute_output_shape(self, states_shape, tokens_shape=None):
        return (states_shape[0], states_shape[-1])


POOLINGS = {"end": EndTokenPooling, "mean": MeanTokenPooling}
