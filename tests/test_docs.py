"""The documents keep their word: their Python runs, their links lead on."""

import io
import pathlib
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from documents import COLORS
from documents import make_samples
from documents import python_blocks
from documents import run_document
from documents import write_corpus
from format_files import write_tfds
from shapes import SHAPES

from experiments.run import data as run_data
from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras.data import SubwordTokenizer

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
    assert names["mixture"].weights == (0.75, 0.25)
    source = run_data.build_source(names["get_config"]())
    assert len(source.sources) == 3 and source.count() == 3 * 27


def test_choose_and_write_a_loss(folder):
    names = run(GUIDES / "choose_and_write_a_loss.md")
    model, history = names["model"], names["history"].history
    assert len(model.objective.similarity.pairs) == 6
    assert {"temperature/english-german", "offset/image-german"} <= set(history)
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    # It saves, loads and embeds by chunks as `UniCLIP` does.
    model.save(folder / "two_languages.keras")
    again = keras.saving.load_model(folder / "two_languages.keras")
    batch = next(iter(names["batches"]))
    loss = float(model.batch_loss(batch))
    again.gradient_cache_size = 24
    assert float(again.batch_loss(batch)) == pytest.approx(loss, rel=1e-5)
    # One language finds the other one's word for the same item.
    tokenizer, german = names["tokenizer"], list(names["german"].values())
    english = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
    similarity = tf.matmul(
        model.encode_text(tokenizer(english)),
        model.encode_text(tokenizer(german)),
        transpose_b=True,
    )
    found = tf.argmax(similarity, axis=1).numpy().tolist()
    order = [names["german"][number] for number in range(len(english))]
    right = [german[f] == word for f, word in zip(found, order, strict=True)]
    assert sum(right) >= 6


def test_add_an_encoder_or_augmentation(folder):
    names = run(GUIDES / "add_an_encoder_or_augmentation.md")
    assert names["image_encoder"].output_shape == (None, 128)
    history = names["model"].history.history
    assert history["loss"][-1] < history["loss"][0]


def test_evaluate_and_compare(folder):
    names = run(GUIDES / "evaluate_and_compare.md")
    found, methods = names["found"], names["methods"]
    assert found.interval[0] < found.value < found.interval[1]
    assert 0 < found.p_value < 0.05 < found.detectable
    assert methods.interval[0] < methods.value < methods.interval[1]
    assert names["components"].seeds == 3


def test_measure_a_model(folder):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    save_model(folder)
    samples = list(make_samples())
    images = [tf.io.decode_png(encoded) for _, encoded, _ in samples]
    images = tf.cast(tf.image.resize(images, [32, 32]), tf.uint8).numpy()
    colors = np.array([record["group"] for *_, record in samples])
    # Three styles of each item follow each other.
    for style, name in enumerate(("train", "validation", "test")):
        part = {"images": images[style::3], "labels": colors[style::3]}
        np.savez(folder / f"my_{name}.npz", **part)
    # Two threads are slower for the tiny arrays of these probes.
    with threadpoolctl.threadpool_limits(1):
        names = run(GUIDES / "measure_a_model.md")
    for name in ("result", "probe", "neighbours", "robust", "tuned"):
        assert names[name].facts["n"] == 9
        assert names[name].facts["classes"] == 3
    assert names["probe"].scores["top1"].value() == 1.0


def test_start_from_clip(folder):
    clip = folder / "clip-vit-base-patch32"
    merges = ["r e", "re d</w>"]
    small = models.UniCLIP(
        models.clip_vit(224, 112, 16, 1, 2),
        models.clip_text(512 + len(merges) + 2, 77, 16, 1, 2),
        losses.CLIP(),
        embedding_dim=12,
        augmentation_units=None,
        projection_blocks=0,
        projection_norm=False,
    )
    models.save_clip(small, clip)
    (clip / "merges.txt").write_text("#version\n" + "\n".join(merges) + "\n")
    emoji = folder / "data/emoji"
    shutil.copy(emoji / "train-00000.tar", emoji / "style-00000.tar")
    guide = GUIDES / "start_from_clip.md"
    _, first = next(python_blocks(guide.read_text()))
    assert len(first.splitlines()) <= 12
    names = run(guide)
    assert len(names["names"]) == len(names["classes"]) == 3
    assert names["model"].optimizer.iterations == 2
    tokens = names["tokenizer"](["red dot"])
    np.testing.assert_allclose(
        names["plain"].encode_text(tokens), small.encode_text(tokens), atol=1e-5
    )
    assert (folder / "saved_model/saved_model.pb").exists()
    assert (folder / "fine_tuned_clip/model.safetensors").exists()
    assert (folder / "averaged.keras").exists()
    assert names["optimizer"].starts and names["optimizer"].factors


def test_serve_the_model(folder):
    model, tokenizer = save_model(folder)
    write_photos(folder / "data/photos")
    names = run(GUIDES / "serve_the_model.md")
    assert names["embeddings"].shape == (27, 12)
    # `tests/test_export.py` loads such a model without this library.
    tokens = tokenizer(names["words"])
    np.testing.assert_allclose(
        names["texts"], model.encode_text(tokens), atol=1e-5
    )


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
    # Files and folders in prose, and configurations in commands.
    named = re.findall(
        r"`((?:uniclip_keras|experiments|tests)/[\w./]+)`", prose
    )
    for place in named + re.findall(r"experiments/configs/\w+\.py", text):
        assert (ROOT / place).exists(), place


def save_model(folder):
    """Saves and returns the model and the tokenizer that guides load."""
    words = [
        name for *_, record in make_samples() for name in record["captions"]
    ]
    tokenizer = SubwordTokenizer.train(words, 100, context_length=16)
    tokenizer.save(folder / "my_tokenizer")
    model = models.UniCLIP(
        models.conv_stem_vit(32, width=16, layers=1, heads=2, stem=(8, 16)),
        models.clip_text(tokenizer.vocabulary_size, 16, 16, 1, heads=2),
        embedding_dim=12,
    )
    model.save(folder / "my_model.keras")
    return model, tokenizer


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
    write_photos(folder / "data/photos")
    rows = [f"{key}.png,{record['captions'][0]}" for key, _, record in samples]
    table = "\n".join(["image,caption", *rows, ""])
    (folder / "data/photos/pairs.csv").write_text(table)
    for key, image, record in samples:
        pet = folder / f"data/pets/train/{record['subgroup']}/{key}.png"
        pet.parent.mkdir(parents=True, exist_ok=True)
        pet.write_bytes(image)
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


def write_photos(folder):
    folder.mkdir()
    for key, image, _ in make_samples():
        (folder / f"{key}.png").write_bytes(image)


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
