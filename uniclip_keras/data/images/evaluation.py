"""Images for evaluation: the whole of each, at one size, in memory."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.images.limit import MAX_PIXELS
from uniclip_keras.data.images.limit import decode_within
from uniclip_keras.data.skipping import map_good
from uniclip_keras.data.threads import thread_options


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
    """Decodes and resizes images for evaluation, as the identity view.

    Args:
        encoded: Sequence of N encoded images (bytes).
        image_size: Height and width S, in pixels.
        keys: Sequence of N strings to name images by in `bad_samples`; by
            default their places.
        bad_samples: A `BadSamples` that counts those that cannot be decoded,
            or None. Counting what was read is the source's task.
        max_pixels: Images of more pixels are not decoded.
        batch_size: Images per step of the work.

    Returns:
        `(images, kept)`: float32 `[M, S, S, 3]` in [0, 1], and int64 `[M]`,
        the places in `encoded` of those that could be decoded.
    """
    encoded = list(encoded)
    places = range(len(encoded))
    samples = {
        "key": np.array([*(places if keys is None else keys)], str),
        "image": np.array(encoded, object),
        "place": np.array(places, np.int64),
    }

    def view(number, sample):
        del number
        problem, image = decode_within(sample["image"], max_pixels)
        view = augmentation.evaluation_view(image, image_size)
        return problem, (view, sample["place"])

    batches = map_good(
        tf.data.Dataset.from_tensor_slices(samples), view, bad_samples
    )
    batches = batches.batch(batch_size)
    images = [np.zeros([0, image_size, image_size, 3], np.float32)]
    kept = [np.zeros([0], np.int64)]
    for image_batch, places in batches.with_options(thread_options(2)):
        images.append(image_batch.numpy())
        kept.append(places.numpy())
    return np.concatenate(images), np.concatenate(kept)
