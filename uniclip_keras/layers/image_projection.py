"""The augmentation-aware head of images."""

import keras
from keras import layers
from keras import ops

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest
from uniclip_keras.layers.sublayers import dense_sublayer
from uniclip_keras.layers.sublayers import sublayer

FUSIONS = ("concatenate", "scale_and_shift", "each_block")


@keras.saving.register_keras_serializable("uniclip_keras")
class ImageProjection(layers.Layer):
    """Augmentation-aware residual head for images (UniCLIP, section 3.1).

    The head projects the features to their own width, and applies residual MLP
    blocks, layer normalization and a linear projection. With `blocks=0` and no
    augmentation embedding, it is the linear head of CLIP.

    The paper leaves open how the embedding of the augmentation enters:

    - `"concatenate"`: beside the features. A linear map of it, added to the
      projected features, would be the same function.
    - `"scale_and_shift"`: a linear map of it scales the projected features and
      is added to them (FiLM, Perez et al. 2018), by 1 and 0 at first.
    - `"each_block"`: as `"concatenate"`, and a linear map of it is added
      before each block but the first.

    Args:
        embedding_dim: int. The size of the embedding.
        blocks: int. The number of residual blocks.
        fusion: str. How the embedding enters. All ways but `"concatenate"`
            need a block.
        norm: bool. Whether to normalize before the linear projection, which
            encoders that end with a normalization do not need.

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

    def __init__(
        self,
        embedding_dim,
        blocks=3,
        fusion="concatenate",
        norm=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if fusion not in FUSIONS:
            raise InputError(
                f"fusion={fusion!r} is unknown{suggest(fusion, FUSIONS)}."
            )
        if fusion != "concatenate" and not blocks:
            raise InputError(
                f"fusion={fusion!r} needs residual blocks, and there are none; "
                "give blocks of 1 or more, or choose 'concatenate'."
            )
        self.embedding_dim = embedding_dim
        self.blocks = blocks
        self.fusion = fusion
        self.has_norm = norm

    def build(self, features_shape, augmentation_shape=None):
        hidden_dim = width = features_shape[-1]
        self.scale_and_shift, self.block_shifts = None, []
        if augmentation_shape is not None:
            units = augmentation_shape[-1]
            if self.fusion == "scale_and_shift":
                self.scale_and_shift = dense_sublayer(
                    self,
                    "scale_and_shift",
                    units,
                    2 * hidden_dim,
                    kernel_initializer="zeros",
                )
            else:
                width += units
            if self.fusion == "each_block":
                self.block_shifts = [
                    dense_sublayer(self, f"shift_{index}", units, hidden_dim)
                    for index in range(1, self.blocks)
                ]
        self.entry = None
        if self.blocks:
            self.entry = dense_sublayer(self, "entry", width, hidden_dim)
            width = hidden_dim
        self.residual_blocks = [
            sublayer(ResidualMLP, self, f"block_{index}", width)
            for index in range(self.blocks)
        ]
        self.norm = None
        if self.has_norm:
            self.norm = sublayer(layers.LayerNormalization, self, "norm", width)
        self.projection = dense_sublayer(
            self, "projection", width, self.embedding_dim, use_bias=False
        )
        self.built = True

    def call(self, features, augmentation=None):
        x = features
        if augmentation is not None and self.scale_and_shift is None:
            x = ops.concatenate([x, augmentation], axis=-1)
        if self.entry is not None:
            x = self.entry(x)
        if self.scale_and_shift is not None:
            scale, shift = ops.split(
                self.scale_and_shift(augmentation), 2, axis=-1
            )
            x = x * (1.0 + scale) + shift
        for index, block in enumerate(self.residual_blocks):
            if index and self.block_shifts:
                x = x + self.block_shifts[index - 1](augmentation)
            x = block(x)
        return self.projection(x if self.norm is None else self.norm(x))

    def start_as(self, kernel):
        """Makes the head compute `features @ kernel` until it is trained.

        The augmentation has no effect then, and the blocks add nothing.

        Args:
            kernel: Array `[width, embedding_dim]`.

        Raises:
            InputError: If the head normalizes.
        """
        if self.norm is not None:
            raise InputError(
                "a head that normalizes cannot start as a linear one; give "
                "norm=False."
            )
        silent = [block.contract for block in self.residual_blocks]
        silent += self.block_shifts
        if self.scale_and_shift is not None:
            silent.append(self.scale_and_shift)
        for weight in sum((dense.weights for dense in silent), []):
            weight.assign(ops.zeros_like(weight))
        kernel = ops.convert_to_tensor(kernel, self.projection.kernel.dtype)
        if self.entry is None:
            # Rows of the augmentation, if it has any, have no effect.
            missing = self.projection.kernel.shape[0] - kernel.shape[0]
            kernel = ops.pad(kernel, [[0, missing], [0, 0]])
        else:
            self.entry.kernel.assign(ops.eye(*self.entry.kernel.shape))
            self.entry.bias.assign(ops.zeros_like(self.entry.bias))
        self.projection.kernel.assign(kernel)

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "blocks": self.blocks,
            "fusion": self.fusion,
            "norm": self.has_norm,
        }


@keras.saving.register_keras_serializable("uniclip_keras")
class ResidualMLP(layers.Layer):
    """Residual block `x + W2 gelu(W1 norm(x))` for `x` of `[n, width]`."""

    def build(self, input_shape):
        width = input_shape[-1]
        self.norm = sublayer(layers.LayerNormalization, self, "norm", width)
        self.expand = dense_sublayer(
            self, "expand", width, width, activation="gelu"
        )
        self.contract = dense_sublayer(self, "contract", width, width)
        self.built = True

    def call(self, x):
        return x + self.contract(self.expand(self.norm(x)))
