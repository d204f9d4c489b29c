"""Raw samples from serialized `tf.train.Example`."""

import tensorflow as tf
from google.protobuf.message import DecodeError

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import raw
from uniclip_keras.data.sources.texts import BadSampleError


def parse_features(record):
    """Returns the features of a record: `{name: tf.train.Feature}`.

    Raises:
        BadSampleError: The record is no `tf.train.Example`.
    """
    try:
        return tf.train.Example.FromString(record).features.feature
    except DecodeError:
        raise BadSampleError(bad.UNREADABLE_METADATA) from None


def read_column(features, names, column):
    """Returns the bytes of a column: those of the first feature with a value.

    A feature has one value, or all of the captions.

    Raises:
        BadSampleError: No feature has a value, or it holds floats.
    """
    for name in names:
        # Asking a map for a name adds it.
        if name not in features:
            continue
        feature = features[name]
        kind = feature.WhichOneof("kind")
        if kind == "float_list":
            raise BadSampleError(bad.UNREADABLE_METADATA)
        if kind == "bytes_list":
            values = feature.bytes_list.value
        else:
            values = [str(one).encode() for one in feature.int64_list.value]
        if column == "text":
            # A caption may be wrapped; its lines are one caption.
            values = [value.replace(b"\n", b" ") for value in values]
        if len(values):
            return b"\n".join(values)
    if column in raw.MISSING:
        raise BadSampleError(raw.MISSING[column])
    return b""


def float_features(features):
    """Returns the names of the features that hold floats."""
    kinds = {name: one.WhichOneof("kind") for name, one in features.items()}
    return [name for name, kind in kinds.items() if kind == "float_list"]
