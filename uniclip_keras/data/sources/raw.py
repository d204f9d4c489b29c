"""Raw samples: the fields that formats read, not yet interpreted.

Raw samples travel in chunks, so one call into Python handles many of them.
"""

import itertools

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import from_iterator
from uniclip_keras.data.sources.texts import BadSampleError
from uniclip_keras.data.sources.texts import join_lines

# The strings that a format reads for each sample. `text` holds the captions,
# one per line; `problem` is the kind of a bad sample, or empty.
COLUMNS = ("key", "image", "text", "id", "label", "problem")

# The kind of a sample that lacks the field of a column.
MISSING = {
    "image": bad.MISSING_IMAGE,
    "text": bad.MISSING_TEXT,
    "id": bad.MISSING_ID,
    "label": bad.MISSING_LABEL,
}

# The largest number of samples, and of image bytes, in one chunk.
CHUNK = 64
_CHUNK_BYTES = 8_000_000


def encode_value(value, column):
    """Returns the bytes of a value from JSON or from a row of a table.

    Raises:
        BadSampleError: The value is missing (None or NaN), or has a type that
            the column does not allow. Only captions may be a list.
    """
    is_text = column == "text"
    if is_text and isinstance(value, list):
        value = join_lines(value)
    elif is_text and isinstance(value, str):
        # A caption may be wrapped; its lines are one caption.
        value = value.replace("\n", " ")
    elif isinstance(value, float) and value.is_integer():
        # Columns of whole numbers with empty cells are floats.
        value = int(value)
    # NaN differs from itself.
    if value is None or value != value:
        raise BadSampleError(MISSING[column])
    allowed = str if column == "image" else str | int
    if isinstance(value, bool) or not isinstance(value, allowed):
        kind = bad.UNREADABLE_TEXT if is_text else MISSING[column]
        raise BadSampleError(kind)
    try:
        return str(value).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise BadSampleError(bad.UNREADABLE_TEXT) from None


def chunks_from_python(make_samples, unit):
    """Creates a dataset of chunks from Python dicts of `COLUMNS`, all bytes.

    `make_samples` returns an iterator of them for a unit, such as a path.
    """

    def make_chunks(unit):
        samples = iter(make_samples(unit))
        while chunk := _take_chunk(samples):
            yield tuple(
                np.array([sample[column] for sample in chunk], object)
                for column in COLUMNS
            )

    chunks = from_iterator(make_chunks, unit, [tf.string] * len(COLUMNS))
    return chunks.map(lambda *chunk: dict(zip(COLUMNS, chunk, strict=True)))


def _take_chunk(samples):
    chunk, size = [], 0
    for sample in itertools.islice(samples, CHUNK):
        chunk.append(sample)
        size += len(sample["image"])
        if size > _CHUNK_BYTES:
            break
    return chunk


def interleave_files(files, read_file, shuffle):
    """Reads a dataset of files in order, or four at a time to shuffle them.

    `read_file` returns the dataset of the chunks of a file.
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
