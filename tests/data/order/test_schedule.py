"""Which source a row draws from: shares, counts, streams."""

import numpy as np
import pytest

from uniclip_keras.data.order.schedule import BLOCK
from uniclip_keras.data.order.schedule import STREAMS
from uniclip_keras.data.order.schedule import Schedule


@pytest.mark.parametrize("weights", [[1], [7, 1], [0.2, 0.5, 0.3], [1e-3, 1]])
def test_draws_are_counted_within_each_stream(weights):
    """The slow way: count the draws of each stream from the beginning."""
    schedule = Schedule(weights, seed=3)
    rows = np.arange(5 * BLOCK * STREAMS)
    sources, draws = schedule.locate(rows)
    counted = np.zeros([STREAMS, len(weights)], int)
    for row in range(0, 5 * BLOCK * STREAMS):
        stream, source = row % STREAMS, sources[row]
        assert draws[row] == counted[stream, source] * STREAMS + stream
        counted[stream, source] += 1
    # The shares are met in every stream, up to rounding.
    expected = 5 * BLOCK * np.array(weights) / sum(weights)
    assert abs(counted - expected).max() < 2


def test_any_row_can_be_asked_alone():
    schedule = Schedule([2, 3, 1], seed=0)
    far = 10**12 + np.arange(1000)
    sources, draws = schedule.locate(far)
    for place in (0, 1, 517, 999):
        source, draw = schedule.locate(far[place : place + 1])
        assert (source[0], draw[0]) == (sources[place], draws[place])
    # Far along, the shares are still exact.
    share = draws[sources == 0][0] / far[0]
    assert share == pytest.approx(2 / 6, abs=1e-8)


def test_sources_come_in_a_random_order():
    sources, _ = Schedule([1, 1], seed=0).locate(np.arange(20_000))
    after_same = (sources[STREAMS:] == sources[:-STREAMS]).mean()
    in_a_batch = (sources[1:] == sources[:-1]).mean()
    # Without replacement within a block: 15 of the 31 others are the same.
    assert abs(after_same - 15.5 / 32) < 0.02 and abs(in_a_batch - 0.5) < 0.02
    other, _ = Schedule([1, 1], seed=1).locate(np.arange(20_000))
    assert abs((sources == other).mean() - 0.5) < 0.02
