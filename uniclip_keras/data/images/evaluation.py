"""Whole images at one size, in memory, for evaluation."""

import numpy as np

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.augmentation import VECTOR_SIZE
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.streaming import evaluation_batches


def load_images(
    encoded,
    image_size,
    *,
    keys=None,
    bad_samples=None,
    fit="squash",
    max_pixels=MAX_PIXELS,
    batch_size=256,
):
    """Decodes images for evaluation and makes them square.

    Args:
        encoded: Sequence of N encoded images (bytes).
        image_size: Int. Height and width S, in pixels.
        keys: Sequence of N strings that name the images in `bad_samples`.
            Defaults to their indices.
        bad_samples: A `BadSamples` that counts the images that cannot be
            decoded, or None. Their source counts the images read.
        fit: How images become square, see `augmentation.evaluation_view`.
        max_pixels: Int. Images of more pixels are not decoded.
        batch_size: Int. Images that are copied to the result at a time.

    Returns:
        `(images, vectors, kept)`: float32 `[M, S, S, 3]` in [0, 1]; float32
        `[M, 11]`, their augmentation vectors; and int64 `[M]`, the indices in
        `encoded` of the images that could be decoded.

    Raises:
        InputError: If `fit` is another one.
    """
    encoded = list(encoded)
    keys = [str(i) for i in range(len(encoded))] if keys is None else keys
    images = [np.zeros([0, image_size, image_size, 3], np.float32)]
    vectors = [np.zeros([0, VECTOR_SIZE], np.float32)]
    kept = [np.zeros([0], np.int64)]
    problems = dict.fromkeys(range(len(encoded)), bad.CORRUPT_IMAGE)
    for batch in evaluation_batches(
        encoded, image_size, batch_size, fit=fit, max_pixels=max_pixels
    ):
        indices, problem, views, augmented = (x.numpy() for x in batch)
        problems |= zip(indices.tolist(), problem.astype(str), strict=True)
        good = (indices >= 0) & (problem == b"")
        images.append(views[good])
        vectors.append(augmented[good])
        kept.append(indices[good])
    problems.pop(-1, None)
    if bad_samples is not None:
        for index, kind in problems.items():
            if kind:
                bad_samples.record(str(kind), keys[index])
    return tuple(map(np.concatenate, (images, vectors, kept)))
