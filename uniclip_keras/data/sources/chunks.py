"""Raw samples on their way out of files, a chunk at a time."""

import itertools

import numpy as np
import tensorflow as tf

from uniclip_keras.data.python_calls import from_iterator

# What a format reads of each sample, all of them strings: `text` holds its
# captions, one a line, and `problem` the kind of a bad sample or nothing.
RAW_COLUMNS = ("key", "image", "text", "id", "label", "problem")

# Samples that go through Python together: one call takes so many.
CHUNK = 64


def chunked(records):
    """Groups an iterator of raw samples into the chunks that `_read` gives.

    Args:
        records: Iterator of dicts of `RAW_COLUMNS`, bytes.

    Yields:
        Dicts of object arrays, at most `CHUNK` samples or 8 MB of images.
    """
    records = iter(records)
    while True:
        chunk, size = [], 0
        for record in itertools.islice(records, CHUNK):
            chunk.append(record)
            size += len(record["image"])
            if size > 8_000_000:
                break
        if not chunk:
            return
        yield {
            name: np.array([record[name] for record in chunk], object)
            for name in RAW_COLUMNS
        }


def from_python(make_records, unit):
    """A dataset of chunks from a Python iterator, called once a chunk.

    Args:
        make_records: Function of a unit (bytes) that returns an iterator of
            raw samples.
        unit: Scalar string tensor.
    """

    def columns(unit):
        for chunk in chunked(make_records(unit)):
            yield tuple(chunk[name] for name in RAW_COLUMNS)

    dtypes = [tf.string] * len(RAW_COLUMNS)
    chunks = from_iterator(columns, unit, dtypes)
    return chunks.map(
        lambda *columns: dict(zip(RAW_COLUMNS, columns, strict=True))
    )


def interleave_files(files, read_file, shuffle):
    """Reads four files at a time, a chunk of each in turn, or one by one.

    Args:
        files: Dataset of paths.
        read_file: From a path to its dataset of chunks.
        shuffle: Whether to read four at a time.
    """
    if not shuffle:
        return files.flat_map(read_file)
    return files.interleave(
        read_file,
        cycle_length=4,
        block_length=1,
        num_parallel_calls=4,
        deterministic=True,
    )
