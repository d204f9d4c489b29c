"""Float32 computation: large batches, extremes, half-precision inputs."""

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import ONE
from loss_batches import TWO
from loss_batches import cosines
from loss_batches import make_batch
from loss_batches import make_similarity
from loss_batches import value_and_gradients

from uniclip_keras import losses
from uniclip_keras.layers import DomainSimilarity

# More than one tile.
ROWS = 1200
TEMPERATURE = 0.02


def clip_in_float64(embeddings):
    """CLIP's value and derivative by `log_temperature`; row i matches row i."""
    logits = cosines(embeddings) / TEMPERATURE
    value, slope = 0.0, 0.0
    for s in (logits, logits.T):
        top = s.max(axis=1, keepdims=True)
        shares = np.exp(s - top)
        total = shares.sum(axis=1, keepdims=True)
        shares /= total
        value += np.mean(np.log(total) + top - np.diag(s)[:, None]) / 2
        slope -= np.mean(np.sum(shares * s, axis=1) - np.diag(s)) / 2
    return value, slope


@pytest.mark.parametrize("noise", [0.2, 2.0])
def test_large_batches(noise):
    """With little noise, terms of the temperature's gradient cancel."""
    rng = np.random.default_rng(0)
    image = rng.normal(size=(ROWS, 32))
    text = image + noise * rng.normal(size=image.shape)
    embeddings = {
        d: z.astype("float32") for d, z in zip(TWO, (image, text), strict=True)
    }
    ids = {d: np.arange(ROWS) for d in TWO}
    loss = losses.CLIP(DomainSimilarity(temperature=TEMPERATURE))
    value, gradients = value_and_gradients(loss, embeddings, ids)
    expected, slope = clip_in_float64(embeddings)
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(
        gradients["log_temperature"], [0.0, slope, 0.0], rtol=1e-4
    )


@pytest.mark.parametrize("fill", [None, 1.0, 0.0])
@pytest.mark.parametrize("name", ["MPNCE", "SupCon", "MILNCE"])
def test_cold_stays_finite(name, fill):
    """The lowest temperature, with random, equal and zero embeddings."""
    pairs = ("image-image", "image-text")
    cold = DomainSimilarity(temperature=0.01)
    cold = getattr(losses, name)(cold, pairs=pairs)
    embeddings, ids = make_batch()
    if fill is not None:
        embeddings = {d: np.full_like(z, fill) for d, z in embeddings.items()}
    value, gradients = value_and_gradients(cold, embeddings, ids)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in gradients.values())


@pytest.mark.parametrize("policy", ["mixed_float16"], indirect=True)
def test_any_input_is_computed_in_float32(policy):
    loss = losses.InfoNCE(make_similarity(ONE))
    embeddings, ids = make_batch(ONE)
    for dtype in (tf.float16, tf.bfloat16, tf.float64):
        z = {"image": tf.cast(embeddings["image"], dtype)}
        value, gradients = value_and_gradients(loss, z, ids)
        assert value.dtype == tf.float32
        assert gradients["image"].dtype == dtype
        same = {"image": tf.cast(z["image"], tf.float32)}
        assert float(value) == float(loss(same, ids=ids))
