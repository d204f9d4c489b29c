"""Training steps: clipping, replicas, precision and modes of running."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras.errors import InputError
from uniclip_keras.losses import MPNCE
from uniclip_keras.losses import SigLIP

CLIP_NORM = 0.1
BATCHES = [tiny.make_batch(seed=seed) for seed in range(5)]


def make_normalized(**compiling):
    """A model whose step depends on the batch in every way."""
    loss = MPNCE(pairs=("image-text",))
    model = tiny.make_model(tiny.make_normalized_encoder, objective=loss)
    model.compile(
        optimizer=keras.optimizers.SGD(1.0, global_clipnorm=CLIP_NORM),
        **compiling,
    )
    return model


@pytest.fixture(scope="module")
def one_device():
    """The losses of steps on one device, and the weights after each."""
    model = make_normalized()
    losses, weights = [], [tiny.values(model.weights)]
    for batch in BATCHES:
        losses.append(tiny.fit_one(model, batch))
        weights.append(tiny.values(model.weights))
    return losses, weights


def test_two_replicas_equal_one_device(one_device, two_replicas):
    """Losses and weights, clipped by the norm of the global gradient."""
    assert len(tf.config.list_logical_devices("CPU")) == 2
    losses, weights = one_device
    with two_replicas.scope():
        model = make_normalized()
    tiny.assert_weights_equal(model, weights[0], atol=0)
    before = tiny.values(model.trainable_weights)
    for index, batch in enumerate(BATCHES):
        loss = tiny.fit_one(model, batch)
        assert loss == pytest.approx(losses[index], rel=1e-5)
        if index == 0:
            after = tiny.values(model.trainable_weights)
            pairs = zip(after, before, strict=True)
            moves = [np.ravel(np.float64(a) - b) for a, b in pairs]
            # The clip is tight, so the step has exactly its length.
            length = np.linalg.norm(np.concatenate(moves))
            assert length == pytest.approx(CLIP_NORM, rel=1e-3)
    tiny.assert_weights_equal(model, weights[-1])
    moved = zip(weights[0], weights[-1], strict=True)
    assert max(np.abs(a - b).max() for a, b in moved) > 1e-2

    # One replica alone has a NaN in its rows: neither takes the step.
    before = tiny.state(model)
    assert np.isnan(tiny.fit_one(model, tiny.spoiled(BATCHES[0])))
    np.testing.assert_equal(tiny.state(model), before)
    assert tiny.counts(model) == [len(BATCHES) + 1, 1, 1]
    assert np.isfinite(tiny.fit_one(model, BATCHES[0]))
    assert tiny.counts(model) == [len(BATCHES) + 2, 1, 0]


def test_several_steps_per_execution(one_device):
    model = make_normalized(steps_per_execution=2)
    model.fit(tiny.dataset(BATCHES[:4]), steps_per_epoch=4, verbose=0)
    assert int(model.optimizer.iterations) == 4
    tiny.assert_weights_equal(model, one_device[1][4])
    assert tiny.counts(model) == [4, 0, 0]
    before = tiny.state(model)
    # The data ends between two steps of an execution.
    model.fit(tiny.dataset([tiny.spoiled(BATCHES[0])] * 3), verbose=0)
    np.testing.assert_equal(tiny.state(model), before)
    assert tiny.counts(model) == [7, 3, 3]


def test_batches_that_replicas_do_not_divide(one_device, two_replicas):
    """Three batches of 8 and one of 7."""
    with two_replicas.scope():
        model = make_normalized()
    rows = tf.nest.map_structure(lambda *x: np.concatenate(x), *BATCHES[:4])
    rows = tiny.dataset([rows]).unbatch().take(31)
    with pytest.raises(InputError, match="got 4 and 3 rows.*drop_remainder"):
        model.fit(rows.batch(8), shuffle=False, verbose=0)
    assert tiny.counts(model) == [3, 0, 0]
    tiny.assert_weights_equal(model, one_device[1][3])
    model.jit_compile = True
    with pytest.raises(InputError, match="jit_compile=True.*2 replicas"):
        model.make_train_function(force=True)


def test_eager_steps_equal_compiled_ones(one_device):
    model = make_normalized(run_eagerly=True)
    for batch, loss in zip(BATCHES[:2], one_device[0], strict=False):
        assert tiny.fit_one(model, batch) == pytest.approx(loss, rel=1e-5)


def test_step_in_every_policy(policy):
    # The sigmoid has a gradient for the offset as well.
    model = tiny.make_model(objective=SigLIP())
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    before = tiny.values(model.trainable_weights)
    # The first loss scales may overflow float16, which skips the step.
    logs = model.fit(tiny.dataset([tiny.make_batch()] * 8), verbose=0).history
    # A mean over the steps: one that is not finite would show.
    assert np.isfinite(logs["loss"]).all()
    after = tiny.values(model.trainable_weights)
    moved = [np.abs(a - b).max() for a, b in zip(after, before, strict=True)]
    assert np.isfinite(moved).all()
    assert min(moved) > 0
