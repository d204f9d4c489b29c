"""The projection head for the views of SLIP."""

import keras
import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.layers import ViewProjection

FEATURES = np.random.default_rng(0).normal(3.0, 2.0, (16, 6)).astype("float32")


def by_hand(head, x):
    """Three linear layers, the first two normalized over the batch."""
    for dense, norm in head.hidden:
        x = x @ dense.kernel.numpy()
        x = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + norm.epsilon)
        x = np.maximum(x * norm.gamma.numpy() + norm.beta.numpy(), 0.0)
    return x @ head.projection.kernel.numpy() + head.projection.bias.numpy()


def test_equals_the_formula():
    head = ViewProjection((8, 7, 5))
    head.build((None, 6))
    for weight in head.trainable_weights:
        weight.assign(weight + keras.random.normal(weight.shape, seed=1))
    assert len(head.hidden) == 2
    np.testing.assert_allclose(
        head(FEATURES, training=True), by_hand(head, FEATURES), atol=1e-4
    )
    # Outside training, the head uses the moving statistics.
    dense, norm = head.hidden[0]
    mean = (FEATURES @ dense.kernel.numpy()).mean(axis=0)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * mean, atol=1e-5)
    assert np.abs(head(FEATURES) - head(FEATURES, training=True)).max() > 0.1


@pytest.mark.parametrize("units", [(), (8, 0)])
def test_refuses_impossible_units(units):
    with pytest.raises(InputError, match="units=.*4096"):
        ViewProjection(units)
