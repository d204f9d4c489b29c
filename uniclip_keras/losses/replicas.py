"""The rows of all replicas under a distribution strategy."""

import tensorflow as tf


def replica_count():
    """Returns the number of replicas in sync, 1 outside a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """Returns this replica's place among those in sync, an int32 scalar."""
    if replica_count() == 1:
        return tf.constant(0)
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group, tf.int32)


def gather(x):
    """Concatenates numbers per row of all replicas, without a gradient.

    `[n, ...]` becomes `[replicas * n, ...]`, in replica order. Each replica
    must hold the same number of rows, so datasets must drop their remainder.
    The rows are scattered into zeros at the replica's index and summed. Unlike
    an all-gather, this supports every dtype and compiles on TPUs.
    """
    replicas = replica_count()
    if replicas == 1:
        return x
    if x.dtype == tf.int64:
        # TPUs cannot sum 64-bit integers over replicas.
        return _join_halves(gather(_split_halves(x)))
    own = tf.one_hot(replica_index(), replicas, dtype=x.dtype)
    own = tf.reshape(own, [replicas] + [1] * x.shape.rank)
    # [replicas, n, ...]
    summed = sum_over_replicas(own * tf.expand_dims(x, 0))
    return tf.reshape(summed, tf.concat([[-1], tf.shape(x)[1:]], axis=0))


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


def _split_halves(x):
    """int64 `[...]` as the high and the low 32 bits, int32 `[..., 2]`."""
    # A cast to fewer bits drops the high ones.
    halves = tf.bitwise.right_shift(x, 32), x
    return tf.stack([tf.cast(half, tf.int32) for half in halves], axis=-1)


def _join_halves(x):
    high, low = tf.unstack(tf.cast(x, tf.int64), axis=-1)
    # The cast repeats the sign of the low half in the high bits.
    low = tf.bitwise.bitwise_and(low, 2**32 - 1)
    return tf.bitwise.bitwise_or(tf.bitwise.left_shift(high, 32), low)
