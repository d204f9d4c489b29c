"""Draws augmentation vectors: one stateless draw for all views of an image.

For small images the overhead of operations dominates. So all random numbers of
all views come from one uniform draw, recipes become constant tables, and many
images can be drawn for in one call.
"""

import math

import numpy as np
import tensorflow as tf

from uniclip_keras.data.augmentation import philox
from uniclip_keras.data.augmentation.recipe import ViewRecipe
from uniclip_keras.data.augmentation.vector import BLUR_UNIT
from uniclip_keras.data.augmentation.vector import IDENTITY
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.errors import InputError

# As in torchvision's RandomResizedCrop.
CROP_ATTEMPTS = 10

# Columns of the draw.
_AREAS = slice(0, CROP_ATTEMPTS)
_RATIOS = slice(CROP_ATTEMPTS, 2 * CROP_ATTEMPTS)
_POSITION = slice(_RATIOS.stop, _RATIOS.stop + 2)
_GATES = slice(_POSITION.stop, _POSITION.stop + 4)
_VALUES = slice(_GATES.stop, _GATES.stop + 7)
_DRAWS = _VALUES.stop
_IDENTITY_DRAW = 1

# The gate (flip, jitter, grayscale, blur) of each value (flip, brightness,
# contrast, saturation, hue, grayscale, blur).
_GATE_OF_VALUE = [0, 1, 1, 1, 1, 2, 3]


def sample_vectors(recipe, height, width, seed):
    """Draws the augmentation vectors of all views of one image.

    Crops follow torchvision's `RandomResizedCrop`: area and logarithm of the
    ratio are uniform, the first of ten boxes that fits in the image is taken
    at a uniform position, or else the largest center crop within the ratios.

    Args:
        recipe: Sequence of `ViewRecipe`, one per view.
        height: Int or scalar int tensor. Height of the image in pixels.
        width: Int or scalar int tensor. Width of the image in pixels.
        seed: `[2]` ints. The same seed gives the same vectors.

    Returns:
        `[V, 11]` float32. Boxes are whole pixels of the image.

    Raises:
        InputError: If the recipe is not a non-empty sequence of `ViewRecipe`.
    """
    recipe = _as_recipe(recipe)
    # Philox gives the same numbers on every kind of device.
    uniform = tf.random.stateless_uniform(
        [len(recipe), _DRAWS], seed, alg="philox"
    )
    chance = tf.zeros([len(recipe)])
    if any(view.identity for view in recipe):
        # A draw of its own, so that the others are those of any probability.
        seed = tf.random.fold_in(seed, _IDENTITY_DRAW)
        chance = tf.random.stateless_uniform(chance.shape, seed, alg="philox")
    shapes = tf.stack([height, width])[None]
    return _vectors(recipe, shapes, uniform[None], chance[None])[0]


def sample_many_vectors(recipe, shapes, seeds):
    """`sample_vectors` of many images in one call.

    Args:
        recipe: Sequence of V `ViewRecipe`.
        shapes: `[n, 2]` int32. Heights and widths in pixels.
        seeds: `[n, 2]` int64, one for each image.

    Returns:
        `[n, V, 11]` float32, equal to the vectors of each image alone.
    """
    recipe = _as_recipe(recipe)

    def draw(seeds):
        others = philox.fold_in(seeds, _IDENTITY_DRAW)
        return (
            philox.uniform(seeds, (len(recipe), _DRAWS)),
            philox.uniform(others, (len(recipe),)),
        )

    types = [tf.float32, tf.float32]
    uniform, chance = numpy_function(draw, [seeds], types)
    uniform.set_shape([None, len(recipe), _DRAWS])
    chance.set_shape([None, len(recipe)])
    return _vectors(recipe, shapes, uniform, chance)


