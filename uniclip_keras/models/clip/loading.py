"""CLIP's weights in a `UniCLIP` model."""

import math

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.losses import CLIP
from uniclip_keras.models.clip.files import read_checkpoint
from uniclip_keras.models.image_encoders import clip_vit
from uniclip_keras.models.text_encoders import clip_text
from uniclip_keras.models.uniclip import UniCLIP

# Width of a head where nothing says otherwise, as in all of OpenAI's models.
HEAD_WIDTH = 64


def from_clip(
    path,
    objective=None,
    augmentation_units=None,
    projection_blocks=0,
    activation=None,
    **options,
):
    """Makes a model with the weights of a CLIP (Radford et al., 2021).

    It embeds images and texts as the CLIP does. An augmentation-aware head, if
    one is asked for, starts as the head of the CLIP, so that nothing changes
    before it is trained.

    Args:
        path: A local folder of Hugging Face (`config.json` and
            `model.safetensors`) or of open_clip, or a file of weights:
            safetensors, or a state_dict of PyTorch, which is read without
            running code.
        objective: The loss, `CLIP` by default. Its temperature of images and
            texts starts as that of the weights.
        augmentation_units: Layer widths of an `AugmentationEncoder`, or None
            for a head that ignores the augmentation.
        projection_blocks: int. Number of residual blocks of the image head.
        activation: str or None. "quick_gelu" or "gelu" in place of what the
            files say. A file alone says nothing: "gelu" then, and OpenAI's own
            weights need "quick_gelu".
        options: Other arguments of `UniCLIP`.

    Returns:
        `UniCLIP`. The tokenizer is
        `uniclip_keras.data.CLIPTokenizer("FOLDER/merges.txt")`.

    Raises:
        InputError: If the files hold no CLIP with a ViT and a text
            transformer, or a package that reads them is missing: safetensors
            or torch.
    """
    found = read_checkpoint(path)
    arrays, names = found.arrays, found.names
    activation = activation or found.activation or "gelu"
    image_encoder = _image_encoder(found, activation)
    text = _read_tower(found, names.text)
    words = text["embedding/token_embedding/embeddings"]
    text_encoder = clip_text(
        len(words),
        len(text["embedding/position_embedding/embeddings"]),
        words.shape[1],
        _layers(text),
        found.heads.get("text") or words.shape[1] // HEAD_WIDTH,
        mlp_width=text["block_0/expand_kernel"].shape[1],
        activation=activation,
    )
    image_head, text_head = (
        np.asarray(arrays[name], np.float32)
        for name in (names.image_projection, names.text_projection)
    )
    if names.projections_are_turned:
        image_head, text_head = image_head.T, text_head.T
    model = UniCLIP(
        image_encoder,
        text_encoder,
        objective or CLIP(),
        embedding_dim=image_head.shape[1],
        augmentation_units=augmentation_units,
        projection_blocks=projection_blocks,
        projection_norm=False,
        **options,
    )
    _assign(text_encoder, text)
    _set_temperature(model.objective.similarity, arrays[names.logit_scale])
    model.image_projection.start_as(image_head)
    model.text_projection.projection.kernel.assign(text_head)
    return model


def clip_image_encoder(path, image_size=224, activation=None):
    """Makes the image encoder of a CLIP alone, with its weights.

    Its features are those before the projection. For locked-image tuning (Zhai
    et al., 2022), freeze it; see `from_clip` for the arguments.

    Args:
        image_size: int. Pixels of the square input, which must be the CLIP's.

    Raises:
        InputError: As `from_clip`, or if the CLIP has another size.
    """
    found = read_checkpoint(path)
    encoder = _image_encoder(found, activation or found.activation or "gelu")
    size = encoder.input_shape[1]
    if size != image_size:
        raise InputError(
            f"the CLIP in {path} takes images of {size} pixels, and image_size "
            f"is {image_size}; give {size}."
        )
    return encoder


def _image_encoder(found, activation):
    weights = _read_tower(found, found.names.image)
    side, _, _, width = weights["patches/kernel"].shape
    tokens = len(weights["positions/embeddings"]) - 1
    encoder = clip_vit(
        side * math.isqrt(tokens),
        side,
        width,
        _layers(weights),
        found.heads.get("image") or width // HEAD_WIDTH,
        mlp_width=weights["block_0/expand_kernel"].shape[1],
        activation=activation,
    )
    _assign(encoder, weights)
    return encoder


def _assign(encoder, weights):
    for variable in encoder.weights:
        variable.assign(weights[variable.path])


def _read_tower(found, entries):
    """Returns the weights of a tower by their paths in ours."""
    layers = 0
    while all(
        name in found.arrays
        for entry in entries(layers + 1)
        if entry.ours.startswith(f"block_{layers}/")
        for name in entry.theirs
    ):
        layers += 1
    weights = {}
    for entry in entries(layers):
        missing = [name for name in entry.theirs if name not in found.arrays]
        if missing:
            raise InputError(
                f"{found.path} lacks the weight {missing[0]!r} of a CLIP with "
                "a ViT and a text transformer."
            )
        weights[entry.ours] = entry.read(found.arrays)
    if not layers:
        raise InputError(f"{found.path} holds no transformer layers.")
    return weights


def _layers(weights):
    return sum(path.endswith("/qkv_kernel") for path in weights)


def _set_temperature(similarity, logit_scale):
    temperature = math.exp(-float(logit_scale))
    if similarity.temperature_range:
        # The published scale of 100 is the end of the range, but for rounding.
        low, high = similarity.temperature_range
        temperature = min(max(temperature, low), high)
    values = np.array(similarity.log_temperature)
    where = slice(None)
    if not similarity.shared:
        where = similarity.pair_index("image", "text")
    values[where] = math.log(temperature)
    similarity.log_temperature.assign(values)
