"""How datasets run: their threads, and their calls into Python.

A TensorFlow thread that enters Python while the interpreter shuts down never
returns, and the dataset's destructor waits for it forever. So Python waits
before it shuts down until all datasets have filled their buffers and call no
more.
"""

import atexit
import functools
import threading
import time

import tensorflow as tf

# If nothing calls for this long, all buffers are full.
_QUIET_SECONDS = 0.25
# The longest wait for a dataset that does not stop calling.
_LONGEST_WAIT = 20.0

_lock = threading.Lock()
_running = 0
_last = 0.0


def thread_options(threads):
    """Options of a dataset that keeps to a few threads of its own.

    The training step needs the same cores, so single operations do not spread
    over several threads, and TensorFlow does not tune their number.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    # They save no time, and take minutes for a dataset whose nested branches
    # a strategy instantiates on several devices.
    options.experimental_optimization.apply_default_optimizations = False
    options.threading.private_threadpool_size = threads
    options.threading.max_intra_op_parallelism = 1
    # If several workers make the same batches, each takes its part of every
    # batch, and no sample is trained on twice.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return options


def numpy_function(function, inputs, dtypes):
    """`tf.numpy_function` whose calls the end of the program waits for."""

    @functools.wraps(function)
    def counted(*arguments):
        global _running, _last
        with _lock:
            _running += 1
        try:
            return function(*arguments)
        finally:
            with _lock:
                _running -= 1
                _last = time.monotonic()

    return tf.numpy_function(counted, inputs, dtypes)


@atexit.register
def _wait_for_calls():
    """Returns once no dataset has called Python for a while."""
    end = time.monotonic() + _LONGEST_WAIT
    while (_last or _running) and time.monotonic() < end:
        with _lock:
            quiet = not _running and time.monotonic() - _last > _QUIET_SECONDS
        if quiet:
            return
        time.sleep(_QUIET_SECONDS / 5)
