"""The weights of a CLIP or SigLIP in a `UniCLIP` model."""

import math

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses import CLIP
from uniclip_keras.losses import SigLIP
from uniclip_keras.models.clip.files import read_checkpoint
from uniclip_keras.models.image_encoders import clip_vit
from uniclip_keras.models.image_encoders import siglip_vit
from uniclip_keras.models.text_encoders import clip_text
from uniclip_keras.models.text_encoders import siglip_text
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
    """Makes a model with the weights of a CLIP or SigLIP.

    It embeds images and texts as the CLIP (Radford et al., 2021) or SigLIP
    (Zhai et al., 2023) does. An augmentation-aware head, if one is asked for,
    starts as its head, so that nothing changes before it is trained.

    Args:
        path: A local folder of Hugging Face (`config.json` and
            `model.safetensors`) or of open_clip, or a file of weights:
            safetensors, or a state_dict of PyTorch, which is read without
            running code.
        objective: The loss, by default `CLIP`, or `SigLIP` for its weights.
            Its temperature and offset of images and texts start as those of
            the weights, within its range.
        augmentation_units: Layer widths of an `AugmentationEncoder`, or None
            for a head that ignores the augmentation.
        projection_blocks: int. Number of residual blocks of the image head.
        activation: str or None. "quick_gelu", "gelu" or "gelu_tanh" in place
            of what the files say. A file alone says nothing: "gelu" then, or
            "gelu_tanh" for a SigLIP of transformers. OpenAI's own weights need
            "quick_gelu".
        options: Other arguments of `UniCLIP`.

    Returns:
        `UniCLIP`. The tokenizer is
        `uniclip_keras.data.CLIPTokenizer("FOLDER/merges.txt")`, or
        `uniclip_keras.data.SigLIPTokenizer("FOLDER/spiece.model")`.

    Raises:
        InputError: If the files hold no CLIP or SigLIP with a ViT and a text
            transformer, or a package that reads them is missing: safetensors
            or torch.
    """
    found = read_checkpoint(path)
    names = found.names
    image, text = (
        _read_tower(found, tower) for tower in (names.image, names.text)
    )
    image_encoder = _image_encoder(found, image, activation)
    text_encoder = _text_encoder(found, text, activation)
    text_head = _array(found, names.text_projection)
    if names.projections_are_turned:
        text_head = text_head.T
    if names.is_siglip:
        image_head = np.eye(len(image["patches/bias"]), dtype=np.float32)
    else:
        image_head = _array(found, names.image_projection)
        if names.projections_are_turned:
            image_head = image_head.T
    model = UniCLIP(
        image_encoder,
        text_encoder,
        objective or _objective(names),
        embedding_dim=text_head.shape[1],
        augmentation_units=augmentation_units,
        projection_blocks=projection_blocks,
        projection_norm=False,
        text_bias=names.is_siglip,
        **options,
    )
    _assign(image_encoder, image)
    _assign(text_encoder, text)
    model.image_projection.start_as(image_head)
    model.text_projection.projection.kernel.assign(text_head)
    scale, bias = _array(found, names.logit_scale).item(), None
    if names.is_siglip:
        head_bias = _array(found, names.text_bias)
        model.text_projection.projection.bias.assign(head_bias)
        bias = _array(found, names.logit_bias).item()
    _start_similarity(model.objective.similarity, math.exp(-scale), bias)
    return model


def clip_image_encoder(path, image_size=224, activation=None):
    """Makes the image encoder of a CLIP or SigLIP alone, with its weights.

    Its features are those before the projection. For locked-image tuning (Zhai
    et al., 2022), freeze it; see `from_clip` for the arguments.

    Args:
        image_size: int. Pixels of the square input, which must be the CLIP's.

    Raises:
        InputError: As `from_clip`, or if the CLIP has another size.
    """
    found = read_checkpoint(path)
    weights = _read_tower(found, found.names.image)
    encoder = _image_encoder(found, weights, activation)
    _assign(encoder, weights)
    size = encoder.input_shape[1]
    if size != image_size:
        raise InputError(
            f"the CLIP in {path} takes images of {size} pixels, and image_size "
            f"is {image_size}; give {size}."
        )
    return encoder


def _image_encoder(found, weights, activation):
    names, settings = found.names, found.settings
    side, _, _, width = weights["patches/kernel"].shape
    # A class token makes no more rows of patches.
    rows = math.isqrt(len(weights["positions/embeddings"]))
    size = settings.image_size or side * rows
    if size // side != rows:
        raise InputError(
            f"{found.path} has {rows} rows of patches of {side} pixels, and "
            f"its settings say image_size={size}; take files that belong "
            "together."
        )
    make = siglip_vit if names.is_siglip else clip_vit
    return make(
        size,
        side,
        width,
        _layers(weights),
        settings.heads.get("image") or width // HEAD_WIDTH,
        mlp_width=weights["block_0/expand_kernel"].shape[1],
        activation=_activation(found, "image", activation),
    )


def _text_encoder(found, weights, activation):
    words, width = weights["embedding/token_embedding/embeddings"].shape
    make = siglip_text if found.names.is_siglip else clip_text
    return make(
        words,
        len(weights["embedding/position_embedding/embeddings"]),
        width,
        _layers(weights),
        found.settings.heads.get("text") or width // HEAD_WIDTH,
        mlp_width=weights["block_0/expand_kernel"].shape[1],
        activation=_activation(found, "text", activation),
    )


def _activation(found, tower, asked):
    names = found.names
    is_tanh = names.is_siglip and names.library == "transformers"
    default = "gelu_tanh" if is_tanh else "gelu"
    return asked or found.settings.activations.get(tower, default)


def _objective(names):
    if not names.is_siglip:
        return CLIP()
    # SigLIP does not bound its scale; other losses end at 100.
    options = SigLIP.similarity_options | {"temperature_range": None}
    return SigLIP(DomainSimilarity(**options))


def _array(found, name):
    if name not in found.arrays:
        raise _lacking(found, name)
    return np.asarray(found.arrays[name], np.float32)


def _lacking(found, name):
    return InputError(
        f"{found.path} lacks the weight {name!r} of a CLIP or SigLIP with a "
        "ViT and a text transformer."
    )


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
            raise _lacking(found, missing[0])
        weights[entry.ours] = entry.read(found.arrays)
    if not layers:
        raise InputError(f"{found.path} holds no transformer layers.")
    return weights


def _layers(weights):
    blocks = {path.partition("/")[0] for path in weights}
    return sum(name.startswith("block_") for name in blocks)


def _start_similarity(similarity, temperature, bias):
    """Makes logits of images and texts `cos / temperature + bias`.

    Without a bias, the offset stays as it is.
    """
    if similarity.temperature_range:
        # The published scale of 100 is the end of the range, but for rounding.
        low, high = similarity.temperature_range
        temperature = min(max(temperature, low), high)
    where = slice(None)
    if not similarity.shared:
        where = similarity.pair_index("image", "text")
    starts = [(similarity.log_temperature, math.log(temperature))]
    if bias is not None:
        starts.append((similarity.offset, -bias * temperature))
    for variable, value in starts:
        values = np.array(variable)
        values[where] = value
        variable.assign(values)
