"""The encoder of augmentation vectors."""

import keras


@keras.saving.register_keras_serializable("uniclip_keras")
class AugmentationEncoder(keras.layers.Layer):
    """MLP that embeds augmentation vectors (UniCLIP, section 3.1).

    The image encoder never sees the augmentation. Instead, this layer tells
    the projection head what happened to the view, so that the features of the
    encoder need not discard what an augmentation destroys.

    Args:
        units: Sequence of ints. The width of each layer, three in the paper.

    Call arguments:
        augmentations: float tensor `[n, entries]`. See
            `uniclip_keras.data.augmentation` for the layout.

    Returns:
        Tensor `[n, units[-1]]` in the compute dtype.

    Example:

    ```python
    encoder = AugmentationEncoder(units=(64, 64, 64))
    encoder(tf.zeros([2, 11])).shape  # (2, 64)
    ```
    """

    def __init__(self, units=(128, 128, 128), **kwargs):
        super().__init__(**kwargs)
        self.units = tuple(units)
        self.hidden = [
            keras.layers.Dense(
                width, activation="gelu", dtype=self.dtype_policy
            )
            for width in self.units[:-1]
        ]
        self.embedding = keras.layers.Dense(
            self.units[-1], dtype=self.dtype_policy
        )

    def build(self, input_shape):
        width = input_shape[-1]
        for dense in (*self.hidden, self.embedding):
            dense.build((None, width))
            width = dense.units
        self.built = True

    def call(self, augmentations):
        x = augmentations
        for dense in self.hidden:
            x = dense(x)
        return self.embedding(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
