"""Images for evaluation, batch after batch, however many there are."""

import itertools

import numpy as np
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.python_calls import thread_options

# Encoded images that Python hands over at a time.
_CHUNK = 32


@tf.autograph.experimental.do_not_convert
def evaluation_batches(
    encoded,
    image_size,
    batch_size,
    *,
    fit="squash",
    max_pixels=MAX_PIXELS,
    threads=2,
):
    """Yields batches of images, decoded and made square.

    Images are read one after another, decoded in parallel, and made while the
    caller computes. No more than about three batches are in memory.

    Args:
        encoded: Iterable of encoded images (bytes), read in another thread.
        image_size: Int. Height and width S, in pixels.
        batch_size: Int. Rows B of a batch.
        fit: How images become square, see `augmentation.evaluation_view`.
        max_pixels: Int. Images of more pixels are not decoded.
        threads: Int. Threads that decode.

    Yields:
        `(index, problem, views, vectors)`, eager tensors of full batches:
        int64 `[B]`, the place of each image; string `[B]`, a kind of bad
        sample or ""; float32 `[B, S, S, 3]` in [0, 1]; float32 `[B, 11]`, the
        augmentation vectors of the views. Images that cannot be decoded are
        left out. The last batch is filled up with zeros of index -1.

    Raises:
        InputError: If `fit` is another one.
        What `encoded` raises.
    """
    augmentation.check_fit(fit)
    images, failures = iter(encoded), []

    def read(_):
        try:
            chunk = list(itertools.islice(images, _CHUNK))
        except Exception as error:
            # `ignore_errors` below would swallow it.
            failures.append(error)
            chunk = []
        return np.array(chunk, np.object_)

    def read_chunk(number):
        chunk = numpy_function(read, [number], tf.string)
        return tf.ensure_shape(chunk, [None])

    def decode(index, image):
        return index, *decode_within(image, max_pixels)

    def view(index, problem, image):
        square = augmentation.evaluation_view(image, image_size, fit)
        return index, problem, *square

    def fill_up(index, problem, views, vectors):
        missing = batch_size - tf.shape(index)[0]
        views = tf.pad(views, [[0, missing], [0, 0], [0, 0], [0, 0]])
        vectors = tf.pad(vectors, [[0, missing], [0, 0]])
        filled = (
            tf.pad(index, [[0, missing]], constant_values=-1),
            tf.concat([problem, tf.fill([missing], "")], axis=0),
            tf.ensure_shape(views, [batch_size, image_size, image_size, 3]),
            tf.ensure_shape(vectors, [batch_size, augmentation.VECTOR_SIZE]),
        )
        return filled

    batches = (
        tf.data.Dataset.range(tf.int64.max)
        .map(read_chunk)
        .take_while(lambda chunk: tf.size(chunk) > 0)
        .prefetch(2)
        .unbatch()
        .enumerate()
        .map(decode, num_parallel_calls=threads)
        .ignore_errors()
        .map(view, num_parallel_calls=threads)
        .batch(batch_size)
        .map(fill_up)
        .prefetch(1)
        .with_options(thread_options(threads))
    )
    yield from batches
    if failures:
        raise failures[0]
