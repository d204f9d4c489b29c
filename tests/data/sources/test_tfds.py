import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from format_files import png
from format_files import write_tfds

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.tfds import TFDS
from uniclip_keras.errors import InputError

Image, Text = tfds.features.Image, tfds.features.Text
ClassLabel = tfds.features.ClassLabel


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two data sets: one like COCO captions, one like CIFAR."""
    folder = tmp_path_factory.mktemp("prepared")
    captions = {"id": np.int64, "text": Text()}
    objects = {"label": ClassLabel(names=["box"])}
    features = {
        "image": Image(encoding_format="png"),
        "image/filename": Text(),
        "image/id": np.int64,
        "captions": tfds.features.Sequence(captions),
        "objects": tfds.features.Sequence(objects),
    }
    rows = [
        {
            "image": io.BytesIO(png(number)),
            "image/filename": f"{number}.png",
            "image/id": 100 + number,
            "captions": [
                {"id": index, "text": f"{number} {index}"}
                for index in range(number)
            ],
            "objects": [{"label": "box"}],
        }
        for number in range(4)
    ]
    write_tfds(folder, "tiny_coco", features, rows)
    features = {
        "id": Text(),
        "image": Image(shape=(4, 4, 3)),
        "coarse": ClassLabel(num_classes=2),
        "label": ClassLabel(names=["maple_tree", "n02", "bus"]),
    }
    rows = []
    for number in range(10):
        row = {"id": f"i{number}", "image": io.BytesIO(png(number))}
        rows.append({**row, "coarse": 1, "label": (number % 4) - 1})
    write_tfds(folder, "tiny_cifar", features, rows)
    return folder


def test_captions_are_what_tfds_reads(folder):
    tally = BadSamples()
    source = TFDS("tiny_coco", data_dir=folder, id_field="image/id")
    found = {row["id"]: row for row in source.samples(tally)}
    decoders = {"image": tfds.decode.SkipDecoding()}
    twin = tfds.load("tiny_coco", data_dir=folder, decoders=decoders)
    for row in tfds.as_numpy(twin["train"]):
        captions = row["captions"]["text"].tolist()
        if not captions:
            continue
        mine = found.pop(row["image/id"])
        assert mine["image"] == row["image"]
        assert mine["text"].encode() == b"\n".join(captions)
    assert not found
    key = "tiny_coco-train.tfrecord-00000-of-00001:0"
    assert tally.examples == {bad.MISSING_TEXT: [key]}
    assert tally.read == source.count() == 4


def test_parts_of_a_split_and_their_classes(folder):
    options = {"data_dir": folder, "label_field": "label"}
    assert TFDS("tiny_cifar", "train[:70%]", **options).count() == 7
    source = TFDS("tiny_cifar", "train[70%:]", **options)
    assert source.count() == 3
    assert source.class_names == ("maple tree", "n02", "bus")
    tally = BadSamples()
    first, last = source.samples(tally)
    assert (first["label"], last["label"]) == ("bus", "maple_tree")
    assert (first["text"], last["text"]) == ("bus", "maple tree")
    assert (first["image"], last["image"]) == (png(7), png(9))
    # A test set without labels has the label -1 everywhere.
    (key,) = tally.examples[bad.MISSING_LABEL]
    assert key == "tiny_cifar-train.tfrecord-00000-of-00001:8"


def test_a_class_list_is_by_name_or_number(folder, tmp_path):
    def write(*labels):
        path = tmp_path / "classes.json"
        entries = [{"label": name, "texts": [f"a {name}"]} for name in labels]
        path.write_text(json.dumps(entries))
        return {"data_dir": folder, "label_field": "label", "classes": path}

    source = TFDS("tiny_cifar", "train[:3]", **write("n02", 0))
    assert source.class_names == ("a 0", "a n02")
    assert [row["text"] for row in source.samples()] == ["a 0", "a n02"]
    with pytest.raises(InputError, match="none of the classes 'maple_tree'"):
        TFDS("tiny_cifar", **write("oak"))


def test_errors_say_what_to_choose(folder, tmp_path):
    def refuse(name, message, **options):
        with pytest.raises(InputError, match=message):
            TFDS(name, **{"data_dir": str(folder), **options})

    several = (
        "several features that may be its label_field: name one of coarse, "
        "label; all of its features are coarse, id, image, label"
    )
    refuse("tiny_cifar", several)
    refuse("tiny_cifar", "no feature 'id' that may be", label_field="id")
    none = "no feature 'text' .* one of captions/text, image/filename; all"
    refuse("tiny_coco", none, caption_field="text")
    nested = "objects/label"
    refuse("tiny_coco", ": use another data set;", label_field=nested)
    refuse("tiny_coco", "choose from 'train', or a", split="valid")
    refuse("tiny_coco", "no samples in a split", split="train[:0]")
    refuse("no_such_set", "knows no data set 'no_such_set'")
    refuse("cifar10/x", "knows no data set 'cifar10/x' \\(name/config:")
    refuse("cifar10", r"builder\('cifar10', data_dir='.*download_and_prep")
    # Other files than TFRecords are refused.
    features = {"image": Image(), "text": Text()}
    row = {"image": io.BytesIO(png(0)), "text": "x"}
    write_tfds(tmp_path, "rows", features, [row], file_format="array_record")
    refuse("rows", "as array_record: prepare it with", data_dir=tmp_path)
