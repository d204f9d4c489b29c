"""How many threads an input pipeline takes."""

import tensorflow as tf


def thread_options(threads):
    """Options of a dataset that keeps to a few threads of its own.

    The training step wants the same cores: operations within one element do
    not spread over them, and nothing is tuned behind one's back.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    options.threading.private_threadpool_size = threads
    options.threading.max_intra_op_parallelism = 1
    # Where several workers make the same batches, each takes its part of
    # every one, so that no sample is trained on twice.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return options
