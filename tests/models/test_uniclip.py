"""The model: steps, replicas, saving, precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data.augmentation import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses import MPNCE
from uniclip_keras.models import UniCLIP
from uniclip_keras.models import clip_text
from uniclip_keras.models import conv_stem_vit

SIZE, LENGTH, VOCABULARY = 8, 6, 30


def make_model(**arguments):
    return UniCLIP(
        conv_stem_vit(SIZE, width=16, layers=1, heads=2, stem=(8, 16)),
        clip_text(VOCABULARY, LENGTH, width=16, layers=1, heads=2),
        embedding_dim=12,
        augmentation_units=(8, 8),
        projection_blocks=1,
        **arguments,
    )


def make_batch(items=8, views=2, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "views": rng.random((items, views, SIZE, SIZE, 3), "float32"),
        "augmentations": rng.random((items, views, 11), "float32"),
        "tokens": rng.integers(1, VOCABULARY, (items, LENGTH)).astype("int32"),
        "id": np.arange(items, dtype="int64") // 2,
    }


def dataset(batches):
    options = tf.data.Options()
    # The iterator over replicas waits for the tuning's next round, up to a
    # minute, before it goes.
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(
        lambda: iter(batches),
        output_signature=tf.nest.map_structure(
            lambda x: tf.TensorSpec(x.shape, x.dtype), batches[0]
        ),
    ).with_options(options)


@pytest.fixture(scope="module")
def trained():
    """A model after one epoch of three steps on one batch, and its history."""
    keras.utils.set_random_seed(1)
    model = make_model()
    model.compile(optimizer=keras.optimizers.AdamW(3e-3, global_clipnorm=1.0))
    batches = [make_batch()] * 3
    history = model.fit(
        dataset(batches).repeat(), epochs=4, steps_per_epoch=3, verbose=0
    )
    return model, history.history


def test_fit_learns_and_logs(trained):
    _, history = trained
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    for pair in ("image-image", "image-text", "text-text"):
        assert history[f"temperature/{pair}"][-1] != pytest.approx(0.07, 1e-5)
        assert f"offset/{pair}" in history


def test_evaluate_is_the_loss_and_changes_nothing(trained):
    model, _ = trained
    batch = make_batch(seed=3)
    before = [w.numpy() for w in model.weights]
    loss = model.evaluate(dataset([batch]), verbose=0)
    np.testing.assert_allclose(loss, model.batch_loss(batch), rtol=1e-5)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_embeddings_are_unit_vectors_in_batch_order(trained):
    model, _ = trained
    batch = make_batch()
    images = batch["views"][:, 0]
    embedded = model.encode_image(images, batch["augmentations"][:, 0])
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, rtol=1e-5)
    together = model(batch)["image"].numpy()[::2]
    together /= np.linalg.norm(together, axis=1, keepdims=True)
    np.testing.assert_allclose(embedded, together, atol=1e-5)
    texts = model.encode_text(batch["tokens"])
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1.0, rtol=1e-5)


def test_identity_is_the_default_augmentation(trained):
    model, _ = trained
    images = make_batch()["views"][:, 0]
    identity = np.tile(IDENTITY, (len(images), 1))
    np.testing.assert_array_equal(
        model.encode_image(images), model.encode_image(images, identity)
    )
    other = identity + 0.3
    assert (
        np.abs(
            model.encode_image(images, other) - model.encode_image(images)
        ).max()
        > 1e-4
    )


def test_file_round_trip(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    batch = make_batch(seed=5)
    for name, value in model(batch).items():
        np.testing.assert_array_equal(again(batch)[name], value)
    np.testing.assert_array_equal(
        again.batch_loss(batch), model.batch_loss(batch)
    )
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations)


def test_two_replicas_equal_one_device(two_replicas):
    """Global-batch loss and weights after 5 steps, clipped and decayed."""
    batches = [make_batch(seed=seed) for seed in range(5)]

    def train(strategy):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = make_model()
            model.compile(
                optimizer=keras.optimizers.SGD(1.0, global_clipnorm=0.1)
            )
        history = model.fit(dataset(batches), verbose=0)
        return model, history.history["loss"][-1]

    one, loss_one = train(tf.distribute.get_strategy())
    two, loss_two = train(two_replicas)
    assert loss_two == pytest.approx(loss_one, rel=1e-5)
    start = make_model()
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(
            a.numpy(), b.numpy(), atol=1e-5, err_msg=a.path
        )
    assert (
        max(
            np.abs(a.numpy() - first.numpy()).max()
            for a, first in zip(one.weights, start.weights, strict=True)
        )
        > 1e-2
    )


def test_clipping_is_that_of_the_global_gradient(two_replicas):
    """A tight clip leaves a step of exactly the clip's length."""
    with two_replicas.scope():
        model = make_model()
        model.compile(optimizer=keras.optimizers.SGD(1.0, global_clipnorm=1e-3))
    before = [w.numpy() for w in model.trainable_weights]
    model.fit(dataset([make_batch()]), verbose=0)
    step = np.sqrt(
        sum(
            np.square(w.numpy().astype("float64") - b).sum()
            for w, b in zip(model.trainable_weights, before, strict=True)
        )
    )
    assert step == pytest.approx(1e-3, rel=1e-3)


def test_step_in_every_policy(policy):
    model = make_model()
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    before = [w.numpy() for w in model.trainable_weights]
    for _ in range(8):
        # The first scales may overflow float16: the step is then left out.
        logs = model.fit(dataset([make_batch()]), verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    moved = [
        np.abs(w.numpy() - b).max()
        for w, b in zip(model.trainable_weights, before, strict=True)
    ]
    assert np.isfinite(moved).all()
    assert min(moved) > 0


def test_several_steps_per_execution():
    model = make_model()
    model.compile(optimizer=keras.optimizers.SGD(0.1), steps_per_execution=2)
    model.fit(dataset([make_batch()] * 4), steps_per_epoch=4, verbose=0)
    assert int(model.optimizer.iterations) == 4


def test_eager_steps_equal_compiled_ones():
    losses = []
    for eager in (False, True):
        keras.utils.set_random_seed(0)
        model = make_model()
        model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=eager)
        history = model.fit(dataset([make_batch()] * 2), verbose=0)
        losses.append(history.history["loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_head_without_augmentations():
    model = UniCLIP(
        make_model().image_encoder,
        make_model().text_encoder,
        objective=MPNCE(DomainSimilarity(), include_self=False),
        embedding_dim=12,
        augmentation_units=None,
    )
    batch = make_batch()
    other = {**batch, "augmentations": batch["augmentations"][::-1]}
    np.testing.assert_array_equal(model(batch)["image"], model(other)["image"])


def test_encoder_of_another_form_is_refused():
    images = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Conv2D(4, 3)(images)
    with pytest.raises(InputError, match="image encoder.*from_backbone"):
        UniCLIP(keras.Model(images, features), make_model().text_encoder)
