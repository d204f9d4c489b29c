"""Numbers out of encoded files, with TensorFlow operations."""

import tensorflow as tf

# A graph visits each operation of a branch that it does not take. For a branch
# of many operations, that is a good part of the time to decode a small image,
# unless the branch is a function of its own that is left as one operation.
own_function = tf.function(
    input_signature=[tf.TensorSpec([], tf.string)],
    autograph=False,
    experimental_attributes={"_noinline": True},
)


def read(encoded, start, count):
    """Reads bytes anywhere, with zeros for those behind the end.

    Args:
        encoded: Scalar string tensor.
        start: Scalar int32. A place outside of the string reads as zeros, or
            from its begin if negative.
        count: Int. Number of bytes.

    Returns:
        int32 `[count]`, each from 0 to 255.
    """
    start = tf.clip_by_value(start, 0, tf.strings.length(encoded))
    content = tf.strings.substr(encoded, start, count)
    return tf.cast(
        tf.io.decode_raw(content, tf.uint8, fixed_length=count), tf.int32
    )


def has(content, offset, marker):
    """Whether the bytes of `content` at `offset` are `marker`."""
    found = content[offset : offset + len(marker)]
    return tf.reduce_all(found == tf.constant([*marker], found.dtype))


def big_endian(content, offset, count):
    """Up to four bytes as an int32, negative from 2^31 on."""
    weights = [2**24, 2**16, 2**8, 1][-count:]
    return tf.reduce_sum(content[offset : offset + count] * weights)


def little_endian(content, offset, count):
    """Up to four bytes as an int32, negative from 2^31 on."""
    weights = [1, 2**8, 2**16, 2**24][:count]
    return tf.reduce_sum(content[offset : offset + count] * weights)
