"""TFRecord files of `tf.train.Example`, as img2dataset writes them."""

import gzip
import struct
import zlib

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.sources.examples import ExampleParser
from uniclip_keras.data.sources.examples import compression_type
from uniclip_keras.data.sources.files import count_samples
from uniclip_keras.data.sources.files import find_files
from uniclip_keras.data.sources.raw import CHUNK
from uniclip_keras.data.sources.raw import interleave_files
from uniclip_keras.data.sources.source import Source

# Follows the last record of a file, and is no `tf.train.Example`.
_END = b"\xffend of file"

# The buffer size of tensorflow_datasets: distant storage answers slowly.
_BUFFER_BYTES = 8 << 20

# What files and decompressors raise for bad bytes.
_FILE_ERRORS = (
    EOFError,
    OSError,
    OverflowError,
    ValueError,
    zlib.error,
    tf.errors.OpError,
)


class RecordFiles(Source):
    """Base class of sources that read `tf.train.Example` from TFRecord files.

    A subclass calls `_open` with the parts of files to read.
    """

    _noun = "TFRecord files"

    def _open(self, paths, names, skip, take):
        """Finds out how to parse the records, and checks the first sample.

        Args:
            paths: Paths of the files.
            names: Names of the files in the keys of samples.
            skip: Number of records to skip in each file.
            take: Number of records to read in each file; -1 reads all.
        """
        self._parts = {
            "path": np.array(paths),
            "name": np.array(names),
            "skip": np.array(skip, np.int64),
            "take": np.array(take, np.int64),
        }
        self._parser = ExampleParser(paths, self._fields)
        self._check(paths)

    def _units(self):
        return self._parts

    def _read(self, units, shuffle, bad_samples):
        def read_part(part):
            records = read_records(
                part["path"], part["skip"], part["take"], bad_samples
            )
            return records.flat_map(
                lambda numbers, chunk: self._parser.parse(
                    part["name"], numbers, chunk
                )
            )

        return interleave_files(units, read_part, shuffle)

    def _field_names(self, path):
        return self._parser.features

    def _explain(self, kind, path, raw):
        if kind == bad.UNREADABLE_METADATA:
            return (
                f"The records of '{path}' are no tf.train.Example, or their "
                "features have other types than in the first file: write "
                "them again."
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
        key_field: The feature that names samples in messages; defaults to
            "key". The name of a sample without it is `path:index`.
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
        self.files = find_files(path, ".tfrecord", ".tfrecords", ".tfrecord.gz")
        nothing = [0] * len(self.files)
        everything = [-1] * len(self.files)
        self._open(self.files, self.files, nothing, everything)

    def _count_samples(self):
        return count_samples(self.files, count_records)


def read_records(path, skip, take, bad_samples):
    """Reads the records of one file, up to where it breaks.

    A broken file is no error: it counts as a truncated one.

    Args:
        path: Scalar string tensor. Files with names in `.gz` are compressed.
        skip: Number of records to skip at the beginning, scalar int64.
        take: Number of records to read, scalar int64; -1 reads all of them.
        bad_samples: A `BadSamples`, or None.

    Returns:
        A dataset of `(numbers, records)`: int64 and string, both `[n]` with n
        up to `CHUNK`. Numbers are indices of records in the file.
    """

    def report(path):
        if bad_samples is not None:
            bad_samples.record(
                bad.TRUNCATED_FILE, path.decode("utf-8", "replace")
            )
        return np.int64(0)

    def keep_if_readable(path):
        # With errors ignored, TensorFlow would try to open it forever.
        try:
            with tf.io.gfile.GFile(path.decode(), "rb") as file:
                file.read(1)
            return np.array([path], object)
        except _FILE_ERRORS:
            report(path)
            return np.array([], object)

    def strip_end(numbers, records):
        # The index of the end is the number of records, unless one was lost:
        # that one took an index too. All earlier chunks are full, so the last
        # one shows the difference.
        is_end = tf.equal(records[-1], _END)
        size = tf.size(numbers, tf.int64)
        is_late = (numbers[-1] + 1) % CHUNK != size % CHUNK
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
    chunks = records.enumerate().ignore_errors().batch(CHUNK).map(strip_end)
    return chunks.filter(lambda numbers, records: tf.size(numbers) > 0)


def count_records(path):
    """Counts the records of one file from the headers of the records."""
    count = 0
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            packed = path.endswith(".gz")
            stream = gzip.GzipFile(fileobj=file) if packed else file
            while len(header := stream.read(12)) == 12:
                (length,) = struct.unpack("<Q", header[:8])
                stream.seek(length, 1)
                # A complete record ends with the checksum of its data.
                if len(stream.read(4)) < 4:
                    break
                count += 1
    except (*_FILE_ERRORS, TypeError):
        # TypeError: a broken length that no seek can take.
        pass
    return count
