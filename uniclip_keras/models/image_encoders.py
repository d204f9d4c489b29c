"""Image encoders: Keras models from images to features.

Each is a plain functional `keras.Model` from float `[b, size, size, 3]` in
[0, 1] to `[b, width]`. Any other Keras model of this kind can take its place.
"""

import keras

from uniclip_keras.errors import InputError
from uniclip_keras.layers.attention_pooling import AttentionPooling
from uniclip_keras.layers.grid import GridPositions
from uniclip_keras.models.towers import apply_blocks
from uniclip_keras.models.towers import check_heads
from uniclip_keras.models.towers import check_layers
from uniclip_keras.models.towers import check_patches

# CLIP's channel statistics of [0, 1] images.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# SigLIP's images are in [-1, 1].
SIGLIP_MEAN = SIGLIP_STD = (0.5, 0.5, 0.5)


def conv_stem_vit(
    image_size=32,
    width=128,
    layers=4,
    heads=4,
    stem=(32, 64, 128),
    mlp_ratio=4,
    name="image_encoder",
):
    """Makes a small ViT with a convolutional stem.

    Every stem convolution halves the resolution: three of them turn 32 pixels
    into 16 tokens. Minutes of training on a CPU teach it far more than a ViT
    with many tokens from linear patches. Features are the mean over tokens.

    Args:
        image_size: int. Pixels of the square input.
        width: int. Token width.
        layers: int. Number of transformer layers.
        heads: int. Attention heads per layer.
        stem: Sequence of ints. Channels of the stride-2 convolutions.
        mlp_ratio: int. Hidden width of the MLPs divided by `width`.
        name: str. Name of the model.

    Raises:
        InputError: If the stem does not divide the image size, or the heads
            do not divide the width.
    """
    patch = 2 ** len(stem)
    check_patches(image_size, patch)
    check_heads(width, heads)
    images = keras.Input((image_size, image_size, 3), name="images")
    x = _standardize(images)
    for index, channels in enumerate(stem):
        x = keras.layers.Conv2D(
            channels,
            3,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"stem_{index}",
        )(x)
        # The statistics of the global batch keep the replicas equal.
        x = keras.layers.BatchNormalization(
            momentum=0.95, synchronized=True, name=f"stem_norm_{index}"
        )(x)
        x = keras.layers.ReLU(name=f"stem_relu_{index}")(x)
    x = keras.layers.Reshape((-1, stem[-1]))(x)
    x = keras.layers.Dense(width, name="tokens")(x)
    x = _add_positions(x)
    x = apply_blocks(x, layers, heads, mlp_ratio * width)
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="features")(x)
    return keras.Model(images, x, name=name)


def vit(
    image_size=224,
    patch_size=32,
    width=768,
    layers=12,
    heads=12,
    name="image_encoder",
):
    """Makes a ViT (Dosovitskiy et al., 2021); the defaults are ViT-B/32.

    Features are the class token's, and only it goes through all of the last
    layer. `patch_size` is the side of the square patches in pixels; see
    `conv_stem_vit` for the other arguments.

    Raises:
        InputError: If the patches do not divide the image size, the heads do
            not divide the width, or there is no layer.
    """
    check_patches(image_size, patch_size)
    check_heads(width, heads)
    check_layers(layers)
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Conv2D(
        width, patch_size, strides=patch_size, name="patches"
    )(_standardize(images))
    x = keras.layers.Reshape((-1, width))(x)
    x = _add_positions(ClassToken(name="class_token")(x))
    x = apply_blocks(x, layers, heads, 4 * width, positions=0)
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    return keras.Model(images, x, name=name)


@keras.saving.register_keras_serializable("uniclip_keras")
class ClassToken(keras.layers.Layer):
    """Puts a learned token before the others: `[b, t + 1, width]`."""

    def build(self, input_shape):
        self.token = self.add_weight(
            name="token",
            shape=(1, 1, input_shape[-1]),
            initializer="random_normal",
        )

    def call(self, x):
        token = keras.ops.tile(self.token, (keras.ops.shape(x)[0], 1, 1))
        return keras.ops.concatenate([token, x], axis=1)


