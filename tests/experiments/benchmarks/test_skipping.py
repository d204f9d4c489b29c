"""The share of the backward pass that could be skipped."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.benchmarks.loss.skipping import __main__ as skipping
from experiments.benchmarks.loss.skipping import oracle
from experiments.benchmarks.loss.skipping import orders
from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.engine import reduce_logits
from uniclip_keras.losses.losses import MPNCE
from uniclip_keras.losses.losses import over_domains
from uniclip_keras.losses.reductions import LogSumExp

COUNT = 16  # Items, two images and a text each, in two distant halves.


@pytest.fixture(scope="module")
def halves():
    """Neighbors in the space have distant ids."""
    rng = np.random.default_rng(0)
    side = np.tile([1.0, -1.0], COUNT // 2)[:, None] * [[6, 0, 0, 0]]
    items = side + rng.normal(size=[COUNT, 4])
    rows = {"image": np.repeat(np.arange(COUNT), 2), "text": np.arange(COUNT)}
    z = {
        d: orders.unit_rows(items[i]).astype(np.float32)
        for d, i in rows.items()
    }
    return z, rows


@pytest.mark.parametrize("name", orders.ORDERS)
def test_orders_keep_items_together(name, halves, monkeypatch):
    monkeypatch.setattr(orders, "CLUSTER", 4)
    z, ids = orders.reorder(name, *halves)
    for domain, i in ids.items():
        np.testing.assert_array_equal(
            i, np.sort(np.repeat(np.arange(COUNT), len(i) // COUNT))
        )
        old = np.lexsort(halves[0][domain].T)
        new = np.lexsort(z[domain].T)
        np.testing.assert_array_equal(halves[0][domain][old], z[domain][new])
    np.testing.assert_array_equal(z["image"][::2], z["text"])
    # All but the order of the ids bring each half together.
    changes = np.count_nonzero(np.diff(np.sign(z["text"][:, 0])))
    assert changes == (COUNT - 1 if name == "id" else 1)


def test_weights_give_the_gradient_of_the_engine(halves):
    similarity = DomainSimilarity(
        temperature={"image-image": 0.2, "image-text": 0.3, "text-text": 0.5},
        offset={"image-text": 0.4},
    )
    z, ids = orders.reorder("chain", *halves)
    backward = oracle.make_backward(similarity, z, ids)
    tensors = {d: tf.constant(x) for d, x in z.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        batch = Batch(MPNCE(similarity), tensors, ids)
        values = over_domains(reduce_logits(batch, LogSumExp(), "negatives"))
        _, slopes = oracle._negatives(batch, "balanced")
        loss = sum(
            tf.reduce_sum(tf.stop_gradient(slopes[d]) * values[d]) for d in z
        )
    expected = np.concatenate(list(tape.gradient(loss, tensors).values()))
    rows = backward.weights @ backward.z
    along = np.sum(rows * backward.z, axis=1, keepdims=True)
    np.testing.assert_allclose(
        rows - along * backward.z, expected, rtol=1e-4, atol=1e-6
    )


def test_what_can_be_dropped(halves, monkeypatch):
    # Several chunks, the last of another size.
    monkeypatch.setattr(oracle, "CHUNK", 20)

    def backward(order, temperature):
        return oracle.make_backward(
            DomainSimilarity(temperature=temperature),
            *orders.reorder(order, *halves),
        )

    def shares(backward):
        return oracle.droppable_tiles(backward, COUNT // 2, 1e-6)

    # Half of the tiles are between the halves, whose logits are 50 lower.
    assert shares(backward("projection", 0.02)) == (0.5, 0.5, 0.5)
    assert shares(backward("projection", 1.0)) == (0.0, 0.0, 0.0)
    by_id = backward("id", 0.02)
    assert shares(by_id) == (0.0, 0.0, 0.0)
    assert 0.5 <= oracle.droppable_logits(by_id, 1e-6) < 1.0


def test_the_table(run, halves, tmp_path, capsys):
    z, ids = halves
    arrays = z | {f"{d}_ids": i for d, i in ids.items()}
    parameters = np.full(3, 0.02), np.zeros(3)
    arrays |= dict(zip(("temperature", "offset"), parameters, strict=True))
    file = tmp_path / "embeddings.npz"
    np.savez(file, **arrays)
    small = "--orders=projection", "--tiles=8", "--temperatures=own"
    run(skipping, f"--embeddings={file}", *small)
    out = capsys.readouterr().out
    assert "48 embeddings, 16 ids" in out
    assert out.splitlines()[-1] == (
        "| own | projection | 8 | 50.0% | 50.0% | 50.0% | 1.50 | 2.00 |"
    )


@pytest.mark.parametrize(
    "flag", ["--orders=none", "--tiles=0", "--weights=0", "--embeddings=none"]
)
def test_impossible_options(flag, run):
    with pytest.raises(InputError, match=flag.split("=")[0]):
        run(skipping, flag)
