"""The transformer block: equal to KerasHub's, in all of its forms."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from keras_hub_weights import joined
from keras_hub_weights import randomized

from uniclip_keras.errors import InputError
from uniclip_keras.layers import TransformerBlock
from uniclip_keras.layers import fused

WIDTH, HEADS, TOKENS = 12, 3, 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, TOKENS, WIDTH)).astype("float32")
G = RNG.standard_normal((4, TOKENS, WIDTH)).astype("float32")


@pytest.fixture(scope="module")
def pair():
    """KerasHub's block and ours with the same weights."""
    theirs = keras_hub.layers.TransformerEncoder(
        4 * WIDTH,
        HEADS,
        activation="gelu",
        normalize_first=True,
        layer_norm_epsilon=1e-6,
    )
    ours = TransformerBlock(HEADS, 4 * WIDTH)
    for block in (theirs, ours):
        block.build(X.shape)
    theirs.set_weights(randomized(theirs))
    ours.set_weights(joined(in_our_order(theirs)))
    return theirs, ours


def in_our_order(block):
    """The arrays of a `TransformerEncoder`, whose norms come elsewhere."""
    parts = (
        block._self_attention_layer_norm,
        block._self_attention_layer,
        block._feedforward_layer_norm,
        block._feedforward_intermediate_dense,
        block._feedforward_output_dense,
    )
    return [weight.numpy() for part in parts for weight in part.weights]


def run(block, x, g, **options):
    """Returns the output and gradients: of `x`, then of the weights."""
    x = tf.constant(x)

    @tf.function(autograph=False)
    def graph():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = block(x, **options)
        values = [variable.value for variable in block.trainable_variables]
        return y, tape.gradient(y, [x, *values], g)

    y, gradients = graph()
    return [y.numpy(), *(np.asarray(gradient) for gradient in gradients)]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_equals_keras_hub(pair, training, causal, monkeypatch):
    theirs, ours = pair
    monkeypatch.setattr(ours, "causal", causal)
    mask = {"attention_mask": np.tri(TOKENS)[None]} if causal else {}
    expected = run(theirs, X, G, **mask)
    found = run(ours, X, G, training=training)
    names = {
        v.value.ref(): g
        for v, g in zip(theirs.trainable_variables, expected[2:], strict=True)
    }
    gradients = [
        names[weight.value.ref()]
        for part in (
            theirs._self_attention_layer_norm,
            theirs._self_attention_layer,
            theirs._feedforward_layer_norm,
            theirs._feedforward_intermediate_dense,
            theirs._feedforward_output_dense,
        )
        for weight in part.weights
    ]
    expected = [*expected[:2], *joined(gradients)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * abs(b).max())


@pytest.mark.parametrize("causal", [False, True])
def test_one_token_of_each_row(pair, causal, monkeypatch):
    _, ours = pair
    monkeypatch.setattr(ours, "causal", causal)
    for positions in (0, np.array([3, 0, 4, 1], "int32")):
        at = np.arange(4), positions
        g = np.zeros_like(G)
        g[at] = G[at]
        expected = run(ours, X, g)
        found = run(ours, X, G[at], positions=positions)
        expected[0] = expected[0][at]
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                a, b, rtol=1e-5, atol=1e-5 * abs(b).max()
            )
