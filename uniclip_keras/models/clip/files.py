"""Reading of CLIP's files: which weights there are, and what they are."""

import dataclasses
import importlib
import json
import math
import pathlib

from uniclip_keras.errors import InputError
from uniclip_keras.models.clip.names import HuggingFace
from uniclip_keras.models.clip.names import OpenCLIP
from uniclip_keras.models.image_encoders import CLIP_MEAN
from uniclip_keras.models.image_encoders import CLIP_STD

# In a folder, the first that is there counts.
WEIGHT_FILES = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """CLIP's weights with what they do not say themselves.

    Attributes:
        path: str. The file of the weights.
        arrays: Dict name -> array.
        names: `HuggingFace` or `OpenCLIP`, whose names these are.
        heads: Dict of "image" and "text" -> attention heads, or None.
        activation: str or None. That of both towers.
    """

    path: str
    arrays: dict
    names: type
    heads: dict
    activation: str | None


def read_checkpoint(path):
    """Reads a folder of Hugging Face or open_clip, or a file of weights.

    Raises:
        InputError: If there are no weights of a CLIP, or a package is missing
            to read them.
    """
    path = pathlib.Path(path)
    file = _weight_file(path)
    # Before gigabytes are read.
    _check_type(path)
    arrays = _read_arrays(file)
    if "vision_model.embeddings.class_embedding" in arrays:
        names = HuggingFace
    elif "visual.class_embedding" in arrays:
        names = OpenCLIP
    else:
        raise InputError(
            f"{file} holds no CLIP with a ViT: it has weights such as "
            f"{', '.join(sorted(arrays)[:3])}."
        )
    heads, activation = {}, None
    if file.parent == path and names is HuggingFace:
        heads, activation = _hugging_face_config(path)
    elif file.parent == path:
        heads, activation = _open_clip_config(path)
    return Checkpoint(str(file), arrays, names, heads, activation)


def _weight_file(path):
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            raise InputError(
                f"{path} is no file of weights; give one that ends in "
                f"{', '.join(_SUFFIXES)}, or a folder."
            )
        return path
    for name in WEIGHT_FILES:
        if (path / name).is_file():
            return path / name
    raise InputError(
        f"{path} holds none of {', '.join(WEIGHT_FILES)}; give a local folder "
        "of Hugging Face or open_clip, or a file of weights."
    )


def _read_arrays(file):
    if file.suffix == ".safetensors":
        reader = import_package("safetensors.numpy", file)
        try:
            return reader.load_file(str(file))
        except (TypeError, KeyError) as error:
            raise InputError(
                f"{file} holds numbers that NumPy does not know ({error}); "
                "write it in float32 or float16."
            ) from error
    torch = import_package("torch", file)
    try:
        # Without it, a pickle may run any code.
        found = torch.load(str(file), map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{file} is more than weights, and reading it could run code: "
            "write its state_dict with torch.save, or as safetensors."
        ) from error
    found = found.get("state_dict", found)
    return {
        name.removeprefix("module."): value.float().numpy()
        for name, value in found.items()
        if hasattr(value, "numpy")
    }


def import_package(module, file):
    """Imports what a file needs.

    Raises:
        InputError: If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise InputError(
            f"{file} needs the package {package}: `pip install {package}`."
        ) from None


def _check_type(folder):
    kind = _read_json(folder / "config.json").get("model_type", "clip")
    if kind != "clip":
        raise InputError(
            f"{folder} holds a model of the type {kind!r}; only 'clip' can be "
            "read."
        )


def _hugging_face_config(folder):
    config = _read_json(folder / "config.json")
    prepare = _read_json(folder / "preprocessor_config.json")
    for name, ours in (("image_mean", CLIP_MEAN), ("image_std", CLIP_STD)):
        theirs = prepare.get(name, ours)
        near = (
            math.isclose(a, b, abs_tol=1e-4)
            for a, b in zip(theirs, ours, strict=True)
        )
        if not all(near):
            raise InputError(
                f"{folder} has {name}={theirs}, and CLIP's towers here have "
                f"{ours}; other ones cannot be read."
            )
    # These are the defaults of transformers, which files may leave out.
    text = config.get("text_config") or {}
    image = config.get("vision_config") or {}
    heads = {
        "image": image.get("num_attention_heads", 12),
        "text": text.get("num_attention_heads", 8),
    }
    activations = {
        section.get("hidden_act", "quick_gelu") for section in (text, image)
    }
    if len(activations) > 1:
        raise InputError(
            f"{folder} has towers with different activations, "
            f"{sorted(activations)}; they cannot be read."
        )
    return heads, activations.pop()


def _open_clip_config(folder):
    config = _read_json(folder / "open_clip_config.json").get("model_cfg", {})
    image, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    heads = {}
    if "width" in image:
        heads["image"] = image["width"] // image.get("head_width", 64)
    if "heads" in text:
        heads["text"] = text["heads"]
    return heads, "quick_gelu" if config.get("quick_gelu") else "gelu"


def _read_json(path):
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise InputError(
            f"{path} is not JSON; take a fresh copy of it."
        ) from None
