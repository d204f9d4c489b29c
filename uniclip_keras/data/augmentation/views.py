"""From an image to its views, and from a vector back to the view.

There are two ways to make views, equal up to rounding:

- *Small views*, below `LARGE` pixels per side: `apply_color(apply_crop(image,
  vectors, size), vectors)`. Crops are cheapest image by image, before anything
  is converted to floating point; colors are cheapest for whole batches.
- *Large views*: `large_views`, one view at a time from the image to its last
  color, because a view then stays in the processor's cache.

`replay` chooses by the size. An input pipeline calls `cut_views` for each
sample, or `cut_small_images` for many whose pixels are in memory, and
`finish_views` for each batch, which make the same choice.
"""

import tensorflow as tf

from uniclip_keras.data.augmentation.color import apply_color
from uniclip_keras.data.augmentation.crop import apply_crop
from uniclip_keras.data.augmentation.crop import checked_arguments
from uniclip_keras.data.augmentation.large_views import large_views
from uniclip_keras.data.augmentation.sampling import sample_vectors
from uniclip_keras.data.augmentation.small_images import crop_small_images

# Pixels per side from which on views are large.
LARGE = 64

# How pipelines hold views: in [0, 1], or rounded to 8 bits.
DTYPES = ("float32", "uint8")


def cut_views(image, vectors, size, dtype="float32"):
    """Makes views of one sample: `apply_crop` if they are small."""
    if size >= LARGE:
        return _as_dtype(replay(image, vectors, size), dtype)
    return apply_crop(image, vectors, size)


def cut_small_images(images, shapes, vectors, size, dtype="float32"):
    """`cut_views` of many small images in one call, equal up to rounding.

    Args:
        images: `[n, H, W, 3]` uint8, each in the top left corner.
        shapes: `[n, 2]` int32. The images' own heights and widths.
        vectors: `[n, V, 11]` float32.
    """
    if size < LARGE:
        return crop_small_images(images, shapes, vectors, size)

    def cut(one):
        image, shape, vectors = one
        return cut_views(image[: shape[0], : shape[1]], vectors, size, dtype)

    views = tf.TensorSpec([vectors.shape[1], size, size, 3], dtype)
    return tf.map_fn(cut, (images, shapes, vectors), fn_output_signature=views)


def finish_views(views, vectors, dtype="float32"):
    """Completes a batch of `cut_views`: `apply_color` if they are small."""
    if views.shape[-2] >= LARGE:
        return views
    return _as_dtype(apply_color(views, vectors), dtype)


def _as_dtype(views, dtype):
    if dtype == "float32":
        return views
    # The cast cuts off what follows the point: this rounds.
    return tf.cast(views * 255.0 + 0.5, tf.uint8)


def replay(image, vector, size):
    """Rebuilds a view from the source image and its vector alone.

    Args:
        image: `[H, W, 3]`, uint8 or floating point in [0, 1].
        vector: Augmentation vector `[11]`, or `[V, 11]` for several views.
        size: Int. Pixels per side of the view.

    Returns:
        `[size, size, 3]` float32 in [0, 1], or `[V, size, size, 3]`.

    Raises:
        InputError: See `apply_crop`.
    """
    vector = tf.convert_to_tensor(vector, tf.float32)
    if vector.shape.rank == 1:
        return replay(image, vector[None], size)[0]
    image, vectors = checked_arguments(image, vector, size)
    if size >= LARGE:
        return large_views(image, vectors, size)
    return apply_color(apply_crop(image, vectors, size), vectors)


def random_views(image, recipe, seed, size=224):
    """Draws views of one image: `sample_vectors`, and `replay` of them.

    Returns:
        `(views, vectors)`: `[V, size, size, 3]` and `[V, 11]`, both float32.

    Raises:
        InputError: See `apply_crop` and `sample_vectors`.
    """
    shape = tf.shape(image)
    vectors = sample_vectors(recipe, shape[0], shape[1], seed)
    return replay(image, vectors, size), vectors
