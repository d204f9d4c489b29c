"""Memory and speed of an evaluation of ImageNet's size.

    python -m experiments.benchmarks.evaluation [--count=50000]

Writes photos of 224 px into 1,000 folders of classes, as ImageNet has them,
and evaluates a small untrained model on them by the command's own way: from
files to results.json, the report and the kept embeddings. The photos are a
hundred crops of one, again and again. docs/benchmarks.md says what the figures
include.
"""

import io
import json
import pathlib
import tempfile
import time

import numpy as np
from PIL import Image

from experiments.benchmarks import benchmark
from experiments.benchmarks.measuring import memory
from experiments.configs.base import base
from experiments.configs.evaluation import imagenet
from experiments.evaluate import evaluate_subject
from experiments.evaluation.subject import Subject
from experiments.run.hardware import describe_hardware
from uniclip_keras import data
from uniclip_keras import models

OPTIONS = {
    "count": (50_000, "Images to write.", 1),
    "class_count": (1_000, "Folders to write them into.", 2),
    "size": (224, "Sides of the images in pixels.", 32),
    "batch": (64, "Images embedded at a time.", 1),
    "threads": (2, "Threads that decode.", 1),
    "photo": ("tests/fixtures/grace_hopper.jpg", "The photo to cut."),
}
VARIANTS = 100
LENGTH = 16


def main(options):
    """Writes the images, evaluates them and prints memory and speed."""
    print(describe_hardware(options.threads, ["tensorflow", "keras"]))
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(options.photo, options.size)
        root = pathlib.Path(folder)
        write_folders(root, photos, options.count, options.class_count)
        subject = make_subject(root, options.size, options.threads)
        print(f"before: {memory('VmRSS') / 1e6:,.0f} MB resident", flush=True)
        section = imagenet.get_config()
        with section.unlocked():
            section.directory = str(root)
        started = time.perf_counter()
        results = evaluate_subject(
            subject, root / "results", section, options.batch
        )
        seconds = time.perf_counter() - started
    results.check()
    found = results.values["zero_shot"]["imagenet"]
    if found["n"] != options.count:
        raise RuntimeError(f"{found['n']} images were counted")
    print(
        f"{found['n']:,} images in {seconds:,.1f} s: "
        f"{found['n'] / seconds:,.0f} images/s, peak memory "
        f"{memory('VmHWM') / 1e6:,.0f} MB"
    )


def make_photos(path, size):
    """Cuts JPEGs of a size out of a photo: a list of bytes."""
    photo = Image.open(path).convert("RGB")
    rng, photos = np.random.default_rng(0), []
    for _ in range(VARIANTS):
        side = int(min(photo.size) * rng.uniform(0.4, 1.0))
        left, top = (int(rng.integers(0, x - side + 1)) for x in photo.size)
        cut = photo.crop((left, top, left + side, top + side))
        file = io.BytesIO()
        cut.resize((size, size), Image.BICUBIC).save(file, "JPEG", quality=90)
        photos.append(file.getvalue())
    return photos


def write_folders(root, photos, count, class_count):
    """Writes `val/class/image.JPEG` and the class list `classes.json`."""
    classes = [f"n{number:08}" for number in range(class_count)]
    entries = [
        {"label": label, "texts": [f"kind {number}"]}
        for number, label in enumerate(classes)
    ]
    root.joinpath("classes.json").write_text(json.dumps(entries))
    for number in range(count):
        folder = root / "val" / classes[number % class_count]
        folder.mkdir(parents=True, exist_ok=True)
        photo = photos[number % len(photos)]
        folder.joinpath(f"val_{number:08}.JPEG").write_bytes(photo)
    size = sum(map(len, photos)) / len(photos)
    print(f"wrote {count:,} images of {size / 1e3:.0f} kB", flush=True)


def make_subject(root, size, threads):
    """Makes a small untrained model, and what an evaluation needs of it."""
    tokenizer = data.SubwordTokenizer.train(
        ["a photo of a kind 0123456789"], 100, LENGTH
    )
    model = models.UniCLIP(
        models.conv_stem_vit(
            size, width=64, layers=1, heads=2, stem=(8, 16, 32, 64, 64)
        ),
        models.clip_text(tokenizer.vocabulary_size, LENGTH, 64, 1, heads=2),
    )
    config = base()
    with config.unlocked():
        config.image_size = size
        config.data.threads = threads
    about = {"name": "untrained", "weights": "none"}
    return Subject(model, tokenizer, config, about, [], {})


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
