"""Projection heads from encoder features to the shared embedding space."""

import keras
from keras import layers
from keras import ops

from uniclip_keras.errors import InputError


@keras.saving.register_keras_serializable("uniclip_keras")
class ImageProjection(layers.Layer):
    """Augmentation-aware residual head for images (UniCLIP, section 3.1).

    The head concatenates the features and the embedding of the augmentation,
    projects them to the width of the features, and applies residual MLP
    blocks, layer normalization and a linear projection. With `blocks=0` and no
    augmentation embedding, it is the linear head of CLIP.

    Args:
        embedding_dim: int. The size of the embedding.
        blocks: int. The number of residual blocks.

    Call arguments:
        features: float tensor `[n, width]` from the image encoder.
        augmentation: float tensor `[n, a]` from an `AugmentationEncoder`, or
            None for a head without augmentations. Every call must agree with
            the first one on whether it is given.

    Returns:
        Tensor `[n, embedding_dim]` in the compute dtype, not normalized.

    Example:

    ```python
    head = ImageProjection(embedding_dim=16, blocks=2)
    head(tf.zeros([2, 32]), augmentation=tf.zeros([2, 8])).shape  # (2, 16)
    ```
    """

    def __init__(self, embedding_dim, blocks=3, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim = embedding_dim
        self.blocks = blocks

    def build(self, features_shape, augmentation_shape=None):
        hidden_dim = width = features_shape[-1]
        if augmentation_shape is not None:
            width += augmentation_shape[-1]
        self.entry = None
        if self.blocks:
            self.entry = _dense(self, "entry", width, hidden_dim)
            width = hidden_dim
        self.residual_blocks = [
            _sublayer(ResidualMLP, self, f"block_{index}", width)
            for index in range(self.blocks)
        ]
        self.norm = _sublayer(layers.LayerNormalization, self, "norm", width)
        self.projection = _dense(
            self, "projection", width, self.embedding_dim, use_bias=False
        )
        self.built = True

    def call(self, features, augmentation=None):
        x = features
        if augmentation is not None:
            x = ops.concatenate([x, augmentation], axis=-1)
        if self.entry is not None:
            x = self.entry(x)
        for block in self.residual_blocks:
            x = block(x)
        return self.projection(self.norm(x))

    def get_config(self):
        arguments = {"embedding_dim": self.embedding_dim, "blocks": self.blocks}
        return {**super().get_config(), **arguments}


@keras.saving.register_keras_serializable("uniclip_keras")
class ResidualMLP(layers.Layer):
    """Residual block `x + W2 gelu(W1 norm(x))` for `x` of `[n, width]`."""

    def build(self, input_shape):
        width = input_shape[-1]
        self.norm = _sublayer(layers.LayerNormalization, self, "norm", width)
        self.expand = _dense(self, "expand", width, width, activation="gelu")
        self.contract = _dense(self, "contract", width, width)
        self.built = True

    def call(self, x):
        return x + self.contract(self.expand(self.norm(x)))


@keras.saving.register_keras_serializable("uniclip_keras")
class TextProjection(layers.Layer):
    """Linear head for texts, as in CLIP (UniCLIP, section 3.1).

    Args:
        embedding_dim: int. The size of the embedding.

    Call arguments:
        features: float tensor `[n, width]` from the text encoder.

    Returns:
        Tensor `[n, embedding_dim]` in the compute dtype, not normalized.

    Example:

    ```python
    TextProjection(embedding_dim=16)(tf.zeros([2, 32])).shape  # (2, 16)
    ```
    """

    def __init__(self, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim = embedding_dim

    def build(self, input_shape):
        width = input_shape[-1]
        self.projection = _dense(
            self, "projection", width, self.embedding_dim, use_bias=False
        )
        self.built = True

    def call(self, features):
        return self.projection(features)

    def get_config(self):
        return {**super().get_config(), "embedding_dim": self.embedding_dim}


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
            dense = _dense(self, f"dense_{index}", width, units, use_bias=False)
            norm = _sublayer(
                layers.BatchNormalization,
                self,
                f"norm_{index}",
                units,
                **norm_options,
            )
            self.hidden.append((dense, norm))
            width = units
        self.projection = _dense(self, "projection", width, self.units[-1])
        self.built = True

    def call(self, features, training=False):
        x = features
        for dense, norm in self.hidden:
            x = ops.relu(norm(dense(x), training=training))
        return self.projection(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _sublayer(layer_type, layer, name, width, **options):
    """Makes and builds a part of `layer` that reads `[n, width]`."""
    part = layer_type(name=name, dtype=layer.dtype_policy, **options)
    part.build((None, width))
    return part


def _dense(layer, name, width, units, **options):
    return _sublayer(layers.Dense, layer, name, width, units=units, **options)
