"""A source in memory whose samples are named by their numbers."""

import threading

import numpy as np
from samples import encode
from samples import smooth_pixels

_IMAGES = [encode(smooth_pixels(number)) for number in range(7)]


class NumberedSource:
    """Samples "a0", "a1", ... in chunks; some of them bad.

    Args:
        name: The first letter of the keys.
        chunks: Sizes of the chunks.
        corrupt: Numbers of samples whose images cannot be decoded.
        empty: Numbers of samples without a caption.
        lost: Dict: samples lost behind a number.
    """

    class_names = None

    def __init__(self, name, chunks, corrupt=(), empty=(), lost=()):
        self._name = name
        self._ends = np.cumsum([0, *chunks])
        self._corrupt, self._empty = {*corrupt}, {*empty}
        self._lost = dict(lost)
        self._lock = threading.Lock()
        self.reads = []

    def count(self):
        return int(self._ends[-1])

    def chunks(self):
        return self._ends

    def lost(self, number):
        return self._lost.get(number, 0)

    def samples(self, bad_samples=None, images=True):
        return iter(self.read(range(self.count())))

    def read(self, numbers):
        numbers = [int(number) for number in numbers]
        with self._lock:
            self.reads.append(numbers)
        return [self._sample(number) for number in numbers]

    def _sample(self, number):
        image = _IMAGES[number % len(_IMAGES)]
        return {
            "key": f"{self._name}{number}",
            "image": image[:60] if number in self._corrupt else image,
            "text": f"caption {number}\nnumber{number}",
            "is_name": False,
            "id": number,
            "label": "",
            "problem": "empty caption" if number in self._empty else "",
        }
