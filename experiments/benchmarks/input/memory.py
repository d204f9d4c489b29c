"""Memory of the input pipeline over several passes: does it grow?

    python -m experiments.benchmarks.input.memory

Writes shards of small JPEGs with captions into a temporary
folder, goes through the training pipeline for so many passes, and prints the
resident memory (VmRSS) at ten places of each. Memory is constant if the last
pass takes no more than the first one did at its end: what is printed as growth
is the highest of the last pass over the highest of the first, from the place
on where the shuffle buffer is full.
"""

import io
import pathlib
import tempfile
import time

import numpy as np
from absl import flags
from PIL import Image

from experiments.corpora.shards import write_shards
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras import data

SHUFFLE_BUFFER = 2_000


def define_flags(values=flags.FLAGS):
    """Adds the script's flags."""
    options = {"flag_values": values}
    flags.DEFINE_integer("shards", 200, "Tars to write.", 1, **options)
    flags.DEFINE_integer("samples", 1_000, "Samples per tar.", 1, **options)
    flags.DEFINE_integer("passes", 3, "Passes over all tars.", 2, **options)
    flags.DEFINE_integer("batch", 250, "Samples per batch.", 1, **options)
    flags.DEFINE_integer("threads", 2, "Of the pipeline.", 1, **options)


def main(argv, values=flags.FLAGS):
    """Measures what the flags name."""
    del argv
    print(describe_hardware(values.threads, ["tensorflow"]))
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        count = values.shards * values.samples
        write_shards(
            pathlib.Path(folder), "train", make_samples(count), values.samples
        )
        seconds = time.perf_counter() - started
        print(f"wrote {count:,} samples in {seconds:.0f} s", flush=True)
        marks = measure(folder, values)
    growth = max(marks[-1]) / max(marks[0])
    print(f"highest of the last pass / of the first: {growth:.3f}")
    return growth


def make_samples(count):
    """`(key, members)` of small smooth images, a hundred different ones."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(100):
        coarse = rng.integers(0, 256, [8, 8, 3]).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((64, 48), Image.BICUBIC)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        images.append(file.getvalue())
    for number in range(count):
        caption = f"picture {number} of kind {number % 100}"
        yield (
            f"{number:09}",
            {"jpg": images[number % 100], "txt": caption.encode()},
        )


def measure(folder, values):
    """Resident megabytes at ten places of each pass: a list of lists."""
    source = data.WebDataset(folder)
    tokenizer = data.SubwordTokenizer.train(["a picture of kind"], 64, 8)
    bad_samples = data.BadSamples()
    batches = data.training_dataset(
        source,
        tokenizer,
        data.augmentation.recipe_from_config(["weak"]),
        16,
        values.batch,
        seed=0,
        shuffle_buffer=SHUFFLE_BUFFER,
        bad_samples=bad_samples,
        threads=values.threads,
    )
    steps = source.count() // values.batch
    iterator, marks = iter(batches), []
    started = time.perf_counter()
    for number in range(values.passes):
        marks.append([])
        for step in range(1, steps + 1):
            next(iterator)
            if step % max(1, steps // 10) == 0:
                marks[-1].append(resident_megabytes())
        seconds = time.perf_counter() - started
        print(
            f"pass {number + 1}: "
            + " ".join(f"{mark:.0f}" for mark in marks[-1])
            + f" MB, {(number + 1) * steps * values.batch / seconds:.0f} "
            "samples/s",
            flush=True,
        )
    print(bad_samples.summary())
    return marks


def resident_megabytes():
    """Resident memory of this process, in 10^6 bytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    line = next(row for row in status.splitlines() if row.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    define_flags()
    run(main)
