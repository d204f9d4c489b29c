"""The samples of rows, with a replacement for every bad one.

A row is always the same sample: its place in the order is arithmetic, and if
the sample is bad, so is the draw that replaces it. Nothing depends on what was
read before, so a training goes on at a number of rows.
"""

import math
import typing

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.order.hashing import draw as draw_number
from uniclip_keras.data.order.sample_order import SampleOrder
from uniclip_keras.data.order.schedule import STREAMS
from uniclip_keras.data.order.schedule import Schedule
from uniclip_keras.data.order.windows import Windows
from uniclip_keras.errors import InputError

# Replacements to try in the window of a bad sample, which is in memory, and
# then among all samples of its source.
_NEAR = 16
_ATTEMPTS = 128


class Row(typing.NamedTuple):
    """A sample and where it comes from."""

    sample: dict  # as `Source.read` returns it
    source: int  # among the drawn sources of the mixture
    attempt: int  # 0 for the sample itself, n for its n-th replacement


class Rows:
    """Gives the sample of any row of the training.

    Args:
        sources: Sequence of `Source`.
        weights: Sequence of positive numbers, one per source.
        seed: Int. Determines the order.
        shuffle_buffer: Int. Number of samples of a source to shuffle among.
        own: `(n, i)`: this worker makes the rows r with r % n == i.
        bad_samples: A `BadSamples`, or None.
        max_pixels: Int. Images of more pixels are bad.
    """

    def __init__(
        self,
        sources,
        weights,
        seed,
        shuffle_buffer,
        own=(1, 0),
        bad_samples=None,
        max_pixels=MAX_PIXELS,
    ):
        self._seed = seed
        self._sources = sources
        self._schedule = Schedule(weights, seed)
        # A stream belongs to the workers that make any of its rows.
        workers = math.gcd(own[0], STREAMS)
        self._windows = [
            Windows(
                source,
                # Sources that read the same files need different orders, or a
                # batch would hold every image twice.
                SampleOrder(source.chunks(), shuffle_buffer, seed + index),
                lambda draw: draw % workers == own[1] % workers,
                max_pixels,
            )
            for index, source in enumerate(sources)
        ]
        self._bad_samples = bad_samples or bad.BadSamples()
        self._max_pixels = max_pixels

    def read(self, rows):
        """Returns the `Row` of each row number, and counts what is bad."""
        located = zip(*self._schedule.locate(rows), strict=True)
        found = [self._read(int(i), int(draw)) for i, draw in located]
        self._bad_samples.record_read(len(found))
        self._bad_samples.check()
        return found

    def replace(self, row, attempt):
        """Returns the next `Row` for one whose image cannot be decoded.

        Args:
            row: Int, the number of the row.
            attempt: Int, that of the `Row` that failed.
        """
        index, draw = (int(n[0]) for n in self._schedule.locate([row]))
        if attempt == 0:
            sample, _ = self._windows[index].sample(draw)
            problem = _image_problem(sample["image"], self._max_pixels)
            self._bad_samples.record(problem, sample["key"])
        return self._next_good(index, draw, attempt + 1)

    def _read(self, index, draw):
        sample, number = self._windows[index].sample(draw)
        if lost := self._sources[index].lost(int(number)):
            self._bad_samples.record_lost(sample["key"], lost)
        if not sample["problem"]:
            return Row(sample, index, 0)
        self._bad_samples.record(sample["problem"], sample["key"])
        return self._next_good(index, draw, 1)

    def _next_good(self, index, draw, first):
        for attempt in range(first, _ATTEMPTS):
            sample = self._replacement(index, draw, attempt)
            if not sample["problem"]:
                return Row(sample, index, attempt)
        raise InputError(
            f"Of {_ATTEMPTS} samples drawn in place of a bad one, none is "
            f"good. {self._bad_samples.summary()} Prepare the data again."
        )

    def _replacement(self, index, draw, attempt):
        def choose(size):
            return int(draw_number(size, self._seed, index, draw, attempt))

        if attempt <= _NEAR:
            return self._windows[index].other_sample(draw, choose)
        source = self._sources[index]
        return source.read([choose(source.count())])[0]


def _image_problem(encoded, max_pixels):
    """Returns why an image cannot be trained on."""
    try:
        problem, _ = decode_within(tf.constant(encoded), max_pixels)
        return problem.numpy().decode() or bad.CORRUPT_IMAGE
    except tf.errors.OpError:
        return bad.CORRUPT_IMAGE
