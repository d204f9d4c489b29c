"""What `fit` gets: a dataset on one device, a part for each replica."""

import functools
import os
import time

import numpy as np
import pytest
import tensorflow as tf
import training_batches as tb
from numbered_source import NumberedSource

from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.python_calls import thread_options
from uniclip_keras.errors import InputError
from uniclip_keras.training import datasets
from uniclip_keras.training import distribute_dataset


def counted(calls, batch_size, first_row, shard_index, num_shards, replicas):
    """A dataset of numbers, which notes the process of each call."""

    def number(n):
        calls.append(os.getpid())
        return n

    rows = batch_size // num_shards // replicas
    return (
        tf.data.Dataset.range(first_row, 10**6)
        .map(lambda n: numpy_function(number, [n], tf.int64))
        .map(lambda n: tf.fill([rows], n))
        .prefetch(replicas)
        .with_options(thread_options(1))
    )


def wait_for(calls, count):
    """Waits until so many calls are made, and then whether more follow."""
    end = time.monotonic() + 20
    while len(calls) < count and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    assert calls == [os.getpid()] * count


def test_one_device_takes_the_dataset_as_it_is():
    made = distribute_dataset(dict, 8, first_row=24)
    whole = {"shard_index": 0, "num_shards": 1, "replicas": 1}
    assert made == {"batch_size": 8, "first_row": 24, **whole}


def test_the_next_batch_waits_on_an_accelerator(monkeypatch):
    monkeypatch.setattr(datasets, "_accelerator", lambda: "/device:CPU:1")
    calls = []
    batches = distribute_dataset(functools.partial(counted, calls), 4, 5)
    iterator = iter(batches)
    for step in range(3):
        batch = next(iterator)
        assert batch.device.endswith("CPU:1")
        assert batch.numpy().tolist() == [5 + step] * 4
        # The one taken, the next on the device, and one behind it.
        wait_for(calls, step + 3)


@pytest.mark.parametrize(("device", "ahead"), [(None, 1), ("/device:GPU:0", 3)])
def test_replicas_have_a_batch_each(two_replicas, monkeypatch, device, ahead):
    monkeypatch.setattr(datasets, "_accelerator", lambda: device)
    calls = []
    make = functools.partial(counted, calls)
    iterator = iter(distribute_dataset(make, 6, strategy=two_replicas))
    for step in range(2):
        values = two_replicas.experimental_local_results(next(iterator))
        for replica, value in enumerate(values):
            assert value.device.endswith(f"CPU:{replica}")
            assert value.numpy().tolist() == [2 * step + replica] * 3
        wait_for(calls, 2 * (step + 1 + ahead))


def test_replicas_take_the_rows_of_the_global_batch(two_replicas):
    tokenizer = tb.make_tokenizer()

    def make(**options):
        source = NumberedSource("a", [20])
        return tb.make_dataset(source, tokenizer, **options)

    iterator = iter(distribute_dataset(make, 6, 4, two_replicas))
    for expected in tb.to_numpy(make(batch_size=6, first_row=4), 2):
        batch = next(iterator)
        assert batch.keys() == expected.keys()
        for name, value in batch.items():
            parts = two_replicas.experimental_local_results(value)
            assert [part.shape[0] for part in parts] == [3, 3]
            np.testing.assert_array_equal(tf.concat(parts, 0), expected[name])


def test_replicas_divide_the_batch(two_replicas):
    with pytest.raises(InputError, match="batch_size=7 .* by 2 replicas: give"):
        distribute_dataset(dict, 7, strategy=two_replicas)
