"""From sources to the batches that `fit` takes.

`training_dataset` is a chain of the stages below it. Images differ in size, so
views are cut sample by sample. Captions, tokens and the colors of small views
are made for whole batches, because the overhead of single samples would be
most of their cost. The training step needs the same cores, so the pipeline
keeps to a few threads of its own.
"""

import functools
import typing

import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.images import decoding
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.python_calls import thread_options
from uniclip_keras.data.skipping import map_good
from uniclip_keras.data.sources.mixture import Mixture
from uniclip_keras.data.text.captions import draw_captions
from uniclip_keras.data.text.templates import fill_templates
from uniclip_keras.data.text.templates import prompt_templates
from uniclip_keras.errors import InputError


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
    max_pixels=decoding.MAX_PIXELS,
    threads=2,
    first_batch=0,
    shard_index=0,
    num_shards=1,
    with_keys=False,
):
    """Endless batches of views, augmentation vectors, tokens and ids.

    The same arguments and the same `keras.utils.set_random_seed` (or none)
    give the same batches. When a source ends, it starts again in a new order,
    and samples left over from one pass open the first batch of the next: all
    batches are full and no sample is dropped. `source.count() // batch_size`
    steps are one pass, except for that remainder.

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
        shuffle_buffer: Int. Number of samples to shuffle among.
        cache: Bool. Decodes images once and keeps them in memory: for up to
            some ten thousand small images.
        bad_samples: A `BadSamples` that counts what is skipped, or None. The
            dataset fails once the share of bad samples exceeds `max_share`.
        max_pixels: Int. Images of more pixels are skipped undecoded.
        threads: Int. Threads of the pipeline.
        first_batch: Int. Index of the first batch, for a resumed run.
        shard_index: Int. Index of this process' share of the samples.
        num_shards: Int. Processes that train together, each on its own share
            of the samples. `training.distribute_dataset` sets both.
        with_keys: Bool. Adds `{"key": string [B], "source": int32 [B], "text":
            string [B] (or [B, K])}` to the batches, for inspection: the keys,
            the indices of the sources in the mixture and the tokenized texts.

    Returns:
        A `tf.data.Dataset` of `{"views": float32 [B, V, S, S, 3] in [0, 1],
        "augmentations": float32 [B, V, 11], "tokens": int32 [B, L] (or [B, K,
        L] if K > 1), "id": int64 [B]}`. Samples with equal ids are positives
        of each other.

    Raises:
        InputError: If none of the first images of a source can be decoded, a
            template lacks its `{}`, or a number is out of range.
        tf.errors.OpError: While iterating, if a pass over a source has no good
            sample, or too many samples are bad.
    """
    shard = shard_index, num_shards
    _check_shard(shard)
    _check_count("batch_size", batch_size)
    _check_count("captions_per_image", captions_per_image)
    prompts = prompt_templates(templates)

    make_views = _cached_views if cache else _fresh_views
    is_mixture = isinstance(source, Mixture)
    parts = []
    for index, one in enumerate(source.drawn if is_mixture else [source]):
        decoding.check_first_images(one.samples(), max_pixels)
        part = _Part(
            index=index,
            # Sources that read the same files need different orders, or a
            # batch would hold every image twice.
            seed=seed + index,
            shard=shard,
            recipe=recipe,
            image_size=image_size,
            max_pixels=max_pixels,
            shuffle_buffer=shuffle_buffer,
            bad_samples=bad_samples,
            threads=threads,
        )
        samples = one.dataset(part.seed, True, bad_samples, *shard)
        parts.append(make_views(part, samples))

    draw_texts = functools.partial(
        _draw_texts, seed, shard, captions_per_image, prompts
    )
    views = parts[0]
    if is_mixture:
        weights = [weight for weight in source.weights if weight]
        views = tf.data.Dataset.sample_from_datasets(parts, weights, seed)
    batches = (
        views.skip(first_batch * batch_size)
        .batch(batch_size, drop_remainder=True)
        .enumerate(start=first_batch)
        .map(draw_texts)
        .map(functools.partial(_add_tokens, tokenizer))
        .map(functools.partial(_finish, with_keys))
    )
    if bad_samples is not None and bad_samples.max_share < 1:
        batches = batches.map(functools.partial(_check_share, bad_samples))
    # Skipping hides the cardinality from TensorFlow.
    endless = tf.data.experimental.assert_cardinality(
        tf.data.INFINITE_CARDINALITY
    )
    batches = batches.prefetch(2).apply(endless)
    return batches.with_options(thread_options(threads))


