"""Training steps: clipping, replicas, precision and modes of running."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_model import assert_weights_equal
from tiny_model import dataset
from tiny_model import fit_one
from tiny_model import make_batch
from tiny_model import make_image_encoder
from tiny_model import make_model

from uniclip_keras.losses import MPNCE
from uniclip_keras.losses import SigLIP

CLIP_NORM = 0.1
BATCHES = [make_batch(seed=seed) for seed in range(5)]


def make_normalized(**compiling):
    """A model whose step depends on the batch in every way."""
    model = make_model(
        functools.partial(make_image_encoder, normalized=True),
        objective=MPNCE(pairs=("image-text",)),
    )
    model.compile(
        optimizer=keras.optimizers.SGD(1.0, global_clipnorm=CLIP_NORM),
        **compiling,
    )
    return model


def values(model):
    return [weight.numpy() for weight in model.weights]


@pytest.fixture(scope="module")
def one_device():
    """The losses of steps on one device, and the weights after each."""
    model = make_normalized()
    losses, weights = [], [values(model)]
    for batch in BATCHES:
        losses.append(fit_one(model, batch))
        weights.append(values(model))
    return losses, weights


def test_two_replicas_equal_one_device(one_device, two_replicas):
    """Losses and weights, clipped by the norm of the global gradient."""
    losses, weights = one_device
    with two_replicas.scope():
        model = make_normalized()
    assert_weights_equal(model, weights[0], atol=0)
    before = [w.numpy() for w in model.trainable_weights]
    for index, batch in enumerate(BATCHES):
        loss = fit_one(model, batch)
        assert loss == pytest.approx(losses[index], rel=1e-5)
        if index == 0:
            squares = [
                np.square(w.numpy().astype("float64") - b).sum()
                for w, b in zip(model.trainable_weights, before, strict=True)
            ]
            # The clip is tight, so the step has exactly its length.
            assert np.sqrt(sum(squares)) == pytest.approx(CLIP_NORM, rel=1e-3)
    assert_weights_equal(model, weights[-1])
    moved = zip(weights[0], weights[-1], strict=True)
    assert max(np.abs(a - b).max() for a, b in moved) > 1e-2


def test_several_steps_per_execution(one_device):
    model = make_normalized(steps_per_execution=2)
    model.fit(dataset(BATCHES[:4]), steps_per_epoch=4, verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert_weights_equal(model, one_device[1][4])


def test_eager_steps_equal_compiled_ones(one_device):
    model = make_normalized(run_eagerly=True)
    for batch, loss in zip(BATCHES[:2], one_device[0], strict=False):
        assert fit_one(model, batch) == pytest.approx(loss, rel=1e-5)


def test_step_in_every_policy(policy):
    # The sigmoid has a gradient for the offset as well.
    model = make_model(objective=SigLIP())
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    before = [w.numpy() for w in model.trainable_weights]
    # The first loss scales may overflow float16, which skips the step.
    logs = model.fit(dataset([make_batch()] * 8), verbose=0).history
    # A mean over the steps: one that is not finite would show.
    assert np.isfinite(logs["loss"]).all()
    moved = [
        np.abs(w.numpy() - b).max()
        for w, b in zip(model.trainable_weights, before, strict=True)
    ]
    assert np.isfinite(moved).all()
    assert min(moved) > 0


def test_logical_devices_exist_for_the_suite():
    assert len(tf.config.list_logical_devices("CPU")) == 2
