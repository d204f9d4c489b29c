"""Large views: one at a time, from the image to its last color.

The result is that of `apply_color(apply_crop(image, vectors, size), vectors)`,
in half the time if views are so large that passes over them cost more than the
overhead of operations. A view stays in the processor's cache *by columns*,
`[size, 3, size]` (see `resampling`), until it is complete, and XLA fuses the
many small operations on colors into a few passes.
"""

import functools

import tensorflow as tf

from uniclip_keras.data.augmentation import color
from uniclip_keras.data.augmentation import vector as entry
from uniclip_keras.data.augmentation.crop import pixel_boxes
from uniclip_keras.data.augmentation.crop import resized_crop
from uniclip_keras.data.augmentation.resampling import from_columns
from uniclip_keras.data.augmentation.resampling import resized_columns
from uniclip_keras.xla import compiled

# The sparse matrices need the whole crop in floating point. A larger crop
# would take more memory for that than everything else together.
MOST_PIXELS = 2**22

# A kernel's reach in pixels, and the largest sigma with no more than 1e-5 of
# its weight beyond that.
_SHORT_BLUR = 4, 1.0
_LONG_BLUR = 9, 2.1


def large_views(image, vectors, size):
    """Makes the views of one image from `checked_arguments`."""
    corners, extents = pixel_boxes(vectors[:, entry.BOX], tf.shape(image)[:2])
    cuts = zip(*map(tf.unstack, (corners, extents, vectors)), strict=True)
    return tf.stack([_view(image, *cut, size) for cut in cuts])


# A function of its own is traced once, not once for each view.
@tf.function(autograph=False, reduce_retracing=True)
def _view(image, corner, extent, vector, size):
    columns = _cut(image, corner, extent, vector[entry.FLIP] > 0.5, size)
    return from_columns(_apply_color(columns, vector))


def _cut(image, corner, extent, flip, size):
    def without_matrices():
        view = resized_crop(image, corner, extent, flip, (size, size))
        view = view / 255.0 if image.dtype == tf.uint8 else view
        return tf.transpose(view, [1, 2, 0])

    return tf.cond(
        tf.reduce_prod(tf.cast(extent, tf.int64)) <= MOST_PIXELS,
        lambda: resized_columns(image, corner, extent, flip, size),
        without_matrices,
    )


def _apply_color(columns, vector):
    sigma = vector[entry.BLUR] * entry.BLUR_UNIT
    columns = tf.cond(
        tf.reduce_any(vector[entry.BRIGHTNESS : entry.BLUR] != 0.0),
        lambda: _jitter(columns, vector),
        lambda: columns,
    )
    blurs = [
        (sigma <= 0.0, lambda: columns),
        *[
            (sigma <= largest, functools.partial(_blur, columns, sigma, reach))
            for reach, largest in (_SHORT_BLUR, _LONG_BLUR)
        ],
    ]
    return tf.case(blurs, default=lambda: _wide_blur(columns, sigma))


def _jitter(columns, vector):
    # XLA computes each channel of a result separately, and what they share
    # again for each: so a function ends where the shared part does.
    columns = compiled(_contrasted)(columns, vector)
    hue = compiled(_hue)(columns, vector)
    return compiled(_rotated)(hue, vector)


def _contrasted(columns, vector):
    columns = color.clip(columns * (1.0 + vector[entry.BRIGHTNESS]))
    # Summing over columns first is faster: the inner axis adds one by one.
    luma = tf.reduce_sum(color.luma(tf.unstack(columns, axis=1)), axis=0)
    gray = tf.reduce_sum(luma) / (columns.shape[0] * columns.shape[2])
    factor = 1.0 + vector[entry.CONTRAST]
    return color.clip(columns * factor + gray * (1.0 - factor))


def _hue(columns, vector):
    channels = tf.unstack(columns, axis=1)
    channels = color.toward_luma(channels, -vector[entry.SATURATION])
    return color.to_hue([color.clip(channel) for channel in channels])


def _rotated(hue, vector):
    channels = color.from_hue(hue, vector[entry.HUE])
    channels = color.toward_luma(channels, vector[entry.GRAYSCALE])
    return tf.stack(channels, axis=1)


def _blur(columns, sigma, reach):
    steps = tf.range(-reach, reach + 1, dtype=tf.float32)
    sigma = tf.maximum(sigma, color.SMALLEST_SIGMA)
    taps = tf.exp(-0.5 * tf.square(steps / sigma))
    return compiled(_convolved)(columns, taps / tf.reduce_sum(taps))


def _convolved(columns, taps):
    """Convolves along both axes, one tap at a time over whole slices."""
    reach = taps.shape[0] // 2
    for along in ([1, 0, 0], [0, 0, 1]):
        padding = [[reach * i, reach * i] for i in along]
        padded = tf.pad(columns, padding, "REFLECT")
        columns = tf.add_n(
            [
                taps[tap]
                * tf.slice(padded, [tap * i for i in along], columns.shape)
                for tap in range(taps.shape[0])
            ]
        )
    return columns


def _wide_blur(columns, sigma):
    planes = tf.transpose(columns, [1, 0, 2])[None]
    blurred = color.gaussian_blur(planes, sigma[None])[0]
    return tf.transpose(blurred, [1, 0, 2])
