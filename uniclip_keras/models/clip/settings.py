"""What the settings of a folder say that its weights do not."""

import dataclasses
import json
import math

from uniclip_keras.errors import InputError
from uniclip_keras.models.image_encoders import CLIP_MEAN
from uniclip_keras.models.image_encoders import CLIP_STD
from uniclip_keras.models.image_encoders import SIGLIP_MEAN
from uniclip_keras.models.image_encoders import SIGLIP_STD

# Our name -> that of transformers, where they differ.
ACTIVATIONS = {"gelu_tanh": "gelu_pytorch_tanh"}
# Parts of timm's names for SigLIP's trunks whose GELU is the approximate one.
_TANH_TRUNKS = (
    "patch32",
    "large_patch16_siglip_512",
    "so400m_patch16",
    "giantopt",
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of a folder, or of none.

    Attributes:
        heads: Dict of "image" and "text" -> attention heads.
        activations: Dict likewise, of activations.
        image_size: int or None. Pixels per side.
    """

    heads: dict = dataclasses.field(default_factory=dict)
    activations: dict = dataclasses.field(default_factory=dict)
    image_size: int | None = None


def check_type(folder):
    """Raises `InputError` if a folder says that it holds another model."""
    kind = _read_json(folder / "config.json").get("model_type", "clip")
    if kind not in ("clip", "siglip"):
        raise InputError(
            f"{folder} holds a model of the type {kind!r}; only 'clip' and "
            "'siglip' can be read."
        )


def read_settings(folder, names):
    """Returns the `Settings` of a folder, whose weights have these `names`.

    Raises:
        InputError: If a file is not JSON, or asks for what cannot be read.
    """
    if names.library == "transformers":
        return _of_transformers(folder, names.is_siglip)
    if names.is_siglip:
        return _of_open_clips_siglip(folder)
    return _of_open_clip(folder)


def _of_transformers(folder, is_siglip):
    config = _read_json(folder / "config.json")
    prepare = _read_json(folder / "preprocessor_config.json")
    mean, std = CLIP_MEAN, CLIP_STD
    if is_siglip:
        mean, std = SIGLIP_MEAN, SIGLIP_STD
    for name, ours in (("image_mean", mean), ("image_std", std)):
        theirs = prepare.get(name) or ours
        near = (
            math.isclose(a, b, abs_tol=1e-4)
            for a, b in zip(theirs, ours, strict=True)
        )
        if not all(near):
            raise InputError(
                f"{folder} has {name}={theirs}, and its towers here have "
                f"{list(ours)}; other ones cannot be read."
            )
    # These are the defaults of transformers, which files may leave out.
    heads = {"image": 12, "text": 12 if is_siglip else 8}
    activation = "gelu_tanh" if is_siglip else "quick_gelu"
    ours = {theirs: ours for ours, theirs in ACTIVATIONS.items()}
    activations = {}
    sections = {"image": "vision_config", "text": "text_config"}
    for tower, section in sections.items():
        options = config.get(section) or {}
        heads[tower] = options.get("num_attention_heads", heads[tower])
        name = options.get("hidden_act", activation)
        activations[tower] = ours.get(name, name)
    size = None
    if is_siglip:
        size = (config.get("vision_config") or {}).get("image_size", 224)
    return Settings(heads, activations, size)


def _of_open_clip(folder):
    config = _read_json(folder / "open_clip_config.json").get("model_cfg", {})
    image, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    heads = {}
    if "width" in image:
        heads["image"] = image["width"] // image.get("head_width", 64)
    if "heads" in text:
        heads["text"] = text["heads"]
    activation = "quick_gelu" if config.get("quick_gelu") else "gelu"
    return Settings(heads, dict.fromkeys(("image", "text"), activation))


def _of_open_clips_siglip(folder):
    config = _read_json(folder / "open_clip_config.json").get("model_cfg", {})
    image, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    # SigLIP's towers have the same heads; those of timm's are not said.
    heads = {}
    if "heads" in text:
        heads = dict.fromkeys(("image", "text"), text["heads"])
    trunk = image.get("timm_model_name", "")
    tanh = {
        "image": any(part in trunk for part in _TANH_TRUNKS),
        "text": text.get("act_kwargs", {}).get("approximate") == "tanh",
    }
    activations = {
        tower: "gelu_tanh" if is_tanh else "gelu"
        for tower, is_tanh in tanh.items()
    }
    return Settings(heads, activations, image.get("image_size"))


def _read_json(path):
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise InputError(
            f"{path} is not JSON; take a fresh copy of it."
        ) from None
