"""From sources to the batches that `fit` takes.

One sample is cut into its views alone, because images differ in size; colours,
blur, captions and tokens are made for a whole batch at once, because overhead
per sample would be most of their cost. The training step wants the same
cores, so the pipeline keeps to a few threads of its own.
"""

import itertools

import numpy as np
import tensorflow as tf

from uniclip_keras.data import augmentation
from uniclip_keras.data.captions import check_templates
from uniclip_keras.data.captions import draw_captions
from uniclip_keras.data.captions import fill_templates
from uniclip_keras.data.images import decode_good
from uniclip_keras.data.images import decode_image
from uniclip_keras.data.mixture import Mixture
from uniclip_keras.errors import InputError

# As many undecodable images in a row are no accident.
_FIRST_IMAGES = 100


def training_dataset(
    source,
    tokenizer,
    recipe,
    image_size,
    batch_size,
    seed,
    *,
    templates=("{}",),
    shuffle_buffer=10_000,
    cache=False,
    bad_samples=None,
    threads=2,
    first_step=0,
):
    """Endless batches of views, augmentation vectors, tokens and ids.

    The same arguments give the same batches. A source starts again in a new
    order when it ends, so that batches are always full, and an epoch is what
    the trainer makes it: `source.count() // batch_size` steps are one pass.

    Args:
        source: A source (see `sources`), or a `Mixture` of them.
        tokenizer: A `text.Tokenizer` of context length L.
        recipe: A sequence of V `augmentation.ViewRecipe`.
        image_size: Height and width S of the views, in pixels.
        batch_size: Samples per batch, B; that of the global batch, which a
            distribution strategy splits.
        seed: Integer; order, captions, crops and colours follow from it.
        templates: Prompts for the class names of labelled samples, such as
            "a photo of a {}"; one is drawn per sample and step. Captions
            stay as they are.
        shuffle_buffer: Number of samples to shuffle among.
        cache: Keeps the decoded images in memory, and so decodes them once in
            place of once a pass: for some ten thousand small images.
        bad_samples: A `BadSamples` that counts what is skipped, or None.
        threads: Threads of the pipeline.
        first_step: Batch to begin with, as if those before had been taken:
            a resumed run goes on with the batches that it has not seen.

    Returns:
        A `tf.data.Dataset` of `{"views": float32 [B, V, S, S, 3] in [0, 1],
        "augmentations": float32 [B, V, 11], "tokens": int32 [B, L], "id":
        int64 [B]}`. Samples of equal ids are positives of each other.

    Raises:
        InputError: Not one of the first images can be decoded, or a template
            does not have exactly one `{}`.
    """
    templates = check_templates(templates)

    def endless(part, seed):
        _check_images(part)
        samples = part.dataset(seed, shuffle=True, bad_samples=bad_samples)
        if cache:
            samples = decode_good(samples, bad_samples, threads).cache()
        samples = samples.shuffle(shuffle_buffer, seed=seed).repeat()
        return samples if cache else decode_good(samples, bad_samples, threads)

    def cut_views(index, sample):
        shape = tf.shape(sample["image"])
        vectors = augmentation.sample_vectors(
            recipe, shape[0], shape[1], tf.stack([seed_tensor, index])
        )
        crops = augmentation.geometric(sample["image"], vectors, image_size)
        texts = {name: sample[name] for name in ("text", "is_name", "id")}
        return index, crops, vectors, texts

    def finish(index, crops, vectors, texts):
        # A seed that no sample's views are drawn with.
        text_seed = tf.stack([-1 - seed_tensor, index[0]])
        drawn = fill_templates(
            draw_captions(texts["text"], text_seed),
            texts["is_name"],
            templates,
            tf.random.fold_in(text_seed, 1),
        )
        return {
            "views": augmentation.photometric(crops, vectors),
            "augmentations": vectors,
            "tokens": tokenizer(drawn),
            "id": texts["id"],
        }

    seed_tensor = tf.constant(seed, tf.int64)
    if isinstance(source, Mixture):
        # Each in an order of its own: two that read the same tars would put
        # every image into a batch twice.
        parts = [
            endless(part, seed + place)
            for place, part in enumerate(source.drawn)
        ]
        weights = [weight for weight in source.weights if weight]
        samples = tf.data.Dataset.sample_from_datasets(
            parts, weights=weights, seed=seed
        )
    else:
        samples = endless(source, seed)
    batches = (
        samples.enumerate()
        .skip(first_step * batch_size)
        .map(cut_views, num_parallel_calls=threads)
        .batch(batch_size, drop_remainder=True)
        .map(finish)
        .prefetch(2)
    )
    # Skipping bad samples hid from TensorFlow that this has no end.
    endless_batches = tf.data.experimental.assert_cardinality(
        tf.data.INFINITE_CARDINALITY
    )
    return batches.apply(endless_batches).with_options(_options(threads))


def load_images(
    encoded, image_size, *, keys=None, bad_samples=None, batch_size=256
):
    """Decodes and resizes images for evaluation, as the identity view.

    Args:
        encoded: Sequence of N encoded images (bytes).
        image_size: Height and width S, in pixels.
        keys: Sequence of N strings to name images by in `bad_samples`; by
            default their places.
        bad_samples: A `BadSamples` that counts those that cannot be decoded,
            or None. Counting what was read is the source's task.
        batch_size: Images per step of the work.

    Returns:
        `(images, kept)`: float32 `[M, S, S, 3]` in [0, 1], and int64 `[M]`,
        the places in `encoded` of those that could be decoded.
    """
    encoded = list(encoded)
    places = range(len(encoded))
    samples = {
        "key": np.array([*(places if keys is None else keys)], str),
        "image": np.array(encoded, object),
        "place": np.array(places, np.int64),
    }

    def view(sample):
        image = augmentation.evaluation_view(sample["image"], image_size)
        return image, sample["place"]

    batches = decode_good(
        tf.data.Dataset.from_tensor_slices(samples), bad_samples
    )
    batches = batches.map(view).batch(batch_size)
    images = [np.zeros([0, image_size, image_size, 3], np.float32)]
    kept = [np.zeros([0], np.int64)]
    for image_batch, places in batches.with_options(_options(2)):
        images.append(image_batch.numpy())
        kept.append(places.numpy())
    return np.concatenate(images), np.concatenate(kept)


def _check_images(source):
    """An endless source without one good image would never give a batch."""
    keys = []
    for sample in itertools.islice(source.samples(), _FIRST_IMAGES):
        try:
            decode_image(tf.constant(sample["image"]))
            return
        except tf.errors.OpError:
            keys.append(sample["key"])
    raise InputError(
        f"None of the first {len(keys)} images can be decoded, beginning with "
        f"'{keys[0]}': allowed are PNG, JPEG, WebP and GIF; prepare the data "
        "again."
    )


def _options(threads):
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    options.threading.private_threadpool_size = threads
    options.threading.max_intra_op_parallelism = 1
    # Several workers make the same batches; each takes those of its turn, so
    # that none is trained on twice.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return options
