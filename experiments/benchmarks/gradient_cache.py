"""Time and memory of a training step: gradient caching against none.

    python -m experiments.benchmarks.gradient_cache --batch=256 --chunks=64,32

One UniCLIP step on a batch of pairs, two views each, by a ViT and a text
transformer of middling size, on the CPU: on the whole batch at once, and with
`gradient_cache_size` of each of the chunks. All must give the same loss. Each
case has its own process:

- seconds: the least of the timed steps, after a first one that does not count.
- extra MB (10^6 bytes): the highest resident memory (VmHWM) during that first
  step, less what was resident before it: libraries, weights, the batch and the
  traced graph.

Prints a table.
"""

import math
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from experiments.benchmarks.memory import extra_peak
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras import models
from uniclip_keras.errors import InputError

IMAGE_SIZE, VIEWS, LENGTH, VOCABULARY = 64, 2, 32, 1000


def define_flags(values=flags.FLAGS):
    """Adds the script's flags."""
    options = {"flag_values": values}
    flags.DEFINE_integer("batch", 256, "Pairs of a step.", 1, **options)
    flags.DEFINE_list("chunks", "64,32,16", "Pairs per chunk.", **options)
    flags.DEFINE_integer("width", 256, "Of both towers.", 4, **options)
    flags.DEFINE_integer("layers", 6, "Of both towers.", 1, **options)
    flags.DEFINE_integer("repeats", 3, "Timed steps.", 1, **options)
    flags.DEFINE_integer(
        "threads", os.cpu_count(), "Threads to compute with.", 1, **options
    )


def main(argv, values=flags.FLAGS):
    """Measures what the flags name."""
    del argv
    if not all(chunk.isdecimal() and int(chunk) for chunk in values.chunks):
        raise InputError(
            f"--chunks={','.join(values.chunks)} must be whole numbers of at "
            "least 1, e.g. --chunks=64,32."
        )
    # Read by the processes that measure, when they load TensorFlow.
    for kind in ("INTRAOP", "INTEROP"):
        os.environ[f"TF_NUM_{kind}_THREADS"] = str(values.threads)
    print(describe_hardware(values.threads, ["tensorflow", "keras"]))
    shape = values.batch, values.width, values.layers, values.repeats
    rows = [
        (size, *measure_in_process(size, *shape))
        for size in (None, *map(int, values.chunks))
    ]
    print(format_table(rows))
    for size, loss, *_ in rows:
        if not math.isclose(loss, rows[0][1], rel_tol=1e-4):
            raise RuntimeError(
                f"chunks of {size}: loss is {loss}, not {rows[0][1]}."
            )


def measure_in_process(*case):
    """`measure` in a new process, which finds nobody's memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, *case).result()


def measure(size, batch, width, layers, repeats):
    """Trains a few steps on one batch.

    Args:
        size: the `gradient_cache_size`, or None.
        batch: pairs of the step.
        width, layers: of both towers.
        repeats: timed steps.

    Returns:
        `(loss, bytes, seconds)`: loss of the first step, its memory, and the
        time of the quickest of the others.
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
    step = tf.function(model.train_step, autograph=False)
    step.get_concrete_function(data)
    extra, logs = extra_peak(lambda: step(data))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        float(step(data)["loss"])
        seconds.append(time.perf_counter() - started)
    return float(logs["loss"]), extra, min(seconds)


def make_batch(pairs):
    """A random batch; every pair has an id of its own."""
    rng = np.random.default_rng(0)
    shape = pairs, VIEWS, IMAGE_SIZE, IMAGE_SIZE, 3
    return {
        "views": tf.constant(rng.random(shape, "float32")),
        "augmentations": tf.zeros([pairs, VIEWS, 11]),
        "tokens": tf.constant(
            rng.integers(1, VOCABULARY, (pairs, LENGTH)), tf.int32
        ),
        "id": tf.range(pairs, dtype=tf.int64),
    }


def format_table(rows):
    """The measurements as a Markdown table.

    Args:
        rows: `(chunk size or None, loss, bytes, seconds)`, the whole batch
            first.
    """
    _, _, whole_bytes, whole_seconds = rows[0]
    lines = [
        "| chunks of | extra MB | to whole | seconds | to whole | loss |",
        "|---|---|---|---|---|---|",
    ]
    for size, loss, extra, seconds in rows:
        lines.append(
            f"| {size or 'whole batch'} | {extra / 1e6:,.0f} "
            f"| {extra / whole_bytes:.2f} | {seconds:.2f} "
            f"| {seconds / whole_seconds:.2f} | {loss:.5f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    define_flags()
    run(main)
