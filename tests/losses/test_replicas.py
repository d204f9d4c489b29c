"""Values and gradients on two replicas against those on one device."""

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import ONE
from loss_batches import THREE
from loss_batches import TWO
from loss_batches import assert_equal_losses
from loss_batches import make_batch
from loss_batches import make_similarity
from loss_batches import value_and_gradients

from uniclip_keras import losses
from uniclip_keras.losses import exchange

# Some items have rows on both replicas, others on one.
IDS = {
    "image": [0, 1, 1, 5, 0, 2, 1, 3],
    "text": [2, 0, 1, 0, 1, 4],
    "view": [0, 1, 1, 6],
}
CASES = [
    ("MPNCE", TWO, 3, False),
    ("SupCon", ONE, 3, False),
    ("SLIP", THREE, None, False),
    ("SigLIP", TWO, None, False),
    ("InfoNCE", ONE, None, True),
]


@pytest.mark.parametrize(("name", "domains", "tile_size", "graph"), CASES)
def test_equals_one_device(two_replicas, name, domains, tile_size, graph):
    check_equals_one_device(two_replicas, name, domains, tile_size, graph)


def test_candidates_in_several_parts(two_replicas, monkeypatch):
    monkeypatch.setattr(exchange, "PARTS_PER_REPLICA", 1)
    monkeypatch.setattr(exchange, "LEAST_ROWS", 1)
    # Of 8 images and 6 texts in tiles of 3 rows; the last part is shorter.
    assert exchange.part_lengths(3, 3, 2) == [2, 1]
    assert exchange.part_lengths(2, 3, 2) == [1, 1]
    check_equals_one_device(two_replicas, "CLIP", TWO, 3, graph=True)


def test_lengths_of_parts(monkeypatch):
    monkeypatch.setattr(exchange, "LEAST_ROWS", 10)
    for count in range(1, 80):
        lengths = exchange.part_lengths(count, 4, 4)
        assert sum(lengths) == count and len(lengths) <= 8
        # All but the last are equal, and none of these is small.
        assert len({*lengths[:-1]}) <= 1
        assert all(4 * length >= 10 for length in lengths[:-1])
        dynamic = exchange.part_lengths(tf.constant(count), 4, 4).numpy()
        assert dynamic[dynamic > 0].tolist() == lengths


def check_equals_one_device(two_replicas, name, domains, tile_size, graph):
    with two_replicas.scope():
        similarity = make_similarity(domains)
        loss = getattr(losses, name)(similarity, tile_size=tile_size)
    embeddings, ids = make_batch(domains, IDS)
    expected = value_and_gradients(loss, embeddings, ids)

    def shard(context):
        replica = context.replica_id_in_sync_group
        return tf.nest.map_structure(
            lambda x: tf.constant(np.split(x, 2)[replica]), (embeddings, ids)
        )

    def run(embeddings, ids):
        results = two_replicas.run(value_and_gradients, (loss, embeddings, ids))
        return tf.nest.map_structure(
            two_replicas.experimental_local_results, results
        )

    if graph:
        run = tf.function(run)
    shards = two_replicas.experimental_distribute_values_from_function(shard)
    values, gradients = run(*shards)
    # Optimizers sum over replicas, so the loss is the mean of the values.
    gradients = {
        name: (np.concatenate(parts) if name in domains else sum(parts)) / 2
        for name, parts in gradients.items()
    }
    assert_equal_losses((sum(values) / 2, gradients), expected)
