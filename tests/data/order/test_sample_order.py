"""From draws to samples: the fast arithmetic beside plain lists."""

import numpy as np
import pytest

from uniclip_keras.data.order.hashing import permutation
from uniclip_keras.data.order.sample_order import SampleOrder
from uniclip_keras.data.order.schedule import STREAMS

SEED = 11


def slow_passes(chunks, window_size, passes):
    """Lists the samples of passes, one after another."""
    drawn = []
    for number in range(passes):
        line = []
        for chunk in permutation(len(chunks) - 1, SEED, number, -1):
            line += range(chunks[chunk], chunks[chunk + 1])
        section_size = window_size * STREAMS
        for first in range(0, len(line), section_size):
            section = line[first : first + section_size]
            windows, start = [], 0
            for lane in range(STREAMS):
                size = len(range(lane, len(section), STREAMS))
                window = section[start : start + size]
                order = permutation(size, SEED, number, first + start)
                windows.append([window[place] for place in order])
                start += size
            for turn in range(window_size):
                drawn += [w[turn] for w in windows if turn < len(w)]
    return drawn


def fast_draws(order, draws):
    for draw in draws:
        window, place = order.locate(draw)
        yield int(order.numbers(window, place))


@pytest.mark.parametrize("window_size", [1, 3])
def test_ten_passes_equal_the_slow_way(window_size):
    # Chunks of 1 to 64 samples; no number divides another.
    sizes = np.random.default_rng(0).integers(1, 65, 40)
    chunks = np.cumsum([0, *sizes])
    count = int(chunks[-1])
    order = SampleOrder(chunks, window_size * STREAMS, SEED)
    assert not order.in_memory
    expected = slow_passes(chunks, window_size, 10)
    assert list(fast_draws(order, range(10 * count))) == expected
    passes = np.reshape(expected, [10, count])
    assert (np.sort(passes, axis=1) == np.arange(count)).all()
    assert (passes[0] != passes[1]).mean() > 0.9
    # Asked alone, in any order.
    again = SampleOrder(chunks, window_size * STREAMS, SEED)
    for draw in (10 * count - 1, 3, 5 * count):
        assert list(fast_draws(again, [draw])) == [expected[draw]]


def test_windows_of_a_section_are_what_a_worker_needs():
    chunks = np.arange(0, 2000, 7)
    count = int(chunks[-1])
    order = SampleOrder(chunks, 2 * STREAMS, SEED)
    for workers, index in ((1, 0), (4, 1)):

        def is_own(draw, workers=workers, index=index):
            return draw % workers == index

        draws = [d for d in range(3 * count) if is_own(d)]
        needed = [order.locate(draw)[0] for draw in draws]
        listed = []
        for section in range(3 * order.sections_per_pass):
            windows = order.windows(section, is_own)
            assert all(w.section == section for w in windows)
            listed += windows
        # In the order in which they are needed.
        assert list(dict.fromkeys(needed)) == listed
        assert sum(w.stop - w.start for w in listed) == len(draws)


def test_neighbors_in_a_window_are_read_together():
    order = SampleOrder(np.arange(0, 64 * 1000 + 1, 64), 200 * STREAMS, SEED)
    numbers = order.numbers(order.locate(0)[0])
    # Up to 5 chunks: a window of 200 begins and ends within one.
    assert len(numbers) == 200 and (np.diff(numbers) != 1).sum() <= 4


def test_a_source_that_fits_is_shuffled_as_a_whole():
    order = SampleOrder(np.array([0, 64, 100]), 100, SEED)
    assert order.in_memory
    passes = np.reshape([*fast_draws(order, range(400))], [4, 100])
    assert (np.sort(passes, axis=1) == np.arange(100)).all()
    assert len({tuple(one) for one in passes}) == 4
    assert order.numbers(order.locate(250)[0]).tolist() == list(range(100))
