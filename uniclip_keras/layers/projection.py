"""Projection heads: from encoder features to the shared embedding space."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("uniclip_keras")
class ImageProjection(keras.layers.Layer):
    """Augmentation-aware residual head of the images (UniCLIP, section 3.1).

    `concat(features, augmentation embedding)` is projected to `hidden_dim`,
    passes `blocks` residual MLP blocks and is projected to the embedding.
    With `blocks=0` and no augmentation embedding it is CLIP's linear head.

    Args:
        embedding_dim: size of the embedding.
        blocks: number of residual blocks.
        hidden_dim: width inside the head; the feature size by default.

    Call arguments:
        features: float tensor `[n, width]` from the image encoder.
        augmentation: float tensor `[n, a]` from an `AugmentationEncoder`, or
            None for a head that does not know of augmentations. A head keeps
            the choice that it was built with.

    Returns:
        tensor `[n, embedding_dim]` in the compute dtype, not normalised.
    """

    def __init__(self, embedding_dim, blocks=3, hidden_dim=None, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim = embedding_dim
        self.blocks = blocks
        self.hidden_dim = hidden_dim

    def build(self, features_shape, augmentation_shape=None):
        width = features_shape[-1]
        hidden_dim = self.hidden_dim or width
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
        config.update(
            embedding_dim=self.embedding_dim,
            blocks=self.blocks,
            hidden_dim=self.hidden_dim,
        )
        return config


@keras.saving.register_keras_serializable("uniclip_keras")
class ResidualMLP(keras.layers.Layer):
    """Pre-norm residual block `x + W2 gelu(W1 norm(x))`, width unchanged.

    Call arguments:
        x: float tensor `[n, width]`.

    Returns:
        tensor `[n, width]` in the compute dtype.
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
    """Linear head of the texts (UniCLIP, section 3.1; as in CLIP).

    Args:
        embedding_dim: size of the embedding.

    Call arguments:
        features: float tensor `[n, width]` from the text encoder.

    Returns:
        tensor `[n, embedding_dim]` in the compute dtype, not normalised.
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
        config = super().get_config()
        config.update(embedding_dim=self.embedding_dim)
        return config
