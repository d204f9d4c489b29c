"""Projection heads from encoder features to the shared embedding space."""

import keras
from keras import layers
from keras import ops

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

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
                self.scale_and_shift = _dense(
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
                    _dense(self, f"shift_{index}", units, hidden_dim)
                    for index in range(1, self.blocks)
                ]
        self.entry = None
        if self.blocks:
            self.entry = _dense(self, "entry", width, hidden_dim)
            width = hidden_dim
        self.residual_blocks = [
            _sublayer(ResidualMLP, self, f"block_{index}", width)
            for index in range(self.blocks)
        ]
        self.norm = None
        if self.has_norm:
            self.norm = _sublayer(
                layers.LayerNormalization, self, "norm", width
            )
        self.projection = _dense(
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
