"""Samples whose images are files of their own."""

import concurrent.futures
import threading

import numpy as np

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import stream as streams
from uniclip_keras.data.sources.source import Source

# Images to read at once, because distant storage answers slowly.
_THREADS = 8

# Images to read ahead in a pass.
_AHEAD = 64

# Samples to try before giving up.
_FIRST_SAMPLES = 1000


class ImageFiles(Source):
    """Base class of sources with one image file per sample.

    All names are kept in memory; images are read when they are needed. A file
    that is empty, cannot be read or is no regular file is a missing image.
    """

    # What to do if no image can be read, for the error message.
    _advice = None

    def _open(self, columns, name):
        """Sets the samples to read, and checks the first ones.

        `columns` holds `Strings` of equal lengths: the `path` of each image
        and any column of raw samples. Without a `key`, the path is the key.
        """
        self._columns = columns
        self._lock = threading.Lock()
        self._pool = None
        first = range(min(self.count(), _FIRST_SAMPLES))
        self._check([(name, map(self._read_one, first))])

    def count(self):
        return len(self._columns["path"])

    def _read_raw(self, numbers, images=True):
        if not images or len(numbers) < 2:
            return [self._read_one(number, images) for number in numbers]
        with self._lock:
            if self._pool is None:
                self._pool = concurrent.futures.ThreadPoolExecutor(_THREADS)
        return list(self._pool.map(self._read_one, numbers))

    def _raw_pass(self, images):
        for start in range(0, self.count(), _AHEAD):
            numbers = range(start, min(start + _AHEAD, self.count()))
            yield from self._read_raw(numbers, images)

    def _read_one(self, number, images=True):
        sample = {
            name: column[number] for name, column in self._columns.items()
        }
        path = sample.pop("path")
        sample["key"] = sample.get("key") or path
        problem = sample.pop("problem", b"").decode()
        if images and not problem:
            image, problem = _read_image(path)
            sample["image"] = image
        return {**sample, "problem": problem}

    def _explain(self, kind, path, seen):
        first = next(filter(None, self._columns["path"]), None)
        if kind != bad.MISSING_IMAGE or first is None:
            return super()._explain(kind, path, seen)
        return (
            f"None of the first images of '{path}' can be read, beginning "
            f"with '{first.decode('utf-8', 'replace')}': {self._advice}."
        )


def _read_image(path):
    """Returns the bytes of an image and its problem, or ""."""
    try:
        image = streams.read_file(path) if path else b""
    except streams.MissingFileError:
        image = b""
    if image is None:
        return b"", bad.OVERSIZE_IMAGE
    return image, "" if image else bad.MISSING_IMAGE


class Strings:
    """A list of bytes that takes little more memory than the bytes."""

    def __init__(self, strings):
        strings = list(strings)
        self._bytes = b"".join(strings)
        self._ends = np.cumsum([0, *map(len, strings)], dtype=np.int64)

    def __len__(self):
        return len(self._ends) - 1

    def __getitem__(self, number):
        if not 0 <= number < len(self):
            raise IndexError(f"There is no sample {number} among {len(self)}.")
        return self._bytes[self._ends[number] : self._ends[number + 1]]
