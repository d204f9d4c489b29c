"""Image encoders from the backbones of KerasHub, Keras and KerasCV, by name."""

import importlib
import inspect

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest
from uniclip_keras.models.image_encoders import from_backbone

# Library -> the module that holds its backbones.
LIBRARIES = {
    "keras": "keras.applications",
    "keras_hub": "keras_hub.models",
    "keras_cv": "keras_cv.models",
}
# Arguments by which a backbone learns the shape of its images.
_SHAPES = ("image_shape", "input_shape")


def image_backbone(
    backbone,
    image_size=224,
    options=None,
    preset=None,
    pooling="mean",
    pixels="standardized",
    name="image_encoder",
):
    """Makes an image encoder from a backbone that a text names.

    Args:
        backbone: str. Library and name: `"keras:ConvNeXtTiny"` of
            `keras.applications`, `"keras_hub:SwinTransformerBackbone"` or
            `"keras_cv:EfficientNetV2Backbone"`. KerasCV is an extra.
        image_size: int. Pixels of the square input.
        options: Dict of arguments of the backbone, beside the image shape.
        preset: str or None. Takes the weights of a preset of KerasHub or
            KerasCV, by name or a local folder. By default the weights are
            random.
        pooling, pixels, name: See `from_backbone`. Some backbones scale their
            images themselves, such as `keras.applications.ConvNeXtTiny`: they
            want `pixels="bytes"`.

    Raises:
        InputError: If there is no such backbone, it refuses its arguments, or
            a preset has images of another size.

    Example:

    ```python
    encoder = uk.models.image_backbone(
        "keras:EfficientNetV2B0", image_size=64, pixels="bytes"
    )
    encoder.output_shape  # (None, 1280)
    ```
    """
    kind, library = find_backbone(backbone), backbone.partition(":")[0]
    arguments = dict(options or {})
    if library == "keras":
        if preset is not None:
            raise InputError(
                f"{backbone!r} has no presets; give options={{'weights': PATH}}"
                ", or 'imagenet'."
            )
        arguments = {"weights": None, "include_top": False} | arguments
    make = kind
    if preset is not None:
        make = _from_preset(kind, preset)
    else:
        names = inspect.signature(kind).parameters
        shape = next((n for n in _SHAPES if n in names), None)
        if shape:
            arguments[shape] = (image_size, image_size, 3)
    try:
        made = make(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the backbone {backbone!r} refuses its options "
            f"{sorted(arguments)}: {error}"
        ) from error
    _check_size(made, image_size, backbone)
    return from_backbone(made, image_size, pooling, pixels, name)


def find_backbone(backbone):
    """Returns the class or function that a text such as "keras:VGG16" names.

    Raises:
        InputError: If there is none.
    """
    library, module, name = find_library(
        backbone, LIBRARIES, "keras_hub:SwinTransformerBackbone"
    )
    # Names in capitals are classes, and the functions of keras.applications.
    known = [
        known
        for known in dir(module)
        if known[0].isupper() and (library == "keras" or "Backbone" in known)
    ]
    if name not in known:
        raise InputError(
            f"{library} has no backbone {name!r}{suggest(name, known)}."
        )
    return getattr(module, name)


def find_library(backbone, libraries, example):
    """Splits a text "LIBRARY:NAME"; returns library, module and name.

    `libraries` gives the module of each library, `example` a good text.

    Raises:
        InputError: If the library is another one, or not installed.
    """
    library, _, name = str(backbone).partition(":")
    if library not in libraries or not name:
        raise InputError(
            f"the backbone {backbone!r} does not name a library and a "
            f"backbone{suggest(library, libraries)}, as in {example!r}."
        )
    try:
        return library, importlib.import_module(libraries[library]), name
    except ImportError:
        raise InputError(
            f"{library} is not installed: install uniclip-keras[backbones]."
        ) from None


def _from_preset(kind, preset):
    def make(**options):
        try:
            return kind.from_preset(preset, **options)
        except OSError as error:
            raise InputError(
                f"the preset {preset!r} cannot be read ({error}); name a "
                "preset of the library, or a local folder of one."
            ) from error

    return make


def _check_size(backbone, image_size, name):
    shape = getattr(backbone, "input_shape", None)
    if isinstance(shape, dict):
        shape = next(iter(shape.values()))
    sizes = [size for size in (shape or ())[1:3] if size is not None]
    if any(size != image_size for size in sizes):
        raise InputError(
            f"the backbone {name!r} takes images of {sizes[0]} pixels, and "
            f"image_size is {image_size}; give that size."
        )
