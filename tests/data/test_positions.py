"""A batch is a function of its position, whoever makes it and when."""

import keras
import numpy as np
import pytest
import training_batches as tb
from numbered_source import NumberedSource

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import mix
from uniclip_keras.data.order.rows import Rows
from uniclip_keras.errors import InputError

BATCH = 60


def make_source():
    """A mixture with bad samples, whose parts no number of workers divides."""
    pairs = NumberedSource("a", [64] * 5 + [7], range(30, 45), [3, 100])
    return mix([pairs, NumberedSource("b", [50, 3], [7])], [3, 1])


def batches(tokenizer, count, **options):
    options = {"shuffle_buffer": 60, "with_keys": True, **options}
    options["batch_size"] = BATCH
    return tb.batches(make_source(), tokenizer, count, **options)


@pytest.fixture(scope="module")
def tally():
    return BadSamples()


@pytest.fixture(scope="module")
def expected(tokenizer, tally):
    return batches(tokenizer, 9, bad_samples=tally)


@pytest.mark.parametrize(("workers", "replicas"), [(1, 3), (2, 2)])
def test_replicas_make_the_same_global_batch(
    tokenizer, expected, workers, replicas
):
    """Ids, tokens, views and vectors, after a start in the middle."""
    start, steps = 3, 2
    for index in range(workers):
        parts = batches(
            tokenizer,
            steps * replicas,
            first_row=start * BATCH,
            shard_index=index,
            num_shards=workers,
            replicas=replicas,
        )
        for step in range(steps):
            whole = expected[start + step]
            rows = {name: whole[name][index::workers] for name in whole}
            for replica in range(replicas):
                own = BATCH // workers // replicas
                own = slice(replica * own, (replica + 1) * own)
                tb.assert_equal_batches(
                    [parts[step * replicas + replica]],
                    [{name: value[own] for name, value in rows.items()}],
                )


def test_a_run_goes_on_at_any_row(tokenizer, expected):
    # TensorFlow's global seed has no part in it.
    keras.utils.set_random_seed(1)
    rest = batches(tokenizer, 2, first_row=7 * BATCH)
    tb.assert_equal_batches(rest, expected[7:])
    # The batch need not have the size of those before it.
    (part,) = batches(tokenizer, 1, first_row=7 * BATCH + 13)
    for name in part:
        both = np.concatenate([batch[name] for batch in expected[7:]])
        np.testing.assert_array_equal(part[name], both[13 : 13 + BATCH])


def test_bad_images_are_replaced_within_their_source(expected, tally):
    for batch in expected:
        assert batch["row"].tolist() == sorted(batch["row"])
        letters = {0: b"a", 1: b"b"}
        for key, source in zip(batch["key"], batch["source"], strict=True):
            assert key[:1] == letters[source]
        assert not {b"a%d" % n for n in range(30, 45)} & {*batch["key"]}
    # One pass over `a` and two over `b`, and what the buffers hold.
    assert 15 <= tally.counts[bad.CORRUPT_IMAGE] <= 36
    assert set(tally.examples[bad.EMPTY_CAPTION]) == {"a3", "a100"}


def test_processes_and_replicas_divide_the_batch(tokenizer):
    with pytest.raises(InputError, match="batch_size=60 .* by 7 processes"):
        batches(tokenizer, 1, num_shards=7)
    with pytest.raises(InputError, match="with 8 replicas .* multiple of 16"):
        batches(tokenizer, 1, num_shards=2, replicas=8)
    with pytest.raises(InputError, match="shard_index=2 is not allowed"):
        batches(tokenizer, 1, num_shards=2, shard_index=2)
    with pytest.raises(InputError, match="first_row=-1 is not allowed"):
        batches(tokenizer, 1, first_row=-1)


def test_a_far_start_reads_no_more_than_the_first():
    reads = []
    for first_row in (0, 1_000_000):
        source = NumberedSource("a", [64] * 100)
        rows = Rows([source], [1], seed=0, shuffle_buffer=960)
        rows.read(range(first_row, first_row + BATCH))
        # Until all that it reads ahead is read.
        rows._windows[0].close()
        reads.append(sum(map(len, source.reads)))
    assert max(reads) < 2 * min(reads)
