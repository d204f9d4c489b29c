"""From sources to the batches that `fit` takes.

`training_dataset` is a chain of the stages below it. Samples come in chunks of
a batch, because each call into Python and each small operation has a price,
and chunks are cut into views in parallel. The training step needs the same
cores, so the pipeline keeps to a few threads of its own.
"""

import functools

import numpy as np
import tensorflow as tf

from uniclip_keras.data.cutting import Cutter
from uniclip_keras.data.images import decoding
from uniclip_keras.data.images.small import stack_pixels
from uniclip_keras.data.order.rows import Rows
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.python_calls import thread_options
from uniclip_keras.data.sources.mixture import Mixture
from uniclip_keras.data.sources.mixture import mix
from uniclip_keras.data.text.captions import draw_texts
from uniclip_keras.data.text.templates import prompt_templates
from uniclip_keras.errors import InputError

# Samples that are cut into views together, by one thread.
_CHUNK = 32


# Nothing below needs AutoGraph, which takes longer than tracing itself.
@tf.autograph.experimental.do_not_convert
def training_dataset(
    source,
    tokenizer,
    recipe,
    image_size,
    batch_size,
    seed,
    *,
    templates=("{}",),
    captions_per_image=1,
    shuffle_buffer=10_000,
    bad_samples=None,
    max_pixels=decoding.MAX_PIXELS,
    threads=2,
    first_row=0,
    shard_index=0,
    num_shards=1,
    replicas=1,
    views_dtype="float32",
    with_keys=False,
):
    """Endless batches of views, augmentation vectors, tokens and ids.

    A batch is a function of the arguments and of its position, the number of
    rows (samples) in the batches before it. So a run goes on exactly where it
    stopped, in no more time than at the beginning and with any number of
    processes: the rows of a batch are dealt to them in turn.

    When a source ends, it starts again in a new order, and samples left over
    from one pass open the first batch of the next: all batches are full and
    no sample is dropped. A bad sample is replaced by another one of its
    source. `source.count() // batch_size` steps are one pass, except for the
    remainder.

    Args:
        source: A source (see `sources`), or a `Mixture` of them.
        tokenizer: A `text.Tokenizer` of context length L.
        recipe: A sequence of V `augmentation.ViewRecipe`.
        image_size: Int. Height and width S of the views, in pixels.
        batch_size: Int. Samples per global batch, B.
        seed: Int. Determines the order, captions, crops and colors.
        templates: Prompts for the class names of labeled samples, such as
            "a photo of a {}". One is drawn for each name in each batch.
        captions_per_image: Int. Captions (or prompts) K of each image, all
            its positives. An image with fewer captions repeats them.
        shuffle_buffer: Int. Number of samples of a source to shuffle among,
            encoded in memory (divided by `num_shards`). A source of no more
            samples is read once and stays in memory, its small images
            decoded.
        bad_samples: A `BadSamples` that counts what is skipped, or None. The
            dataset fails once the share of bad samples exceeds `max_share`.
        max_pixels: Int. Images of more pixels are skipped undecoded.
        threads: Int. Threads of the pipeline.
        first_row: Int. Position of the first batch: the number of samples
            that a resumed run has taken, `steps * batch_size`.
        shard_index: Int. Which rows of each batch this process makes: one in
            `num_shards`, beginning with this one.
        num_shards: Int. Processes that train together.
        replicas: Int. Equal parts in which this process makes its rows of a
            batch, one element of the dataset each: its replicas take turns.
            `training.distribute_dataset` sets these three.
        views_dtype: "float32", or "uint8" for views rounded to 8 bits, in a
            quarter of the memory. `UniCLIP` takes both.
        with_keys: Bool. Adds `{"key": string [b], "row": int64 [b], "source":
            int32 [b], "text": string [b] (or [b, K])}` to the batches, for
            inspection: the samples' keys, their places in the order, the
            indices of their sources in the mixture and the tokenized texts.

    Returns:
        A `tf.data.Dataset` of `{"views": float32 [b, V, S, S, 3] in [0, 1] or
        uint8, "augmentations": float32 [b, V, 11], "tokens": int32 [b, L] (or
        [b, K, L] if K > 1), "id": int64 [b]}`, where b is B divided by
        `num_shards * replicas`. Samples with equal ids are positives of each
        other.

    Raises:
        InputError: If none of the first images of a source can be decoded, a
            template lacks its `{}`, a number is out of range, the dtype is
            another one, or the shards and replicas do not divide the batch.
        tf.errors.OpError: While iterating, if a file cannot be read, or too
            many samples are bad.
    """
    _check_count("batch_size", batch_size)
    _check_count("replicas", replicas)
    _check_shard(shard_index, num_shards, replicas, batch_size)
    _check_count("captions_per_image", captions_per_image)
    _check_count("shuffle_buffer", shuffle_buffer)
    _check_count("first_row", first_row, least=0)
    prompts = prompt_templates(templates)
    mixture = source if isinstance(source, Mixture) else mix([source])
    for one in mixture.drawn:
        decoding.check_first_images(one.samples(), max_pixels)
    rows = Rows(
        mixture.drawn,
        mixture.drawn_weights,
        seed,
        shuffle_buffer,
        (num_shards, (first_row + shard_index) % num_shards),
        bad_samples,
        max_pixels,
    )
    # This process' rows of the first batch; each next one is a batch later.
    first = np.arange(shard_index, batch_size, num_shards) + first_row
    starts = range(0, len(first), _CHUNK)

    def chunk_rows(number):
        batch, chunk = divmod(int(number), len(starts))
        start = starts[chunk]
        return first[start : start + _CHUNK] + batch * batch_size

    reader = _Reader(rows, chunk_rows, seed, captions_per_image, prompts)
    cut = Cutter(
        recipe, image_size, seed, max_pixels, views_dtype, reader.replace
    )
    # While a batch trains, the next one is made: the part of one replica, and
    # the chunks of the others, because joining chunks takes them twice.
    part = len(first) // replicas
    chunks_ahead = -(-(len(first) - part) // _CHUNK)
    batches = (
        tf.data.Dataset.range(tf.int64.max)
        .map(reader.read)
        .map(cut, num_parallel_calls=threads)
        .prefetch(chunks_ahead)
        .rebatch(part, drop_remainder=True)
        .map(functools.partial(_finish, tokenizer, with_keys))
        .prefetch(1)
    )
    # A range has an end.
    endless = tf.data.experimental.assert_cardinality(
        tf.data.INFINITE_CARDINALITY
    )
    return batches.apply(endless).with_options(thread_options(threads))


class _Reader:
    """Reads chunks of rows as tensors."""

    def __init__(self, rows, chunk_rows, seed, captions_per_image, prompts):
        self._rows = rows
        self._chunk_rows = chunk_rows
        self._seed = seed
        self._captions = captions_per_image
        self._prompts = prompts

    def read(self, chunk):
        """Returns the rows of a chunk by its number."""

        def read(chunk):
            numbers = self._chunk_rows(chunk)
            return self._columns(numbers, self._rows.read(numbers))

        return self._call(read, chunk)

    def replace(self, number, attempt):
        """Returns a chunk of one row, with the next sample to try."""

        def replace(number, attempt):
            row = self._rows.replace(int(number), int(attempt))
            return self._columns(np.array([number]), [row])

        return self._call(replace, number, attempt)

    def _call(self, function, *arguments):
        # No rows tell the types.
        empty = self._columns(np.zeros([0], np.int64), [])
        types = [
            tf.string if column.dtype == object else tf.as_dtype(column.dtype)
            for column in empty.values()
        ]
        columns = numpy_function(
            lambda *arguments: tuple(function(*arguments).values()),
            arguments,
            types,
        )
        for column, like in zip(columns, empty.values(), strict=True):
            # What no rows have none of, others have any number of.
            column.set_shape([size or None for size in like.shape])
        return dict(zip(empty, columns, strict=True))

    def _columns(self, numbers, rows):
        samples = [row.sample for row in rows]
        texts = [
            draw_texts(
                sample["text"],
                sample["is_name"],
                self._captions,
                self._prompts,
                self._seed,
                int(number),
            )
            for number, sample in zip(numbers, samples, strict=True)
        ]
        texts = np.array(texts, object).reshape([-1, self._captions])
        pixels, shape = stack_pixels(samples)
        return {
            "row": numbers,
            "attempt": np.array([row.attempt for row in rows], np.int64),
            "source": np.array([row.source for row in rows], np.int32),
            "id": np.array([one["id"] for one in samples], np.int64),
            "key": np.array([one["key"] for one in samples], object),
            "image": np.array([one["image"] for one in samples], object),
            "pixels": pixels,
            "shape": shape,
            "text": texts[:, 0] if self._captions == 1 else texts,
        }


def _finish(tokenizer, with_keys, batch):
    """Tokenizes the texts, and keeps what `fit` needs."""
    names = ["views", "augmentations", "id"]
    names += ["key", "row", "source", "text"] if with_keys else []
    kept = {name: batch[name] for name in names}
    return {**kept, "tokens": tokenizer(batch["text"])}


def _check_shard(index, count, replicas, batch_size):
    if not 0 <= index < count:
        raise InputError(
            f"shard_index={index!r} is not allowed: give a number from 0 to "
            f"{count - 1}, one less than num_shards."
        )
    parts = count * replicas
    if batch_size % parts:
        raise InputError(
            f"batch_size={batch_size} cannot be divided by {count} processes "
            f"with {replicas} replicas each: give a multiple of {parts}."
        )


def _check_count(name, value, least=1):
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise InputError(
            f"{name}={value!r} is not allowed: give a whole number from "
            f"{least}."
        )
