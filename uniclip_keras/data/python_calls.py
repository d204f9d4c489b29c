"""Calls from a dataset into Python, and an end that does not wait for them.

A thread of TensorFlow that enters Python while the interpreter shuts down
never comes back, and the dataset's destructor waits for it: a program would
hang at its end. So Python waits, before it shuts down, until the datasets have
filled their buffers and fall silent.
"""

import atexit
import functools
import itertools
import threading
import time

import numpy as np
import tensorflow as tf

# Silence for so long means that buffers are full.
_QUIET_SECONDS = 0.25
# A dataset that is still busy then is left to its fate.
_LONGEST_WAIT = 20.0

_lock = threading.Lock()
_running = 0
_last = 0.0


def numpy_function(function, inputs, dtypes):
    """`tf.numpy_function`, minded at the end of the program."""

    @functools.wraps(function)
    def minded(*arguments):
        global _running, _last
        with _lock:
            _running += 1
        try:
            return function(*arguments)
        finally:
            with _lock:
                _running -= 1
                _last = time.monotonic()

    return tf.numpy_function(minded, inputs, dtypes)


def from_iterator(make_iterator, argument, dtypes):
    """A dataset of what a Python iterator yields.

    `Dataset.from_generator` does the same but calls Python once more when it
    is destroyed, which may be at the end of the program.

    Args:
        make_iterator: Function of the argument as NumPy has it that returns
            an iterator of tuples of arrays.
        argument: A tensor.
        dtypes: Types of the arrays; each has one dimension of any length.

    Returns:
        A dataset of tuples.
    """
    iterators, numbers = {}, itertools.count()

    def start(argument):
        number = next(numbers)
        iterators[number] = make_iterator(argument)
        return np.int64(number)

    def take(number):
        values = next(iterators[int(number)], None)
        if values is None:
            del iterators[int(number)]
            none = [np.array([], dtype.as_numpy_dtype) for dtype in dtypes]
            return False, *none
        return True, *values

    def elements(number):
        def next_element(_):
            there, *values = numpy_function(take, [number], [tf.bool, *dtypes])
            values = [tf.ensure_shape(value, [None]) for value in values]
            return tf.ensure_shape(there, []), tuple(values)

        dataset = tf.data.Dataset.range(tf.int64.max).map(next_element)
        dataset = dataset.take_while(lambda there, values: there)
        return dataset.map(lambda there, values: values)

    started = tf.data.Dataset.from_tensors(argument).map(
        lambda argument: tf.ensure_shape(
            numpy_function(start, [argument], tf.int64), []
        )
    )
    return started.flat_map(elements)


@atexit.register
def _wait_for_silence():
    """Returns once no dataset has called Python for a while."""
    end = time.monotonic() + _LONGEST_WAIT
    while (_last or _running) and time.monotonic() < end:
        with _lock:
            quiet = not _running and time.monotonic() - _last > _QUIET_SECONDS
        if quiet:
            return
        time.sleep(_QUIET_SECONDS / 5)
