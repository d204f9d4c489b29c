"""The order of one source's samples: from a draw to a sample number.

In every pass the chunks of a source (see `Source.chunks`) are laid end to end
in a new random order. This line is cut into sections of about `shuffle_buffer`
samples, and each section into one window per stream. The draws of a section
take one sample from each window in turn, in a random order within the window.
So a batch draws from many places, and whoever makes the rows of a stream reads
its windows only.

A source that fits in the shuffle buffer is one window, shuffled as a whole.
"""

import functools
import typing

import numpy as np

from uniclip_keras.data.order.hashing import permutation
from uniclip_keras.data.order.schedule import STREAMS


class Window(typing.NamedTuple):
    """Samples that are read together: stops of the line of one pass."""

    section: int  # counted over all passes
    pass_index: int
    start: int
    stop: int


class SampleOrder:
    """Says which sample a draw from a source gives.

    Draws from `p * N` to `(p + 1) * N - 1` are pass p: each of the N samples
    once.

    Args:
        chunks: Int64 `[C + 1]`, see `Source.chunks`.
        shuffle_buffer: Int. Number of samples to shuffle among.
        seed: Int. Determines the order.
    """

    def __init__(self, chunks, shuffle_buffer, seed):
        self._starts = chunks[:-1]
        self._sizes = np.diff(chunks)
        self.count = int(chunks[-1])
        self._seed = seed
        self.in_memory = self.count <= shuffle_buffer
        self.window_size = -(-shuffle_buffer // STREAMS)
        self._section_size = self.window_size * STREAMS
        self.sections_per_pass = -(-self.count // self._section_size)
        # Neighbors in time need few different ones.
        self._line = functools.lru_cache(3)(self._make_line)
        self._shuffled = functools.lru_cache(3)(permutation)
        self._shuffled_window = functools.lru_cache(4 * STREAMS)(permutation)

    def locate(self, draw):
        """Returns the `Window` of a draw, and the sample's place in it."""
        pass_index, place = divmod(int(draw), self.count)
        if self.in_memory:
            order = self._shuffled(self.count, self._seed, pass_index)
            return Window(0, 0, 0, self.count), int(order[place])
        section, place = divmod(place, self._section_size)
        window = self._window(pass_index, section, place % STREAMS)
        key = self._seed, pass_index, window.start
        order = self._shuffled_window(window.stop - window.start, *key)
        return window, int(order[place // STREAMS])

    def windows(self, section, is_own):
        """Returns the windows of a section that a worker needs.

        Args:
            section: Int, counted over all passes.
            is_own: Function from a draw to whether the worker makes it.
        """
        pass_index, section = divmod(section, self.sections_per_pass)
        first = pass_index * self.count + section * self._section_size
        size = self._size(section)
        return [
            self._window(pass_index, section, lane)
            for lane in range(min(STREAMS, size))
            if is_own(first + lane)
        ]

    def progress(self, draw):
        """Returns the share of a draw's section that lies before it."""
        section, place = divmod(int(draw) % self.count, self._section_size)
        return place / self._size(section)

    def numbers(self, window, places=None):
        """Returns the sample numbers at places of a window, int64.

        By default of all its places, which is the order of reading.
        """
        if places is None:
            places = np.arange(window.stop - window.start)
        if self.in_memory:
            return places
        chunks, ends = self._line(window.pass_index)
        places = window.start + places
        index = np.searchsorted(ends, places, side="right")
        chosen = chunks[index]
        begins = ends[index] - self._sizes[chosen]
        return self._starts[chosen] + places - begins

    def _size(self, section):
        return min(
            self._section_size, self.count - section * self._section_size
        )

    def _window(self, pass_index, section, lane):
        # The last section of a pass may be shorter; its windows differ by one.
        size, extra = divmod(self._size(section), STREAMS)
        start = section * self._section_size + lane * size + min(lane, extra)
        return Window(
            pass_index * self.sections_per_pass + section,
            pass_index,
            start,
            start + size + (lane < extra),
        )

    def _make_line(self, pass_index):
        """Returns the chunks of a pass in order, and where each one ends."""
        chunks = permutation(len(self._sizes), self._seed, pass_index, -1)
        return chunks, np.cumsum(self._sizes[chunks])
