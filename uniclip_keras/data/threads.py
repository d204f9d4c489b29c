"""The threads of an input pipeline."""

import tensorflow as tf


def thread_options(threads):
    """Options of a dataset that keeps to a few threads of its own.

    The training step needs the same cores, so single operations do not spread
    over several threads, and TensorFlow does not tune their number.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    options.threading.private_threadpool_size = threads
    options.threading.max_intra_op_parallelism = 1
    # If several workers make the same batches, each takes its part of every
    # batch, and no sample is trained on twice.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return options
