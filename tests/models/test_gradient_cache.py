"""Gradient caching against the step on the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras.errors import InputError
from uniclip_keras.losses import MPNCE
from uniclip_keras.losses import SLIP
from uniclip_keras.models import gradient_cache
from uniclip_keras.models import step

ITEMS = 8
BATCH = tiny.make_batch(ITEMS)


class Unused(keras.layers.Layer):
    """Holds a weight that nothing depends on."""

    def build(self, input_shape):
        self.unused = self.add_weight(shape=(2,))

    def call(self, x):
        return x


class Noise(keras.layers.Layer):
    def call(self, x):
        return x + keras.random.normal(tf.shape(x))


def make_model(gradient_cache_size=None, dropout=0.0, extra=None, **compiling):
    """A model with every kind of state and penalty.

    The layer `extra` is inserted into the image encoder.
    """

    def make_image():
        images = keras.Input((tiny.SIZE, tiny.SIZE, 3))
        x = keras.layers.Flatten()(images)
        x = keras.layers.Dense(10, "gelu", kernel_regularizer="l2")(x)
        if extra is not None:
            x = extra(x)
        x = keras.layers.Dropout(dropout)(x)
        x = keras.layers.Dense(6, activity_regularizer="l2")(x)
        return keras.Model(images, x)

    def make_text():
        tokens = keras.Input((tiny.LENGTH,), dtype="int32")
        y = keras.layers.Embedding(tiny.VOCABULARY, 6)(tokens)
        y = keras.layers.Dropout(dropout)(y)
        y = keras.layers.GlobalAveragePooling1D()(y)
        return keras.Model(tokens, y)

    heads = {"augmentation_units": None, "projection_blocks": 0}
    model = tiny.make_model(
        make_image, make_text, gradient_cache_size=gradient_cache_size, **heads
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1), **compiling)
    return model


def assert_same(found, expected, tolerance=1e-5):
    """Compares losses, and gradients relative to their largest entry."""
    np.testing.assert_allclose(found[0], expected[0], rtol=tolerance)
    for a, b in zip(found[1], expected[1], strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            b = tf.convert_to_tensor(b).numpy()
            atol = tolerance * np.abs(b).max()
            np.testing.assert_allclose(a, b, atol=atol, rtol=0)


def state(model):
    """Returns the values that a forward pass may change."""
    variables = model.non_trainable_variables
    return tiny.values(v for v in variables if "similarity" not in v.path)


@pytest.fixture(scope="module")
def whole():
    """A model without dropout, and its step on the whole batch."""
    model = make_model(extra=Unused())
    return model, step.loss_and_gradients(model, BATCH)


@pytest.mark.parametrize("size", [1, 3, 4, ITEMS, ITEMS + 3])
def test_gradients_are_those_of_the_whole_batch(whole, size):
    model, expected = whole
    assert sum(gradient is None for gradient in expected[1]) == 1
    found = gradient_cache.loss_and_gradients(model, BATCH, size)
    assert_same(found, expected)


# One chunk: the view head of SLIP normalizes by statistics of the batch.
@pytest.mark.parametrize(
    ("objective", "texts", "sizes"),
    [(MPNCE, 4, (ITEMS, 3)), (SLIP, None, (ITEMS,))],
)
def test_several_rows_per_item(objective, texts, sizes):
    model = tiny.make_model(objective=objective())
    batch = tiny.make_batch(ITEMS, 3, texts)
    expected = step.loss_and_gradients(model, batch)
    for size in sizes:
        found = gradient_cache.loss_and_gradients(model, batch, size)
        assert_same(found, expected)


def test_one_chunk_leaves_the_state_of_the_whole_batch():
    """Compares masks, moving averages and seeds over two steps."""
    norm = keras.layers.BatchNormalization
    one, other = (make_model(dropout=0.5, extra=norm()) for _ in range(2))
    start = state(one)
    for _ in range(2):
        expected = step.loss_and_gradients(one, BATCH)
        found = gradient_cache.loss_and_gradients(other, BATCH, ITEMS)
        assert_same(found, expected)
        for a, b in zip(state(one), state(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    for a, b in zip(state(one), start, strict=True):
        assert not np.array_equal(a, b)


@pytest.mark.parametrize("size", [3, 4])
def test_chunks_drop_out_the_same_in_both_passes(size):
    """Compares with the same chunks under one tape, and the seeds after."""
    one, other = (make_model(dropout=0.5) for _ in range(2))
    before = state(one)
    with tf.GradientTape() as tape:
        parts, penalty = [], 0.0
        for first in range(0, ITEMS, size):
            chunk = {n: x[first : first + size] for n, x in BATCH.items()}
            parts.append(one(chunk, training=True))
            # The penalty of activities is a mean over the chunk.
            activity, weights = one.losses
            penalty += activity * len(chunk["id"]) / ITEMS
        embeddings = tf.nest.map_structure(lambda *z: tf.concat(z, 0), *parts)
        loss = step.objective_loss(one, embeddings, BATCH)
        total = loss + penalty + weights
    expected = tape.gradient(total, [v.value for v in one.trainable_variables])
    found = gradient_cache.loss_and_gradients(other, BATCH, size)
    assert_same(found, (loss, expected))
    np.testing.assert_array_equal(state(one), state(other))
    assert not np.array_equal(state(other), before)


def test_in_every_policy(policy):
    model = make_model()
    model.optimizer.build(model.trainable_variables)
    scale = 64.0 if policy == "mixed_float16" else 1.0
    if policy == "mixed_float16":
        model.optimizer.dynamic_scale.assign(scale)
    expected = step.loss_and_gradients(model, BATCH)
    found = gradient_cache.loss_and_gradients(model, BATCH, 3)
    # Gradients of the scaled loss.
    assert max(np.abs(g).max() for g in found[1]) > 0.1 * scale
    assert_same(found, expected, 1e-5 if policy == "float32" else 3e-2)


def assert_step(model, found, **arguments):
    """Compares a first step with that of the whole batch on one device."""
    start = make_model(**arguments)
    loss, gradients = step.loss_and_gradients(start, BATCH)
    assert found == pytest.approx(float(loss), rel=1e-5)
    for variable, value, gradient in zip(
        model.trainable_variables,
        tiny.values(start.trainable_variables),
        gradients,
        strict=True,
    ):
        expected = value - 0.1 * tf.convert_to_tensor(gradient)
        np.testing.assert_allclose(
            variable, expected, atol=1e-5, err_msg=variable.path
        )


def test_fit_evaluate_and_file(tmp_path):
    model = make_model(3)
    # The graph does not know the size of these batches.
    data = tiny.dataset([BATCH]).unbatch().batch(ITEMS)
    assert_step(model, model.fit(data, verbose=0).history["loss"][0])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.gradient_cache_size == 3
    loss = again.evaluate(data, verbose=0)
    model.gradient_cache_size = None
    assert loss == pytest.approx(float(model.batch_loss(BATCH)))


def test_compiled_by_xla(whole):
    model, expected = make_model(extra=Unused(), jit_compile=True), whole[1]

    @tf.function(jit_compile=True, autograph=False)
    def compiled(data):
        return gradient_cache.loss_and_gradients(model, data, 4)

    assert_same(compiled(BATCH), expected)
    with pytest.raises(InputError, match="=3 must divide.*XLA"):
        gradient_cache.loss_and_gradients(model, BATCH, 3)


def test_replicas_equal_one_device(two_replicas):
    with two_replicas.scope():
        # A rate that draws a mask and drops nothing.
        model = make_model(3, dropout=1e-9)
    loss = tiny.step_on_replicas(two_replicas, model, BATCH)
    assert_step(model, loss, dropout=1e-9)
    for seed in model.non_trainable_variables:
        if "seed" in seed.path:
            draws = two_replicas.experimental_local_results(seed.value)
            assert [int(draw[1]) for draw in draws] == [2, 2]


def test_masks_on_replicas(two_replicas):
    """One chunk with a replica's whole batch draws the masks of the batch."""
    models, losses = [], []
    for size in (None, ITEMS // 2):
        with two_replicas.scope():
            model = make_model(size, dropout=0.5, run_eagerly=True)
        losses.append(tiny.step_on_replicas(two_replicas, model, BATCH))
        models.append(model)
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    tiny.assert_weights_equal(models[0], models[1].weights)


def test_batch_normalization_is_warned_of_once():
    norms = [
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.BatchNormalization(name="frozen", trainable=False),
    ]
    with pytest.warns(UserWarning) as caught:
        make_model(4, extra=keras.Sequential(norms))
    (warning,) = [w for w in caught if "gradient_cache_size" in str(w.message)]
    assert "['norm'] sees the statistics of 4 items" in str(warning.message)
    assert warning.filename == tiny.__file__


def test_synchronized_normalization_on_replicas_is_refused(two_replicas):
    norm = keras.layers.BatchNormalization(synchronized=True, name="norm")
    with two_replicas.scope():
        with pytest.raises(InputError, match=r"2 replicas.*\['norm'\]"):
            make_model(4, extra=norm)
        norm.trainable = False
        make_model(4, extra=norm)


def test_empty_chunks_and_noise_that_cannot_be_repeated_are_refused():
    with pytest.raises(InputError, match="gradient_cache_size=0 must be"):
        make_model(0)
    model = make_model(4, extra=Noise())
    with pytest.raises(InputError, match="SeedGenerator"):
        tiny.fit_one(model, BATCH)
