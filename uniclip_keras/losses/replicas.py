"""The rows of all replicas under a distribution strategy."""

import tensorflow as tf


def replica_count():
    """Returns the number of replicas in sync, 1 outside a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def gather(x):
    """Concatenates the rows of all replicas, with gradients to each replica.

    `[n, ...]` becomes `[replicas * n, ...]`, in replica order. Each replica
    must hold the same number of rows, so datasets must drop their remainder.
    The rows are scattered into zeros at the replica's index and summed. Unlike
    an all-gather, this supports every dtype, has a gradient, and compiles on
    TPUs.
    """
    replicas = replica_count()
    if replicas == 1:
        return x
    context = tf.distribute.get_replica_context()
    own = tf.one_hot(context.replica_id_in_sync_group, replicas, dtype=x.dtype)
    own = tf.reshape(own, [replicas] + [1] * x.shape.rank)
    # [replicas, n, ...]
    summed = context.all_reduce(
        tf.distribute.ReduceOp.SUM, own * tf.expand_dims(x, 0)
    )
    return tf.reshape(summed, tf.concat([[-1], tf.shape(x)[1:]], axis=0))


def first_row(rows):
    """Index in the gathered tensor of this replica's first of `rows` rows."""
    if replica_count() == 1:
        return tf.zeros_like(rows)
    context = tf.distribute.get_replica_context()
    return rows * tf.cast(context.replica_id_in_sync_group, rows.dtype)


def sum_over_replicas(x):
    """Sums a tensor, or each of a list, over the replicas; no gradient."""
    return _reduce(tf.distribute.ReduceOp.SUM, x)


def mean_over_replicas(x):
    """Averages a tensor over the replicas, without a gradient."""
    return _reduce(tf.distribute.ReduceOp.MEAN, x)


def first_of_replicas(strategy, value):
    """Returns what the first replica of this process holds of a value."""
    return strategy.experimental_local_results(value)[0]


def _reduce(operation, x):
    if replica_count() == 1:
        return x
    x = tf.nest.map_structure(tf.stop_gradient, x)
    return tf.distribute.get_replica_context().all_reduce(operation, x)
