"""Memory of the input pipeline over several passes: does it grow?

    python -m experiments.benchmarks.input.memory

Writes tars of small JPEGs with captions to a temporary folder, takes several
passes over them through the training pipeline, and prints the resident memory
(VmRSS) at ten points of each pass. The growth is the highest memory of the
last pass over the highest of the first; it is 1 if memory is constant.
"""

import io
import pathlib
import tempfile
import time

import numpy as np
from PIL import Image

from experiments.benchmarks import benchmark
from experiments.benchmarks.measuring import memory
from experiments.corpora.writing import write_shards
from experiments.run.hardware import describe_hardware
from uniclip_keras import data

OPTIONS = {
    "shards": (200, "Tars to write.", 1),
    "samples": (1_000, "Samples per tar.", 1),
    "passes": (3, "Passes over all tars.", 2),
    "batch": (250, "Samples per batch.", 1),
    "threads": (2, "Of the pipeline.", 1),
}


def main(options):
    """Writes the samples, measures the passes and prints the growth."""
    print(describe_hardware(options.threads, ["tensorflow"]))
    count = options.shards * options.samples
    with tempfile.TemporaryDirectory() as folder:
        samples = make_samples(count)
        write_shards(pathlib.Path(folder), "train", samples, options.samples)
        print(f"wrote {count:,} samples", flush=True)
        marks = measure(folder, options.batch, options.passes, options.threads)
    growth = max(marks[-1]) / max(marks[0])
    print(f"highest of the last pass / of the first: {growth:.3f}")


def make_samples(count):
    """Yields `(key, members)` of a hundred different small smooth images."""
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
        members = {"jpg": images[number % 100], "txt": caption.encode()}
        yield f"{number:09}", members


def measure(folder, batch, passes, threads):
    """Returns the resident MB (10^6 bytes) at ten points of each pass."""
    source = data.WebDataset(folder)
    bad_samples = data.BadSamples()
    dataset = data.training_dataset(
        source,
        data.SubwordTokenizer.train(["a picture of kind"], 64, 8),
        data.augmentation.recipe_from_config(["weak"]),
        16,
        batch,
        seed=0,
        shuffle_buffer=2_000,
        bad_samples=bad_samples,
        threads=threads,
    )
    steps = source.count() // batch
    batches, marks = iter(dataset), []
    for number in range(1, passes + 1):
        marks.append([])
        started = time.perf_counter()
        for step in range(1, steps + 1):
            next(batches)
            if step % max(1, steps // 10) == 0:
                marks[-1].append(memory("VmRSS") / 1e6)
        speed = steps * batch / (time.perf_counter() - started)
        megabytes = " ".join(f"{mark:.0f}" for mark in marks[-1])
        print(f"pass {number}: {megabytes} MB, {speed:.0f} samples/s")
    print(bad_samples.summary())
    return marks


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
