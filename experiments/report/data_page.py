"""What the data page shows: samples, batches and the mixture of sources."""

import time

import numpy as np

from experiments.report.batch_statistics import BatchStatistics
from experiments.report.batch_statistics import decode
from experiments.report.batch_statistics import is_truncated
from experiments.report.page import to_pixels
from experiments.run.data import build_dataset
from uniclip_keras.data.augmentation import describe
from uniclip_keras.data.augmentation import recipe_from_config

# Counting ends early when the data is this slow.
MAX_SECONDS = 60.0


def draw_samples(config, source, tokenizer, count):
    """Draws the first samples of the training, each with its whole image.

    Returns:
        A list of dicts: "key", "id", "part" (index of the mixture's part),
        "image" (uint8 `[size, size, 3]`), "views" (`(image, description)`
        tuples) and "texts" (`(text, decoded, truncated)` tuples, where
        `decoded` is the text of its token ids).
    """
    config = config.copy_and_resolve_references()
    with config.unlocked(), config.ignore_type():
        config.batch_size = count
        # An extra view that shows the whole image.
        recipe = recipe_from_config(config.data.views)
        config.data.views = [*recipe, "identity"]
    batches = build_dataset(config, source, tokenizer, with_keys=True)
    batch = next(batches.as_numpy_iterator())
    samples = []
    for row in range(count):
        *views, image = to_pixels(batch["views"][row])
        vectors = batch["augmentations"][row, :-1]
        texts = np.atleast_1d(batch["text"][row])
        tokens = np.atleast_2d(batch["tokens"][row])
        samples.append(
            {
                "key": decode(batch["key"][row])[0],
                "id": int(batch["id"][row]),
                "part": int(batch["source"][row]),
                "image": image,
                "views": list(zip(views, map(describe, vectors), strict=True)),
                "texts": list(
                    zip(
                        decode(texts),
                        tokenizer.detokenize(tokens),
                        is_truncated(tokenizer, texts, tokens),
                        strict=True,
                    )
                ),
            }
        )
    return samples


def count_batches(config, source, tokenizer, bad_samples, batches):
    """Counts and times the first batches of the training.

    Returns:
        `(statistics, speed)`: `BatchStatistics`, and a dict with "first"
        (seconds to the first batch), and "samples_per_second" and
        "views_per_second" of the batches after it.
    """
    dataset = build_dataset(
        config, source, tokenizer, with_keys=True, bad_samples=bad_samples
    )
    statistics = BatchStatistics(len(source.drawn), tokenizer)
    start = time.perf_counter()
    for batch in dataset.as_numpy_iterator():
        now = time.perf_counter()
        if not statistics.batches:
            first, start = now - start, now
        statistics.add(batch)
        timed = statistics.samples - config.batch_size
        rate = timed / max(now - start, 1e-9)
        progress = f", {rate:,.0f} samples/s" if timed else ""
        print(f"batch {statistics.batches}/{batches}{progress}", flush=True)
        if statistics.batches == batches:
            break
        if timed and now - start > MAX_SECONDS:
            break
    return statistics, {
        "first": first,
        "samples_per_second": rate,
        "views_per_second": rate * batch["views"].shape[1],
    }


def describe_parts(config, source, statistics):
    """Compares the mixture as configured with the samples drawn from it.

    Returns:
        A list of dicts, one for each part with a weight: "name", "kind",
        "images" (in a pass), the shares "configured" and "drawn", and
        "passes" over the part in 1,000 steps.
    """
    entries = [
        (name, entry.get("kind") or "webdataset")
        for name, entry in config.data.train.items()
        if entry.get("weight", 1.0)
    ]
    weights = [weight for weight in source.weights if weight]
    shares = statistics.drawn / statistics.samples
    parts = []
    for (name, kind), part, weight, drawn in zip(
        entries, source.drawn, weights, shares, strict=True
    ):
        images = part.count()
        parts.append(
            {
                "name": name,
                "kind": kind,
                "images": images,
                "configured": weight,
                "drawn": drawn,
                "passes": 1000 * config.batch_size * weight / max(images, 1),
            }
        )
    return parts