class _Part(typing.NamedTuple):
    """What the stages before the batch need to know about one source."""

    index: int  # among the sources of the mixture
    seed: int
    shard: tuple  # (shard_index, num_shards)
    recipe: tuple
    image_size: int
    max_pixels: int
    shuffle_buffer: int
    bad_samples: object
    threads: int


def _fresh_views(part, samples):
    """Stage: shuffles, decodes and cuts anew in each pass, without end."""
    samples = samples.shuffle(part.shuffle_buffer, seed=part.seed)
    cut = functools.partial(_decode_and_cut, part)
    return map_good(samples, cut, part.bad_samples, None, part.threads)


def _cached_views(part, samples):
    """Stage: decodes once; shuffles and cuts in each pass, without end."""
    decode = functools.partial(
        decoding.decode_sample, max_pixels=part.max_pixels
    )
    images = map_good(samples, decode, part.bad_samples, 1, part.threads)
    images = images.cache().shuffle(part.shuffle_buffer, seed=part.seed)
    cut = functools.partial(_cut, part)
    return images.repeat().enumerate().map(cut, part.threads)


def _cut(part, number, sample):
    """Cuts the views of a decoded image."""
    vectors = _draw_vectors(part, number, tf.shape(sample["image"]))
    return _with_views(part, sample, sample["image"], vectors)


def _decode_and_cut(part, number, sample):
    """Decodes no more of an image than its views need, and cuts them."""
    shape = image_shape(sample["image"])
    vectors = _draw_vectors(part, number, shape)
    problem, image = decoding.decode_within(
        sample["image"],
        part.max_pixels,
        shape,
        augmentation.reduction(vectors, shape[0], shape[1], part.image_size),
    )
    return problem, _with_views(part, sample, image, vectors)


def _draw_vectors(part, number, shape):
    seed = _numbered_seed(part.seed, number, part.shard)
    return augmentation.sample_vectors(part.recipe, shape[0], shape[1], seed)


def _with_views(part, sample, image, vectors):
    return {
        **{name: sample[name] for name in ("text", "is_name", "id", "key")},
        "source": tf.constant(part.index, tf.int32),
        "views": augmentation.cut_views(image, vectors, part.image_size),
        "augmentations": vectors,
    }


def _draw_texts(seed, shard, captions_per_image, prompts, number, batch):
    """Stage: draws captions, and puts class names into prompts."""
    # Negative seeds are for texts, the others for views.
    seed = _numbered_seed(-1 - seed, number, shard)
    is_name = batch["is_name"]
    if captions_per_image > 1:
        is_name = is_name[:, None]
    captions = draw_captions(batch["text"], seed, captions_per_image)
    prompt_seed = tf.random.fold_in(seed, 1)
    texts = fill_templates(captions, is_name, prompts, prompt_seed)
    return {**batch, "text": texts}  # [B], or [B, K]


def _add_tokens(tokenizer, batch):
    """Stage: tokenizes the texts."""
    return {**batch, "tokens": tokenizer(batch["text"])}


def _finish(with_keys, batch):
    """Stage: completes the views, and keeps what `fit` needs."""
    vectors = batch["augmentations"]
    views = augmentation.finish_views(batch["views"], vectors)
    names = ["augmentations", "tokens", "id"]
    names += ["key", "source", "text"] if with_keys else []
    return {"views": views, **{name: batch[name] for name in names}}


def _check_share(bad_samples, batch):
    """Stage: fails when too many samples were bad."""
    numpy_function(bad_samples.check, [], [])
    return batch


def _numbered_seed(seed, number, shard):
    """The seed `[2]` for a sample or batch, different in each shard."""
    index, count = shard
    return tf.stack([tf.constant(seed, tf.int64), number * count + index])


def _check_shard(shard):
    index, count = shard
    if not 0 <= index < count:
        raise InputError(
            f"shard_index={index!r} is not allowed: give a number from 0 to "
            f"{count - 1}, one less than num_shards."
        )


def _check_count(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(
            f"{name}={value!r} is not allowed: give a whole number from 1."
        )
