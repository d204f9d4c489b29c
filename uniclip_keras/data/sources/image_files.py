"""Samples whose images are files of their own, one each."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.chunks import CHUNK
from uniclip_keras.data.sources.chunks import RAW_COLUMNS
from uniclip_keras.data.sources.source import Source

# Chunks read at once, file after file in each: far storage answers slowly.
_READERS = 8


class ImageFiles(Source):
    """A source whose units are rows that name image files.

    A subclass sets `_columns`, see `read_image_files`.
    """

    def _units(self):
        return np.arange(self._count_samples())

    def _read(self, units, shuffle, bad_samples):
        return read_image_files(units, self._columns)

    def _count_samples(self):
        return len(self._columns["path"])


def read_image_files(rows, columns):
    """Raw samples of rows, with the bytes of the files that they name.

    A file that cannot be read, or is empty, is a missing image.

    Args:
        rows: Dataset of row numbers, int64.
        columns: Dict of string tensors `[rows]`: `path` of the images, and
            `RAW_COLUMNS` as far as there are any. A sample's `key` is its
            path if it has none.

    Returns:
        A dataset of chunks in the order of the rows, see `Source._read`.
    """

    def read_chunk(rows):
        chunk = {
            name: tf.gather(columns[name], rows)
            if name in columns
            else tf.fill(tf.shape(rows), "")
            for name in ("path", *RAW_COLUMNS)
        }
        paths = chunk.pop("path")
        images = (
            tf.data.Dataset.from_tensor_slices(paths)
            .enumerate()
            .map(lambda place, path: (place, tf.io.read_file(path)))
            .ignore_errors()
            .batch(CHUNK)
        )
        # Where not one can be read, there is no batch.
        none = tf.zeros([0], tf.int64), tf.zeros([0], tf.string)
        none = tf.data.Dataset.from_tensors(none)
        images = images.concatenate(none).take(1)

        def fill(places, contents):
            image = tf.tensor_scatter_nd_update(
                chunk["image"], places[:, tf.newaxis], contents
            )
            key, problem = chunk["key"], chunk["problem"]
            missing = tf.equal(image, "") & tf.equal(problem, "")
            return {
                **chunk,
                "image": image,
                "key": tf.where(tf.equal(key, ""), paths, key),
                "problem": tf.where(missing, bad.MISSING_IMAGE, problem),
            }

        return images.map(fill)

    return rows.batch(CHUNK).interleave(
        read_chunk,
        cycle_length=_READERS,
        num_parallel_calls=_READERS,
        deterministic=True,
    )
