"""Values and gradients of each loss against its slow twin."""

import functools

import numpy as np
import pytest
from loss_batches import THREE
from loss_batches import TWO
from loss_batches import make_batch
from loss_batches import make_similarity
from loss_batches import value_and_gradients
from loss_twins import differences
from loss_twins import twin_value

from uniclip_keras import losses

SHARES = {"image-image": 1.0, "image-text": 2.0, "text-text": 0.0}
BETWEEN = ("image-text",)
APART = ("image-text", "view-view")
CASES = [
    ("MPNCE", 2, {}),
    ("MPNCE", 2, {"domain_weights": SHARES, "include_self": False}),
    ("MPNCE", 3, {"domain_weights": "uniform", "include_self": False}),
    ("MPNCE", 3, {"pairs": APART}),
    ("InfoNCE", 1, {}),
    ("InfoNCE", 2, {"include_self": True, "domain_weights": "balanced"}),
    ("SupCon", 1, {}),
    ("SupCon", 2, {"include_self": True}),
    ("SupCon", 3, {"domain_weights": "balanced", "pairs": BETWEEN}),
    ("MILNCE", 1, {"include_self": True}),
    ("MILNCE", 3, {}),
    ("CLIP", 2, {}),
    ("CLIP", 3, {"pairs": ("image-text", "text-view")}),
    ("SLIP", 3, {"view_weight": 0.5}),
    ("UniCL", 2, {}),
    ("UniCL", 3, {"pairs": ("image-view", "image-image")}),
    ("SigLIP", 2, {}),
    ("SigLIP", 3, {"pairs": APART}),
]
NAMES = list(dict.fromkeys(name for name, _, _ in CASES))


def twin_gradients(loss, embeddings, ids):
    def moved(name, x):
        if name in embeddings:
            return twin_value(loss, {**embeddings, name: x}, ids)
        return twin_value(loss, embeddings, ids, **{name: x})

    starts = dict(embeddings)
    for name in ("log_temperature", "offset"):
        starts[name] = getattr(loss.similarity, name).numpy()
    return {
        name: differences(functools.partial(moved, name), start)
        for name, start in starts.items()
    }


def assert_equals_twin(loss, embeddings, ids, tile_sizes):
    expected = twin_value(loss, embeddings, ids)
    slopes = twin_gradients(loss, embeddings, ids)
    largest = max(np.abs(slope).max() for slope in slopes.values())
    for loss.tile_size in tile_sizes:
        value, gradients = value_and_gradients(loss, embeddings, ids)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        for name, slope in slopes.items():
            # Some are exactly 0, such as that of a softmax by its offset.
            scale = max(np.abs(slope).max(), 1e-2 * largest)
            error = np.abs(gradients[name] - slope).max()
            assert error <= 1e-4 * scale, (name, loss.tile_size)


@pytest.mark.parametrize(("name", "count", "arguments"), CASES)
def test_equals_its_twin(name, count, arguments):
    domains = THREE[:count]
    loss = getattr(losses, name)(make_similarity(domains), **arguments)
    # With 6, the images are in two tiles, the other domains in one.
    assert_equals_twin(loss, *make_batch(domains), tile_sizes=(None, 6))


@pytest.mark.parametrize("name", NAMES)
def test_anchors_without_negatives(name):
    """All texts belong to item 0, as do two of the images."""
    similarity = make_similarity(THREE)
    loss = getattr(losses, name)(similarity, pairs=BETWEEN)
    ids = {"image": [0, 1, 0], "text": [0, 0]}
    assert_equals_twin(loss, *make_batch(TWO, ids), tile_sizes=(None, 2))


@pytest.mark.parametrize("name", NAMES)
def test_default_arguments(name):
    loss = getattr(losses, name)()
    batch = make_batch(loss.similarity.domains)
    expected = twin_value(loss, *batch)
    np.testing.assert_allclose(loss(*batch), expected, rtol=1e-5)


# SigLIP has a term for any two rows. In SupCon and UniCL, positives compete
# even without a negative.
@pytest.mark.parametrize(
    ("name", "texts"),
    [(name, [3, 4, 5]) for name in NAMES if name != "SigLIP"]
    + [
        (name, [0, 0, 0])
        for name in ("MPNCE", "InfoNCE", "MILNCE", "CLIP", "SLIP")
    ],
)
def test_nothing_to_compare_is_zero(name, texts):
    """No anchor has a positive, or no anchor has a negative."""
    loss = getattr(losses, name)(make_similarity(THREE), pairs=BETWEEN)
    batch = make_batch(TWO, {"image": [0, 0, 0], "text": texts})
    value, gradients = value_and_gradients(loss, *batch)
    assert float(value) == 0.0
    assert not any(np.any(gradient) for gradient in gradients.values())
