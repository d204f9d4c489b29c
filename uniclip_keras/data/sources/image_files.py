"""Samples whose images are files of their own."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.raw import CHUNK
from uniclip_keras.data.sources.raw import COLUMNS
from uniclip_keras.data.sources.source import Source

# Chunks to read at once, because distant storage answers slowly.
_READERS = 8

# Samples to try before giving up.
_FIRST_SAMPLES = 1000


class ImageFiles(Source):
    """Base class of sources with one image file per sample.

    All names are kept in memory, so that all samples are shuffled together;
    images are read when they are needed. A file that is empty or cannot be
    read is a missing image. A subclass calls `_open` with its samples.
    """

    def _open(self, columns, name):
        """Sets the samples to read, and checks the first ones.

        Args:
            columns: Dict of string tensors `[n]`: `path` of the images, and
                any of `raw.COLUMNS`. Without a `key`, the path is the key.
            name: Path of the source, for messages.
        """
        self._columns = columns
        self._check([name], _FIRST_SAMPLES)

    def _units(self):
        return np.arange(self._count_samples())

    def _count_samples(self):
        return len(self._columns["path"])

    def _first_path(self):
        return self._columns["path"][0].numpy().decode("utf-8", "replace")

    def _read(self, units, shuffle, bad_samples):
        return units.batch(CHUNK).interleave(
            self._read_chunk,
            cycle_length=_READERS,
            num_parallel_calls=_READERS,
            deterministic=True,
        )

    def _read_chunk(self, rows):
        """Returns a dataset of one chunk, of the rows `[n]` (int64)."""
        chunk = {
            name: tf.gather(self._columns[name], rows)
            if name in self._columns
            else tf.fill(tf.shape(rows), "")
            for name in ("path", *COLUMNS)
        }
        paths = chunk.pop("path")
        images = (
            tf.data.Dataset.from_tensor_slices(paths)
            .enumerate()
            .map(lambda index, path: (index, tf.io.read_file(path)))
            .ignore_errors()
            .batch(CHUNK)
        )
        # There is no batch if not one file can be read.
        nothing = tf.zeros([0], tf.int64), tf.zeros([0], tf.string)
        nothing = tf.data.Dataset.from_tensors(nothing)

        def add_images(indices, contents):
            image = tf.tensor_scatter_nd_update(
                chunk["image"], indices[:, tf.newaxis], contents
            )
            key, problem = chunk["key"], chunk["problem"]
            is_missing = tf.equal(image, "") & tf.equal(problem, "")
            return {
                **chunk,
                "image": image,
                "key": tf.where(tf.equal(key, ""), paths, key),
                "problem": tf.where(is_missing, bad.MISSING_IMAGE, problem),
            }

        return images.concatenate(nothing).take(1).map(add_images)
