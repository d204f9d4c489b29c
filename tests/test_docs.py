"""The documents keep their word: their Python runs, their links lead on."""

import io
import itertools
import pathlib
import re

import pytest
import tensorflow as tf
from documents import make_samples
from documents import python_blocks
from documents import run_document
from documents import write_corpus
from format_files import write_tfds

from uniclip_keras.losses import MPNCE

ROOT = pathlib.Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDES = ROOT / "docs/guides"
DOCUMENTS = [
    README,
    ROOT / "BUILD_NOTES.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that documents run in, with the paths that they name."""
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(path):
    """Runs a document's Python; returns the names that it defines."""
    namespace = {"__name__": path.stem}
    run_document(path, namespace)
    return namespace


def test_readme(folder):
    blocks = list(python_blocks(README.read_text()))
    assert len(blocks) == 1 and len(blocks[0][1].splitlines()) <= 25
    assert len(README.read_text().splitlines()) <= 150
    run(README)
    served = tf.saved_model.load("saved_model").signatures
    assert set(served) >= {"image_bytes", "images", "text", "tokens"}


def test_train_on_your_pairs(folder):
    write_formats(folder)
    names = run(GUIDES / "train_on_your_pairs.md")
    assert names["bad_samples"].skipped == 0
    # The configuration describes the same mixture.
    from experiments.run import training_data

    source = training_data.build_source(names["get_config"]())
    assert source.count() == names["mixture"].count()
    assert source.weights == names["mixture"].weights


def write_formats(folder):
    """Writes the corpus in the other formats that the guide reads."""
    samples = list(make_samples())
    (folder / "data/records").mkdir()
    path = folder / "data/records/0.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _, image, record in samples:
            features = {
                "image/encoded": [image],
                "image/caption": [c.encode() for c in record["captions"]],
            }
            writer.write(make_example(features))
    (folder / "data/photos").mkdir()
    rows = ["image,caption"]
    for key, image, record in samples:
        (folder / f"data/photos/{key}.png").write_bytes(image)
        rows.append(f"{key}.png,{record['captions'][0]}")
        pet = folder / f"data/pets/train/{record['subgroup']}/{key}.png"
        pet.parent.mkdir(parents=True, exist_ok=True)
        pet.write_bytes(image)
    (folder / "data/photos/pairs.csv").write_text("\n".join(rows) + "\n")
    import tensorflow_datasets as tfds

    write_tfds(
        folder / "data/tfds",
        "my_pairs",
        {
            "image": tfds.features.Image(encoding_format="png"),
            "caption": tfds.features.Text(),
        },
        [
            {"image": io.BytesIO(image), "caption": record["captions"][0]}
            for _, image, record in samples
        ],
    )


def make_example(features):
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=values)
                )
                for name, values in features.items()
            }
        )
    ).SerializeToString()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_commands_lead_somewhere(path):
    text = path.read_text()
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for link in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (path.parent / link).exists(), link
    for module in re.findall(r"python -m (experiments[\w.]*)", text):
        place = ROOT / module.replace(".", "/")
        assert (
            place.with_suffix(".py").exists()
            or (place / "__main__.py").exists()
        ), module
    for config in re.findall(r"experiments/configs/\w+\.py", text):
        assert (ROOT / config).exists(), config
