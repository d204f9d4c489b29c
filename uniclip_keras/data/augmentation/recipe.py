"""View recipes: the ranges from which augmentation vectors are drawn."""

import dataclasses
import math

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest


def _is_number(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


@dataclasses.dataclass(frozen=True)
class ViewRecipe:
    """Ranges and probabilities for one random view.

    The defaults are the strong view of SLIP (Mu et al., 2021). An amount such
    as `brightness=0.4` means factors drawn uniformly from [1 - amount, 1 +
    amount], but not below 0.

    Args:
        crop_area: Smallest and largest share of the image's area to keep, or
            None for the whole image.
        crop_ratio: Smallest and largest width / height of the crop.
        flip: Probability of a left-right flip.
        jitter: Probability that brightness, contrast, saturation and hue
            change (either all of them or none).
        brightness: Amount of the change of brightness.
        contrast: Amount of the change of contrast.
        saturation: Amount of the change of saturation.
        hue: Largest hue rotation in either direction, in turns (at most 0.5).
        grayscale: Probability that the color is removed.
        blur: Probability of a Gaussian blur.
        blur_sigma: Smallest and largest sigma, in pixels of the view.
        identity: Probability that the view is the untouched image instead,
            whose vector is `IDENTITY`.

    Raises:
        InputError: If a value is out of range.
    """

    crop_area: tuple[float, float] | None = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grayscale: float = 0.2
    blur: float = 0.5
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    identity: float = 0.0

    def __post_init__(self):
        if self.crop_area is not None:
            self._check_range("crop_area", 1.0)
        self._check_range("crop_ratio", math.inf)
        self._check_range("blur_sigma", math.inf)
        for name in ("flip", "jitter", "grayscale", "blur", "identity"):
            self._check_number(name, 1.0, "a probability from 0 to 1")
        for name in ("brightness", "contrast", "saturation"):
            self._check_number(name, math.inf, "a number from 0 up")
        self._check_number("hue", 0.5, "a number of turns from 0 to 0.5")

    def _check_number(self, name, highest, allowed):
        value = getattr(self, name)
        if not _is_number(value) or not 0 <= value <= highest:
            raise InputError(
                f"View recipe: {name}={value!r} is not allowed; give {allowed}."
            )
        object.__setattr__(self, name, float(value))

    def _check_range(self, name, highest):
        value = getattr(self, name)
        pair = value if isinstance(value, list | tuple) else ()
        are_numbers = len(pair) == 2 and all(map(_is_number, pair))
        if not are_numbers or not 0 < pair[0] <= pair[1] <= highest:
            top = "" if highest == math.inf else f" <= {highest:g}"
            raise InputError(
                f"View recipe: {name}={value!r} is not allowed; give "
                f"(low, high) with 0 < low <= high{top}."
            )
        object.__setattr__(self, name, (float(pair[0]), float(pair[1])))


STRONG = ViewRecipe()
WEAK = ViewRecipe(
    crop_area=(0.5, 1.0), flip=0.0, jitter=0.0, grayscale=0.0, blur=0.0
)
IDENTITY_VIEW = dataclasses.replace(WEAK, crop_area=None)
PRESETS = {"strong": STRONG, "weak": WEAK, "identity": IDENTITY_VIEW}

SLIP_RECIPE = (WEAK, STRONG, STRONG)


def recipe_from_config(config):
    """Reads a recipe, one `ViewRecipe` per view, from a configuration.

    Args:
        config: One view or a list of views. A view is the name of a preset
            (`"weak"`, `"strong"`, `"identity"`) or a mapping of `ViewRecipe`
            fields, whose key `"preset"` names the preset to change
            (`"strong"` by default). `"slip"` is `SLIP_RECIPE`.

    Returns:
        A tuple of `ViewRecipe`.

    Raises:
        InputError: For an unknown preset or field, a value out of range, or
            an empty list.

    Example:

    ```python
    recipe = recipe_from_config(["weak", {"crop_area": (0.3, 1), "flip": 0}])
    ```
    """
    if config == "slip":
        return SLIP_RECIPE
    views = config if isinstance(config, list | tuple) else [config]
    if not views:
        raise InputError(
            'View recipe: the list is empty; give one such as ["weak"].'
        )
    return tuple(_view_from_config(view) for view in views)


def _view_from_config(view):
    if isinstance(view, ViewRecipe):
        return view
    if isinstance(view, str):
        return _preset(view)
    if not hasattr(view, "items"):
        raise InputError(
            f"View recipe: {view!r} is not a view; give a mapping of fields or "
            f"one of {', '.join(PRESETS)}."
        )
    fields = dict(view.items())
    start = _preset(fields.pop("preset", "strong"))
    known = [field.name for field in dataclasses.fields(ViewRecipe)]
    for name in fields:
        if name not in known:
            raise InputError(
                f"View recipe: there is no field {name!r}"
                f"{suggest(name, [*known, 'preset'])}."
            )
    return dataclasses.replace(start, **fields)


def _preset(name):
    if name not in PRESETS:
        raise InputError(
            f"View recipe: there is no preset {name!r}"
            f"{suggest(name, [*PRESETS, 'slip'])}."
        )
    return PRESETS[name]
