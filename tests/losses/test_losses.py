"""Every objective against its slow twin: values and gradients."""

import numpy as np
import pytest
from loss_batches import ONE
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
    ("MPNCE", TWO, {}),
    ("MPNCE", TWO, {"domain_weights": SHARES, "include_self": False}),
    ("MPNCE", THREE, {"domain_weights": "uniform", "include_self": False}),
    ("MPNCE", THREE, {"pairs": APART}),
    ("InfoNCE", ONE, {}),
    ("InfoNCE", TWO, {"include_self": True, "domain_weights": "balanced"}),
    ("SupCon", ONE, {}),
    ("SupCon", TWO, {"include_self": True}),
    ("SupCon", THREE, {"domain_weights": "balanced", "pairs": BETWEEN}),
    ("MILNCE", ONE, {"include_self": True}),
    ("MILNCE", THREE, {}),
    ("CLIP", TWO, {}),
    ("CLIP", THREE, {"pairs": ("image-text", "text-view")}),
    ("SLIP", THREE, {"view_weight": 0.5}),
    ("UniCL", TWO, {}),
    ("UniCL", THREE, {"pairs": ("image-view", "image-image")}),
    ("SigLIP", TWO, {}),
    ("SigLIP", THREE, {"pairs": APART}),
]
NAMES = list(dict.fromkeys(name for name, _, _ in CASES))


def twin_gradients(objective, embeddings, ids):
    def of_domain(domain):
        return lambda z: twin_value(objective, {**embeddings, domain: z}, ids)

    def of_variable(name):
        return lambda x: twin_value(objective, embeddings, ids, **{name: x})

    gradients = {d: differences(of_domain(d), z) for d, z in embeddings.items()}
    for name in ("log_temperature", "offset"):
        start = getattr(objective.similarity, name).numpy()
        gradients[name] = differences(of_variable(name), start)
    return gradients


def assert_equals_twin(objective, embeddings, ids, tile_sizes):
    expected = twin_value(objective, embeddings, ids)
    slopes = twin_gradients(objective, embeddings, ids)
    largest = max(np.abs(slope).max() for slope in slopes.values())
    for objective.tile_size in tile_sizes:
        value, gradients = value_and_gradients(objective, embeddings, ids)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        for name, slope in slopes.items():
            # Some are 0 by nature, such as softmax's by a common offset.
            scale = max(np.abs(slope).max(), 1e-2 * largest)
            error = np.abs(gradients[name] - slope).max()
            assert error <= 1e-4 * scale, (name, objective.tile_size)


@pytest.mark.parametrize(
    ("name", "domains", "arguments"),
    CASES,
    ids=[f"{name}-{len(domains)}" for name, domains, _ in CASES],
)
def test_equals_its_twin(name, domains, arguments):
    objective = getattr(losses, name)(make_similarity(domains), **arguments)
    assert_equals_twin(objective, *make_batch(domains), tile_sizes=(None, 4))


@pytest.mark.parametrize("name", NAMES)
def test_anchors_without_negatives(name):
    """Both images of item 0 have texts of no other item."""
    similarity = make_similarity(THREE)
    objective = getattr(losses, name)(similarity, pairs=BETWEEN)
    ids = {"image": [0, 1, 0], "text": [0, 0]}
    assert_equals_twin(objective, *make_batch(TWO, ids), tile_sizes=(None, 2))


@pytest.mark.parametrize("name", NAMES)
def test_default_arguments(name):
    objective = getattr(losses, name)()
    batch = make_batch(objective.similarity.domains)
    np.testing.assert_allclose(
        objective(*batch), twin_value(objective, *batch), rtol=1e-5
    )


# SigLIP has a term for any two rows, and in SupCon and UniCL positives
# compete without any negative.
@pytest.mark.parametrize(
    ("name", "texts"),
    [(name, [3, 4, 5]) for name in NAMES if name != "SigLIP"]
    + [
        (name, [0, 0, 0])
        for name in ("MPNCE", "InfoNCE", "MILNCE", "CLIP", "SLIP")
    ],
)
def test_nothing_to_compare_is_zero(name, texts):
    """No anchor has a positive, or none has a negative."""
    objective = getattr(losses, name)(make_similarity(THREE), pairs=BETWEEN)
    batch = make_batch(TWO, {"image": [0, 0, 0], "text": texts})
    value, gradients = value_and_gradients(objective, *batch)
    assert float(value) == 0.0
    for gradient in gradients.values():
        assert not np.any(gradient)
