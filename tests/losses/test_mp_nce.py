"""MP-NCE against a float64 double loop, value and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses import MPNCE

PAIRS = ("image-image", "image-text", "text-text")


def loop_mp_nce(embeddings, ids, tau, offset, include_self, domain_weights):
    """Value by double loops in float64; domains in sorted order."""
    rows = []
    for domain in embeddings:
        for z, i in zip(embeddings[domain], ids[domain], strict=True):
            z = np.asarray(z, np.float64)
            rows.append((domain, z / np.sqrt((z * z).sum()), i))

    def pair(a, b):
        return "-".join(sorted((a, b)))

    def logit(a, b):
        d = pair(a[0], b[0])
        return (a[1] @ b[1] - offset[d]) / tau[d]

    terms, anchors = [], 0
    for k, a in enumerate(rows):
        negatives = [logit(a, b) for b in rows if b[2] != a[2]]
        positives = [
            b
            for m, b in enumerate(rows)
            if b[2] == a[2] and (include_self or m != k)
        ]
        anchors += bool(positives)
        for b in positives:
            value = 0.0
            if negatives:
                top = max(negatives)
                against = top + np.log(sum(np.exp(n - top) for n in negatives))
                value = np.logaddexp(0.0, against - logit(a, b))
            terms.append((pair(a[0], b[0]), 1 / len(positives), value))
    if not anchors:
        return 0.0
    if domain_weights == "uniform":
        return sum(w * v for _, w, v in terms) / anchors
    totals = {}
    for d, w, _ in terms:
        totals[d] = totals.get(d, 0.0) + w
    shares = {
        d: 1.0 if domain_weights == "balanced" else domain_weights[d]
        for d in totals
    }
    whole = sum(shares.values())
    return sum(w * v * shares[d] / totals[d] / whole for d, w, v in terms)


def make_batch(items=5, views=2, captions=1, dim=6, seed=0):
    rng = np.random.default_rng(seed)
    item = rng.integers(0, items, size=items)
    embeddings = {
        "image": rng.normal(size=(items * views, dim)).astype("float32"),
        "text": rng.normal(size=(items * captions, dim)).astype("float32"),
    }
    ids = {
        "image": np.repeat(item, views),
        "text": np.repeat(item, captions),
    }
    return embeddings, ids


def make_similarity(tau=(0.2, 0.5, 0.3), offset=(0.1, -0.2, 0.05)):
    return DomainSimilarity(
        ("image", "text"),
        temperature=dict(zip(PAIRS, tau, strict=True)),
        offset=dict(zip(PAIRS, offset, strict=True)),
    )


def reference(loss, embeddings, ids):
    values = {
        name: float(value) for name, value in loss.similarity.values().items()
    }
    return loop_mp_nce(
        embeddings,
        ids,
        {p: values[f"temperature/{p}"] for p in PAIRS},
        {p: values[f"offset/{p}"] for p in PAIRS},
        loss.include_self,
        loss.domain_weights,
    )


WEIGHTS = [
    "balanced",
    "uniform",
    {"image-image": 1.0, "image-text": 2.0, "text-text": 0.0},
]


@pytest.mark.parametrize("weights", WEIGHTS, ids=["balanced", "uniform", "map"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("tile_size", [None, 4])
def test_value_equals_the_loop(weights, include_self, tile_size):
    loss = MPNCE(
        make_similarity(),
        include_self=include_self,
        domain_weights=weights,
        tile_size=tile_size,
    )
    for seed, captions in ((0, 1), (1, 3)):
        embeddings, ids = make_batch(captions=captions, seed=seed)
        expected = reference(loss, embeddings, ids)
        np.testing.assert_allclose(
            loss(embeddings, ids=ids), expected, rtol=1e-5
        )


@pytest.mark.parametrize("tile_size", [None, 4])
@pytest.mark.parametrize("include_self", [True, False])
def test_gradients_equal_differences_of_the_loop(tile_size, include_self):
    embeddings, ids = make_batch(items=4, dim=3)
    loss = MPNCE(
        make_similarity(), include_self=include_self, tile_size=tile_size
    )
    similarity = loss.similarity
    tensors = {d: tf.constant(z) for d, z in embeddings.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = loss(tensors, ids=ids)
    variables = [similarity.log_temperature.value, similarity.offset.value]
    gradients, (d_log_tau, d_offset) = tape.gradient(
        value, (tensors, variables)
    )

    log_tau = similarity.log_temperature.numpy().astype("float64")
    offset = similarity.offset.numpy().astype("float64")

    def loop(z=embeddings, log_tau=log_tau, offset=offset):
        return loop_mp_nce(
            z,
            ids,
            dict(zip(PAIRS, np.exp(log_tau), strict=True)),
            dict(zip(PAIRS, offset, strict=True)),
            include_self,
            "balanced",
        )

    def close(gradient, expected):
        scale = np.abs(expected).max()
        assert np.abs(gradient - expected).max() <= 1e-4 * scale

    for domain in embeddings:

        def at(x, domain=domain):
            return loop(z={**embeddings, domain: x})

        close(gradients[domain], differences(at, embeddings[domain]))
    close(d_log_tau, differences(lambda x: loop(log_tau=x), log_tau))
    close(d_offset, differences(lambda x: loop(offset=x), offset))


def differences(function, x, step=1e-5):
    x = np.asarray(x, np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        moved = x.copy()
        moved[index] += step
        up = function(moved)
        moved[index] -= 2 * step
        gradient[index] = (up - function(moved)) / (2 * step)
    return gradient


def test_another_positive_does_not_compete():
    """With the negatives fixed, the terms of two positives are separate."""
    loss = MPNCE(
        DomainSimilarity(("image",)),
        include_self=False,
        domain_weights="uniform",
    )
    anchor, near, far, negative = np.eye(4, dtype="float32")
    ids = {"image": [0, 0, 0, 1]}

    def value(first, second):
        rows = np.stack([anchor, first, second, negative])
        with tf.GradientTape() as tape:
            z = tf.constant(rows)
            tape.watch(z)
            total = loss({"image": z}, ids={"image": ids["image"]})
        return float(total), tape.gradient(total, z).numpy()

    value_apart, gradient_apart = value(near, far)
    moved = (far + 0.3 * near) / np.linalg.norm(far + 0.3 * near)
    value_moved, gradient_moved = value(near, moved)
    assert value_moved != pytest.approx(value_apart)
    # Positives 1 and 2 attract each other; the anchor's pull on the first
    # positive (its component along the anchor) does not notice the second.
    assert gradient_moved[1, 0] == pytest.approx(gradient_apart[1, 0], rel=1e-5)


@pytest.mark.parametrize("tile_size", [None, 2])
def test_extremes_stay_finite(tile_size):
    cold = MPNCE(
        make_similarity(tau=(0.01,) * 3, offset=(0.0,) * 3),
        tile_size=tile_size,
    )
    embeddings, ids = make_batch()
    same = {d: np.ones_like(z) for d, z in embeddings.items()}
    zero = {d: np.zeros_like(z) for d, z in embeddings.items()}
    no_negatives = {d: np.zeros_like(i) for d, i in ids.items()}
    one = {d: z[:1] for d, z in embeddings.items()}
    one_id = {d: i[:1] for d, i in ids.items()}
    for z, i, expected in (
        (embeddings, ids, None),
        (same, ids, None),
        (zero, ids, None),
        (embeddings, no_negatives, 0.0),
        (one, one_id, 0.0),
    ):
        tensors = {d: tf.constant(x) for d, x in z.items()}
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = cold(tensors, ids=i)
        gradients = tape.gradient(
            value, [*tensors.values(), cold.similarity.log_temperature.value]
        )
        assert np.isfinite(value)
        if expected is not None:
            assert float(value) == expected
        assert all(np.isfinite(g).all() for g in gradients)


def test_without_any_positive_the_loss_is_zero():
    loss = MPNCE(DomainSimilarity(("image",)), include_self=False)
    z = np.eye(3, dtype="float32")
    assert float(loss({"image": z}, ids={"image": [0, 1, 2]})) == 0.0


def test_replicas_give_the_global_loss(two_replicas):
    embeddings, ids = make_batch(items=8, views=2)
    with two_replicas.scope():
        loss = MPNCE(make_similarity())
    expected = loss(embeddings, ids=ids)

    def shard(context):
        replica = context.replica_id_in_sync_group
        batch = {}
        for name, arrays in (("z", embeddings), ("ids", ids)):
            batch[name] = {
                d: np.split(x, 2)[replica] for d, x in arrays.items()
            }
        return batch

    values = two_replicas.experimental_distribute_values_from_function(shard)

    @tf.function
    def run(batch):
        return two_replicas.run(
            lambda b: loss(b["z"], ids=b["ids"]), args=(batch,)
        )

    mean = two_replicas.reduce("MEAN", run(values), axis=None)
    np.testing.assert_allclose(mean, expected, rtol=1e-6)


def test_round_trip():
    loss = MPNCE(make_similarity(), include_self=False, tile_size=7)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(loss)
    )
    embeddings, ids = make_batch()
    assert again.tile_size == 7
    np.testing.assert_array_equal(
        again(embeddings, ids=ids), loss(embeddings, ids=ids)
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domain_weights": "equal"}, "'equal'.*balanced"),
        ({"domain_weights": {"image-text": 1.0}}, "image-image"),
        ({"tile_size": 0}, "tile_size=0"),
    ],
)
def test_impossible_arguments(arguments, words):
    with pytest.raises(InputError, match=words):
        MPNCE(make_similarity(), **arguments)


def test_unknown_domains():
    loss = MPNCE(make_similarity())
    z, i = np.eye(2, dtype="float32"), [0, 1]
    with pytest.raises(InputError, match="audio"):
        loss({"audio": z}, ids={"audio": i})
    with pytest.raises(InputError, match="same domains"):
        loss({"image": z, "text": z}, ids={"image": i})
