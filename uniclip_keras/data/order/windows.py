"""Reads the windows of a source before their samples are drawn."""

import concurrent.futures
import threading

from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.small import decode_small
from uniclip_keras.data.order.schedule import BLOCK

# Reading waits for storage, not for the processor.
_READERS = 8


class Windows:
    """The windows of a source that are in memory, or on their way.

    While the samples of one section are drawn, the windows of the next one are
    read. What is in memory changes no sample, only the time that it takes.

    Args:
        source: A `Source`.
        order: Its `SampleOrder`.
        is_own: Function from a draw to whether this worker makes it.
        max_pixels: Int. Images of more pixels are not decoded.
    """

    def __init__(self, source, order, is_own, max_pixels=MAX_PIXELS):
        self._source = source
        self._max_pixels = max_pixels
        self._order = order
        self._is_own = is_own
        self._lock = threading.Lock()
        self._readers = concurrent.futures.ThreadPoolExecutor(_READERS)
        self._reading = {}
        self._section = -1
        self._ahead, self._ahead_size = [], 0
        # In a mixture, the streams differ by a block at most.
        self._kept_sections = 1 + BLOCK // order.window_size

    def sample(self, draw):
        """Returns a draw's sample as `Source.read` does, and its number."""
        window, place = self._order.locate(draw)
        with self._lock:
            reading = self._start(window)
            if not self._order.in_memory:
                self._read_ahead(window.section, self._order.progress(draw))
        return reading.result()[place], self._order.numbers(window, place)

    def other_sample(self, draw, choose):
        """Returns another sample of the window of a draw.

        Args:
            draw: Int.
            choose: Function from the size of the window to a place in it.
        """
        window, _ = self._order.locate(draw)
        place = choose(window.stop - window.start)
        with self._lock:
            reading = self._reading.get(window)
        if reading is not None:
            return reading.result()[place]
        return self._source.read([self._order.numbers(window, place)])[0]

    def close(self):
        """Waits for what is being read; nothing more can be read then."""
        self._readers.shutdown()

    def _start(self, window):
        reading = self._reading.get(window)
        if reading is None:
            reading = self._readers.submit(self._read, window)
            self._reading[window] = reading
        return reading

    def _read(self, window):
        samples = self._source.read(self._order.numbers(window))
        if self._order.in_memory:
            return decode_small(samples, self._max_pixels)
        return samples

    def _read_ahead(self, section, progress):
        """Starts to read the part of the next section that is due by now."""
        if not self._section - self._kept_sections <= section <= self._section:
            for window in self._order.windows(section, self._is_own):
                self._start(window)
            self._section = section
            self._ahead = self._order.windows(section + 1, self._is_own)[::-1]
            self._ahead_size = len(self._ahead)
            self._drop_before(section - self._kept_sections)
        elif section < self._section:
            return
        due = int(self._ahead_size * progress) + _READERS
        while self._ahead and self._ahead_size - len(self._ahead) < due:
            self._start(self._ahead.pop())

    def _drop_before(self, section):
        for window in list(self._reading):
            if window.section < section:
                del self._reading[window]
