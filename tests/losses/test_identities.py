"""Identities between the losses, and with published formulas."""

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import THREE
from loss_batches import assert_equal_losses
from loss_batches import cosines
from loss_batches import make_batch
from loss_batches import make_similarity
from loss_batches import value_and_gradients

from uniclip_keras import losses
from uniclip_keras.layers import DomainSimilarity

BETWEEN = ("image-text",)
ONE_TO_ONE = {"image": [4, 0, 2, 1, 3], "text": [0, 1, 2, 3, 4]}


def test_losses_are_equal_with_one_positive():
    similarity = make_similarity()
    batch = make_batch(ids=ONE_TO_ONE)
    loss = losses.MPNCE(similarity, False, "uniform", pairs=BETWEEN)
    expected = value_and_gradients(loss, *batch)
    for name in ("InfoNCE", "SupCon", "MILNCE", "CLIP", "UniCL"):
        loss = getattr(losses, name)(similarity, pairs=BETWEEN)
        assert_equal_losses(value_and_gradients(loss, *batch), expected)


def test_clip_is_two_cross_entropies():
    loss = losses.CLIP(DomainSimilarity(temperature=0.2))
    embeddings, ids = make_batch(ids=ONE_TO_ONE)
    logits = cosines(embeddings) / 0.2
    labels = np.array(ONE_TO_ONE["image"])
    entropies = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=s)
        for s, y in ((logits, labels), (logits.T, np.argsort(labels)))
    ]
    expected = np.mean(entropies)
    np.testing.assert_allclose(loss(embeddings, ids=ids), expected, rtol=1e-5)


def test_unicl_of_classes_is_the_published_form():
    """Means over rows and columns of `[y_i == y_j]`, one text per image."""
    labels = np.array([2, 0, 2, 1, 0, 2])
    loss = losses.UniCL(DomainSimilarity(temperature=0.2))
    embeddings, ids = make_batch(ids={"image": labels, "text": labels})
    logits = cosines(embeddings) / 0.2
    targets = (labels[:, None] == labels).astype("float64")
    terms = [
        -np.sum(targets * tf.nn.log_softmax(s), axis=1) / targets.sum(axis=1)
        for s in (logits, logits.T)
    ]
    expected = np.mean(terms)
    np.testing.assert_allclose(loss(embeddings, ids=ids), expected, rtol=1e-5)


def test_siglip_is_the_published_form():
    loss = losses.SigLIP()
    embeddings, ids = make_batch(ids=ONE_TO_ONE)
    z = np.where(np.equal.outer(ids["image"], ids["text"]), 1.0, -1.0)
    x = z * (10.0 * cosines(embeddings) - 10.0)
    expected = -np.mean(np.sum(-np.logaddexp(0.0, -x), axis=1))
    np.testing.assert_allclose(loss(embeddings, ids=ids), expected, rtol=1e-5)


@pytest.mark.parametrize("view_weight", [1.0, 0.25])
def test_slip_is_clip_and_views(view_weight):
    similarity = make_similarity(THREE)
    embeddings, ids = make_batch(THREE)
    slip = losses.SLIP(similarity, view_weight=view_weight)
    clip = losses.CLIP(similarity)(embeddings, ids=ids)
    views = losses.InfoNCE(similarity, pairs=("view-view",))(
        embeddings, ids=ids
    )
    expected = float(clip) + view_weight * float(views)
    np.testing.assert_allclose(slip(embeddings, ids=ids), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "competes"),
    [(losses.MPNCE, False), (losses.InfoNCE, False), (losses.SupCon, True)],
)
def test_whether_positives_compete(kind, competes):
    """Without competition, the terms of two captions add up."""
    loss = kind(make_similarity(), pairs=BETWEEN, domain_weights="uniform")
    image = np.array([1.0, 0.0, 0.0], "float32")
    ids = {"image": np.array([0]), "text": np.array([0, 0, 1])}

    def value(first, second):
        captions = np.stack([first, second, image])
        return float(loss({"image": image[None], "text": captions}, ids=ids))

    near, far = image, -image
    mixed = value(near, near) + value(far, far) - 2 * value(near, far)
    assert (abs(mixed) > 0.01) == competes
    assert value(near, near) < value(near, far) < value(far, far)


def test_rows_in_any_order():
    loss = losses.MPNCE(make_similarity())
    embeddings, ids = make_batch()
    rng = np.random.default_rng(1)
    orders = {d: rng.permutation(len(i)) for d, i in ids.items()}
    moved = [
        {d: x[orders[d]] for d, x in named.items()}
        for named in (embeddings, ids)
    ]
    expected = loss(embeddings, ids=ids)
    np.testing.assert_allclose(loss(*moved), expected, rtol=1e-6)


def test_ids_of_any_size_and_type():
    """Only the equality of ids counts."""
    loss = losses.SupCon(make_similarity())
    embeddings, ids = make_batch()
    expected = float(loss(embeddings, ids=ids))
    for change in (
        lambda i: i + 2**62,
        lambda i: -i,
        lambda i: i.astype("int32"),
        lambda i: i.tolist(),
    ):
        other = {d: change(i) for d, i in ids.items()}
        assert float(loss(embeddings, ids=other)) == pytest.approx(expected)


def test_an_empty_domain_equals_an_absent_one():
    loss = losses.MPNCE(make_similarity())
    embeddings, ids = make_batch()
    empty = {"image": embeddings["image"][:0], "text": embeddings["text"]}
    value, gradients = value_and_gradients(
        loss, empty, {**ids, "image": ids["image"][:0]}
    )
    alone = value_and_gradients(
        loss, {"text": embeddings["text"]}, {"text": ids["text"]}
    )
    assert gradients.pop("image").shape == (0, 3)
    assert_equal_losses((value, gradients), alone)
