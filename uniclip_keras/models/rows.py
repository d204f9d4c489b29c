"""The check that all replicas hold the same number of rows."""

import tensorflow as tf

from uniclip_keras.errors import InputError


def check_rows(strategy, data):
    """Refuses a batch of which the replicas hold unequal numbers of rows.

    The losses gather the rows of all replicas, which would meet in a sum of
    unequal shapes. Not looked at are the replicas of other workers, and, with
    several steps per execution, rows whose number the graph does not know.

    Args:
        strategy: The `tf.distribute.Strategy`.
        data: The batch of all replicas, as values or within a graph.

    Raises:
        InputError: If the numbers differ.
    """
    if strategy.num_replicas_in_sync == 1:
        return
    local = strategy.experimental_local_results(tf.nest.flatten(data)[0])
    rows = [x.shape[0] for x in local]
    if None not in rows and len(set(rows)) > 1:
        *others, last = map(str, rows)
        raise InputError(
            f"the replicas got {', '.join(others)} and {last} rows of a batch, "
            "and need equal numbers; drop the remainder of the data "
            "(`batch(..., drop_remainder=True)`) and give a batch size that is "
            "a multiple of the number of replicas."
        )
