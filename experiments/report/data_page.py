"""What the data page shows: samples, batches and the mixture of sources."""

import time

import numpy as np

from experiments.report import batch_statistics
from experiments.report.page import to_pixels
from experiments.run.data import dataset_maker
from uniclip_keras.data import augmentation

# Counting ends early when the data is this slow.
MAX_SECONDS = 60.0


def draw_samples(config, source, tokenizer, count):
    """Draws the first samples of the training as the page shows them.

    A view is `(image, description)`; a text is `(text, decoded, truncated)`,
    where `decoded` is the text of its token ids. Images are uint8.
    """
    config = config.copy_and_resolve_references()
    with config.unlocked(), config.ignore_type():
        # An extra view that shows the whole image.
        recipe = augmentation.recipe_from_config(config.data.views)
        config.data.views = [*recipe, "identity"]
    make = dataset_maker(config, source, tokenizer, with_keys=True)
    batch = next(make(count).as_numpy_iterator())
    samples = []
    for row in range(count):
        *views, image = to_pixels(batch["views"][row])
        shown = map(augmentation.describe, batch["augmentations"][row, :-1])
        texts = np.atleast_1d(batch["text"][row])
        tokens = np.atleast_2d(batch["tokens"][row])
        truncated = batch_statistics.is_truncated(tokenizer, texts, tokens)
        decoded = tokenizer.detokenize(tokens)
        texts = batch_statistics.decode(texts)
        samples.append(
            {
                "key": batch["key"][row].decode("utf-8", "replace"),
                "id": int(batch["id"][row]),
                "part": int(batch["source"][row]),
                "image": image,
                "views": list(zip(views, shown, strict=True)),
                "texts": list(zip(texts, decoded, truncated, strict=True)),
            }
        )
    return samples


def count_batches(config, source, tokenizer, bad_samples, batches):
    """Counts and times the first batches of the training.

    Returns `BatchStatistics` and the speed, "first" in seconds.
    """
    make = dataset_maker(
        config, source, tokenizer, with_keys=True, bad_samples=bad_samples
    )
    statistics = batch_statistics.BatchStatistics(len(source.drawn), tokenizer)
    start = time.perf_counter()
    for batch in make(config.batch_size).as_numpy_iterator():
        now = time.perf_counter()
        if not statistics.batches:
            first, start = now - start, now
        statistics.add(batch)
        timed = statistics.samples - config.batch_size
        rate = timed / max(now - start, 1e-9)
        progress = f", {rate:,.0f} samples/s" if timed else ""
        print(f"batch {statistics.batches}/{batches}{progress}", flush=True)
        too_slow = timed and now - start > MAX_SECONDS
        if too_slow or statistics.batches == batches:
            break
    return statistics, {
        "first": first,
        "samples_per_second": rate,
        "views_per_second": rate * batch["views"].shape[1],
    }


def describe_parts(config, source, statistics):
    """Compares the mixture as configured with the samples drawn from it.

    "passes" over a part are those in 1,000 steps.
    """
    parts = [
        {"name": name, "kind": entry.get("kind") or "webdataset"}
        for name, entry in config.data.train.items()
        if entry.get("weight", 1.0)
    ]
    weights = [weight for weight in source.weights if weight]
    shares = statistics.drawn / statistics.samples
    for row, part, weight, drawn in zip(
        parts, source.drawn, weights, shares, strict=True
    ):
        images = part.count()
        passes = 1000 * config.batch_size * weight / max(images, 1)
        row |= {"images": images, "configured": weight}
        row |= {"drawn": drawn, "passes": passes}
    return parts
