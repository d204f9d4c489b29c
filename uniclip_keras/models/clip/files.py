"""Reading of CLIP's files: which weights there are, and what they are."""

import dataclasses
import importlib
import pathlib

from uniclip_keras.errors import InputError
from uniclip_keras.models.clip.names import HuggingFace
from uniclip_keras.models.clip.names import OpenCLIP
from uniclip_keras.models.clip.settings import Settings
from uniclip_keras.models.clip.settings import check_type
from uniclip_keras.models.clip.settings import read_settings
from uniclip_keras.models.clip.siglip_names import HuggingFaceSigLIP
from uniclip_keras.models.clip.siglip_names import OpenCLIPSigLIP

# In a folder, the first that is there counts.
WEIGHT_FILES = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)
NAMES = HuggingFace, OpenCLIP, HuggingFaceSigLIP, OpenCLIPSigLIP
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Weights of a CLIP or SigLIP, with what they do not say themselves.

    Attributes:
        path: str. The file of the weights.
        arrays: Dict name -> array.
        names: One of `NAMES`, whose names these are.
        settings: `Settings`, empty for a file alone.
    """

    path: str
    arrays: dict
    names: type
    settings: Settings


def read_checkpoint(path):
    """Reads a folder of Hugging Face or open_clip, or a file of weights.

    Raises:
        InputError: If there are no weights of a CLIP or SigLIP, or a package
            is missing to read them.
    """
    path = pathlib.Path(path)
    file = _weight_file(path)
    # Before gigabytes are read.
    check_type(path)
    arrays = _read_arrays(file)
    names = next((names for names in NAMES if names.mark in arrays), None)
    if names is None:
        raise InputError(
            f"{file} holds no CLIP or SigLIP with a ViT: it has weights such "
            f"as {', '.join(sorted(arrays)[:3])}."
        )
    settings = Settings()
    if file.parent == path:
        settings = read_settings(path, names)
    return Checkpoint(str(file), arrays, names, settings)


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
