"""What the workers of a run tell each other."""

import numpy as np
import tensorflow as tf

from uniclip_keras.errors import InputError


def is_chief(strategy=None):
    """Tells whether this process is the one that writes files.

    Args:
        strategy: A `tf.distribute.Strategy`; by default the current one.
    """
    strategy = strategy or tf.distribute.get_strategy()
    return not several_workers(strategy) or strategy.extended.should_checkpoint


def several_workers(strategy):
    """Tells whether other processes run the same program."""
    kind = tf.distribute.MultiWorkerMirroredStrategy
    return (
        isinstance(strategy, kind) and strategy.extended._in_multi_worker_mode()
    )


def sum_over_workers(strategy):
    """Makes a function that sums an int32 array over the workers.

    Each worker must call it in the same order with the same shape. In one
    process it returns the array.
    """
    if not several_workers(strategy):
        return np.asarray

    @tf.function(autograph=False, reduce_retracing=True)
    def add(values):
        def add_replica():
            # The replicas of a worker hold the same values: one counts.
            context = tf.distribute.get_replica_context()
            local = strategy.extended._num_replicas_in_sync // (
                strategy.extended._num_workers
            )
            first = context.replica_id_in_sync_group % local == 0
            own = tf.where(first, values, tf.zeros_like(values))
            return context.all_reduce("SUM", own)

        return strategy.experimental_local_results(strategy.run(add_replica))[0]

    return lambda values: add(tf.convert_to_tensor(values, tf.int32)).numpy()


def gather_over_workers(strategy):
    """Makes a function that gathers an int of each worker: list of ints.

    Each worker must call it in the same order. In one process it returns its
    own.
    """
    if not several_workers(strategy):
        return lambda number: [number]
    add, extended = sum_over_workers(strategy), strategy.extended

    def gather(number):
        numbers = np.zeros(extended._num_workers, np.int32)
        numbers[extended._id_in_cluster] = number
        return add(numbers).tolist()

    return gather


def share_from_chief(strategy=None):
    """Makes a function through which workers get the bytes that one made.

    `share(make_bytes)` calls `make_bytes()` on the chief and returns its bytes
    on every worker; in one process it is `make_bytes()`. All workers must call
    it in the same order. An exception of the chief is raised on the chief, and
    its text on the other workers.

    Args:
        strategy: A `tf.distribute.Strategy`; by default the current one.

    Example:

    ```python
    share = training.share_from_chief(strategy)
    vocabulary = share(lambda: learn_vocabulary(captions))
    ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    if not several_workers(strategy):
        return lambda make_bytes: make_bytes()
    add, chief = sum_over_workers(strategy), is_chief(strategy)

    def share(make_bytes):
        content, error = b"", None
        if chief:
            try:
                content = make_bytes()
            # Whatever it is, the other workers must not wait for bytes.
            except BaseException as caught:
                content, error = str(caught).encode(), caught
        kind = _kind(error)
        size, kind = add([len(content), kind]).tolist()
        # Four bytes in one number; zeros elsewhere leave it as it is.
        numbers = np.zeros(-(-size // 4), np.int32)
        if chief:
            padded = content.ljust(4 * len(numbers), b"\0")
            numbers = np.frombuffer(padded, np.int32)
        if size:
            # TensorFlow crashes when it sums nothing.
            content = add(numbers).tobytes()[:size]
        if error is not None:
            raise error
        if kind:
            raise _KINDS[kind](content.decode(errors="replace"))
        return content

    return share


# What other workers raise instead of an exception of the chief.
_KINDS = (None, RuntimeError, InputError)


def _kind(error):
    if error is None:
        return 0
    return 2 if isinstance(error, InputError) else 1
