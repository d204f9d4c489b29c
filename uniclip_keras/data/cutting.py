"""Cuts chunks of samples into views, and replaces images that fail.

TensorFlow has no way to catch an error but `Dataset.ignore_errors`. So a chunk
is a small dataset of its own: what decodes comes out of it, and the rows that
are missing are drawn again.
"""

import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.errors import InputError


class Cutter:
    """Cuts chunks of `n` rows into views.

    Args:
        recipe: A sequence of V `augmentation.ViewRecipe`.
        image_size: Int. Height and width S of the views.
        seed: Int. With the number of a row it determines its views.
        max_pixels: Int. Images of more pixels fail.
        dtype: "float32" or "uint8". The type of the views.
        replace: Function from a row and its attempt, both `[1]`, to a chunk of
            one other sample for this row.
    """

    def __init__(self, recipe, image_size, seed, max_pixels, dtype, replace):
        if dtype not in augmentation.DTYPES:
            raise InputError(
                f"views_dtype={dtype!r} is not allowed: give one of "
                f"{augmentation.DTYPES}."
            )
        self._recipe = recipe
        self._image_size = image_size
        self._seed = seed
        self._max_pixels = max_pixels
        self._dtype = dtype
        self._replace = replace

    def __call__(self, chunk):
        """Puts `views` and `augmentations` in place of the images.

        Args:
            chunk: Dict of tensors `[n, ...]` with `row` (int64), `attempt`
                (int64), `image` (string: encoded, or pixels), `shape` (int32
                `[n, 2]`, that of pixels or 0) and any others.
        """
        size = tf.size(chunk["row"])
        rows = tf.data.Dataset.from_tensor_slices(chunk)
        good = self._cut(rows)
        # There is no batch if not one image can be decoded.
        nothing = tf.nest.map_structure(
            lambda spec: tf.zeros([0, *spec.shape], spec.dtype),
            good.element_spec,
        )
        nothing = tf.data.Dataset.from_tensors(nothing)
        batch = good.batch(tf.cast(size, tf.int64))
        cut = batch.concatenate(nothing).take(1).get_single_element()
        cut = tf.cond(
            tf.equal(tf.size(cut["row"]), size),
            lambda: cut,
            lambda: self._complete(cut, chunk),
        )
        views = augmentation.finish_views(
            cut["views"], cut["augmentations"], self._dtype
        )
        return {**cut, "views": views}

    def _cut(self, rows):
        decoded = rows.map(self._decode).ignore_errors()
        return decoded.map(self._cut_views)

    def _decode(self, sample):
        """Decodes no more of an image than its views need."""
        is_decoded = sample["shape"][0] > 0
        shape = tf.cond(
            is_decoded,
            lambda: sample["shape"],
            lambda: image_shape(sample["image"]),
        )
        seed = tf.stack([tf.constant(self._seed, tf.int64), sample["row"]])
        vectors = augmentation.sample_vectors(
            self._recipe, shape[0], shape[1], seed
        )

        def pixels():
            pixels = tf.io.decode_raw(sample["image"], tf.uint8)
            return "", tf.reshape(pixels, [shape[0], shape[1], 3])

        def decode():
            reduction = augmentation.reduction(
                vectors, shape[0], shape[1], self._image_size
            )
            return decode_within(
                sample["image"], self._max_pixels, shape, reduction
            )

        problem, image = tf.cond(is_decoded, pixels, decode)
        with tf.control_dependencies([tf.Assert(problem == "", [problem])]):
            image = tf.identity(image)
        return {**sample, "image": image, "augmentations": vectors}

    def _cut_views(self, sample):
        views = augmentation.cut_views(
            sample["image"],
            sample["augmentations"],
            self._image_size,
            self._dtype,
        )
        left_out = "image", "shape"
        rest = {name: sample[name] for name in sample if name not in left_out}
        return {**rest, "views": views}

    def _complete(self, cut, chunk):
        """Adds the rows that are missing, each with another sample."""
        is_there = chunk["row"][:, tf.newaxis] == cut["row"][tf.newaxis]
        is_missing = ~tf.reduce_any(is_there, axis=1)
        missing = {
            name: tf.boolean_mask(chunk[name], is_missing)
            for name in ("row", "attempt")
        }
        rows = tf.data.Dataset.from_tensor_slices(missing)
        count = tf.size(missing["row"], tf.int64)
        found = rows.flat_map(self._first_good).batch(count)
        found = found.get_single_element()
        both = tf.nest.map_structure(
            lambda *parts: tf.concat(parts, axis=0), cut, found
        )
        order = tf.argsort(both["row"])
        return tf.nest.map_structure(lambda x: tf.gather(x, order), both)

    def _first_good(self, missing):
        """A dataset of one row: the first replacement that can be decoded."""

        def draw_again(attempt, _):
            chunk = self._replace(missing["row"], attempt)
            sample = tf.nest.map_structure(lambda x: x[0], chunk)
            return sample["attempt"], sample

        # It ends with the first good one, or with an error of `replace`.
        drawn = tf.data.Dataset.range(tf.int64.max).scan(
            missing["attempt"], draw_again
        )
        return drawn.flat_map(
            lambda sample: self._cut(tf.data.Dataset.from_tensors(sample))
        ).take(1)
