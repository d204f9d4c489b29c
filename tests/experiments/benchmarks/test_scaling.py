"""The formulas of the loss's cost against the collectives of its graphs."""

import pytest
import tensorflow as tf
import tpu_tracing

from experiments.benchmarks.scaling import __main__ as scaling
from experiments.benchmarks.scaling import counts
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses import MPNCE
from uniclip_keras.losses import exchange

DIM = 16
ROWS = {"image": 96, "text": 48}


def trace(strategy):
    """Traces loss and gradients of a replica's `ROWS`: the graph."""
    with strategy.scope():
        loss = MPNCE(DomainSimilarity(tuple(ROWS)), tile_size=48)

    def gradients(embeddings, ids):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            value = loss(embeddings, ids=ids)
        return tape.gradient(value, embeddings)

    def step(embeddings, ids):
        return strategy.run(gradients, (embeddings, ids))

    return (
        tf.function(step, autograph=False)
        .get_concrete_function(
            {d: tf.TensorSpec([n, DIM]) for d, n in ROWS.items()},
            {d: tf.TensorSpec([n], tf.int64) for d, n in ROWS.items()},
        )
        .graph
    )


def summed_tensors(graph, operation):
    """Lists the tensors that go into the sums over replicas."""
    return [
        op.inputs[0] for op in graph.get_operations() if op.type == operation
    ]


def bytes_of(tensors):
    return sum(x.shape.num_elements() * x.dtype.size for x in tensors)


@pytest.mark.parametrize("replicas", [2, 4])
def test_bytes_are_those_of_the_graph(monkeypatch, replicas):
    monkeypatch.setattr(exchange, "LEAST_ROWS", 96)
    graph = trace(tpu_tracing.tpu_strategy(replicas))
    tensors = summed_tensors(graph, "CrossReplicaSum")
    assert bytes_of(tensors) == counts.summed_bytes(ROWS, DIM, replicas)
    # Parts of 96 rows, in two reductions, forward and backward.
    parts = [x for x in tensors if x.shape[-1:] == [DIM]]
    assert {x.shape[0] * x.shape[1] for x in parts} == {96}
    assert len(parts) == 2 * 2 * (replicas + replicas // 2)


def test_mirrored_replicas_sum_as_much(monkeypatch, two_replicas):
    monkeypatch.setattr(exchange, "LEAST_ROWS", 96)
    graph = trace(two_replicas)
    tensors = summed_tensors(graph, "CollectiveReduceV2")
    summed = counts.summed_bytes(ROWS, DIM, 2)
    # Integers take another way under this strategy.
    assert bytes_of(tensors) == 2 * (summed - counts.id_bytes(ROWS, 2))


def test_table():
    rows = scaling.make_rows([4096], [2, 4, 3], dim=512)
    assert [row[:2] for row in rows] == [["4,096", "2"], ["4,096", "4"]]
    # Half of the anchors, with as many candidates.
    flops = [
        counts.flops({"image": n, "text": n}, 512, 4096 // n)
        for n in (2048, 1024)
    ]
    assert flops[0] == pytest.approx(2 * flops[1], rel=0.1)
