"""Writes the same few samples in every format that has a source."""

import csv
import io
import json
import pathlib

import numpy as np
import pyarrow
import pyarrow.parquet
import tensorflow as tf
import tensorflow_datasets as tfds
from samples import encode
from samples import smooth_pixels
from samples import write_tar

from uniclip_keras import data


def png(seed):
    """A small image, encoded."""
    return encode(smooth_pixels(seed, size=4))


def example(**features):
    """A serialized `tf.train.Example` of bytes, ints, floats or lists."""
    kinds = {
        bytes: ("bytes_list", tf.train.BytesList),
        int: ("int64_list", tf.train.Int64List),
        float: ("float_list", tf.train.FloatList),
    }
    written = {}
    for name, values in features.items():
        values = values if isinstance(values, list) else [values]
        field, kind = kinds[type(values[0])]
        written[name] = tf.train.Feature(**{field: kind(value=values)})
    features = tf.train.Features(feature=written)
    return tf.train.Example(features=features).SerializeToString()


def write_records(path, records):
    """Writes serialized records, compressed if the name ends in .gz."""
    compression = "GZIP" if str(path).endswith(".gz") else None
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return str(path)


class _Prepared(tfds.dataset_builders.AdhocBuilder, skip_registration=True):
    """A builder of this module; those of TFDS look for files beside them."""


def write_tfds(folder, name, features, rows, **options):
    """Prepares a data set of TensorFlow Datasets without a download."""
    tfds.disable_progress_bar()
    _Prepared(
        name=name,
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": list(enumerate(rows))},
        data_dir=str(folder),
        disable_shuffling=True,
    ).download_and_prepare(**options)


def write_files(kind, folder, samples):
    """Writes two tars or two TFRecord files."""
    for number, part in enumerate((samples[:3], samples[3:])):
        members, records = [], []
        for index, sample in enumerate(part):
            fields = {key: sample[key] for key in ("texts", "id", "label")}
            members.append((f"{number}{index}.png", sample["image"]))
            members.append((f"{number}{index}.json", fields))
            texts = [text.encode() for text in sample["texts"]]
            label = sample["label"].encode()
            fields = {**fields, "texts": texts, "label": label}
            records.append(example(png=sample["image"], **fields))
        if kind == "tar":
            write_tar(folder / f"{number}.tar", members)
        else:
            write_records(folder / f"{number}.tfrecord", records)


def write_prepared(folder, samples):
    names = sorted({sample["label"] for sample in samples})
    features = {
        "image": tfds.features.Image(encoding_format="png"),
        "captions": tfds.features.Sequence({"text": tfds.features.Text()}),
        "id": np.int64,
        "label": tfds.features.ClassLabel(names=names),
    }
    rows = []
    for sample in samples:
        captions = [{"text": text} for text in sample["texts"]]
        row = {"image": io.BytesIO(sample["image"]), "captions": captions}
        rows.append({"id": sample["id"], "label": sample["label"], **row})
    write_tfds(folder, "tiny_pairs", features, rows)


def write_images(folder, samples):
    """Writes images into folders of classes; returns their relative paths."""
    paths = []
    for number, sample in enumerate(samples):
        path = pathlib.Path(sample["label"], f"{number}.png")
        (folder / path.parent).mkdir(exist_ok=True)
        (folder / path).write_bytes(sample["image"])
        paths.append(str(path))
    return paths


def write_table(folder, samples, suffix):
    paths = write_images(folder, samples)
    rows = [
        {**sample, "image": path}
        for path, sample in zip(paths, samples, strict=True)
    ]
    path = folder / f"table{suffix}"
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        # A cell holds one caption.
        rows = [{**row, "texts": row["texts"][0]} for row in rows]
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            delimiter = "\t" if suffix == ".tsv" else ","
            writer = csv.DictWriter(file, [*rows[0]], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)


def write_source(kind, folder, samples, **options):
    """Writes samples into an empty folder and returns their source.

    The kind is "tar", "tfrecord", "tfds", "folders" or the suffix of a table;
    samples are dicts of `image` bytes, `texts` list, `id` int, `label` str.
    """
    if kind in ("tar", "tfrecord"):
        write_files(kind, folder, samples)
    if kind == "tar":
        return data.WebDataset(str(folder), **options)
    if kind == "tfrecord":
        return data.TFRecords(str(folder), **options)
    if kind == "tfds":
        write_prepared(folder, samples)
        return data.TFDS("tiny_pairs", data_dir=str(folder), **options)
    if kind == "folders":
        write_images(folder, samples)
        return data.Folders(str(folder), **options)
    write_table(folder, samples, kind)
    return data.Table(str(folder), **options)
