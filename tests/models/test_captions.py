"""Several texts per image."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras import losses
from uniclip_keras.errors import InputError
from uniclip_keras.models import UniCLIP
from uniclip_keras.models import gradient_cache

SIZE, LENGTH, ITEMS, VIEWS, TEXTS = 4, 5, 6, 3, 4


def make_model(objective=losses.MPNCE, **arguments):
    keras.utils.set_random_seed(0)
    images = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Dense(8)(keras.layers.Flatten()(images))
    tokens = keras.Input((LENGTH,), dtype="int32")
    states = keras.layers.Embedding(9, 8)(tokens)
    model = UniCLIP(
        keras.Model(images, features),
        keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(states)),
        objective=objective(),
        embedding_dim=7,
        augmentation_units=None,
        projection_blocks=0,
        view_units=(8, 5),
        **arguments,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


def make_batch(texts=TEXTS):
    rng = np.random.default_rng(0)
    batch = {
        "views": rng.random((ITEMS, VIEWS, SIZE, SIZE, 3), "float32"),
        "augmentations": rng.random((ITEMS, VIEWS, 11), "float32"),
        "tokens": rng.integers(0, 9, (ITEMS, texts, LENGTH)).astype("int32"),
        "id": np.arange(ITEMS) // 2,
    }
    return tf.nest.map_structure(tf.constant, batch)


@pytest.mark.parametrize(
    "objective",
    [losses.MPNCE, losses.SupCon, losses.CLIP, losses.SigLIP, losses.SLIP],
)
def test_loss_is_that_of_a_row_for_each_text(objective):
    model, batch = make_model(objective), make_batch()
    embeddings = model(batch)
    ids, rows = {}, {}
    for domain, z in embeddings.items():
        # Rows of an item are adjacent.
        ids[domain] = np.repeat(batch["id"], len(z) // ITEMS)
    texts = batch["tokens"].numpy()
    rows["text"] = tf.concat(
        [
            model.text_projection(model.text_encoder(texts[item, k][None]))
            for item in range(ITEMS)
            for k in range(TEXTS)
        ],
        axis=0,
    )
    assert embeddings["text"].shape == (ITEMS * TEXTS, 7)
    loss = model.objective({**embeddings, **rows}, ids=ids)
    assert float(model.batch_loss(batch)) == pytest.approx(float(loss), 1e-5)


def test_each_text_counts_and_one_is_as_before():
    model, batch = make_model(), make_batch()
    losses_without = []
    for left_out in range(TEXTS):
        kept = [k for k in range(TEXTS) if k != left_out]
        tokens = tf.gather(batch["tokens"], kept, axis=1)
        losses_without.append(
            float(model.batch_loss({**batch, "tokens": tokens}))
        )
    assert len(set(losses_without)) == TEXTS
    one = make_batch(texts=1)
    flat = {**one, "tokens": one["tokens"][:, 0]}
    assert float(model.batch_loss(one)) == float(model.batch_loss(flat))


@pytest.mark.parametrize("size", [ITEMS, 4])
def test_gradient_cache(size):
    model, batch = make_model(), make_batch()
    loss, gradients = model._loss_and_gradients(batch)
    found, cached = gradient_cache.loss_and_gradients(model, batch, size)
    assert float(found) == pytest.approx(float(loss), rel=1e-5)
    for a, b in zip(cached, gradients, strict=True):
        np.testing.assert_allclose(a, tf.convert_to_tensor(b), atol=1e-5)


def test_fit():
    model, batch = make_model(), make_batch()
    data = tf.data.Dataset.from_tensor_slices(batch).batch(ITEMS)
    options = tf.data.Options()
    options.autotune.enabled = False
    data = data.repeat(20).with_options(options)
    first, last = (model.fit(data, verbose=0).history["loss"] for _ in "12")
    assert last[0] < 0.95 * first[0]


@pytest.mark.parametrize("shape", [(ITEMS,), (ITEMS, 0, 5), (ITEMS, 1, 1, 5)])
def test_tokens_of_another_form_are_refused(shape):
    batch = {**make_batch(), "tokens": tf.zeros(shape, tf.int32)}
    with pytest.raises(InputError, match=r"or \[batch, k, length\]"):
        make_model()(batch)
