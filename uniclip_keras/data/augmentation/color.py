"""The color operations and the blur, equal to torchvision's on float images.

`apply_color` works on *planes*: images with the channels first, `[N, 3, H, W]`
float32 in [0, 1], and one parameter per image, `[N]`. With the channels first,
every step is one contiguous pass or a small matrix product, which makes whole
batches cheap on a CPU. `large_views` shares the functions of single channels.
"""

import tensorflow as tf

from uniclip_keras.data.augmentation import vector as entry

# ITU-R 601 luma, to the four digits that torchvision uses.
LUMA = (0.2989, 0.587, 0.114)

# A Gaussian this narrow has no weight beside its center in float32, so sigma
# 0 means "unchanged" instead of a division by zero.
SMALLEST_SIGMA = 0.05

# At this distance in pixels, a Gaussian of any useful sigma is exactly 0.
_OUT_OF_SIGHT = 1e9


def apply_color(views, vectors):
    """Applies the color operations and the blur of each view's vector.

    Views whose vectors ask for nothing come back bit for bit.

    Args:
        views: `[..., H, W, 3]` float32 in [0, 1], as `apply_crop` makes them.
        vectors: Augmentation vectors `[..., 11]` with the same leading
            dimensions. Box and flip are not used.

    Returns:
        `[..., H, W, 3]` float32 in [0, 1].
    """
    views = tf.convert_to_tensor(views, tf.float32)
    static_shape, shape = views.shape, tf.shape(views)
    vectors = tf.reshape(tf.cast(vectors, tf.float32), [-1, entry.VECTOR_SIZE])
    views = tf.reshape(views, tf.concat([[-1], shape[-3:]], axis=0))
    asked = tf.reduce_any(vectors[:, entry.BRIGHTNESS :] != 0.0, axis=1)
    views = _apply_where(asked, _color_and_blur, views, vectors)
    return tf.ensure_shape(tf.reshape(views, shape), static_shape)


def _color_and_blur(views, vectors):
    planes = to_planes(views)
    planes = brightness(planes, vectors[:, entry.BRIGHTNESS] + 1.0)
    planes = contrast(planes, vectors[:, entry.CONTRAST] + 1.0)
    planes = saturation(planes, vectors[:, entry.SATURATION] + 1.0)
    planes = hue(planes, vectors[:, entry.HUE])
    planes = grayscale(planes, vectors[:, entry.GRAYSCALE])
    sigma = vectors[:, entry.BLUR] * entry.BLUR_UNIT
    planes = _apply_where(sigma > 0.0, gaussian_blur, planes, sigma)
    return from_planes(planes)


def _apply_where(asked, operation, images, parameters):
    """Applies the operation only to the images that ask for it."""
    index = tf.where(asked)

    def update():
        chosen = tf.gather(images, index[:, 0])
        changed = operation(chosen, tf.gather(parameters, index[:, 0]))
        return tf.tensor_scatter_nd_update(images, index, changed)

    return tf.cond(tf.size(index) > 0, update, lambda: images)


def to_planes(images):
    """`[N, H, W, 3]` to planes `[N, 3, H, W]`."""
    return tf.transpose(images, [0, 3, 1, 2])


def from_planes(planes):
    """Planes `[N, 3, H, W]` to `[N, H, W, 3]`."""
    return tf.transpose(planes, [0, 2, 3, 1])


def brightness(planes, factor):
    """Multiplies by `factor` `[N]` (0 is black, 1 unchanged) and clips."""
    return clip(planes * _per_image(factor))


def contrast(planes, factor):
    """Blends with the image's mean luma: `factor` `[N]`, 0 is flat gray."""
    means = tf.reduce_mean(planes, axis=[2, 3])
    gray = tf.linalg.matvec(means, tf.constant(LUMA))
    offset = gray * (1.0 - factor)
    return clip(planes * _per_image(factor) + _per_image(offset))


def saturation(planes, factor):
    """Blends with the pixel's own luma: `factor` `[N]`, 0 is grayscale."""
    return clip(grayscale(planes, 1.0 - factor))


def grayscale(planes, amount):
    """Replaces every channel by the luma where `amount` `[N]` is 1."""
    # (1 - amount) * planes + amount * luma, as one 3x3 matrix per image.
    amount = tf.reshape(amount, [-1, 1, 1])
    luma = tf.tile([LUMA], [3, 1])
    matrix = (1.0 - amount) * tf.eye(3) + amount * luma
    shape = tf.shape(planes)
    flat = tf.reshape(planes, [shape[0], 3, shape[2] * shape[3]])
    return tf.reshape(tf.matmul(matrix, flat), shape)


