"""From an image to its views, and from a vector back to the view.

A view is made in two halves, `photometric(geometric(image, vectors, size),
vectors)`: small crops are cheapest image by image, before anything is
converted, their colours over whole batches. Views of `LARGE` pixels per side
or more are cheapest one by one from end to end. An input pipeline calls
`cut_views` for each sample and `finish_views` for each batch, which know.
"""

import tensorflow as tf

from uniclip_keras.data.augmentation import ops
from uniclip_keras.data.augmentation.crop import checked_arguments
from uniclip_keras.data.augmentation.crop import geometric
from uniclip_keras.data.augmentation.large_views import large_views
from uniclip_keras.data.augmentation.sampling import sample_vectors
from uniclip_keras.data.augmentation.vector import BLUR
from uniclip_keras.data.augmentation.vector import BLUR_UNIT
from uniclip_keras.data.augmentation.vector import BRIGHTNESS
from uniclip_keras.data.augmentation.vector import CONTRAST
from uniclip_keras.data.augmentation.vector import GRAYSCALE
from uniclip_keras.data.augmentation.vector import HUE
from uniclip_keras.data.augmentation.vector import IDENTITY
from uniclip_keras.data.augmentation.vector import SATURATION
from uniclip_keras.data.augmentation.vector import VECTOR_SIZE

# Pixels per side from which on views are made one by one.
LARGE = 64


def photometric(views, vectors):
    """Applies the colour operations and the blur of each view's vector.

    Views whose vectors ask for nothing come back bit for bit.

    Args:
        views: `[..., H, W, 3]` float32 in [0, 1], as `geometric` makes them.
        vectors: augmentation vectors `[..., 11]` with the same leading
            dimensions. Box and flip are not used.

    Returns:
        `[..., H, W, 3]` float32 in [0, 1].
    """
    views = tf.convert_to_tensor(views, tf.float32)
    static_shape, shape = views.shape, tf.shape(views)
    vectors = tf.reshape(tf.cast(vectors, tf.float32), [-1, VECTOR_SIZE])
    views = tf.reshape(views, tf.concat([[-1], shape[-3:]], axis=0))
    asked = tf.reduce_any(vectors[:, BRIGHTNESS:] != 0.0, axis=1)
    views = _where(asked, _colour_and_blur, views, vectors)
    return tf.ensure_shape(tf.reshape(views, shape), static_shape)


def cut_views(image, vectors, size):
    """What an input pipeline does for one sample: `geometric`, or all of it.

    Args, result and errors are those of `geometric`; views of `LARGE` pixels
    and more have their colours already.
    """
    if size >= LARGE:
        return replay(image, vectors, size)
    return geometric(image, vectors, size)


def finish_views(views, vectors):
    """What is left to do for a batch of `cut_views`.

    Args:
        views: `[..., size, size, 3]` float32, the size known while tracing.
        vectors: augmentation vectors `[..., 11]`.

    Returns:
        The views, float32 in [0, 1].
    """
    return views if views.shape[-2] >= LARGE else photometric(views, vectors)


def replay(image, vector, size):
    """Rebuilds a view from the source image and its vector alone.

    Args:
        image: `[H, W, 3]`, uint8 or floating point in [0, 1].
        vector: augmentation vector `[11]`, or `[V, 11]` for several views.
        size: int, pixels per side of the view.

    Returns:
        `[size, size, 3]` float32 in [0, 1], or `[V, size, size, 3]`.

    Raises:
        InputError: see `geometric`.
    """
    vector = tf.convert_to_tensor(vector, tf.float32)
    if vector.shape.rank == 1:
        return replay(image, vector[None], size)[0]
    image, vectors = checked_arguments(image, vector, size)
    if size >= LARGE:
        return large_views(image, vectors, size)
    return photometric(geometric(image, vectors, size), vectors)


def sample_vector(recipe, height, width, seed):
    """`sample_vectors` for a single `ViewRecipe`: `[11]` float32."""
    return sample_vectors([recipe], height, width, seed)[0]


def random_views(image, recipe, seed, size=224):
    """Draws views of one image; the same seed gives the same views.

    Args:
        image: `[H, W, 3]`, uint8 or floating point in [0, 1].
        recipe: sequence of V `ViewRecipe`, such as `SLIP_RECIPE`.
        seed: `[2]` ints.
        size: int, pixels per side of the views.

    Returns:
        `(views, vectors)`: `[V, size, size, 3]` and `[V, 11]`, both float32;
        `views` is `replay(image, vectors, size)`.

    Raises:
        InputError: see `geometric` and `sample_vectors`.
    """
    shape = tf.shape(image)
    vectors = sample_vectors(recipe, shape[0], shape[1], seed)
    return replay(image, vectors, size), vectors


def random_view(image, recipe, seed, size=224):
    """`random_views` for a single `ViewRecipe`: `(view, vector)`."""
    views, vectors = random_views(image, [recipe], seed, size)
    return views[0], vectors[0]


def evaluation_view(image, size):
    """The whole image, resized: the view whose vector is `IDENTITY`."""
    # Served models make it too: plain operations that every runtime has.
    return geometric(image, IDENTITY[None], size)[0]


def _colour_and_blur(views, vectors):
    planes = ops.to_planes(views)
    planes = ops.brightness(planes, vectors[:, BRIGHTNESS] + 1.0)
    planes = ops.contrast(planes, vectors[:, CONTRAST] + 1.0)
    planes = ops.saturation(planes, vectors[:, SATURATION] + 1.0)
    planes = ops.hue(planes, vectors[:, HUE])
    planes = ops.grayscale(planes, vectors[:, GRAYSCALE])
    planes = _where(vectors[:, BLUR] > 0.0, _blur, planes, vectors)
    return ops.from_planes(planes)


def _blur(planes, vectors):
    return ops.gaussian_blur(planes, vectors[:, BLUR] * BLUR_UNIT)


def _where(asked, operation, images, vectors):
    """Applies the operation to the images that ask for it."""
    index = tf.where(asked)

    def update():
        chosen = index[:, 0]
        changed = operation(
            tf.gather(images, chosen), tf.gather(vectors, chosen)
        )
        return tf.tensor_scatter_nd_update(images, index, changed)

    return tf.cond(tf.size(index) > 0, update, lambda: images)
