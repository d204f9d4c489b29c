"""Projection heads from encoder features to the shared embedding space."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("uniclip_keras")
class ImageProjection(keras.layers.Layer):
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
        policy = self.dtype_policy
        if augmentation_shape is not None:
            width += augmentation_shape[-1]
        self.entry = None
        if self.blocks:
            self.entry = keras.layers.Dense(
                hidden_dim, dtype=policy, name="entry"
            )
            self.entry.build((None, width))
            width = hidden_dim
        self.residual_blocks = []
        for index in range(self.blocks):
            block = ResidualMLP(dtype=policy, name=f"block_{index}")
            block.build((None, width))
            self.residual_blocks.append(block)
        self.norm = keras.layers.LayerNormalization(dtype=policy, name="norm")
        self.norm.build((None, width))
        self.projection = keras.layers.Dense(
            self.embedding_dim, use_bias=False, dtype=policy, name="projection"
        )
        self.projection.build((None, width))
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

    def compute_output_shape(self, features_shape, augmentation_shape=None):
        return (*features_shape[:-1], self.embedding_dim)

    def get_config(self):
        config = super().get_config()
        config.update(embedding_dim=self.embedding_dim, blocks=self.blocks)
        return config


@keras.saving.register_keras_serializable("uniclip_keras")
class ResidualMLP(keras.layers.Layer):
    """Residual block `x + W2 gelu(W1 norm(x))` that keeps the width.

    Call arguments:
        x: float tensor `[n, width]`.

    Returns:
        Tensor `[n, width]` in the compute dtype.

    Example:

    ```python
    ResidualMLP()(tf.zeros([2, 32])).shape  # (2, 32)
    ```
    """

    def build(self, input_shape):
        width = input_shape[-1]
        policy = self.dtype_policy
        self.norm = keras.layers.LayerNormalization(dtype=policy, name="norm")
        self.expand = keras.layers.Dense(
            width, activation="gelu", dtype=policy, name="expand"
        )
        self.contract = keras.layers.Dense(width, dtype=policy, name="contract")
        for layer in (self.norm, self.expand, self.contract):
            layer.build(input_shape)
        self.built = True

    def call(self, x):
        return x + self.contract(self.expand(self.norm(x)))

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("uniclip_keras")
class TextProjection(keras.layers.Layer):
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
        self.projection = keras.layers.Dense(
            self.embedding_dim,
            use_bias=False,
            dtype=self.dtype_policy,
            name="projection",
        )
        self.projection.build(input_shape)
        self.built = True

    def call(self, features):
        return self.projection(features)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.embedding_dim)

    def get_config(self):
        return {**super().get_config(), "embedding_dim": self.embedding_dim}
