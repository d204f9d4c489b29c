"""Rows: the same sample at the same place, whoever reads it and when."""

import collections

import numpy as np
import pytest
from numbered_source import NumberedSource

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.order.rows import Rows
from uniclip_keras.data.order.schedule import STREAMS
from uniclip_keras.errors import InputError


def keys(rows, numbers):
    return [row.sample["key"] for row in rows.read(np.asarray(numbers))]


def make_sources():
    return (
        NumberedSource("a", [64] * 12, empty=range(30, 60)),
        NumberedSource("b", [50, 3], empty=[2]),
    )


def test_any_split_over_workers_gives_the_same_rows():
    options = {"weights": [3, 1], "seed": 0, "shuffle_buffer": 50}
    whole = keys(Rows(make_sources(), **options), range(2000))
    for workers in (2, 3, 4, 7):
        for index in range(workers):
            rows = Rows(make_sources(), own=(workers, index), **options)
            numbers = range(900 + index - 900 % workers, 2000, workers)
            assert keys(rows, numbers) == [whole[n] for n in numbers]


def test_good_samples_come_once_per_pass_and_replacements_for_bad_ones():
    source = NumberedSource("a", [64] * 12, empty=range(30, 60))
    tally = BadSamples()
    rows = Rows([source], [1], 0, STREAMS, bad_samples=tally)
    drawn = rows.read(np.arange(768))
    assert not any(row.sample["problem"] for row in drawn)
    own = collections.Counter(r.sample["id"] for r in drawn if not r.attempt)
    assert own == dict.fromkeys({*range(768)} - {*range(30, 60)}, 1)
    assert sum(row.attempt > 0 for row in drawn) == 30
    assert tally.counts == {bad.EMPTY_CAPTION: 30} and tally.read == 768


def test_lost_samples_are_counted_where_the_file_breaks():
    source = NumberedSource("a", [64] * 2, lost={63: 10})
    tally = BadSamples()
    rows = Rows([source], [1], 0, 1000, bad_samples=tally)
    rows.read(np.arange(128 * 2))
    assert tally.counts == {bad.TRUNCATED_FILE: 20}
    assert tally.share == pytest.approx(20 / 276)


def test_a_source_without_good_samples_ends_the_run():
    source = NumberedSource("a", [64] * 12, empty=range(768))
    with pytest.raises(InputError, match="none is good.*empty caption"):
        Rows([source], [1], 0, STREAMS).read(np.arange(3))
