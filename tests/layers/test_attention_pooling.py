"""Attention pooling and the approximate GELU against float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.layers import AttentionPooling
from uniclip_keras.layers import fused

WIDTH, HEADS, TOKENS = 12, 3, 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, TOKENS, WIDTH)).astype("float32")


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def norm(x, scale, offset):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * scale + offset


def by_hand(x, weights):
    """What the layer computes, head by head."""
    (
        scale_1, offset_1, qkv, qkv_bias, out, out_bias, scale_2, offset_2,
        expand, expand_bias, contract, contract_bias, probe,
    ) = (weight.astype("float64") for weight in weights)  # fmt: skip
    x = norm(x.astype("float64"), scale_1, offset_1)
    query = probe[0, 0] @ qkv[:, :WIDTH] + qkv_bias[:WIDTH]
    key, value = np.split(x @ qkv[:, WIDTH:] + qkv_bias[WIDTH:], 2, axis=-1)
    heads = []
    for part in np.split(np.arange(WIDTH), HEADS):
        logits = key[..., part] @ query[part] / np.sqrt(len(part))
        shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        heads.append(np.einsum("bt,btd->bd", shares, value[..., part]))
    x = np.concatenate(heads, axis=-1) @ out + out_bias
    hidden = tanh_gelu(norm(x, scale_2, offset_2) @ expand + expand_bias)
    return x + hidden @ contract + contract_bias


@pytest.mark.parametrize("training", [False, True])
def test_equals_float64(training, with_xla):
    layer = AttentionPooling(HEADS, 20, activation="gelu_tanh")
    layer.build(X.shape)
    weights = [
        (0.5 * RNG.standard_normal(w.shape)).astype("float32")
        for w in layer.weights
    ]
    layer.set_weights(weights)
    found = layer(X, training=training)
    assert (
        found.shape
        == layer.compute_output_spec(keras.KerasTensor(X.shape)).shape
    )
    np.testing.assert_allclose(found, by_hand(X, weights), atol=1e-5)
    again = AttentionPooling.from_config(layer.get_config())
    again.build(X.shape)
    again.set_weights(weights)
    np.testing.assert_array_equal(again(X), layer(X))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(X, training=training) ** 2)
    values = [variable.value for variable in layer.trainable_variables]
    assert len(values) == 13
    gradients = tape.gradient(total, values)
    # The derivative along a direction, by differences of float64.
    direction = [RNG.standard_normal(w.shape) for w in weights]
    step = 1e-5
    ahead, behind = (
        (
            by_hand(
                X, [w + s * d for w, d in zip(weights, direction, strict=True)]
            )
            ** 2
        ).sum()
        for s in (step, -step)
    )
    along = sum(
        (np.asarray(g) * d).sum()
        for g, d in zip(gradients, direction, strict=True)
    )
    assert along == pytest.approx((ahead - behind) / (2 * step), rel=1e-3)


def test_tanh_gelu_and_its_gradient():
    x, bias = tf.linspace(-6.0, 6.0, 60), tf.linspace(-0.5, 0.5, 5)
    x, g = tf.reshape(x, [12, 5]), RNG.uniform(-1, 1, (12, 5))
    with tf.GradientTape() as tape:
        tape.watch([x, bias])
        y = fused.biased_tanh_gelu(x, bias)
    dx, dbias = tape.gradient(y, [x, bias], tf.constant(g, tf.float32))
    z = (x + bias).numpy().astype("float64")
    np.testing.assert_allclose(y, tanh_gelu(z), atol=2e-6)
    slope = (tanh_gelu(z + 1e-5) - tanh_gelu(z - 1e-5)) / 2e-5
    # Near its ends, the square of a hyperbolic tangent rounds to 1.
    np.testing.assert_allclose(dx, g * slope, atol=2e-5)
    np.testing.assert_allclose(dbias, (g * slope).sum(axis=0), atol=1e-4)
