"""From sources to the batches that `fit` takes.

One sample is cut into its views alone, because images differ in size;
captions, tokens and what is left of small views are made for a whole batch at
once, because overhead per sample would be most of their cost. The training
step wants the same cores, so the pipeline keeps to a few threads of its own.
"""

import itertools

import numpy as np
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.images.limit import MAX_PIXELS
from uniclip_keras.data.images.limit import decode_within
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.skipping import map_good
from uniclip_keras.data.sources.mixture import Mixture
from uniclip_keras.data.text.captions import draw_captions
from uniclip_keras.data.text.captions import fill_templates
from uniclip_keras.data.text.templates import prompt_templates
from uniclip_keras.data.threads import thread_options
from uniclip_keras.errors import InputError

# As many undecodable images in a row are no accident.
_FIRST_IMAGES = 100


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
    cache=False,
    bad_samples=None,
    max_pixels=MAX_PIXELS,
    threads=2,
    first_batch=0,
    worker=0,
    workers=1,
    with_keys=False,
):
    """Endless batches of views, augmentation vectors, tokens and ids.

    The same arguments give the same batches. A source starts again in a new
    order when it ends, so that batches are always full: no sample is dropped
    with the remainder of a pass, it opens the next one's first batch. An epoch
    is what the trainer makes it: `source.count() // batch_size` steps are one
    pass but for that remainder.

    Args:
        source: A source (see `sources`), or a `Mixture` of them.
        tokenizer: A `text.Tokenizer` of context length L.
        recipe: A sequence of V `augmentation.ViewRecipe`. A JPEG is decoded at
            the size that its views need, see `augmentation.reduction`.
        image_size: Height and width S of the views, in pixels.
        batch_size: Samples per batch, B; that of the global batch, which a
            distribution strategy splits.
        seed: Integer; order, captions, crops and colours follow from it.
        templates: Prompts for the class names of labelled samples, such as
            "a photo of a {}"; one is drawn per sample and step. Captions
            stay as they are.
        captions_per_image: Captions (or prompts) K that go with each image,
            all of them its positives; an image with fewer repeats them.
        shuffle_buffer: Number of samples to shuffle among.
        cache: Keeps the decoded images in memory, and so decodes them once in
            place of once a pass: for some ten thousand small images.
        bad_samples: A `BadSamples` that counts what is skipped, or None. With
            a `max_share`, the batch after too many bad samples is an error.
        max_pixels: Images of more pixels are skipped before they are decoded.
        threads: Threads of the pipeline.
        first_batch: Batch to begin with, as if those before had been taken:
            a resumed run goes on with the batches that it has not seen.
        worker: Place of this process among `workers`.
        workers: Processes that train together, each on batches of its own
            from its own share of the samples, see `Source.dataset`;
            `training.distribute_dataset` fills these two in.
        with_keys: Adds `{"key": string [B], "source": int32 [B], "text":
            string [B] (or [B, K])}` to the batches: the samples' keys, their
            parts of the mixture and the texts behind the tokens. For eyes,
            not for `fit`.

    Returns:
        A `tf.data.Dataset` of `{"views": float32 [B, V, S, S, 3] in [0, 1],
        "augmentations": float32 [B, V, 11], "tokens": int32 [B, L], or [B, K,
        L] where K is not 1, "id": int64 [B]}`. Samples of equal ids are
        positives of each other.

    Raises:
        InputError: Not one of the first images can be decoded, a template
            does not have exactly one `{}`, or a number is out of range.
        tf.errors.OpError: While iterating: a pass over the source has not one
            good sample, or too many bad ones.
    """
    templates = prompt_templates(templates)
    _check_numbers(batch_size, captions_per_image, worker, workers)

    def draw_vectors(shape, number, part_seed):
        # Workers number their samples alike; each draws its own views.
        number = number * workers + worker
        return augmentation.sample_vectors(
            recipe, shape[0], shape[1], tf.stack([part_seed, number])
        )

    def endless(place, part):
        """`(views, vectors, texts)` of one part, sample by sample."""
        _check_images(part, max_pixels)
        # Each in an order of its own: two parts that read the same tars would
        # put every image into a batch twice.
        order = seed + place
        part_seed = tf.constant(order, tf.int64)
        samples = part.dataset(
            order,
            shuffle=True,
            bad_samples=bad_samples,
            shard_index=worker,
            num_shards=workers,
        )

        def decode(number, sample):
            problem, image = decode_within(sample["image"], max_pixels)
            return problem, {**sample, "image": image}

        def cut(image, vectors, sample):
            texts = {
                name: sample[name] for name in ("text", "is_name", "id", "key")
            }
            texts["source"] = tf.constant(place, tf.int32)
            views = augmentation.cut_views(image, vectors, image_size)
            return views, vectors, texts

        def cut_decoded(number, sample):
            image = sample["image"]
            vectors = draw_vectors(tf.shape(image), number, part_seed)
            return cut(image, vectors, sample)

        def decode_and_cut(number, sample):
            # The views are known first, so that no more is decoded than
            # they can use.
            shape = image_shape(sample["image"])
            vectors = draw_vectors(shape, number, part_seed)
            problem, image = decode_within(
                sample["image"],
                max_pixels,
                shape,
                augmentation.reduction(vectors, shape[0], shape[1], image_size),
            )
            return problem, cut(image, vectors, sample)

        options = {"num_parallel_calls": threads}
        if cache:
            decoded = map_good(samples, decode, bad_samples, 1, **options)
            decoded = (
                decoded.cache().shuffle(shuffle_buffer, seed=order).repeat()
            )
            return decoded.enumerate().map(cut_decoded, **options)
        samples = samples.shuffle(shuffle_buffer, seed=order)
        return map_good(samples, decode_and_cut, bad_samples, None, **options)

    def finish(number, batch):
        views, vectors, texts = batch
        # A seed that no sample's views are drawn with.
        text_seed = tf.stack(
            [-1 - tf.constant(seed, tf.int64), number * workers + worker]
        )
        is_name = texts["is_name"]
        if captions_per_image > 1:
            is_name = is_name[:, None]
        drawn = fill_templates(
            draw_captions(texts["text"], text_seed, captions_per_image),
            is_name,
            templates,
            tf.random.fold_in(text_seed, 1),
        )
        tokens = tokenizer(tf.reshape(drawn, [-1]))
        finished = {
            "views": augmentation.finish_views(views, vectors),
            "augmentations": vectors,
            "tokens": tf.reshape(tokens, [*drawn.shape, tokens.shape[-1]]),
            "id": texts["id"],
        }
        if with_keys:
            finished.update(
                key=texts["key"], source=texts["source"], text=drawn
            )
        return finished

    def check_share(batch):
        """Passes the batch on; fails when too many samples were bad."""

        def check():
            bad_samples.check()
            return np.int32(0)

        with tf.control_dependencies([numpy_function(check, [], tf.int32)]):
            return tf.nest.map_structure(tf.identity, batch)

    if isinstance(source, Mixture):
        weights = [weight for weight in source.weights if weight]
        samples = tf.data.Dataset.sample_from_datasets(
            [endless(*part) for part in enumerate(source.drawn)],
            weights=weights,
            seed=seed,
        )
    else:
        samples = endless(0, source)
    batches = (
        samples.skip(first_batch * batch_size)
        .batch(batch_size, drop_remainder=True)
        .enumerate(start=first_batch)
        .map(finish)
    )
    if bad_samples is not None and bad_samples.max_share < 1:
        batches = batches.map(check_share)
    # Skipping bad samples hid from TensorFlow that this has no end.
    endless_batches = tf.data.experimental.assert_cardinality(
        tf.data.INFINITE_CARDINALITY
    )
    batches = batches.prefetch(2).apply(endless_batches)
    return batches.with_options(thread_options(threads))


def _check_images(source, max_pixels):
    """An endless source without one good image would never give a batch."""
    keys = []
    for sample in itertools.islice(source.samples(), _FIRST_IMAGES):
        try:
            problem, _ = decode_within(tf.constant(sample["image"]), max_pixels)
            if not problem.numpy():
                return
        except tf.errors.OpError:
            pass
        keys.append(sample["key"])
    raise InputError(
        f"None of the first {len(keys)} images can be decoded, beginning with "
        f"'{keys[0]}': allowed are PNG, JPEG, WebP and GIF of up to "
        f"{max_pixels:,} pixels; prepare the data again."
    )


def _check_numbers(batch_size, captions_per_image, worker, workers):
    if not 0 <= worker < workers:
        raise InputError(
            f"There is no worker {worker} among {workers}: count from 0."
        )
    for name, value in (
        ("batch_size", batch_size),
        ("captions_per_image", captions_per_image),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(
                f"{name}={value!r} is not allowed: give a whole number from 1."
            )
