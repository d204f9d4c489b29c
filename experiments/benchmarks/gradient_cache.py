"""Time and memory of a training step with and without gradient caching.

    python -m experiments.benchmarks.gradient_cache --batch=256 --chunks=64,32

A UniCLIP model (a ViT and a text transformer of medium size) takes a step on
the CPU: on the whole batch of pairs, two views each, and with
`gradient_cache_size` set to each chunk size, each case in its own process. All
must give the same loss. docs/benchmarks.md says what the figures include.
"""

import math
import os

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.run.hardware import describe_hardware
from uniclip_keras import models

OPTIONS = {
    "batch": (256, "Pairs per step.", 1),
    "chunks": (["64", "32", "16"], "Pairs per chunk."),
    "width": (256, "Of both encoders.", 4),
    "layers": (6, "Of both encoders.", 1),
    "repeats": (3, "Timed steps.", 1),
    "threads": (os.cpu_count(), "Threads to compute with.", 1),
}
COLUMNS = ["chunks of", "extra MB", "to whole", "seconds", "to whole", "loss"]
IMAGE_SIZE, VIEWS, LENGTH, VOCABULARY = 64, 2, 32, 1000


def main(options):
    """Measures the whole batch and each chunk size."""
    sizes = benchmark.parse_integers("chunks", options.chunks, 1)
    print(describe_hardware(options.threads, ["tensorflow", "keras"]))
    cases = {
        size: measuring.call_in_process(
            "experiments.benchmarks.gradient_cache:measure",
            options.threads,
            size=size,
            batch=options.batch,
            width=options.width,
            layers=options.layers,
            repeats=options.repeats,
        )
        for size in (None, *sizes)
    }
    whole = cases[None]
    rows = [
        [
            str(size or "whole batch"),
            f"{case['extra'] / 1e6:,.0f}",
            f"{case['extra'] / whole['extra']:.2f}",
            f"{case['seconds']:.2f}",
            f"{case['seconds'] / whole['seconds']:.2f}",
            f"{case['loss']:.5f}",
        ]
        for size, case in cases.items()
    ]
    print(measuring.markdown_table(COLUMNS, rows))
    for size, case in cases.items():
        if not math.isclose(case["loss"], whole["loss"], rel_tol=1e-4):
            raise RuntimeError(
                f"chunks of {size}: the loss is {case['loss']}, not "
                f"{whole['loss']} as on the whole batch."
            )


def measure(size, batch, width, layers, repeats):
    """Takes steps on one batch with this `gradient_cache_size`.

    Returns loss and extra bytes of the first step, seconds of the fastest.
    """
    keras.utils.set_random_seed(0)
    model = models.UniCLIP(
        models.vit(IMAGE_SIZE, 8, width, layers, heads=4),
        models.clip_text(VOCABULARY, LENGTH, width, layers, heads=4),
        embedding_dim=width,
        gradient_cache_size=size,
    )
    model.compile(optimizer=keras.optimizers.AdamW(1e-3), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    data = make_batch(batch)
    graph = tf.function(model.train_step, autograph=False)
    graph.get_concrete_function(data)

    def step():
        return float(graph(data)["loss"])

    extra, loss = measuring.extra_peak(step)
    seconds = min(measuring.timed(step)[0] for _ in range(repeats))
    return {"loss": loss, "extra": extra, "seconds": seconds}


def make_batch(pairs):
    """Makes a random batch in which every pair has its own id."""
    rng = np.random.default_rng(0)
    shape = pairs, VIEWS, IMAGE_SIZE, IMAGE_SIZE, 3
    views = rng.random(shape, "float32")
    tokens = rng.integers(1, VOCABULARY, (pairs, LENGTH))
    return {
        "views": tf.constant(views),
        "augmentations": tf.zeros([pairs, VIEWS, 11]),
        "tokens": tf.constant(tokens, tf.int32),
        "id": tf.range(pairs, dtype=tf.int64),
    }


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
