"""Graphs of the engine compile with XLA and take linear memory."""

import itertools
import math

import tensorflow as tf
from loss_batches import ONE
from loss_batches import assert_equal_losses
from loss_batches import make_batch
from loss_batches import make_similarity
from loss_batches import value_and_gradients

from uniclip_keras.losses import InfoNCE
from uniclip_keras.losses import SupCon

ROWS = 4096
DIM = 8


def test_xla_compiles_the_loops():
    """TPUs need this. Shapes are static, but ids bound the loops."""
    loss = InfoNCE(make_similarity(ONE), tile_size=4)
    embeddings, ids = make_batch(ONE)

    @tf.function(jit_compile=True)
    def compiled(embeddings, ids):
        return value_and_gradients(loss, embeddings, ids)

    expected = value_and_gradients(loss, embeddings, ids)
    assert_equal_losses(compiled(embeddings, ids), expected)


def largest_tensor(function, *signature):
    """Counts the elements of the largest tensor in a graph and its loops."""
    graph = tf.function(function).get_concrete_function(*signature).graph
    definition = graph.as_graph_def(add_shapes=True)
    inner = [f.node_def for f in definition.library.function]
    nodes = itertools.chain(definition.node, *inner)
    return max(
        count_elements(shape)
        for node in nodes
        for shape in node.attr["_output_shapes"].list.shape
    )


def count_elements(shape):
    sizes = [dim.size for dim in shape.dim]
    if shape.unknown_rank or (len(sizes) > 1 and -1 in sizes):
        return math.inf
    return abs(math.prod(sizes))


def test_memory_is_linear():
    loss = SupCon(make_similarity(ONE), tile_size=64)

    def tiled(z, ids):
        return value_and_gradients(loss, {"image": z}, {"image": ids})

    def dense(z, ids):
        def reduced(scale):
            logits = scale * tf.matmul(z, z, transpose_b=True)
            return tf.reduce_sum(tf.reduce_logsumexp(logits, axis=1))

        # In a loop, like the tiles.
        return tf.map_fn(reduced, tf.ones([2]))

    signature = tf.TensorSpec([ROWS, DIM]), tf.TensorSpec([ROWS], tf.int64)
    assert largest_tensor(tiled, *signature) <= 2 * ROWS * DIM
    assert largest_tensor(dense, *signature) == ROWS * ROWS
