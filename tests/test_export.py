"""The SavedModel against the model, served by a process of its own."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Embedder
from uniclip_keras.export import ExportedModel
from uniclip_keras.export import export_saved_model

FILES = 5
TEXTS = ["red dot", "a blue bar of unseen words"]

SERVE = f"""
import sys
import keras
import numpy as np
import tensorflow as tf
import tensorflow_text
served = tf.saved_model.load("saved_model").signatures
given = dict(np.load("inputs.npz"), text={TEXTS!r})
augmentations = given.pop("vectors")
given["views"] = dict(images=given["images"], augmentations=augmentations)
encoded = [open(f"{{i}}.png", "rb").read() for i in range({FILES})]
given["image_bytes"] = given["serving_default"] = encoded
given["none"] = []
given["all bad"] = [b"", b"no image"]
outputs = {{}}
for name, value in given.items():
    signature = served[name if name in served else "image_bytes"]
    keywords = signature.structured_input_signature[1]
    if not isinstance(value, dict):
        value = dict.fromkeys(keywords, value)
    dtype = tf.string if name in ("none", "all bad") else None
    constants = {{key: tf.constant(value[key], dtype) for key in keywords}}
    result = signature(**constants)
    for kind, output in result.items():
        outputs[f"{{name}}/{{kind}}"] = output.numpy()
np.savez("outputs.npz", **outputs)
assert "uniclip_keras" not in sys.modules
"""


class Counts(tf.Module):
    """What a model counts while it trains."""

    def __init__(self):
        super().__init__()
        self.steps = tf.Variable(0, trainable=False, dtype=tf.int64)


def test_saved_model_in_a_fresh_process(tmp_path):
    """Every signature gives the model's embeddings without this library."""
    tokenizer = SubwordTokenizer.train(["red dot", "blue bar"], 40, tiny.LENGTH)
    size = tokenizer.vocabulary_size
    model = tiny.make_model(make_text=lambda: tiny.make_text_encoder(8, size))
    # A module of variables that no layer owns does not hinder the export.
    model.counts = Counts()
    path = tmp_path / "saved_model"
    options = {"max_pixels": 100, "fit": "crop"}
    export_saved_model(model, tokenizer, tiny.SIZE, path, **options)
    with pytest.raises(InputError, match="not empty"):
        export_saved_model(model, tokenizer, tiny.SIZE, path)

    exported = ExportedModel(path)
    assert exported.image_size == tiny.SIZE and exported.fit == "crop"
    with pytest.raises(InputError, match="no features before the head"):
        exported.encode_image(None, with_features=True)
    with pytest.raises(InputError, match="cannot be loaded"):
        ExportedModel(tmp_path)

    good = [encode(smooth_pixels(seed, 8)[: 8 - seed]) for seed in range(2)]
    wide = encode(smooth_pixels(2, 12))
    encoded = [wide, good[0], good[1][:-20], b"no image", good[1]]
    images, vectors, _ = load_images(good, tiny.SIZE, fit="crop")
    tokens = tokenizer(TEXTS)
    inputs = {"images": images, "vectors": vectors, "tokens": tokens.numpy()}
    np.savez(tmp_path / "inputs.npz", **inputs)
    for index, content in enumerate(encoded):
        (tmp_path / f"{index}.png").write_bytes(content)
    (tmp_path / "serve.py").write_text(SERVE)
    subprocess.run(
        [sys.executable, "serve.py"], cwd=tmp_path, check=True, timeout=120
    )
    outputs = np.load(tmp_path / "outputs.npz")
    expected = model.encode_image(images, vectors)
    untouched = model.encode_image(images)
    assert np.abs(expected - untouched).max() > 1e-4
    rows = np.zeros([FILES, 7])
    rows[[1, 4]] = expected
    for name in ("image_bytes", "serving_default"):
        valid = outputs[f"{name}/valid"]
        np.testing.assert_array_equal(valid, [0, 1, 0, 0, 1])
        found = outputs[f"{name}/embedding"]
        np.testing.assert_allclose(found, rows, atol=1e-5)
        assert not found[~valid].any()
    for name, count in (("none", 0), ("all bad", 2)):
        np.testing.assert_array_equal(
            outputs[f"{name}/embedding"], np.zeros([count, 7])
        )
        assert outputs[f"{name}/valid"].tolist() == [False] * count
    for name, embedding in (
        ("images", untouched),
        ("views", expected),
        ("text", model.encode_text(tokens)),
        ("tokens", model.encode_text(tokens)),
    ):
        found = outputs[f"{name}/embedding"]
        np.testing.assert_allclose(found, embedding, atol=1e-5)
    embedder = Embedder(exported, tf.identity, batch_size=2)
    for found, embedding in (
        (embedder.images(images), untouched),
        (embedder.images(images, vectors), expected),
        (embedder.texts(TEXTS), model.encode_text(tokens)),
    ):
        np.testing.assert_allclose(found, embedding, atol=1e-5)
