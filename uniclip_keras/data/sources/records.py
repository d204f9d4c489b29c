"""Reading TFRecord files up to where they break, in TensorFlow alone."""

import gzip
import struct
import zlib

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.sources.chunks import CHUNK

# Stands behind the last record of a file, and is no `tf.train.Example`.
_END = b"\xffend of file"

# As tensorflow_datasets reads them: far storage answers slowly.
_BUFFER_BYTES = 8 << 20

# What the files and the decompressors raise on bad bytes.
_FILE_ERRORS = (
    EOFError,
    OSError,
    OverflowError,
    ValueError,
    zlib.error,
    tf.errors.OpError,
)


def read_chunks(path, skip, take, bad_samples):
    """The records of one file, up to where it breaks.

    A broken file is no error: it counts as a truncated one.

    Args:
        path: Scalar string tensor. A name that ends in `.gz` says that the
            file is compressed.
        skip: Records to leave out at the beginning, scalar int64.
        take: Records to read then, scalar int64; -1 for all of them.
        bad_samples: A `BadSamples`, or None.

    Returns:
        A dataset of `(numbers, records)`: int64 and string, both `[n]`, n up
        to `CHUNK`; records are numbered from the beginning of the file.
    """

    def report(path):
        if bad_samples is not None:
            bad_samples.record(
                bad.TRUNCATED_FILE, path.decode("utf-8", "replace")
            )
        return np.int64(0)

    def openable(path):
        # TensorFlow would try to open it for ever, once errors are ignored.
        try:
            with tf.io.gfile.GFile(path.decode(), "rb") as file:
                file.read(1)
            return np.array([path], object)
        except _FILE_ERRORS:
            report(path)
            return np.array([], object)

    def strip_end(numbers, records):
        # Every chunk before this one is full, unless a record was lost; a
        # file gives nothing after the first loss, so that its end is late.
        is_end = tf.equal(records[-1], _END)
        places = tf.size(numbers, tf.int64)
        late = (numbers[-1] + 1) % CHUNK != places % CHUNK
        tf.cond(
            is_end & late,
            lambda: numpy_function(report, [path], tf.int64),
            lambda: tf.zeros([], tf.int64),
        )
        kept = places - tf.cast(is_end, tf.int64)
        return skip + numbers[:kept], records[:kept]

    paths = numpy_function(openable, [path], tf.string)
    records = tf.data.TFRecordDataset(
        tf.ensure_shape(paths, [None]),
        compression_type=compression(path),
        buffer_size=_BUFFER_BYTES,
    )
    records = records.skip(skip).take(take)
    records = records.concatenate(tf.data.Dataset.from_tensors(_END))
    chunks = records.enumerate().ignore_errors().batch(CHUNK).map(strip_end)
    return chunks.filter(lambda numbers, records: tf.size(numbers) > 0)


def count_records(path):
    """Records in one file, from the headers of their lengths alone."""
    count = 0
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            packed = path.endswith(".gz")
            stream = gzip.GzipFile(fileobj=file) if packed else file
            while len(header := stream.read(12)) == 12:
                (length,) = struct.unpack("<Q", header[:8])
                stream.seek(length, 1)
                # The checksum behind the data is there if the data are.
                if len(stream.read(4)) < 4:
                    break
                count += 1
    except _FILE_ERRORS:
        pass
    return count


def compression(path):
    """What `tf.data.TFRecordDataset` calls the compression of a file."""
    packed = tf.strings.regex_full_match(path, r"(?s).*\.gz")
    return tf.where(packed, "GZIP", "")
