"""Views after the first at a lower resolution."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras import models
from uniclip_keras.data.augmentation import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.models import small_views

ITEMS, VIEWS, SIZE, SMALL = 3, 3, 16, 8


def make_encoder(name="stem"):
    if name == "stem":
        return models.conv_stem_vit(SIZE, 8, 1, 2, stem=(4, 8))
    return models.vit(SIZE, 4, 8, 1, 2)


@pytest.fixture(scope="module", params=["stem", "class_token"])
def model(request):
    return tiny.make_model(lambda: make_encoder(request.param), view_size=SMALL)


def make_batch():
    batch = tiny.make_batch(ITEMS, VIEWS)
    rng = np.random.default_rng(1)
    views = rng.random((ITEMS, VIEWS, SIZE, SIZE, 3), "float32")
    return {**batch, "views": tf.constant(views)}


def test_equals_embedding_view_by_view(model):
    batch, encoder = make_batch(), model.image_encoder
    # An encoder of the small size with the same weights, positions apart.
    small = type(encoder).from_config(_of_size(encoder.get_config(), SMALL))
    old, new = encoder.get_layer("positions"), small.get_layer("positions")
    for weight, value in zip(small.weights, encoder.weights, strict=True):
        if weight.shape == value.shape:
            weight.assign(value)
    table = old.position_embeddings.numpy()
    first = len(table) - 16
    means = table[first:].reshape(2, 2, 2, 2, 8).mean((1, 3)).reshape(4, 8)
    new.position_embeddings.assign(np.concatenate([table[:first], means]))
    found = np.reshape(model(batch)["image"], (ITEMS, VIEWS, -1))
    for item in range(ITEMS):
        for view in range(VIEWS):
            pixels = batch["views"][item, view].numpy()
            lost = 0.5 * bool(view)
            if view:
                pixels = pixels.reshape(8, 2, 8, 2, 3).mean((1, 3))
            features = (small if view else encoder)(pixels[None])
            vector = np.append(batch["augmentations"][item, view], lost)
            expected = model.image_projection(
                features, model.augmentation_encoder(vector[None])
            )
            np.testing.assert_allclose(
                found[item, view], expected[0], atol=1e-5
            )


def _of_size(config, size):
    for layer in config["layers"]:
        if layer["class_name"] == "InputLayer":
            layer["config"]["batch_shape"] = (None, size, size, 3)
        if layer["class_name"] == "GridPositions":
            tokens = layer["config"]["sequence_length"]
            layer["config"]["sequence_length"] = 4 + tokens % 2
    return config


def test_untouched_images_lose_nothing(model):
    images = make_batch()["views"][:, 0]
    vectors = np.tile(IDENTITY, (ITEMS, 1))
    twelve = np.pad(vectors, [[0, 0], [0, 1]])
    embeddings = model.encode_image(images)
    for given in (vectors, twelve):
        np.testing.assert_array_equal(
            embeddings, model.encode_image(images, given)
        )


def test_all_weights_learn_and_survive_a_file(tmp_path):
    model, batch = tiny.make_model(make_encoder, view_size=SMALL), make_batch()
    model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    before = model.image_encoder.get_weights()
    model.train_on_batch(batch)
    after = model.image_encoder.get_weights()
    assert all(np.isfinite(new).all() for new in after)
    moved = [np.any(a != b) for a, b in zip(before, after, strict=True)]
    assert np.mean(moved) > 0.9
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(batch)["image"], model(batch)["image"])


@pytest.mark.parametrize("chunk", [None, 1])
def test_moving_statistics_follow_first_views(chunk):
    def make_noisy_encoder():
        encoder = make_encoder()
        dropout = keras.layers.Dropout(0.5)
        return keras.Model(encoder.input, dropout(encoder.output))

    batch = make_batch()
    with warnings.catch_warnings():
        # Chunks see their own statistics, which is what is asked for here.
        warnings.simplefilter("ignore")
        model = tiny.make_model(
            make_noisy_encoder, view_size=SMALL, gradient_cache_size=chunk
        )
    alone = make_noisy_encoder()
    alone.set_weights(model.image_encoder.get_weights())
    first = batch["views"][:, 0]
    for rows in tf.split(first, ITEMS) if chunk else [first]:
        alone(rows, training=True)
    model.train_on_batch(batch)
    found, expected = (
        [(v.path, v.numpy()) for v in encoder.non_trainable_variables]
        for encoder in (model.image_encoder, alone)
    )
    for (path, new), (_, value) in zip(found, expected, strict=True):
        if "seed" in path:
            # Every view has drawn its own random numbers.
            assert new[1] == 2 * value[1]
        else:
            np.testing.assert_allclose(new, value, rtol=1e-5, err_msg=path)
    assert len(found) == 5
    # A frozen tower is not copied in each step.
    alone.trainable = False
    assert small_views._statistics(alone) == []


def test_sizes_that_no_encoder_takes_are_refused():
    with pytest.raises(InputError, match="less than the 16 pixels"):
        tiny.make_model(make_encoder, view_size=16)
    # A dense layer on the pixels takes one size.
    with pytest.raises(InputError, match="takes no images of view_size=2"):
        tiny.make_model(view_size=2)