def clip_vit(
    image_size=224,
    patch_size=32,
    width=768,
    layers=12,
    heads=12,
    mlp_width=None,
    activation="quick_gelu",
    name="image_encoder",
):
    """Makes CLIP's image encoder (Radford et al., 2021); see `vit`.

    It differs from `vit` in a normalization before the layers, in patches
    without a bias, and in its activation.

    Args:
        mlp_width: int or None. Hidden width of the MLPs, `4 * width` by
            default.
        activation: str. OpenAI's "quick_gelu", or "gelu" of many models that
            were trained like it.

    Raises:
        InputError: If the patches do not divide the image size, the heads do
            not divide the width, there is no layer, or the activation is
            unknown.
    """
    check_patches(image_size, patch_size)
    check_heads(width, heads)
    check_layers(layers)
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Conv2D(
        width, patch_size, strides=patch_size, use_bias=False, name="patches"
    )(_standardize(images))
    x = keras.layers.Reshape((-1, width))(x)
    x = _add_positions(ClassToken(name="class_token")(x))
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="pre_norm")(x)
    x = apply_blocks(
        x,
        layers,
        heads,
        mlp_width or 4 * width,
        positions=0,
        activation=activation,
        epsilon=1e-5,
    )
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    return keras.Model(images, x, name=name)


def siglip_vit(
    image_size=224,
    patch_size=16,
    width=768,
    layers=12,
    heads=12,
    mlp_width=None,
    activation="gelu_tanh",
    name="image_encoder",
):
    """Makes SigLIP's image encoder (Zhai et al., 2023); see `clip_vit`.

    It has no class token: features are pooled from all tokens by attention.
    Pixels are scaled to [-1, 1]. If the patches do not divide the image size,
    those to the right and below the last whole patch have no effect, as in
    SoViT-400m/14 with 384 pixels.

    Raises:
        InputError: If an image has no whole patch, the heads do not divide the
            width, there is no layer, or the activation is unknown.
    """
    if not 1 <= patch_size <= image_size:
        raise InputError(
            f"patch_size={patch_size} must be at least 1 and at most the "
            f"{image_size} pixels of the image."
        )
    check_heads(width, heads)
    check_layers(layers)
    mlp_width = mlp_width or 4 * width
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Conv2D(
        width, patch_size, strides=patch_size, name="patches"
    )(_standardize(images, SIGLIP_MEAN, SIGLIP_STD))
    x = keras.layers.Reshape((-1, width))(x)
    x = _add_positions(x)
    x = apply_blocks(x, layers, heads, mlp_width, activation=activation)
    x = AttentionPooling(heads, mlp_width, activation, name="pooling")(x)
    return keras.Model(images, x, name=name)


def from_backbone(
    backbone,
    image_size,
    pooling="mean",
    pixels="standardized",
    name="image_encoder",
):
    """Makes an image encoder from a KerasHub or KerasCV backbone.

    Args:
        backbone: `keras.Model`. Maps images to a feature map `[b, h, w, c]`,
            tokens `[b, t, c]` or features `[b, c]`.
        image_size: int. Pixels of the square input.
        pooling: str. Pooling of tokens, "mean" or "first" (the class token).
            Feature maps are averaged over their positions.
        pixels: str. What the backbone expects: "standardized" (zero mean and
            unit deviation by CLIP's statistics), "unit" ([0, 1]) or "bytes"
            ([0, 255], for backbones that rescale).
        name: str. Name of the model.

    Raises:
        InputError: If `pooling` or `pixels` is unknown, or the output is not
            a single tensor of rank 2 to 4.
    """
    for argument, value, known in (
        ("pixels", pixels, ("standardized", "unit", "bytes")),
        ("pooling", pooling, ("mean", "first")),
    ):
        if value not in known:
            raise InputError(
                f"{argument}={value!r} is unknown; choose from {known}."
            )
    x = images = keras.Input((image_size, image_size, 3), name="images")
    if pixels == "standardized":
        x = _standardize(x)
    elif pixels == "bytes":
        x = keras.layers.Rescaling(255.0, name="to_bytes")(x)
    by_name = isinstance(backbone.input, dict)
    x = backbone({next(iter(backbone.input)): x} if by_name else x)
    rank = len(getattr(x, "shape", ()))
    if rank == 4:
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    elif rank == 3 and pooling == "first":
        x = x[:, 0]
    elif rank == 3:
        x = keras.layers.GlobalAveragePooling1D(name="features")(x)
    elif rank != 2:
        raise InputError(
            f"the backbone {backbone.name!r} returns {x!r}; wrap it in a Keras "
            "model that returns one tensor of rank 2, 3 or 4."
        )
    return keras.Model(images, x, name=name)


def _add_positions(x):
    """Adds learned position embeddings to tokens `[b, t, width]`."""
    return x + GridPositions(
        sequence_length=x.shape[1],
        initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name="positions",
    )(x)


def _standardize(images, mean=CLIP_MEAN, std=CLIP_STD):
    """Shifts and scales [0, 1] images to zero mean and unit deviation."""
    return keras.layers.Normalization(
        mean=mean,
        variance=[deviation**2 for deviation in std],
        name="standardize",
    )(images)
