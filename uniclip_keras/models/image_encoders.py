"""Image encoders: Keras models from images in [0, 1] to features [b, width].

Each is a plain functional model, so any other Keras model of that form can
take its place.
"""

import keras
import keras_hub

from uniclip_keras.errors import InputError

# [0, 1] -> roughly zero mean and unit deviation, as CLIP's own statistics do.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def conv_stem_vit(
    image_size=32,
    width=128,
    layers=4,
    heads=4,
    stem=(32, 64, 128),
    mlp_ratio=4,
    name="image_encoder",
):
    """A small ViT whose patches come from a convolutional stem.

    Every stem convolution halves the resolution: 32 px and three of them give
    16 tokens, which on a CPU learns far more in minutes than many tokens of a
    linear patch embedding. Features are the mean over the tokens.

    Args:
        image_size: pixels of the square input.
        width: token width.
        layers: number of transformer layers.
        heads: attention heads per layer.
        stem: channels of the stride-2 convolutions.
        mlp_ratio: hidden width of the MLPs over `width`.

    Returns:
        `keras.Model`: float `[b, image_size, image_size, 3]` in [0, 1] ->
        `[b, width]`.

    Raises:
        InputError: when the stem does not divide the image size.
    """
    patch = 2 ** len(stem)
    check_patches(image_size, patch)
    images = keras.Input((image_size, image_size, 3), name="images")
    x = normalise(images)
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
        # Statistics of the global batch: replicas must not differ.
        x = keras.layers.BatchNormalization(
            momentum=0.95, synchronized=True, name=f"stem_norm_{index}"
        )(x)
        x = keras.layers.ReLU(name=f"stem_relu_{index}")(x)
    tokens = (image_size // patch) ** 2
    x = keras.layers.Reshape((tokens, stem[-1]))(x)
    x = keras.layers.Dense(width, name="tokens")(x)
    x = x + keras_hub.layers.PositionEmbedding(
        sequence_length=tokens,
        initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name="positions",
    )(x)
    for index in range(layers):
        x = keras_hub.layers.TransformerEncoder(
            intermediate_dim=width * mlp_ratio,
            num_heads=heads,
            activation="gelu",
            normalize_first=True,
            layer_norm_epsilon=1e-6,
            name=f"block_{index}",
        )(x)
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
    """KerasHub's ViT; the defaults are ViT-B/32. Features: the class token.

    Returns:
        `keras.Model`: float `[b, image_size, image_size, 3]` in [0, 1] ->
        `[b, width]`.

    Raises:
        InputError: when the patches do not divide the image size.
    """
    check_patches(image_size, patch_size)
    backbone = keras_hub.models.ViTBackbone(
        image_shape=(image_size, image_size, 3),
        patch_size=patch_size,
        num_layers=layers,
        num_heads=heads,
        hidden_dim=width,
        mlp_dim=4 * width,
    )
    return from_backbone(backbone, image_size, pooling="first", name=name)


def clip_vit(
    image_size=224,
    patch_size=32,
    width=768,
    layers=12,
    heads=12,
    name="image_encoder",
):
    """KerasHub's CLIP image tower; the defaults are CLIP's ViT-B/32.

    Returns:
        `keras.Model`: float `[b, image_size, image_size, 3]` in [0, 1] ->
        `[b, width]`, the class token.

    Raises:
        InputError: when the patches do not divide the image size.
    """
    check_patches(image_size, patch_size)
    backbone = keras_hub.models.CLIPVisionEncoder(
        patch_size=patch_size,
        hidden_dim=width,
        num_layers=layers,
        num_heads=heads,
        intermediate_dim=4 * width,
        image_shape=(image_size, image_size, 3),
    )
    return from_backbone(backbone, image_size, pooling="first", name=name)


def from_backbone(
    backbone,
    image_size,
    pooling="mean",
    pixels="standardized",
    name="image_encoder",
):
    """Makes an image encoder of a KerasHub or KerasCV backbone.

    Args:
        backbone: Keras model from images to a feature map `[b, h, w, c]`,
            tokens `[b, t, c]` or features `[b, c]`.
        image_size: pixels of the square input.
        pooling: over tokens, "mean" or "first" (the class token). Feature maps
            are averaged over their positions.
        pixels: what the backbone expects: "standardized" (zero mean, unit
            deviation by CLIP's statistics), "unit" ([0, 1]) or "bytes"
            ([0, 255], for backbones that rescale themselves).

    Returns:
        `keras.Model`: float `[b, image_size, image_size, 3]` in [0, 1] ->
        `[b, c]`.

    Raises:
        InputError: for an unknown `pooling` or `pixels`, or an output that
            is no single tensor of rank 2 to 4.
    """
    convert = {
        "standardized": normalise,
        "unit": lambda x: x,
        "bytes": keras.layers.Rescaling(255.0, name="to_bytes"),
    }
    if pixels not in convert:
        raise InputError(
            f"pixels={pixels!r} is unknown; choose from {sorted(convert)}."
        )
    pools = {
        "mean": keras.layers.GlobalAveragePooling1D(name="features"),
        "first": keras.layers.Cropping1D((0, 0), name="features"),
    }
    if pooling not in pools:
        raise InputError(
            f"pooling={pooling!r} is unknown; choose from {sorted(pools)}."
        )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = convert[pixels](images)
    by_name = isinstance(backbone.input, dict)
    x = backbone({next(iter(backbone.input)): x} if by_name else x)
    rank = len(getattr(x, "shape", ()))
    if rank == 4:
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    elif rank == 3:
        x = x[:, 0] if pooling == "first" else pools["mean"](x)
    elif rank != 2:
        raise InputError(
            f"the backbone {backbone.name!r} returns {x!r}; an image encoder "
            "needs one tensor of rank 2, 3 or 4: wrap it in a Keras model "
            "that picks one output."
        )
    return keras.Model(images, x, name=name)


def normalise(images):
    """Standardizes [0, 1] images by CLIP's channel statistics."""
    layer = keras.layers.Normalization(
        mean=CLIP_MEAN,
        variance=[std**2 for std in CLIP_STD],
        name="normalise",
    )
    return layer(images)


def check_patches(image_size, patch_size):
    """Raises InputError unless patches tile the image exactly."""
    if image_size < 1 or image_size % patch_size:
        lower = max(patch_size, image_size // patch_size * patch_size)
        raise InputError(
            f"image_size={image_size} is not divisible into patches of "
            f"{patch_size} pixels; choose {lower} or another multiple."
        )
