"""Mapping a function that fails for some samples, and counting those."""

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function

# A key that no sample has: files and members have names.
_END = b""

_NOTHING_GOOD = (
    "There was not one good sample in a whole pass over the data: prepare it "
    "again."
)


def map_good(
    dataset, function, bad_samples=None, passes=1, num_parallel_calls=1
):
    """Maps samples, leaving out those for which the function fails.

    TensorFlow drops the failures itself. Samples are numbered before the map,
    and gaps in the numbers after it tell how many were dropped and after which
    sample, so Python is called for bad samples only.

    Args:
        dataset: One pass of samples, dicts with `key` and (encoded) `image`.
        function: Function of the sample's number, counted over all passes, and
            the sample. Returns `(problem, element)`: a scalar string, a kind
            of bad sample or empty, and what goes into the resulting dataset.
            If it fails, the sample counts as a corrupt image.
        bad_samples: A `BadSamples` that counts what is left out, or None.
        passes: Int. How often to repeat the dataset. None repeats it without
            end; a pass without one good sample is then an error.
        num_parallel_calls: Int. As in `Dataset.map`.
    """
    # The function does not fail for the end marker, so that failures before
    # it are noticed, too.
    dataset = dataset.concatenate(_end(dataset.element_spec)).repeat(passes)

    def number(state, sample):
        index, key = state
        return (index + 1, sample["key"]), (index + 1, key, sample)

    def apply(index, previous_key, sample):
        problem, element = function(index, sample)
        return index, previous_key, sample["key"], problem, element

    def report(problem, key, missing, previous_key):
        if bad_samples is not None:
            if missing:
                name = previous_key.decode("utf-8", "replace")
                bad_samples.record(bad.CORRUPT_IMAGE, name, missing)
            if problem:
                name = key.decode("utf-8", "replace")
                bad_samples.record(problem.decode(), name)
        return missing

    def check(state, numbered):
        last, good = state
        index, previous_key, key, problem, element = numbered
        missing = index - last - 1
        fine = tf.equal(problem, b"")
        tf.cond(
            fine & tf.equal(missing, 0),
            lambda: missing,
            lambda: numpy_function(
                report, [problem, key, missing, previous_key], tf.int64
            ),
        )
        is_end = tf.equal(key, _END)
        if passes is None:
            nothing_good = tf.Assert(~is_end | (good > 0), [_NOTHING_GOOD])
            with tf.control_dependencies([nothing_good]):
                good = tf.identity(good)
        kept = fine & ~is_end
        good = tf.where(
            is_end, tf.zeros_like(good), good + tf.cast(kept, good.dtype)
        )
        return (index, good), (kept, element)

    first = tf.constant(-1, tf.int64)
    return (
        dataset.scan((first, tf.constant(_END)), number)
        .map(apply, num_parallel_calls=num_parallel_calls)
        .ignore_errors()
        .scan((first, tf.constant(0, tf.int64)), check)
        .filter(lambda kept, element: kept)
        .map(lambda kept, element: element)
    )


def _end(element_spec):
    """A dataset of the end marker, a sample that can always be decoded."""
    sample = tf.nest.map_structure(
        lambda spec: tf.zeros(spec.shape, spec.dtype), element_spec
    )
    sample["key"] = tf.constant(_END)
    sample["image"] = tf.io.encode_png(tf.zeros([1, 1, 3], tf.uint8))
    return tf.data.Dataset.from_tensors(sample)
