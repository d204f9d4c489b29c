"""The transformer block: equal to KerasHub's, in all of its forms."""

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

pytestmark = pytest.mark.usefixtures("with_xla")


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
    ours.set_weights(
        joined([w.numpy() for part in parts(theirs) for w in part.weights])
    )
    return theirs, ours


def parts(block):
    """The parts of a `TransformerEncoder` in our order."""
    return (
        block._self_attention_layer_norm,
        block._self_attention_layer,
        block._feedforward_layer_norm,
        block._feedforward_intermediate_dense,
        block._feedforward_output_dense,
    )


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
    by_path = {
        variable.path: gradient
        for variable, gradient in zip(
            theirs.trainable_variables, expected[2:], strict=True
        )
    }
    gradients = [
        by_path[w.path] for part in parts(theirs) for w in part.weights
    ]
    expected = [*expected[:2], *joined(gradients)]
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b)


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
            assert_close(a, b)


def assert_close(found, expected, tolerance=1e-5):
    """Compares relative to the largest of the expected values."""
    scale = abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=tolerance)


@pytest.mark.parametrize(
    ("policy", "tolerance"),
    [("mixed_float16", 5e-3), ("mixed_bfloat16", 4e-2), ("bfloat16", 4e-2)],
)
def test_half_precision(pair, policy, tolerance):
    _, ours = pair
    expected = run(ours, X, G, training=True)
    half = TransformerBlock(HEADS, 4 * WIDTH, dtype=policy)
    half.build(X.shape)
    half.set_weights(ours.get_weights())
    g = tf.cast(G, half.compute_dtype)
    found = run(half, X, g, training=True)
    assert found[0].dtype == half.compute_dtype
    for a, b in zip(found, expected, strict=True):
        assert_close(a.astype("float32"), b, tolerance)


def test_norms_are_float32_inside():
    # Their variance overflows in float16.
    x = tf.constant([[300.0, -300.0, 100.0, -100.0]], tf.float16)
    for training in (False, True):
        y = fused.layer_norm(x, tf.ones(4), tf.zeros(4), 1e-6, training)
        expected = np.array([[3, -3, 1, -1]]) / np.sqrt(5)
        np.testing.assert_allclose(y, expected, rtol=1e-3)


def test_compiles_within_a_compiled_function(pair):
    _, ours = pair
    function = tf.function(
        lambda: ours(X, training=True), jit_compile=True, autograph=False
    )
    assert_close(function(), ours(X).numpy())


def test_weights_start_as_those_of_keras_hub():
    width, heads = 96, 4
    theirs = keras_hub.layers.TransformerEncoder(4 * width, heads)
    ours = TransformerBlock(heads, 4 * width)
    for block in (theirs, ours):
        block.build((None, 3, width))
    expected = joined([w.numpy() for p in parts(theirs) for w in p.weights])
    for a, b in zip(ours.get_weights(), expected, strict=True):
        assert a.mean() == pytest.approx(b.mean(), abs=2e-3)
        assert abs(a).max() == pytest.approx(abs(b).max(), rel=1e-2)
        assert a.std() == pytest.approx(b.std(), rel=3e-2)


def test_impossible_blocks():
    with pytest.raises(InputError, match="heads=5.*width 12.*divisor"):
        TransformerBlock(5, 8).build(X.shape)
    with pytest.raises(InputError, match="'relu' is unknown.*quick_gelu"):
        TransformerBlock(2, 8, activation="relu")
