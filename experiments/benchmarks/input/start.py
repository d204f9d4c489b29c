"""Time to the first batch of a run that goes on, for every kind of source.

    python -m experiments.benchmarks.input.start

Writes small JPEGs with captions in every format, and starts the training
pipeline after no samples and after a million, in turn. Each start has a new
source, as in a new process. The least of several rounds counts, once for the
first batch and once for reading its samples alone.
"""

import csv
import pathlib
import tempfile
import time

import tensorflow as tf
import tensorflow_datasets as tfds

from experiments.benchmarks import benchmark
from experiments.benchmarks.input.memory import make_samples
from experiments.benchmarks.measuring import markdown_table
from experiments.corpora.writing import write_shards
from experiments.run.hardware import describe_hardware
from uniclip_keras import data
from uniclip_keras.data.order.rows import Rows

OPTIONS = {
    "samples": (20_000, "Samples of each source.", 1_000),
    "position": (1_000_000, "Samples taken before the later start.", 1),
    "buffer": (10_000, "The shuffle buffer.", 240),
    "batch": (256, "Samples per batch.", 1),
    "rounds": (3, "Starts at each position.", 1),
}

_FILE_SAMPLES = 1_000


def main(options):
    """Writes the sources, measures the starts and prints a table."""
    print(describe_hardware(2, ["tensorflow"]))
    with tempfile.TemporaryDirectory() as folder:
        makers = write_sources(pathlib.Path(folder), options.samples)
        makers["mixture of all"] = mixture_of([*makers.values()])
        rows = []
        for name, make in makers.items():
            make().prepare()
            rows.append(measure(name, make, options))
            print(f"{name}: done", flush=True)
    position = f"after {options.position:,}"
    header = ["source", "first batch after 0, s", f"{position}, s", "ratio"]
    header += ["reading after 0, s", f"{position}, s", "ratio"]
    print(markdown_table(header, rows))


def mixture_of(makers):
    """Returns a function that makes a mixture of new sources."""
    return lambda: data.mix([make() for make in makers])


def measure(name, make, options):
    """Returns a row of the table for the sources that `make` returns."""
    least = {}
    for _ in range(options.rounds):
        for position in (0, options.position):
            for what, start in (("batch", first_batch), ("read", first_rows)):
                source = make()
                source.prepare()
                started = time.perf_counter()
                start(source, position, options)
                seconds = time.perf_counter() - started
                key = what, position
                least[key] = min(seconds, least.get(key, seconds))
    row = [name]
    for what in ("batch", "read"):
        early, late = (least[what, at] for at in (0, options.position))
        row += [f"{early:.2f}", f"{late:.2f}", f"{late / early:.2f}"]
    return row


def first_batch(source, position, options):
    """Makes the first batch of the training pipeline."""
    dataset = data.training_dataset(
        source,
        data.SubwordTokenizer.train(["a picture of kind"], 64, 8),
        data.augmentation.recipe_from_config(["weak"]),
        16,
        options.batch,
        seed=0,
        shuffle_buffer=options.buffer,
        first_row=position,
    )
    next(iter(dataset))


def first_rows(source, position, options):
    """Reads the samples of the first batch."""
    mixture = source if isinstance(source, data.Mixture) else data.mix([source])
    rows = Rows(mixture.drawn, mixture.drawn_weights, 0, options.buffer)
    rows.read(range(position, position + options.batch))


def write_sources(folder, count):
    """Writes every format; returns functions that make the sources."""
    for name in ("tars", "records", "packed", "prepared", "images"):
        (folder / name).mkdir()
    write_shards(folder / "tars", "train", make_samples(count), _FILE_SAMPLES)
    write_records(folder / "records", ".tfrecord", None, make_samples(count))
    write_records(
        folder / "packed", ".tfrecord.gz", "GZIP", make_samples(count)
    )
    write_prepared(folder / "prepared", count)
    write_images(folder / "images", make_samples(count))
    return {
        "WebDataset": lambda: data.WebDataset(str(folder / "tars")),
        "TFRecords": lambda: data.TFRecords(str(folder / "records")),
        "TFRecords, .gz": lambda: data.TFRecords(str(folder / "packed")),
        "TFDS": lambda: data.TFDS(
            "benchmark_pairs", data_dir=str(folder / "prepared")
        ),
        "Table": lambda: data.Table(str(folder / "images/table.csv")),
        "Folders": lambda: data.Folders(str(folder / "images")),
    }


def write_records(folder, suffix, compression, samples):
    """Writes samples as files of `tf.train.Example`."""
    writer = None
    for number, (_, members) in enumerate(samples):
        if number % _FILE_SAMPLES == 0:
            if writer:
                writer.close()
            path = folder / f"train-{number // _FILE_SAMPLES:05d}{suffix}"
            writer = tf.io.TFRecordWriter(str(path), compression)
        features = {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for name, value in members.items()
        }
        features = tf.train.Features(feature=features)
        example = tf.train.Example(features=features)
        writer.write(example.SerializeToString())
    writer.close()


def write_prepared(folder, count):
    """Prepares a data set of TensorFlow Datasets."""

    class Pairs(tfds.dataset_builders.AdhocBuilder, skip_registration=True):
        pass

    def rows():
        for number, (_, members) in enumerate(make_samples(count)):
            image = tf.io.decode_jpeg(members["jpg"]).numpy()
            yield number, {"image": image, "caption": members["txt"].decode()}

    tfds.disable_progress_bar()
    features = {
        "image": tfds.features.Image(encoding_format="jpeg"),
        "caption": tfds.features.Text(),
    }
    Pairs(
        name="benchmark_pairs",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": list(rows())},
        data_dir=str(folder),
        disable_shuffling=True,
    ).download_and_prepare()


def write_images(folder, samples):
    """Writes images into folders of classes, and a table beside them."""
    rows = []
    for key, members in samples:
        kind = members["txt"].decode().rpartition(" ")[2]
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{key}.jpg").write_bytes(members["jpg"])
        rows.append((f"{kind}/{key}.jpg", members["txt"].decode()))
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "caption"), *rows])


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
