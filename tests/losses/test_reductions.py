"""LogSumExp with shared and separate exponentials, and without any logit."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.losses.reductions import NO_LOGIT
from uniclip_keras.losses.reductions import AnchorValues
from uniclip_keras.losses.reductions import LogSumExp


def make_logits(gap):
    """Returns logits `[5, 4]` whose second row is `gap` below the others."""
    s = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    s[1] -= gap
    return s


def log_sum_exp(s, axis):
    return np.logaddexp.reduce(s.astype("float64"), axis=axis)


# One exponential serves all anchors up to a gap of about 57 in the forward pass
# and 40 in the backward pass. At 200 it would underflow.
@pytest.mark.parametrize("gap", [0, 39, 41, 56, 59, 100, 200, 2000])
def test_log_sum_exp_of_a_tile(gap):
    s = make_logits(gap)
    reduction = LogSumExp()
    zeros = tf.zeros(5), tf.zeros(4)
    for sides in (1, 2):
        states = reduction.tile(tf.constant(s), zeros[:sides])
        assert len(states) == sides
        for axis, state in zip((1, 0), states, strict=False):
            assert state.shape[1] == 1
            expected = log_sum_exp(s, axis)
            np.testing.assert_allclose(state[:, 0], expected, 1e-6, 1e-6)


@pytest.mark.parametrize("gap", [0, 39, 41, 56, 59, 100, 200])
def test_log_sum_exp_weights(gap):
    s = make_logits(gap)
    rng = np.random.default_rng(1)
    sides, expected = [], 0.0
    for axis in (1, 0):
        value = log_sum_exp(s, axis)
        gradient = rng.normal(size=value.shape)
        numbers = np.zeros_like(value), value, gradient
        sides.append(AnchorValues(*(tf.cast(x, tf.float32) for x in numbers)))
        expected = expected + np.expand_dims(gradient, axis) * np.exp(
            s - np.expand_dims(value, axis)
        )
    weights = LogSumExp().logit_gradients(tf.constant(s), *sides)
    # Near 200, float32 numbers are 1.5e-5 apart.
    np.testing.assert_allclose(weights, expected, rtol=3e-5, atol=1e-6)


def test_without_candidates():
    reduction = LogSumExp()
    none = tf.fill([3, 2], NO_LOGIT)
    (state,) = reduction.tile(none, [tf.zeros(3)])
    np.testing.assert_allclose(state, NO_LOGIT, rtol=1e-6)
    np.testing.assert_array_equal(reduction.slope_sum(state), 0.0)
    some = tf.constant([[2.0], [-80.0], [0.0]])
    for merged in (reduction.merge(state, some), reduction.merge(some, state)):
        np.testing.assert_array_equal(merged, some)
        np.testing.assert_array_equal(reduction.slope_sum(merged), 1.0)
    start = tf.fill([3, 1], reduction.start[0])
    np.testing.assert_array_equal(reduction.merge(start, some), some)
