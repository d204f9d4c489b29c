"""Projection heads of texts, and of views for self-supervision."""

import keras
from keras import layers
from keras import ops

from uniclip_keras.errors import InputError
from uniclip_keras.layers.sublayers import dense_sublayer
from uniclip_keras.layers.sublayers import sublayer


@keras.saving.register_keras_serializable("uniclip_keras")
class TextProjection(layers.Layer):
    """Linear head for texts, as in CLIP (UniCLIP, section 3.1).

    Args:
        embedding_dim: int. The size of the embedding.
        use_bias: bool. Whether the head has a bias, as SigLIP's has.

    Call arguments:
        features: float tensor `[n, width]` from the text encoder.

    Returns:
        Tensor `[n, embedding_dim]` in the compute dtype, not normalized.

    Example:

    ```python
    TextProjection(embedding_dim=16)(tf.zeros([2, 32])).shape  # (2, 16)
    ```
    """

    def __init__(self, embedding_dim, use_bias=False, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim = embedding_dim
        self.use_bias = use_bias

    def build(self, input_shape):
        width = input_shape[-1]
        self.projection = dense_sublayer(
            self,
            "projection",
            width,
            self.embedding_dim,
            use_bias=self.use_bias,
        )
        self.built = True

    def call(self, features):
        return self.projection(features)

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable("uniclip_keras")
class ViewProjection(layers.Layer):
    """MLP over image features for self-supervision (SLIP, Mu et al. 2022).

    Batch normalization and a ReLU follow each dense layer but the last. The
    head embeds the strong views of an image in a space of their own. As in
    SLIP's code, momentum and epsilon are the defaults of PyTorch. Statistics
    are those of all replicas.

    Args:
        units: Sequence of ints. The width of each layer, 1 or more.

    Call arguments:
        features: float tensor `[n, width]` from the image encoder.
        training: bool. Whether to normalize with the statistics of the batch.

    Returns:
        Tensor `[n, units[-1]]` in the compute dtype, not normalized.

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
                f"units={units!r}: give the view head the width of each layer, "
                "1 or more, such as SLIP's (4096, 4096, 256)."
            )

    def build(self, input_shape):
        self.hidden, width = [], input_shape[-1]
        norm_options = dict(momentum=0.9, epsilon=1e-5, synchronized=True)
        for index, units in enumerate(self.units[:-1]):
            # The normalization that follows would cancel a bias.
            dense = dense_sublayer(
                self, f"dense_{index}", width, units, use_bias=False
            )
            norm = sublayer(
                layers.BatchNormalization,
                self,
                f"norm_{index}",
                units,
                **norm_options,
            )
            self.hidden.append((dense, norm))
            width = units
        self.projection = dense_sublayer(
            self, "projection", width, self.units[-1]
        )
        self.built = True

    def call(self, features, training=False):
        x = features
        for dense, norm in self.hidden:
            x = ops.relu(norm(dense(x), training=training))
        return self.projection(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
