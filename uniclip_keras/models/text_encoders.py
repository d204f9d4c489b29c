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
    name="text_encoder",
):
    """KerasHub's CLIP text transformer, causal; the defaults are CLIP's own.

    Features are the last layer's state at the end token, found as the
    position of the largest id: the tokenizer must give it the largest one.

    Args:
        vocabulary_size: number of token ids.
        context_length: tokens per text.
        width: token width.
        layers: number of transformer layers.
        heads: attention heads per layer.

    Returns:
        `keras.Model`: int `[b, context_length]` -> `[b, width]`.

    Raises:
        InputError: when the heads do not divide the width.
    """
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
    features = EndTokenPooling(name="features")(states, tokens)
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
