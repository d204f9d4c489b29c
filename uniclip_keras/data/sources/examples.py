"""Raw samples out of serialized `tf.train.Example`, a chunk at a time."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.sources.chunks import CHUNK
from uniclip_keras.data.sources.chunks import RAW_COLUMNS
from uniclip_keras.data.sources.missing import MISSING
from uniclip_keras.data.sources.records import compression
from uniclip_keras.errors import InputError


def parser(fields):
    """The function from records to raw samples, traced once.

    Args:
        fields: `{column: {feature: dtype}}` for the columns of `RAW_COLUMNS`
            that are to be read; dtype is string or int64. A record is to have
            one of a column's features, with one value, or with all captions.

    Returns:
        A `tf.function` of names and serialized records, both string `[n]`,
        that returns a dict of `RAW_COLUMNS`; a sample without a key has its
        name. It fails if one record is no `tf.train.Example`, or has a
        feature of another type.
    """
    spec = {
        feature: tf.io.VarLenFeature(dtype)
        for features in fields.values()
        for feature, dtype in features.items()
    }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def parse(names, records):
        return _columns(names, tf.io.parse_example(records, spec), fields)

    return parse


def parse_chunk(path, numbers, records, parse):
    """Raw samples out of a chunk of records.

    Args:
        path: Scalar string tensor, the file that they are of.
        numbers: int64 `[n]`, their places in it.
        records: string `[n]`, serialized.
        parse: What `parser` returns.

    Returns:
        A dataset of one chunk, see `Source._read`. A record that cannot be
        parsed is a bad sample.
    """

    def are_good(records):
        return np.array([_is_good(record, parse) for record in records])

    def parse_good(names, records):
        good = numpy_function(are_good, [records], tf.bool)
        good = tf.ensure_shape(good, [None])
        # No bytes are a record without features.
        chunk = parse(names, tf.where(good, records, ""))
        problem = tf.where(good, chunk["problem"], bad.UNREADABLE_METADATA)
        return {**chunk, "problem": problem}

    # Python looks for the record that fails if there is one, and else rests.
    names = tf.strings.join([path, ":", tf.strings.as_string(numbers)])
    chunk = tf.data.Dataset.from_tensors((names, records))
    parsed = chunk.map(parse).ignore_errors()
    return parsed.concatenate(chunk.map(parse_good)).take(1)


def _is_good(record, parse):
    try:
        parse(tf.constant([b""]), tf.constant([record]))
    except (tf.errors.OpError, UnicodeError):
        # The error quotes the record, and so may be no text itself.
        return False
    return True


def _columns(names, parsed, fields):
    columns = {name: tf.fill(tf.shape(names), "") for name in RAW_COLUMNS}
    problem = columns["problem"]
    for column, features in fields.items():
        values, rows = _values([parsed[feature] for feature in features])
        if column == "text":
            # A line is a caption; prose of one may be broken into several.
            values = tf.strings.regex_replace(values, "\n", " ")
        columns[column] = tf.strings.unsorted_segment_join(
            values, rows, tf.size(names), "\n"
        )
        found = tf.math.bincount(rows, minlength=tf.size(names)) > 0
        if column in MISSING:
            missing = ~found & tf.equal(problem, "")
            problem = tf.where(missing, MISSING[column], problem)
    key = columns["key"]
    key = tf.where(tf.equal(key, ""), names, key)
    return {**columns, "key": key, "problem": problem}


def _values(features):
    """`(values, rows)` of sparse features together, string and int32."""
    values = [
        feature.values
        if feature.dtype == tf.string
        else tf.strings.as_string(feature.values)
        for feature in features
    ]
    rows = [feature.indices[:, 0] for feature in features]
    return tf.concat(values, axis=0), tf.cast(tf.concat(rows, axis=0), tf.int32)


def look(files):
    """Which features the records of the first readable file have.

    Returns:
        `{feature: dtype}`, dtype string, int64 or float32; empty where no
        file has a `tf.train.Example`.
    """
    found = {}
    for path in files:
        records = tf.data.TFRecordDataset(path, compression(path))
        try:
            for record in records.take(CHUNK).as_numpy_iterator():
                _add_dtypes(record, found)
        except tf.errors.OpError:
            pass
        if found:
            break
    return found


def _add_dtypes(record, found):
    dtypes = {
        "bytes_list": tf.string,
        "int64_list": tf.int64,
        "float_list": tf.float32,
    }
    try:
        example = tf.train.Example.FromString(record)
    except Exception:
        # protobuf's own error, which it has no public name for.
        return
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        if kind is not None:
            found.setdefault(name, dtypes[kind])


def typed(fields, found):
    """`{column: names}` as the `fields` of `parse_chunk`.

    Args:
        fields: `{column: names of features}`.
        found: What `look` returns.

    Raises:
        InputError: A field has a type that no sample can have.
    """
    for name in (name for names in fields.values() for name in names):
        if found.get(name) == tf.float32:
            raise InputError(
                f"The feature '{name}' holds floats: name one of bytes or of "
                "whole numbers, or write the files again."
            )
    return {
        column: {name: found.get(name, tf.string) for name in names}
        for column, names in fields.items()
    }
