"""Samples whose images are files of their own."""

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import raw
from uniclip_keras.data.sources.source import Source

# Chunks to read at once, because distant storage answers slowly.
_READERS = 8

# Samples to try before giving up.
_FIRST_SAMPLES = 1000


class ImageFiles(Source):
    """Base class of sources with one image file per sample.

    All names are kept in memory and shuffled together; images are read when
    they are needed. A file that is empty or cannot be read is a missing image.
    """

    # What to do if no image can be read, for the error message.
    _advice = None

    def _open(self, columns, name):
        """Sets the samples to read, and checks the first ones.

        `columns` holds string tensors `[n]`: the `path` of each image and any
        of `raw.COLUMNS`. Without a `key`, the path is the key.
        """
        self._columns = columns
        self._units = tf.data.Dataset.range(len(columns["path"]))
        self._check([name], _FIRST_SAMPLES)

    def _count_samples(self):
        return len(self._columns["path"])

    def _read(self, units, shuffle, bad_samples):
        return units.batch(raw.CHUNK).interleave(
            self._read_chunk,
            cycle_length=_READERS,
            num_parallel_calls=_READERS,
            deterministic=True,
        )

    def _read_chunk(self, rows):
        """Returns a dataset of one chunk, of rows `[n]`."""
        chunk = {
            name: tf.gather(self._columns[name], rows)
            if name in self._columns
            else tf.fill(tf.shape(rows), "")
            for name in ("path", *raw.COLUMNS)
        }
        paths = chunk.pop("path")
        images = (
            tf.data.Dataset.from_tensor_slices(paths)
            .enumerate()
            .map(lambda index, path: (index, tf.io.read_file(path)))
            .ignore_errors()
            .batch(raw.CHUNK)
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

    def _explain(self, kind, path, raw):
        first = next(filter(None, self._columns["path"].numpy()), None)
        if kind != bad.MISSING_IMAGE or first is None:
            return super()._explain(kind, path, raw)
        return (
            f"None of the first images of '{path}' can be read, beginning "
            f"with '{first.decode('utf-8', 'replace')}': {self._advice}."
        )
