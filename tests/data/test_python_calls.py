"""Python iterators as datasets, and the end of a program."""

import threading
import time

import numpy as np
import tensorflow as tf

from uniclip_keras.data import python_calls
from uniclip_keras.data.python_calls import thread_options


def countdown(start):
    """Pairs of arrays, each shorter than the one before."""
    for length in range(int(start), 0, -1):
        yield np.arange(length), np.array([b"x"] * length, object)


def lengths(dataset):
    dataset = dataset.with_options(thread_options(2))
    for numbers, letters in dataset.as_numpy_iterator():
        assert numbers.tolist() == list(range(len(letters)))
        assert set(letters) == {b"x"}
        yield len(letters)


def make_dataset(start):
    types = [tf.int64, tf.string]
    return python_calls.from_iterator(countdown, start, types)


def test_every_pass_has_an_iterator_of_its_own():
    dataset = make_dataset(tf.constant(3))
    assert list(lengths(dataset)) == [3, 2, 1]
    assert list(lengths(dataset.repeat(2))) == [3, 2, 1, 3, 2, 1]
    assert list(lengths(make_dataset(tf.constant(0)))) == []

    # Several at once.
    starts = tf.data.Dataset.from_tensor_slices([2, 0, 3])
    side_by_side = starts.interleave(
        make_dataset, cycle_length=3, num_parallel_calls=3, deterministic=True
    )
    assert list(lengths(side_by_side)) == [2, 3, 1, 2, 1]


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
