"""Small batches and similarities for the tests of the losses."""

import numpy as np
import tensorflow as tf

from uniclip_keras.layers import DomainSimilarity

ONE = ("image",)
TWO = ("image", "text")
THREE = ("image", "text", "view")

# Items have several images and captions, and domains have different numbers of
# rows. Image 5, text 4 and, apart from itself, image 3 have no positive.
IDS = {
    "image": [3, 0, 1, 0, 5, 1, 2],
    "text": [0, 2, 0, 4, 1, 2],
    "view": [1, 0, 1, 6],
}


def make_similarity(domains=TWO, temperature=0.3):
    """Gives each pair its own temperature and offset, around 0.3 and 0."""
    pairs = DomainSimilarity(domains).pairs
    spread = np.linspace(-0.5, 0.5, len(pairs))
    return DomainSimilarity(
        domains,
        temperature=dict(zip(pairs, temperature * (1 + spread), strict=True)),
        offset=dict(zip(pairs, 0.4 * spread, strict=True)),
    )


def make_batch(domains=TWO, ids=IDS, dim=3, seed=0):
    """Returns random embeddings `[n_d, dim]` and the ids of each domain."""
    rng = np.random.default_rng(seed)
    embeddings = {
        d: rng.normal(size=(len(ids[d]), dim)).astype("float32")
        for d in domains
    }
    return embeddings, {d: np.array(ids[d]) for d in domains}


def cosines(embeddings):
    """Returns those of images and texts, float64 `[images, texts]`."""
    image, text = (
        z / np.linalg.norm(z, axis=1, keepdims=True)
        for z in (embeddings[d].astype("float64") for d in TWO)
    )
    return image @ text.T


def value_and_gradients(loss, embeddings, ids):
    """Returns a loss's value, and gradients by domain and variable name."""
    similarity = loss.similarity
    sources = {d: tf.convert_to_tensor(z) for d, z in embeddings.items()}
    with tf.GradientTape() as tape:
        tape.watch(sources)
        value = loss(sources, ids=ids)
    sources["log_temperature"] = similarity.log_temperature.value
    sources["offset"] = similarity.offset.value
    return value, tape.gradient(
        value, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )


def assert_equal_losses(actual, expected, tolerance=1e-5):
    """Compares results; errors are relative to the largest gradient of all."""
    np.testing.assert_allclose(actual[0], expected[0], rtol=tolerance)
    largest = max(np.abs(g).max() for g in expected[1].values())
    for name, gradient in expected[1].items():
        error = np.abs(np.subtract(actual[1][name], gradient)).max()
        assert error <= tolerance * largest, name
