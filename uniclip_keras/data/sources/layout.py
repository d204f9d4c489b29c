"""Which numbers the samples of files have."""

import collections
import typing

import numpy as np

from uniclip_keras.data.sources.index import STEP


class Part(typing.NamedTuple):
    """A file, or a part of one.

    Attributes:
        path: Path of the file.
        name: Its name in the keys of samples.
        skip: Number of samples to skip.
        take: Number of samples to take from there; None: all.
    """

    path: str
    name: str
    skip: int = 0
    take: int | None = None


class Layout:
    """Which numbers the samples of each part have.

    Attributes:
        index: The `Index` of the files.
        files: Index of the file of each of P parts, a list.
        starts: `[P + 1]`, the first number of each part, and the end.
        borders: See `Source.chunks`.
        losses: `[(path, number of samples)]` for the parts that break.
        lost: The same by the number of the last good sample before.
    """

    def __init__(self, paths, parts, index):
        self.index = index
        places = {path: file for file, path in enumerate(paths)}
        self.files = [places[part.path] for part in parts]
        counts, self.losses = [], []
        borders = [np.zeros([1], np.int64)]
        self.lost = collections.Counter()
        start = 0
        for part, file in zip(parts, self.files, strict=True):
            count, lost = int(index.counts[file]), int(index.lost[file])
            there = max(0, count - part.skip)
            if part.take is not None:
                there = min(there, part.take)
                lost = part.take - there
            if lost:
                self.losses.append((part.path, lost))
                # Without a sample before it, the first one stands for it.
                self.lost[max(0, start + there - 1)] += lost
            if not index.packed[file]:
                first = STEP - part.skip % STEP
                inner = np.arange(first, there, STEP)
                borders.append(start + inner)
            start += there
            borders.append(np.array([start]))
            counts.append(there)
        self.starts = np.cumsum([0, *counts])
        self.borders = np.unique(np.concatenate(borders)).astype(np.int64)

    def find_part(self, number):
        """Returns the part that a sample is in, by its number."""
        if not 0 <= number < self.starts[-1]:
            raise IndexError(
                f"There is no sample {number} among {self.starts[-1]}."
            )
        return int(np.searchsorted(self.starts, number, "right")) - 1
