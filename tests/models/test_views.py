"""A second space for the strong views, as SLIP has it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.losses import SLIP
from uniclip_keras.models import UniCLIP
from uniclip_keras.models import gradient_cache

SIZE, LENGTH, ITEMS = 4, 5, 6


def make_model(**arguments):
    keras.utils.set_random_seed(0)
    images = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Dense(8)(keras.layers.Flatten()(images))
    tokens = keras.Input((LENGTH,), dtype="int32")
    states = keras.layers.Embedding(9, 8)(tokens)
    return UniCLIP(
        keras.Model(images, features),
        keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(states)),
        objective=SLIP(),
        embedding_dim=7,
        augmentation_units=(3,),
        projection_blocks=1,
        view_units=(8, 8, 5),
        **arguments,
    )


def make_batch(views):
    rng = np.random.default_rng(0)
    batch = {
        "views": rng.random((ITEMS, views, SIZE, SIZE, 3), "float32"),
        "augmentations": rng.random((ITEMS, views, 11), "float32"),
        "tokens": rng.integers(0, 9, (ITEMS, LENGTH)).astype("int32"),
        "id": np.arange(ITEMS) + 10,
    }
    return tf.nest.map_structure(tf.constant, batch)


@pytest.mark.parametrize("views", [3, 4])
def test_the_first_view_meets_the_text_and_the_others_each_other(views):
    model, batch = make_model(), make_batch(views)
    embeddings = model(batch, training=True)
    first = batch["views"][:, 0]
    np.testing.assert_allclose(
        embeddings["image"],
        model.image_projection(
            model.image_encoder(first),
            model.augmentation_encoder(batch["augmentations"][:, 0]),
        ),
        atol=1e-5,
    )
    others = tf.reshape(batch["views"][:, 1:], [-1, SIZE, SIZE, 3])
    np.testing.assert_allclose(
        embeddings["view"],
        model.view_projection(model.image_encoder(others), training=True),
        atol=1e-5,
    )
    assert embeddings["view"].shape == (ITEMS * (views - 1), 5)
    assert embeddings["text"].shape == (ITEMS, 7)
    ids = batch["id"].numpy()
    loss = model.objective(
        embeddings,
        ids={"image": ids, "text": ids, "view": np.repeat(ids, views - 1)},
    )
    np.testing.assert_allclose(
        model.batch_loss(batch, training=True), loss, rtol=1e-6
    )


def test_one_encoder_call_for_all_views():
    model, counts = make_model(), []
    encoder = model.image_encoder.call
    model.image_encoder.call = lambda x, **kwargs: (
        counts.append(len(x)) or encoder(x, **kwargs)
    )
    model(make_batch(3))
    assert counts == [ITEMS * 3]


def test_two_views_are_too_few():
    with pytest.raises(InputError, match="2 views per image.*3 or more"):
        make_model()(make_batch(2))


def test_training_and_file(tmp_path):
    model, batch = make_model(), make_batch(3)
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    before = [v.numpy() for v in model.trainable_variables]
    data = tf.data.Dataset.from_tensors(batch).repeat(20)
    losses = [model.fit(data, verbose=0).history["loss"][0] for _ in range(2)]
    assert losses[1] < 0.8 * losses[0]
    for variable, start in zip(model.trainable_variables, before, strict=True):
        moved = np.abs(variable.numpy() - start).max() > 1e-4
        # A softmax does not see an offset of all its logits.
        assert moved or variable.path.endswith("offset"), variable.path
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for domain, z in model(batch).items():
        np.testing.assert_array_equal(again(batch)[domain], z)


def test_chunks_of_views():
    """One chunk, as statistics of a part of the batch are others."""
    model, batch = make_model(), make_batch(3)
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    loss, gradients = model._loss_and_gradients(batch)
    found, cached = gradient_cache.loss_and_gradients(model, batch, ITEMS)
    assert float(found) == pytest.approx(float(loss), rel=1e-5)
    for a, b in zip(cached, gradients, strict=True):
        np.testing.assert_allclose(a, tf.convert_to_tensor(b), atol=1e-5)
