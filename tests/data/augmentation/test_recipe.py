"""Recipes, the vector's layout and its description in words."""

import numpy as np
import pytest

from uniclip_keras.data import augmentation
from uniclip_keras.errors import InputError


def test_layout_identity_and_description():
    assert (
        *("top", "left", "height", "width", "flip"),
        *("brightness", "contrast", "saturation", "hue"),
        *("grayscale", "blur"),
    ) == augmentation.LAYOUT
    assert augmentation.VECTOR_SIZE == 11
    identity = augmentation.IDENTITY
    assert identity.dtype == np.float32
    assert identity.tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        identity[0] = 1

    assert augmentation.describe(augmentation.IDENTITY) == "whole image"
    vector = [0.1, 0.2, 0.8, 0.8, 1, 0.2, -0.25, 0, 0.05, 1, 0.4]
    assert augmentation.describe(vector) == (
        "crop 64 % at (0.10, 0.20), flipped, brightness x1.20, "
        "contrast x0.75, hue +18 degrees, gray, blur 0.8 px"
    )
    with pytest.raises(ValueError):
        augmentation.describe([0.0] * 10)


def test_recipe_from_config():
    weak, *strong = augmentation.SLIP_RECIPE
    assert weak == augmentation.WEAK
    assert weak.crop_area == (0.5, 1.0)
    assert weak.flip == weak.jitter == weak.grayscale == weak.blur == 0
    assert strong == [augmentation.ViewRecipe()] * 2
    read = augmentation.recipe_from_config
    assert read("slip") == augmentation.SLIP_RECIPE
    assert read("weak") == (augmentation.WEAK,)
    assert read(["weak", "strong", "strong"]) == augmentation.SLIP_RECIPE
    fields = {"crop_area": (0.3, 1.0), "flip": 0, "blur": 0.3}
    weak, gentle = read([{"preset": "weak", "crop_area": [0.6, 1]}, fields])
    assert weak.crop_area == (0.6, 1.0) and weak.jitter == 0
    assert gentle == augmentation.ViewRecipe(**fields)
    assert read({"preset": "identity"}) == (augmentation.IDENTITY_VIEW,)
    assert read(augmentation.SLIP_RECIPE) == augmentation.SLIP_RECIPE

    config_dict = pytest.importorskip("ml_collections").ConfigDict
    config = config_dict({"views": [{"preset": "weak", "flip": 0.5}]})
    (view,) = read(config.views)
    assert view.flip == 0.5 and view.crop_area == (0.5, 1.0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"flip": 1.5}, r"flip=1.5 .* from 0 to 1"),
        ({"jitter": "often"}, r"jitter='often' .* probability"),
        ({"blur": True}, r"blur=True"),
        ({"identity": -1}, r"identity=-1 .* from 0 to 1"),
        ({"brightness": -0.1}, r"brightness=-0.1 .* from 0 up"),
        ({"contrast": float("nan")}, r"contrast=nan"),
        ({"hue": 0.6}, r"hue=0.6 .* 0 to 0.5"),
        ({"crop_area": (0.0, 1.0)}, r"crop_area=.* 0 < low <= high <= 1"),
        ({"crop_area": (0.5, 1.2)}, r"crop_area=\(0.5, 1.2\)"),
        ({"crop_area": 0.5}, r"crop_area=0.5"),
        ({"crop_ratio": (2, 1)}, r"crop_ratio=\(2, 1\) .* 0 < low <= high"),
        ({"blur_sigma": [0.1]}, r"blur_sigma=\[0.1\]"),
        ({"crop_aera": (0.5, 1)}, r"'crop_aera'; did you mean 'crop_area'"),
        ({"zzz": 1}, r"'zzz'; choose from crop_area, .*, preset"),
        ({"preset": "weka"}, r"'weka'; did you mean 'weak'"),
        ([], "empty"),
        ("slpi", "did you mean 'slip'"),
        ([3], "3 is not a view"),
        (None, "None is not a view"),
    ],
)
def test_bad_values_are_named_with_what_is_allowed(config, message):
    with pytest.raises(InputError, match=message):
        augmentation.recipe_from_config(config)
