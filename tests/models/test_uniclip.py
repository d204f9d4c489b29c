"""The model: embeddings, losses, training and files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras import losses
from uniclip_keras.data.augmentation import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.models import UniCLIP


def assert_same_file(model, batch, path):
    """Saves and loads a model, compares its embeddings and returns it."""
    model.save(path / "model.keras")
    again = keras.saving.load_model(path / "model.keras")
    for domain, z in model(batch).items():
        np.testing.assert_array_equal(again(batch)[domain], z)
    return again


@pytest.fixture(scope="module")
def trained():
    """A model after four epochs of three steps on one batch, and its logs."""
    model = tiny.make_model(objective=losses.MPNCE(), seed=1)
    model.compile(optimizer=keras.optimizers.AdamW(1e-2, global_clipnorm=1.0))
    data = tiny.dataset([tiny.make_batch()] * 3)
    return model, model.fit(data, epochs=4, verbose=0).history


def test_fit_learns_and_logs(trained):
    _, history = trained
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    for pair in ("image-image", "image-text", "text-text"):
        assert history[f"temperature/{pair}"][-1] != pytest.approx(0.07, 1e-5)
        assert f"offset/{pair}" in history


def test_evaluate_is_the_loss_and_changes_nothing(trained):
    model, _ = trained
    batch = tiny.make_batch(seed=3)
    before = tiny.values(model.weights)
    loss = model.evaluate(tiny.dataset([batch]), verbose=0)
    np.testing.assert_allclose(loss, model.batch_loss(batch), rtol=1e-5)
    tiny.assert_weights_equal(model, before, atol=0)


def test_embeddings_are_unit_vectors_in_batch_order(trained):
    model, _ = trained
    batch = tiny.make_batch()
    images = batch["views"][:, 0]
    embedded = model.encode_image(images, batch["augmentations"][:, 0])
    together = model(batch)["image"].numpy()[::2]
    together /= np.linalg.norm(together, axis=1, keepdims=True)
    np.testing.assert_allclose(embedded, together, atol=1e-5)
    for z in (embedded, model.encode_text(batch["tokens"])):
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1.0, rtol=1e-5)


def test_views_of_8_bits_are_divided_by_255(trained):
    model, _ = trained
    batch = tiny.make_batch()
    coarse = np.round(batch["views"] * 255)
    exact = {**batch, "views": (coarse / 255).astype("float32")}
    batch["views"] = coarse.astype("uint8")
    for domain, expected in model(exact).items():
        np.testing.assert_allclose(model(batch)[domain], expected, atol=1e-6)
    np.testing.assert_allclose(
        model.encode_image(batch["views"][:, 0]),
        model.encode_image(exact["views"][:, 0]),
        atol=1e-6,
    )


def test_identity_is_the_default_augmentation(trained):
    model, _ = trained
    images = tiny.make_batch()["views"][:, 0]
    identity = np.tile(IDENTITY, (len(images), 1))
    default = model.encode_image(images)
    np.testing.assert_array_equal(default, model.encode_image(images, identity))
    other = model.encode_image(images, identity + 0.3)
    assert np.abs(other - default).max() > 1e-4


def test_file_round_trip(trained, tmp_path):
    model, _ = trained
    batch = tiny.make_batch(seed=5)
    again = assert_same_file(model, batch, tmp_path)
    assert float(again.batch_loss(batch)) == float(model.batch_loss(batch))
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations)


def test_head_without_augmentations():
    model = tiny.make_model(
        objective=losses.MPNCE(DomainSimilarity(), include_self=False),
        augmentation_units=None,
    )
    batch = tiny.make_batch()
    other = {**batch, "augmentations": batch["augmentations"][::-1]}
    np.testing.assert_array_equal(model(batch)["image"], model(other)["image"])


def test_encoder_with_another_output_is_refused():
    images = keras.Input((tiny.SIZE, tiny.SIZE, 3))
    features = keras.layers.Conv2D(4, 3)(images)
    with pytest.raises(InputError, match="image encoder.*from_backbone"):
        UniCLIP(keras.Model(images, features), tiny.make_text_encoder())


ITEMS, TEXTS = 6, 4


@pytest.mark.parametrize(
    "objective",
    [losses.MPNCE, losses.SupCon, losses.CLIP, losses.SigLIP, losses.SLIP],
)
def test_several_texts_are_rows_of_their_own(objective):
    model = tiny.make_model(objective=objective())
    batch = tiny.make_batch(ITEMS, views=3, texts=TEXTS)
    embeddings = model(batch)
    # The rows of an item are adjacent.
    ids = {
        domain: np.repeat(batch["id"], len(z) // ITEMS)
        for domain, z in embeddings.items()
    }
    one_by_one = [
        model.text_projection(model.text_encoder(tokens[None]))
        for tokens in batch["tokens"].reshape(ITEMS * TEXTS, -1)
    ]
    assert embeddings["text"].shape == (ITEMS * TEXTS, 7)
    loss = model.objective(
        {**embeddings, "text": tf.concat(one_by_one, axis=0)}, ids=ids
    )
    assert float(model.batch_loss(batch)) == pytest.approx(float(loss), 1e-5)


def test_each_text_counts_and_a_single_one_needs_no_axis():
    model = tiny.make_model()
    batch = tiny.make_batch(ITEMS, texts=TEXTS)
    without = set()
    for k in range(TEXTS):
        tokens = np.delete(batch["tokens"], k, axis=1)
        without.add(float(model.batch_loss({**batch, "tokens": tokens})))
    assert len(without) == TEXTS
    one = tiny.make_batch(ITEMS, texts=1)
    flat = {**one, "tokens": one["tokens"][:, 0]}
    assert float(model.batch_loss(one)) == float(model.batch_loss(flat))


def test_training_on_several_texts():
    model = tiny.make_model()
    data = tiny.dataset([tiny.make_batch(ITEMS, texts=TEXTS)] * 20)
    history = model.fit(data, epochs=2, verbose=0).history
    assert history["loss"][1] < 0.95 * history["loss"][0]


def test_tokens_of_another_shape_are_refused():
    model, batch = tiny.make_model(), tiny.make_batch(ITEMS)
    for shape in ((ITEMS,), (ITEMS, 0, 5), (ITEMS, 1, 1, 5)):
        with pytest.raises(InputError, match=r"or \[batch, k, length\]"):
            model({**batch, "tokens": tf.zeros(shape, tf.int32)})


@pytest.fixture(scope="module")
def slip():
    """A model with a second space for the strong views."""
    return tiny.make_model(objective=losses.SLIP(), view_units=(8, 8, 5))


@pytest.mark.parametrize("views", [3, 4])
def test_first_view_is_compared_with_text_and_others_with_each_other(
    slip, views
):
    batch = tiny.make_batch(ITEMS, views)
    embeddings = slip(batch, training=True)
    image = slip.image_projection(
        slip.image_encoder(batch["views"][:, 0]),
        slip.augmentation_encoder(batch["augmentations"][:, 0]),
    )
    np.testing.assert_allclose(embeddings["image"], image, atol=1e-5)
    others = tf.reshape(batch["views"][:, 1:], [-1, tiny.SIZE, tiny.SIZE, 3])
    view = slip.view_projection(slip.image_encoder(others), training=True)
    np.testing.assert_allclose(embeddings["view"], view, atol=1e-5)
    assert embeddings["view"].shape == (ITEMS * (views - 1), 5)
    assert embeddings["text"].shape == (ITEMS, 7)
    ids = {"image": batch["id"], "text": batch["id"]}
    ids["view"] = np.repeat(batch["id"], views - 1)
    loss = slip.objective(embeddings, ids=ids)
    np.testing.assert_allclose(
        slip.batch_loss(batch, training=True), loss, rtol=1e-6
    )


def test_one_encoder_call_for_three_views_or_more(slip, monkeypatch):
    counts = []
    encoder = slip.image_encoder.call
    monkeypatch.setattr(
        slip.image_encoder,
        "call",
        lambda x, **kwargs: counts.append(len(x)) or encoder(x, **kwargs),
    )
    slip(tiny.make_batch(ITEMS, 3))
    assert counts == [ITEMS * 3]
    with pytest.raises(InputError, match="2 views per image.*3 or more"):
        slip(tiny.make_batch(ITEMS, 2))


def test_training_and_file_with_views(slip, tmp_path):
    batch = {**tiny.make_batch(ITEMS, 3), "id": np.arange(ITEMS) + 10}
    slip.compile(optimizer=keras.optimizers.Adam(0.01))
    before = tiny.values(slip.trainable_variables)
    history = slip.fit(tiny.dataset([batch] * 20), epochs=2, verbose=0).history
    assert history["loss"][1] < 0.8 * history["loss"][0]
    for variable, start in zip(slip.trainable_variables, before, strict=True):
        moved = np.abs(variable.numpy() - start).max() > 1e-4
        # An offset of all logits does not change a softmax.
        assert moved or variable.path.endswith("offset"), variable.path
    assert_same_file(slip, batch, tmp_path)
