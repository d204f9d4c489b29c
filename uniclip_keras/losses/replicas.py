"""The global batch as each replica sees it."""

import tensorflow as tf


def replica_count():
    """Number of replicas in sync; 1 outside a distribution strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def gather(x):
    """Rows of all replicas, in replica order, with gradients to each.

    Every replica must hold the same number of rows: drop the remainder of a
    data set. The rows are scattered into zeros at the replica's place and
    summed: unlike an all-gather this works in every dtype, has a gradient
    and suits TPUs.

    Args:
        x: tensor `[n, ...]` of this replica.

    Returns:
        tensor `[replicas * n, ...]`.
    """
    replicas = replica_count()
    if replicas == 1:
        return x
    context = tf.distribute.get_replica_context()
    place = tf.one_hot(
        context.replica_id_in_sync_group, replicas, dtype=x.dtype
    )
    place = tf.reshape(place, [replicas] + [1] * x.shape.rank)
    summed = context.all_reduce(
        tf.distribute.ReduceOp.SUM, place * tf.expand_dims(x, 0)
    )
    return tf.reshape(summed, tf.concat([[-1], tf.shape(x)[1:]], axis=0))


def first_row(rows):
    """Index in the gathered tensor of this replica's first of `rows` rows."""
    if replica_count() == 1:
        return tf.zeros_like(rows)
    context = tf.distribute.get_replica_context()
    return rows * tf.cast(context.replica_id_in_sync_group, rows.dtype)


def sum_over_replicas(x):
    """The sum over the replicas of each one's `x`, without gradient."""
    if replica_count() == 1:
        return x
    return tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.SUM, tf.stop_gradient(x)
    )
