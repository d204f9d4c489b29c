"""TFRecord files of `tf.train.Example`, as img2dataset writes them."""

import contextlib
import gzip
import struct

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.sources import files
from uniclip_keras.data.sources import raw
from uniclip_keras.data.sources.examples import ExampleParser
from uniclip_keras.data.sources.examples import compression_type
from uniclip_keras.data.sources.source import Source

# Follows the last record of a file, and is no `tf.train.Example`.
_END = b"\xffend of file"

# The buffer size of tensorflow_datasets: distant storage answers slowly.
_BUFFER_BYTES = 8 << 20


class RecordFiles(Source):
    """Base class of sources of `tf.train.Example` in TFRecord files."""

    def _open(self, parts):
        """Sets the parts of files to read, and checks the first sample.

        A part is the path of a file, its name in the keys of samples, and the
        numbers of records to skip and to take; -1 takes all.
        """
        paths, names, skips, takes = zip(*parts, strict=True)
        counts = np.array([skips, takes], np.int64)
        self._units = tf.data.Dataset.from_tensor_slices(
            (list(paths), list(names), *counts)
        )
        self._parser = ExampleParser(paths, self._fields)
        self._check(paths)

    def _read(self, units, shuffle, bad_samples):
        def read_part(path, name, skip, take):
            return read_records(path, skip, take, bad_samples).flat_map(
                lambda *chunk: self._parser.parse(name, *chunk)
            )

        return raw.interleave_files(units, read_part, shuffle)

    def _field_names(self, path):
        return self._parser.features

    def _explain(self, kind, path, raw):
        if kind == bad.UNREADABLE_METADATA:
            return (
                f"The records of '{path}' are no tf.train.Example, or have "
                "other types than in the first file: write them again."
            )
        return super()._explain(kind, path, raw)


class TFRecords(RecordFiles):
    """TFRecord files whose records are `tf.train.Example`.

    A field is a feature of bytes or whole numbers; several captions are
    several values of one feature. Files with names in `.gz` are compressed.

    Args:
        path: A path or a list of paths. Each may be a folder (all of its
            `.tfrecord`, `.tfrecords` and `.tfrecord.gz`), and may hold globs
            and braces: `train-{00000..00012}.tfrecord`.
        image_field: The feature with the encoded image. None: `jpg`, `png` or
            `webp`, whichever a record has.
        caption_field: Defaults to "txt".
        key_field: The feature that names samples in messages, by default
            "key". A sample without it is named `path:index`.
        label_field: Defaults to "cls" if there are `classes`.
        id_field, classes, samples: See `Source`.

    Raises:
        InputError: See `Source`; or a field holds floats.

    Example:

    ```python
    pairs = TFRecords("laion/{00000..00999}.tfrecord")
    own = TFRecords("shards/", image_field="image/encoded",
                    caption_field="image/captions", id_field="image/id")
    ```
    """

    _default_fields = {
        "image": ("jpg", "png", "webp"),
        "text": ("txt",),
        "label": ("cls",),
    }

    def __init__(
        self,
        path,
        image_field=None,
        caption_field=None,
        key_field=None,
        id_field=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        super().__init__(
            caption_field, id_field, label_field, classes, samples, image_field
        )
        self._fields["key"] = (key_field or "key",)
        self.files = files.find_files(
            path, ".tfrecord", ".tfrecords", ".tfrecord.gz"
        )
        self._open([(path, path, 0, -1) for path in self.files])

    def _count_samples(self):
        return files.count_samples(self.files, count_records)


def read_records(path, skip, take, bad_samples):
    """Reads the records of one file, up to where it breaks.

    A broken file is no error: `bad_samples` counts it as a truncated one.
    Returns a dataset of `(indices in the file, records)`, int64 and string,
    both `[n]` with n up to `CHUNK`.
    """

    def report(path):
        bad_samples.record(bad.TRUNCATED_FILE, path.decode("utf-8", "replace"))
        return np.int64(0)

    def keep_if_readable(path):
        # With errors ignored, TensorFlow would try to open it forever.
        try:
            with tf.io.gfile.GFile(path.decode(), "rb") as file:
                file.read(1)
            return np.array([path], object)
        except files.READ_ERRORS:
            report(path)
            return np.array([], object)

    def strip_end(numbers, records):
        # The index of the end is the number of records, unless one was lost:
        # that one took an index too. All earlier chunks are full, so the last
        # one shows the difference.
        is_end = tf.equal(records[-1], _END)
        size = tf.size(numbers, tf.int64)
        is_late = (numbers[-1] + 1) % raw.CHUNK != size % raw.CHUNK
        tf.cond(
            is_end & is_late,
            lambda: numpy_function(report, [path], tf.int64),
            lambda: tf.zeros([], tf.int64),
        )
        kept = size - tf.cast(is_end, tf.int64)
        return skip + numbers[:kept], records[:kept]

    paths = numpy_function(keep_if_readable, [path], tf.string)
    records = tf.data.TFRecordDataset(
        tf.ensure_shape(paths, [None]),
        compression_type=compression_type(path),
        buffer_size=_BUFFER_BYTES,
    )
    records = records.skip(skip).take(take)
    records = records.concatenate(tf.data.Dataset.from_tensors(_END))
    chunks = records.enumerate().ignore_errors().batch(raw.CHUNK).map(strip_end)
    return chunks.filter(lambda numbers, records: tf.size(numbers) > 0)


def count_records(path):
    """Counts the records of one file from the headers of the records."""
    count = 0
    # TypeError: a broken length that no seek can take.
    with (
        contextlib.suppress(*files.READ_ERRORS, TypeError),
        tf.io.gfile.GFile(path, "rb") as file,
    ):
        packed = path.endswith(".gz")
        stream = gzip.GzipFile(fileobj=file) if packed else file
        while len(header := stream.read(12)) == 12:
            (length,) = struct.unpack("<Q", header[:8])
            stream.seek(length, 1)
            # A complete record ends with the checksum of its data.
            if len(stream.read(4)) < 4:
                break
            count += 1
    return count
