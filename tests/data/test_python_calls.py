"""Calls into Python, and the end of a program."""

import threading
import time

import tensorflow as tf

from uniclip_keras.data import python_calls
from uniclip_keras.data.python_calls import thread_options


def test_the_end_of_the_program_waits_for_a_running_call():
    release = threading.Event()
    entered = threading.Event()

    def slow(value):
        entered.set()
        release.wait(20)
        return value

    dataset = tf.data.Dataset.from_tensors(1).map(
        lambda value: python_calls.numpy_function(slow, [value], tf.int32)
    )
    # Another thread takes the element, like those of a dataset.
    iterator = iter(dataset.with_options(thread_options(1)))
    taker = threading.Thread(target=next, args=(iterator,))
    taker.start()
    assert entered.wait(20)
    threading.Timer(0.5, release.set).start()
    started = time.monotonic()
    python_calls._wait_for_calls()
    assert release.is_set()
    assert 0.4 < time.monotonic() - started < 10
    taker.join()