def _vectors(recipe, shapes, uniform, chance):
    """Vectors `[n, V, 11]` for images `[n, 2]` from numbers in [0, 1)."""
    low, span, probability, largest_crop = _tables(recipe)
    drawn = low + span * uniform
    box = _sample_boxes(drawn, tf.cast(shapes, tf.float32), largest_crop)

    gates = tf.cast(drawn[..., _GATES] < probability, tf.float32)
    values = drawn[..., _VALUES] * tf.gather(gates, _GATE_OF_VALUE, axis=2)
    vectors = tf.concat([box, values], axis=2)
    identity = np.array([view.identity for view in recipe], np.float32)
    return tf.where((chance < identity)[..., None], IDENTITY, vectors)


def _sample_boxes(drawn, images, largest_crop):
    """`[n, V, 4]`: top, left, height, width as fractions of the images."""
    areas = tf.reduce_prod(images, axis=1)[:, None, None]
    sides = tf.sqrt(drawn[..., _AREAS] * areas)
    # The width gets half the log ratio, and the height minus that.
    stretch = tf.exp(drawn[..., _RATIOS, None] * [-1.0, 1.0])
    candidates = tf.round(sides[..., None] * stretch)  # [n, V, 10, (h, w)]
    images = images[:, None]
    fallback = tf.round(images[..., ::-1] * largest_crop)
    fallback = tf.clip_by_value(fallback, 1.0, images)
    candidates = tf.concat([candidates, fallback[:, :, None]], axis=2)
    limits = images[:, :, None]
    fits = tf.reduce_all((candidates >= 1.0) & (candidates <= limits), axis=3)
    # argmax returns the first of equals, and the fallback always fits.
    first = tf.argmax(tf.cast(fits, tf.int32), axis=2)
    extent = tf.gather(candidates, first, axis=2, batch_dims=2)  # [n, V, 2]

    room = images - extent
    corner = tf.where(
        (first == CROP_ATTEMPTS)[..., None],
        tf.floor(room / 2.0),
        tf.floor(drawn[..., _POSITION] * (room + 1.0)),
    )
    return tf.concat([corner / images, extent / images], axis=2)


def _tables(recipe):
    """`(low, span, probability, largest_crop)`, each with a row per view."""
    low = np.zeros([len(recipe), _DRAWS], np.float32)
    high = np.ones_like(low)
    probability = np.zeros([len(recipe), 4], np.float32)
    largest_crop = np.zeros([len(recipe), 2], np.float32)
    for row, view in enumerate(recipe):
        if view.crop_area is None:
            # No box of four times the area fits, and the fallback without
            # bounds on the ratio is the whole image.
            low[row, _AREAS] = high[row, _AREAS] = 4.0
            low[row, _RATIOS] = high[row, _RATIOS] = 0.0
            largest_crop[row] = 1e9
        else:
            low[row, _AREAS], high[row, _AREAS] = view.crop_area
            low[row, _RATIOS] = 0.5 * math.log(view.crop_ratio[0])
            high[row, _RATIOS] = 0.5 * math.log(view.crop_ratio[1])
            # Height from the image's width, and width from its height.
            largest_crop[row] = 1 / view.crop_ratio[0], view.crop_ratio[1]
        probability[row] = view.flip, view.jitter, view.grayscale, view.blur
        amounts = [view.brightness, view.contrast, view.saturation, view.hue]
        sigmas = [sigma / BLUR_UNIT for sigma in view.blur_sigma]
        lowest = [max(-amount, -1.0) for amount in amounts]
        high[row, _VALUES] = [1.0, *amounts, 1.0, sigmas[1]]
        low[row, _VALUES] = [1.0, *lowest, 1.0, sigmas[0]]
    return low, high - low, probability, largest_crop


def _as_recipe(recipe):
    if isinstance(recipe, ViewRecipe):
        return (recipe,)
    views = recipe if isinstance(recipe, list | tuple) else ()
    if not views or not all(isinstance(view, ViewRecipe) for view in views):
        raise InputError(
            f"The recipe {recipe!r} is not a sequence of ViewRecipe: make one "
            "with augmentation.recipe_from_config."
        )
    return views
