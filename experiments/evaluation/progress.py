"""The line that says how far a long task is."""

import time

from experiments.report.page import duration

_SECONDS_BETWEEN_LINES = 10


class Progress:
    """Prints images done, images per second and the time left, now and then.

    Args:
        total: int. Images to read, including bad ones.
    """

    def __init__(self, total):
        self._total = total
        self._started = self._last = time.perf_counter()

    def __call__(self, done):
        """Reports that `done` images have been read."""
        now = time.perf_counter()
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        rate = done / (now - self._started)
        left = max(self._total - done, 0) / rate
        print(
            f"  {done:,}/{self._total:,} images  {rate:,.0f} images/s  "
            f"eta {duration(left)}",
            flush=True,
        )
