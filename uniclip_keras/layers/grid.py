"""Grids of pixels and of tokens in other sizes."""

import math

import keras
import keras_hub
import numpy as np


def area_weights(old, new):
    """Returns the float32 matrix `[new, old]` that resizes by area.

    Each new cell averages the old ones by the share of it that they cover:
    for half as many cells, the mean of two each.
    """
    edges = np.arange(new + 1) * (old / new)
    cells = np.arange(old)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(
        edges[:-1, None], cells
    )
    return (np.maximum(overlap, 0.0) * (new / old)).astype(np.float32)


def resize_by_area(images, size):
    """Resizes float images `[n, h, w, c]` to `[n, size, size, c]`."""
    rows, columns = (area_weights(old, size) for old in images.shape[1:3])
    return keras.ops.einsum("ph,nhwc,qw->npqc", rows, images, columns)


@keras.saving.register_keras_serializable("uniclip_keras")
class GridPositions(keras_hub.layers.PositionEmbedding):
    """Learned positions of a square grid of tokens, of any size.

    A class token may come first. A grid of another size than the one the layer
    was built for takes these positions resized by area, as do images.

    Call arguments:
        inputs: float tensor `[b, t, width]`.

    Returns:
        Tensor of the same shape, to be added to the inputs.
    """

    def call(self, inputs):
        if inputs.shape[1] == self.sequence_length:
            return super().call(inputs)
        old, first = grid_of(self.sequence_length)
        new, _ = grid_of(inputs.shape[1])
        weights = np.kron(area_weights(old, new), area_weights(old, new))
        table = keras.ops.convert_to_tensor(self.position_embeddings)
        weights = keras.ops.cast(weights, table.dtype)
        table = keras.ops.concatenate(
            [table[:first], keras.ops.matmul(weights, table[first:])], axis=0
        )
        return keras.ops.broadcast_to(table, keras.ops.shape(inputs))


def grid_of(tokens):
    """Returns `(side, 0 or 1)`: a square grid, and a class token before it."""
    side = math.isqrt(tokens)
    return side, tokens - side**2
