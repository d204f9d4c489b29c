"""The distribution of augmentation vectors, against torchvision's."""

import dataclasses

import numpy as np
import pytest

from uniclip_keras.data import augmentation
from uniclip_keras.errors import InputError

ENTRY = {name: index for index, name in enumerate(augmentation.LAYOUT)}


def draw(view, height, width, count=4000):
    return augmentation.sample_vectors(
        [view] * count, height, width, [11, 12]
    ).numpy()


def test_parameters_keep_to_their_ranges_and_probabilities():
    vectors = draw(augmentation.STRONG, 375, 500)
    pixels = vectors[:, :4] * [375, 500, 375, 500]
    np.testing.assert_allclose(pixels, np.round(pixels), rtol=0, atol=1e-3)
    assert (pixels[:, :2] + pixels[:, 2:] <= [375.001, 500.001]).all()

    amounts = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
    jittered = vectors[:, ENTRY["hue"]] != 0
    for name, amount in {**amounts, "hue": 0.1}.items():
        values = vectors[:, ENTRY[name]]
        np.testing.assert_array_equal(values != 0, jittered)
        assert 0.97 * amount < np.abs(values).max() <= amount
        assert abs(values[jittered].mean()) < 0.05 * amount
    rates = {"flip": 0.5, "grayscale": 0.2, "blur": 0.5}
    for name, rate in rates.items():
        assert abs((vectors[:, ENTRY[name]] != 0).mean() - rate) < 0.03
    assert abs(jittered.mean() - 0.8) < 0.03
    assert set(vectors[:, ENTRY["flip"]]) == {0, 1}
    sigmas = 2 * vectors[:, ENTRY["blur"]]
    assert 0.1 <= sigmas[sigmas > 0].min() < 0.15
    assert 1.95 < sigmas.max() <= 2.0
    # The weak view only crops.
    vectors = draw(augmentation.WEAK, 375, 500, 500)
    assert not vectors[:, 4:].any()
    assert (vectors[:, 2] * vectors[:, 3]).min() > 0.49


def torchvision_boxes(rng, area, ratio, height, width, count):
    """`RandomResizedCrop.get_params`, one box at a time."""
    boxes = []
    for _ in range(count):
        for _ in range(10):
            target = height * width * rng.uniform(*area)
            aspect = np.exp(rng.uniform(*np.log(ratio)))
            columns = round(np.sqrt(target * aspect))
            rows = round(np.sqrt(target / aspect))
            if 0 < columns <= width and 0 < rows <= height:
                top = rng.integers(height - rows + 1)
                left = rng.integers(width - columns + 1)
                break
        else:
            rows, columns = height, width
            if width / height < ratio[0]:
                rows = round(width / ratio[0])
            elif width / height > ratio[1]:
                columns = round(height * ratio[1])
            top, left = (height - rows) // 2, (width - columns) // 2
        boxes.append([top, left, rows, columns])
    return np.array(boxes)


@pytest.mark.parametrize("shape", [(72, 72), (90, 120), (40, 100), (100, 41)])
def test_boxes_are_distributed_as_torchvisions(shape):
    view = augmentation.STRONG
    rng = np.random.default_rng(0)
    ranges = view.crop_area, view.crop_ratio
    expected = torchvision_boxes(rng, *ranges, *shape, 4000)
    found = draw(view, *shape)[:, :4] * [*shape, *shape]
    quantiles = (
        np.quantile(boxes, [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
        for boxes in (found, expected)
    )
    differences = np.abs(np.subtract(*quantiles)).max(axis=0)
    assert (differences <= 0.04 * np.array([*shape, *shape])).all()


def test_every_position_of_a_box_is_as_likely():
    vectors = draw(augmentation.STRONG, 5, 5)
    pixels = np.round(5 * vectors[:, :4])
    for axis in (0, 1):
        corners = pixels[pixels[:, 2 + axis] == 3, axis]
        counts = np.bincount(corners.astype(int))
        np.testing.assert_allclose(counts / len(corners), 1 / 3, atol=0.05)


def test_center_crop_when_no_box_fits():
    view = augmentation.ViewRecipe(crop_area=(1.0, 1.0))
    for shape, box in (
        ((1, 500), [0, 249, 1, 1]),
        ((20, 101), [0, 37, 20, 27]),
        ((500, 3), [248, 0, 4, 3]),
    ):
        pixels = draw(view, *shape, 20)[:, :4] * [*shape, *shape]
        np.testing.assert_allclose(pixels, [box] * 20, rtol=0, atol=1e-3)


def test_identity_takes_its_share_of_views_and_leaves_the_others():
    recipe = [augmentation.STRONG] * 4000
    untouched = dataclasses.replace(augmentation.STRONG, identity=0.25)
    drawn, mixed = (
        augmentation.sample_vectors(views, 375, 500, [11, 12]).numpy()
        for views in (recipe, [untouched] * 4000)
    )
    is_identity = (mixed == augmentation.IDENTITY).all(axis=1)
    assert abs(is_identity.mean() - 0.25) < 0.03
    np.testing.assert_array_equal(mixed[~is_identity], drawn[~is_identity])
    # The probability is each view's own, and 1 leaves nothing to chance.
    always = dataclasses.replace(augmentation.STRONG, identity=1.0)
    first, second = augmentation.sample_vectors(
        [always, augmentation.STRONG], 375, 500, [0, 1]
    )
    np.testing.assert_array_equal(first, augmentation.IDENTITY)
    assert (second.numpy() != augmentation.IDENTITY).any()


def test_sampling_refuses_what_is_not_a_recipe():
    for recipe in (["strong"], [], "slip"):
        with pytest.raises(InputError, match="not a sequence of ViewRecipe"):
            augmentation.sample_vectors(recipe, 8, 8, [0, 0])
