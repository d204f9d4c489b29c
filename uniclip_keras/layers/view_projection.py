"""The projection head for the strong views of SLIP."""

import keras

from uniclip_keras.errors import InputError


@keras.saving.register_keras_serializable("uniclip_keras")
class ViewProjection(keras.layers.Layer):
    """MLP over image features for self-supervision (SLIP, Mu et al. 2022).

    Batch normalization and a ReLU follow each dense layer but the last. The
    head embeds the strong views of an image in a space of their own. As in
    SLIP's code, momentum and epsilon are the defaults of PyTorch. Statistics
    are those of all replicas.

    Args:
        units: Sequence of ints. The width of each layer; the last one is the
            size of the embedding.

    Call arguments:
        features: float tensor `[n, width]` from the image encoder.
        training: bool. Whether to normalize with the statistics of the batch.

    Returns:
        Tensor `[n, units[-1]]` in the compute dtype, not normalized.

    Raises:
        InputError: If there is no layer, or a width is below 1.

    Example:

    ```python
    head = ViewProjection(units=(64, 64, 16))
    head(tf.zeros([2, 32])).shape  # (2, 16)
    ```
    """

    def __init__(self, units=(4096, 4096, 256), **kwargs):
        super().__init__(**kwargs)
        self.units = tuple(units)
        if not self.units or min(self.units) < 1:
            raise InputError(
                f"units={units!r} is not allowed for the view head; give the "
                "width of at least one layer, each 1 or more, such as SLIP's "
                "(4096, 4096, 256)."
            )

    def build(self, input_shape):
        policy = self.dtype_policy
        self.hidden, width = [], input_shape[-1]
        for index, units in enumerate(self.units[:-1]):
            # The normalization that follows would cancel a bias.
            dense = keras.layers.Dense(
                units, use_bias=False, dtype=policy, name=f"dense_{index}"
            )
            norm = keras.layers.BatchNormalization(
                momentum=0.9,
                epsilon=1e-5,
                synchronized=True,
                dtype=policy,
                name=f"norm_{index}",
            )
            dense.build((None, width))
            norm.build((None, units))
            self.hidden.append((dense, norm))
            width = units
        self.projection = keras.layers.Dense(
            self.units[-1], dtype=policy, name="projection"
        )
        self.projection.build((None, width))
        self.built = True

    def call(self, features, training=False):
        x = features
        for dense, norm in self.hidden:
            x = keras.ops.relu(norm(dense(x), training=training))
        return self.projection(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units[-1])

    def get_config(self):
        return {**super().get_config(), "units": self.units}
