"""Random views: replayed from their vectors, stateless, well distributed.

The images are a photograph of Grace Hopper (US Navy, public domain) and a
drawing of a present (Minduka, Openclipart, public domain).
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import augmentation

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"
RECIPE = augmentation.SLIP_RECIPE
ENTRY = {name: index for index, name in enumerate(augmentation.LAYOUT)}


@pytest.fixture(scope="module")
def images():
    """Real images of odd sizes: photo, strip of it, tile of it, drawing."""
    photo = tf.io.decode_image((FIXTURES / "grace_hopper.jpg").read_bytes())
    drawing = tf.io.decode_png(
        (FIXTURES / "present.png").read_bytes(), channels=3
    )
    photo = photo.numpy()
    return [
        photo[:599, :511],
        photo[200:271, :],
        photo[100:172, 220:292],
        drawing.numpy()[:, 9:],
    ]


def dataset_of(images):
    return tf.data.Dataset.from_generator(
        lambda: images,
        output_signature=tf.TensorSpec([None, None, 3], tf.uint8),
    )


def test_replay_rebuilds_200_views_of_real_images(images):
    def halves(index, image):
        shape = tf.shape(image)
        vectors = augmentation.sample_vectors(
            RECIPE, shape[0], shape[1], tf.stack([index, 7])
        )
        views = augmentation.geometric(image, vectors, 48)
        return views, vectors, index % len(images)

    # As an input pipeline does it: cropped one by one, coloured in batches.
    pipeline = dataset_of(images).repeat(17).enumerate().map(halves)
    pipeline = pipeline.batch(16).map(
        lambda views, vectors, source: (
            augmentation.photometric(views, vectors),
            vectors,
            source,
        )
    )
    count, worst = 0, 0.0
    for views, vectors, sources in pipeline.as_numpy_iterator():
        for index in np.ndindex(vectors.shape[:2]):
            image = images[sources[index[0]]]
            again = augmentation.replay(image, vectors[index], 48)
            worst = max(worst, np.abs(again - views[index]).max())
            count += 1
    assert count >= 200
    # Rounding alone; the vector itself must lose nothing.
    assert worst <= 1e-5


def test_same_seed_gives_the_same_views_eagerly_and_in_map(images):
    image = images[0]
    views, vectors = augmentation.random_views(image, RECIPE, [3, 4], 32)
    again, same = augmentation.random_views(image, RECIPE, [3, 4], 32)
    np.testing.assert_array_equal(views, again)
    np.testing.assert_array_equal(vectors, same)

    (mapped, drawn), *_ = dataset_of([image]).map(
        lambda image: augmentation.random_views(image, RECIPE, [3, 4], 32)
    )
    np.testing.assert_allclose(drawn, vectors, rtol=0, atol=1e-6)
    np.testing.assert_allclose(mapped, views, rtol=0, atol=1e-5)
    assert mapped.shape == (3, 32, 32, 3)
    assert mapped.dtype == drawn.dtype == tf.float32


def test_different_seeds_and_views_differ(images):
    _, vectors = augmentation.random_views(images[0], RECIPE, [3, 4], 8)
    for seed in ([3, 5], [4, 4]):
        _, other = augmentation.random_views(images[0], RECIPE, seed, 8)
        assert np.abs(vectors - other).max(axis=1).min() > 0
    assert np.abs(vectors[1] - vectors[2]).max() > 0


def test_random_view_is_its_vector_replayed(images):
    recipe = augmentation.STRONG
    view, vector = augmentation.random_view(images[3], recipe, [8, 9], 24)
    height, width = images[3].shape[:2]
    np.testing.assert_array_equal(
        vector, augmentation.sample_vector(recipe, height, width, [8, 9])
    )
    np.testing.assert_array_equal(
        view, augmentation.replay(images[3], vector, 24)
    )


def test_evaluation_view_is_the_whole_image(images):
    tile = images[2]
    view = augmentation.evaluation_view(tile, 72)
    np.testing.assert_allclose(view, tile / 255, rtol=0, atol=1e-6)

    image = images[0]
    view = augmentation.evaluation_view(image, 40)
    np.testing.assert_array_equal(
        view, augmentation.replay(image, augmentation.IDENTITY, 40)
    )
    _, vector = augmentation.random_view(
        image, augmentation.IDENTITY_VIEW, [0, 1], 40
    )
    np.testing.assert_array_equal(vector, augmentation.IDENTITY)


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


def test_weak_view_only_crops():
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
    expected = torchvision_boxes(
        rng, view.crop_area, view.crop_ratio, *shape, 4000
    )
    found = draw(view, *shape)[:, :4] * [*shape, *shape]
    marks = [0.1, 0.25, 0.5, 0.75, 0.9]
    for column, extent in enumerate([*shape, *shape]):
        difference = np.quantile(found[:, column], marks) - np.quantile(
            expected[:, column], marks
        )
        assert np.abs(difference).max() <= 0.04 * extent


def test_every_position_of_a_box_is_as_likely():
    vectors = draw(augmentation.STRONG, 5, 5)
    pixels = np.round(5 * vectors[:, :4])
    for axis in (0, 1):
        corners = pixels[pixels[:, 2 + axis] == 3, axis]
        counts = np.bincount(corners.astype(int))
        np.testing.assert_allclose(counts / len(corners), 1 / 3, atol=0.05)


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((1, 500), [0, 249, 1, 1]),
        ((20, 101), [0, 37, 20, 27]),
        ((500, 3), [248, 0, 4, 3]),
    ],
)
def test_centre_crop_when_no_box_fits(shape, box):
    view = augmentation.ViewRecipe(crop_area=(1.0, 1.0))
    vectors = draw(view, *shape, 20)
    pixels = vectors[:, :4] * [*shape, *shape]
    np.testing.assert_allclose(pixels, [box] * 20, rtol=0, atol=1e-3)
