"""Windows in memory change no sample, and are few."""

import numpy as np
import pytest
from numbered_source import NumberedSource

from uniclip_keras.data.order.sample_order import SampleOrder
from uniclip_keras.data.order.schedule import STREAMS
from uniclip_keras.data.order.windows import Windows


def test_every_sample_is_read_once_per_pass():
    source = NumberedSource("a", [64] * 20)
    order = SampleOrder(source.chunks(), STREAMS, 0)
    windows = Windows(source, order, lambda draw: True)
    for draw in range(3 * 1280):
        sample, number = windows.sample(draw)
        assert sample["key"] == f"a{number}"
    read = np.bincount(np.concatenate(source.reads))
    # And ahead of time, the first section of the fourth pass.
    assert read.min() == 3 and read.sum() <= 3 * 1280 + STREAMS


def test_workers_share_the_reading():
    reads = []
    for index in range(3):
        source = NumberedSource("a", [64] * 20)
        order = SampleOrder(source.chunks(), STREAMS, 0)
        windows = Windows(source, order, lambda draw, i=index: draw % 3 == i)
        for draw in range(index, 1280, 3):
            windows.sample(draw)
        reads.append({*np.concatenate(source.reads).tolist()})
    assert set.union(*reads) == set(range(1280))
    # A third each, and the beginning of the next pass.
    assert max(map(len, reads)) <= 1280 / 3 + STREAMS / 3 + 1


def test_going_back_and_far_ahead_gives_the_same():
    source = NumberedSource("a", [64] * 20)
    order = SampleOrder(source.chunks(), STREAMS, 0)
    windows = Windows(source, order, lambda draw: True)
    for draw in (0, 10**9, 5, 700, 10**9 + 1):
        fresh = Windows(source, order, lambda draw: True)
        assert windows.sample(draw) == fresh.sample(draw)


def test_a_far_start_reads_one_section_and_a_part_of_the_next():
    source = NumberedSource("a", [64] * 20)
    order = SampleOrder(source.chunks(), STREAMS, 0)
    windows = Windows(source, order, lambda draw: True)
    windows.sample(10**6 * 1280 + 3 * STREAMS + STREAMS // 6)
    windows.close()
    assert len(source.reads) == STREAMS + STREAMS // 6 + 8


def test_an_error_of_the_source_is_raised():
    class Broken(NumberedSource):
        def read(self, numbers):
            raise PermissionError("no entry")

    for buffer in (STREAMS, 10_000):
        source = Broken("a", [64] * 20)
        order = SampleOrder(source.chunks(), buffer, 0)
        windows = Windows(source, order, lambda draw: True)
        with pytest.raises(PermissionError, match="no entry"):
            windows.sample(3)
