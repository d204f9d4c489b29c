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
