"""Raw samples from serialized `tf.train.Example`, one chunk at a time."""

import contextlib

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.sources import raw
from uniclip_keras.errors import InputError

_DTYPES = {
    "bytes_list": tf.string,
    "int64_list": tf.int64,
    "float_list": tf.float32,
}


class ExampleParser:
    """Parses records into raw samples, with `fields`: `{column: names}`.

    A record has one of these features for each column, with one value, or
    with all of the captions. The first readable file tells their types.
    """

    def __init__(self, paths, fields):
        self.features = _find_features(paths)
        self._fields = fields
        self._spec = {}
        for name in (name for names in fields.values() for name in names):
            dtype = self.features.get(name, tf.string)
            if dtype == tf.float32:
                raise InputError(
                    f"The feature '{name}' holds floats: name one of bytes or "
                    "of whole numbers."
                )
            self._spec[name] = tf.io.VarLenFeature(dtype)
        self._parse = tf.function(
            self._parse_columns,
            input_signature=[tf.TensorSpec([None], tf.string)] * 2,
            autograph=False,
        )

    def parse(self, file, numbers, records):
        """Returns a dataset of one chunk, the records `[n]` of a file.

        A record that is no `tf.train.Example`, or has a feature of another
        type, is a bad sample.
        """
        # One bad record fails a whole chunk, which Python then goes through
        # record by record. Chunks of good records never enter Python.
        names = tf.strings.join([file, ":", tf.strings.as_string(numbers)])
        chunk = tf.data.Dataset.from_tensors((names, records))
        parsed = chunk.map(self._parse).ignore_errors()
        return parsed.concatenate(chunk.map(self._parse_each)).take(1)

    def _parse_each(self, names, records):
        def find_good(records):
            return np.array([self._can_parse(record) for record in records])

        good = numpy_function(find_good, [records], tf.bool)
        good = tf.ensure_shape(good, [None])
        # An empty string is a record without features.
        chunk = self._parse(names, tf.where(good, records, ""))
        problem = tf.where(good, chunk["problem"], bad.UNREADABLE_METADATA)
        return {**chunk, "problem": problem}

    def _can_parse(self, record):
        try:
            self._parse(tf.constant([b""]), tf.constant([record]))
        except (tf.errors.OpError, UnicodeError):
            # The message quotes the record, which need not be valid text.
            return False
        return True

    def _parse_columns(self, names, records):
        parsed = tf.io.parse_example(records, self._spec)
        empty = tf.fill(tf.shape(names), "")
        chunk = dict.fromkeys(raw.COLUMNS, empty)
        problem = empty
        for column, features in self._fields.items():
            values, rows = _join_features([parsed[name] for name in features])
            if column == "text":
                # A caption may be wrapped; its lines are one caption.
                values = tf.strings.regex_replace(values, "\n", " ")
            chunk[column] = tf.strings.unsorted_segment_join(
                values, rows, tf.size(names), "\n"
            )
            if column in raw.MISSING:
                found = tf.math.bincount(rows, minlength=tf.size(names)) > 0
                is_new = ~found & tf.equal(problem, "")
                problem = tf.where(is_new, raw.MISSING[column], problem)
        key = tf.where(tf.equal(chunk["key"], ""), names, chunk["key"])
        return {**chunk, "key": key, "problem": problem}


def _join_features(features):
    """Returns the values (string) and rows (int32) of sparse features."""
    values = [
        feature.values
        if feature.dtype == tf.string
        else tf.strings.as_string(feature.values)
        for feature in features
    ]
    rows = [feature.indices[:, 0] for feature in features]
    return tf.concat(values, axis=0), tf.cast(tf.concat(rows, axis=0), tf.int32)


def _find_features(paths):
    """Returns the features and types in the first records that can be read."""
    found = {}
    for path in paths:
        records = tf.data.TFRecordDataset(path, compression_type(path))
        with contextlib.suppress(tf.errors.OpError):
            for record in records.take(raw.CHUNK).as_numpy_iterator():
                found = {**_features_of(record), **found}
        if found:
            break
    return found


def _features_of(record):
    try:
        features = tf.train.Example.FromString(record).features.feature
    except Exception:
        # The error is of protobuf and has no public name.
        return {}
    kinds = {name: one.WhichOneof("kind") for name, one in features.items()}
    return {name: _DTYPES[kind] for name, kind in kinds.items() if kind}


def compression_type(path):
    """Returns the `compression_type` of a TFRecord file, from its name."""
    is_compressed = tf.strings.regex_full_match(path, r"(?s).*\.gz")
    return tf.where(is_compressed, "GZIP", "")