def hue(planes, shift):
    """Rotates the hue in HSV by `shift` `[N]`, in turns from -0.5 to 0.5."""
    shift = tf.reshape(shift, [-1, 1, 1])
    channels = tf.unstack(planes, num=3, axis=1)
    return tf.stack(from_hue(to_hue(channels), shift), axis=1)


def gaussian_blur(planes, sigma):
    """Blurs with Gaussians of `sigma` `[N]` pixels and reflected borders.

    The kernel is as wide as reflection allows, and thus wide enough for any
    sigma. torchvision's is cut off at its `kernel_size`.
    """
    # One dense matrix per image and axis does the taps and the reflection in
    # a single matrix product: two to four times faster than adding shifted
    # images for the kernel widths of sigma 2.
    height, width = planes.shape[2], planes.shape[3]
    rows = columns = _blur_matrix(sigma, height or tf.shape(planes)[2])
    if height is None or height != width:
        columns = _blur_matrix(sigma, width or tf.shape(planes)[3])
    blurred = tf.matmul(rows[:, None], planes)
    return tf.matmul(blurred, columns[:, None], transpose_b=True)


def _blur_matrix(sigma, length):
    """`[N, length, length]`: output pixel from reflected input pixels."""
    last = tf.cast(length - 1, tf.float32)
    to = tf.range(last + 1.0)[:, None]
    of = tf.range(last + 1.0)[None, :]
    # An input pixel contributes itself and its two mirror images. A border
    # pixel is the mirror, and has no image on its own side.
    distances = [
        tf.abs(to - of),
        tf.where(of > 0.0, to + of, _OUT_OF_SIGHT),
        tf.where(of < last, 2.0 * last - to - of, _OUT_OF_SIGHT),
    ]
    precision = -0.5 / tf.square(tf.maximum(sigma, SMALLEST_SIGMA))
    precision = tf.reshape(precision, [-1, 1, 1])
    matrix = tf.add_n([tf.exp(precision * tf.square(d)) for d in distances])
    return matrix / tf.reduce_sum(matrix, axis=-1, keepdims=True)


def to_hue(channels):
    """Red, green and blue of any shape to `(low, chroma, angle)`.

    The angle runs from -1 to 5, one unit for each sector of the hue.
    """
    red, green, blue = channels
    high = tf.maximum(red, tf.maximum(green, blue))
    low = tf.minimum(red, tf.minimum(green, blue))
    chroma = high - low
    sector = tf.where(
        tf.equal(high, red),
        green - blue,
        tf.where(
            tf.equal(high, green),
            blue - red + 2.0 * chroma,
            red - green + 4.0 * chroma,
        ),
    )
    # A gray pixel has no hue; its chroma of 0 makes any angle right.
    return low, chroma, sector / tf.maximum(chroma, 1e-12)


def from_hue(hue, shift):
    """Inverts `to_hue` with the hue rotated by `shift`, which broadcasts.

    Each channel of a color is its smallest channel plus the chroma times a
    trapezoid of the hue.
    """
    low, chroma, angle = hue
    angle += 6.0 * shift
    angle -= 6.0 * tf.floor(angle / 6.0)
    return [
        low + chroma * clip(tf.abs(angle - 3.0) - 1.0),
        low + chroma * clip(2.0 - tf.abs(angle - 2.0)),
        low + chroma * clip(2.0 - tf.abs(angle - 4.0)),
    ]


def luma(channels):
    """The luma of red, green and blue of any shape."""
    return tf.add_n([w * c for w, c in zip(LUMA, channels, strict=True)])


def toward_luma(channels, amount):
    """Blends each channel with the luma. `amount` broadcasts."""
    gray = luma(channels)
    return [channel + amount * (gray - channel) for channel in channels]


def clip(values):
    """Clips to [0, 1]."""
    # One kernel; tf.clip_by_value makes two passes over the data.
    return tf.raw_ops.ClipByValue(
        t=values, clip_value_min=0.0, clip_value_max=1.0
    )


def _per_image(values):
    """`[N]` to `[N, 1, 1, 1]`."""
    return tf.reshape(values, [-1, 1, 1, 1])
