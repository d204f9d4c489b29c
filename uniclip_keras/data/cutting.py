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
        self._seed = tf.constant(seed, tf.int64)
        self._max_pixels = max_pixels
        self._dtype = dtype
        self._replace = replace

    def __call__(self, chunk):
        """Puts `views` and `augmentations` in place of the images.

        Args:
            chunk: Dict of tensors `[n, ...]` with `row` (int64), `attempt`
                (int64), `image` (string, encoded), `pixels` (uint8, if they
                are decoded), `shape` (int32 `[n, 2]`, that of pixels or 0)
                and any others.
        """
        cut = self._cut(chunk)
        cut = tf.cond(
            tf.equal(tf.size(cut["row"]), tf.size(chunk["row"])),
            lambda: cut,
            lambda: self._complete(cut, chunk),
        )
        views = augmentation.finish_views(
            cut["views"], cut["augmentations"], self._dtype
        )
        return {**cut, "views": views}

    def _cut(self, chunk):
        """Cuts the rows whose images can be decoded."""
        is_decoded = chunk["shape"][:, 0] > 0
        cut = self._cut_decoded(_choose(chunk, is_decoded))
        return tf.cond(
            tf.reduce_all(is_decoded),
            lambda: cut,
            lambda: _join(cut, self._cut_encoded(_choose(chunk, ~is_decoded))),
        )

    def _cut_decoded(self, chunk):
        """Cuts small images whose pixels are there, all in one call."""
        rows = chunk["row"]
        seeds = tf.stack([tf.fill(tf.shape(rows), self._seed), rows], axis=1)
        vectors = augmentation.sample_many_vectors(
            self._recipe, chunk["shape"], seeds
        )
        views = augmentation.cut_small_images(
            chunk["pixels"],
            chunk["shape"],
            vectors,
            self._image_size,
            self._dtype,
        )
        return _finished(chunk, views, vectors)

    def _cut_encoded(self, chunk):
        """Decodes and cuts images one by one, and leaves out what fails."""
        rows = tf.data.Dataset.from_tensor_slices(chunk)
        good = rows.map(self._decode).ignore_errors().map(self._cut_views)
        # There is no batch if not one image can be decoded.
        nothing = tf.nest.map_structure(
            lambda spec: tf.zeros([0, *spec.shape], spec.dtype),
            good.element_spec,
        )
        nothing = tf.data.Dataset.from_tensors(nothing)
        batch = good.batch(tf.size(chunk["row"], tf.int64))
        return batch.concatenate(nothing).take(1).get_single_element()

    def _decode(self, sample):
        """Decodes no more of an image than its views need."""
        shape = image_shape(sample["image"])
        seed = tf.stack([self._seed, sample["row"]])
        vectors = augmentation.sample_vectors(
            self._recipe, shape[0], shape[1], seed
        )
        reduction = augmentation.reduction(
            vectors, shape[0], shape[1], self._image_size
        )
        problem, image = decode_within(
            sample["image"], self._max_pixels, shape, reduction
        )
        with tf.control_dependencies([tf.Assert(problem == "", [problem])]):
            image = tf.identity(image)
        return {**sample, "image": image, "augmentations": vectors}

    def _cut_views(self, sample):
        vectors = sample["augmentations"]
        views = augmentation.cut_views(
            sample["image"], vectors, self._image_size, self._dtype
        )
        return _finished(sample, views, vectors)

    def _complete(self, cut, chunk):
        """Adds the rows that are missing, each with another sample."""
        is_there = chunk["row"][:, tf.newaxis] == cut["row"][tf.newaxis]
        missing = {name: chunk[name] for name in ("row", "attempt")}
        missing = _choose(missing, ~tf.reduce_any(is_there, axis=1))
        rows = tf.data.Dataset.from_tensor_slices(missing)
        count = tf.size(missing["row"], tf.int64)
        found = rows.flat_map(self._first_good).batch(count)
        return _join(cut, found.get_single_element())

    def _first_good(self, missing):
        """A dataset of one row: the first replacement that can be decoded."""

        def draw_again(attempt, _):
            chunk = self._replace(missing["row"], attempt)
            return chunk["attempt"][0], chunk

        # It ends with the first good one, or with an error of `replace`.
        drawn = tf.data.Dataset.range(tf.int64.max).scan(
            missing["attempt"], draw_again
        )
        cut = drawn.map(self._cut)
        return cut.flat_map(tf.data.Dataset.from_tensor_slices).take(1)


def _choose(chunk, mask):
    return {name: tf.boolean_mask(chunk[name], mask) for name in chunk}


def _join(*chunks):
    """Joins rows, in order."""
    both = tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *chunks)
    order = tf.argsort(both["row"])
    return tf.nest.map_structure(lambda x: tf.gather(x, order), both)


def _finished(sample, views, vectors):
    left_out = "image", "pixels", "shape"
    rest = {name: sample[name] for name in sample if name not in left_out}
    return {**rest, "views": views, "augmentations": vectors}
