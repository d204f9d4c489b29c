"""SLIP's head: strong views of an image in a space of their own."""

import keras

from uniclip_keras.errors import InputError


@keras.saving.register_keras_serializable("uniclip_keras")
class ViewProjection(keras.layers.Layer):
    """MLP over encoder features for self-supervision (SLIP, Mu et al. 2022).

    Every layer but the last is linear, normalised over the batch and
    rectified; the last one is linear alone. SLIP's head is three layers wide
    4096, 4096 and 256. The statistics are those of all replicas; momentum and
    epsilon are PyTorch's defaults, which its code keeps.

    Args:
        units: width of each layer; the last one is the embedding's size.

    Call arguments:
        features: float tensor `[n, width]` from the image encoder.
        training: whether to normalise by the batch's own statistics.

    Returns:
        tensor `[n, units[-1]]` in the compute dtype, not normalised.

    Raises:
        InputError: without any layer, or for a width below 1.

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
                f"view head units={units!r} must name the width of at least "
                "one layer, each 1 or more; (4096, 4096, 256) are SLIP's."
            )

    def build(self, input_shape):
        policy = self.dtype_policy
        self.hidden, width = [], input_shape[-1]
        for index, units in enumerate(self.units[:-1]):
            # The normalization that follows would take a bias away again.
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
        config = super().get_config()
        config.update(units=self.units)
        return config
