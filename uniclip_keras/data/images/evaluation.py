"""Whole images at one size, in memory, for evaluation."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.python_calls import thread_options


@tf.autograph.experimental.do_not_convert
def load_images(
    encoded,
    image_size,
    *,
    keys=None,
    bad_samples=None,
    max_pixels=MAX_PIXELS,
    batch_size=256,
):
    """Decodes and resizes images for evaluation, without augmentation.

    Args:
        encoded: Sequence of N encoded images (bytes).
        image_size: Int. Height and width S, in pixels.
        keys: Sequence of N strings that name the images in `bad_samples`.
            Defaults to their indices.
        bad_samples: A `BadSamples` that counts the images that cannot be
            decoded, or None. Their source counts the images read.
        max_pixels: Int. Images of more pixels are not decoded.
        batch_size: Int. Images to resize before they are copied to the result.

    Returns:
        `(images, kept)`: float32 `[M, S, S, 3]` in [0, 1], and int64 `[M]`,
        the indices in `encoded` of the images that could be decoded.
    """
    encoded = list(encoded)
    keys = [str(i) for i in range(len(encoded))] if keys is None else keys
    samples = {
        "image": np.array(encoded, object),
        "index": np.arange(len(encoded)),
    }

    def decode(sample):
        problem, image = decode_within(sample["image"], max_pixels)
        return problem, image, sample["index"]

    def view(problem, image, index):
        return problem, augmentation.evaluation_view(image, image_size), index

    samples = tf.data.Dataset.from_tensor_slices(samples)
    batches = samples.map(decode).ignore_errors().map(view).batch(batch_size)
    images = [np.zeros([0, image_size, image_size, 3], np.float32)]
    kept = [np.zeros([0], np.int64)]
    problems = dict.fromkeys(range(len(encoded)), bad.CORRUPT_IMAGE)
    for batch in batches.with_options(thread_options(2)).as_numpy_iterator():
        problem, views, indices = batch
        problems |= {
            int(index): kind.decode()
            for index, kind in zip(indices, problem, strict=True)
        }
        images.append(views[problem == b""])
        kept.append(indices[problem == b""])
    if bad_samples is not None:
        for index, problem in problems.items():
            if problem:
                bad_samples.record(problem, keys[index])
    return np.concatenate(images), np.concatenate(kept)
