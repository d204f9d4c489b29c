"""The SavedModel against the model, served by a process of its own."""

import subprocess
import sys

import numpy as np
import pytest
import tiny_model as tiny
from samples import encode
from samples import smooth_pixels

from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError
from uniclip_keras.export import export_saved_model

TEXTS = ["red dot", "a blue bar of unseen words"]

SERVE = f"""
import sys
import keras
import numpy as np
import tensorflow as tf
import tensorflow_text
served = tf.saved_model.load("saved_model").signatures
given = dict(np.load("inputs.npz"), text={TEXTS!r})
encoded = [open(f"{{i}}.png", "rb").read() for i in range(2)]
given["image_bytes"] = given["serving_default"] = encoded
outputs = {{}}
for name, value in given.items():
    (keyword,) = served[name].structured_input_signature[1]
    (output,) = served[name](**{{keyword: tf.constant(value)}}).values()
    outputs[name] = output.numpy()
np.savez("outputs.npz", **outputs)
assert "uniclip_keras" not in sys.modules
"""


def test_saved_model_in_a_fresh_process(tmp_path):
    """Every signature gives the model's embeddings without this library."""
    tokenizer = SubwordTokenizer.train(["red dot", "blue bar"], 40, tiny.LENGTH)
    size = tokenizer.vocabulary_size
    model = tiny.make_model(make_text=lambda: tiny.make_text_encoder(8, size))
    path = tmp_path / "saved_model"
    export_saved_model(model, tokenizer, tiny.SIZE, path)
    with pytest.raises(InputError, match="not empty"):
        export_saved_model(model, tokenizer, tiny.SIZE, path)

    encoded = [encode(smooth_pixels(seed, 8)) for seed in range(2)]
    images, _ = load_images(encoded, tiny.SIZE)
    tokens = tokenizer(TEXTS)
    np.savez(tmp_path / "inputs.npz", images=images, tokens=tokens.numpy())
    for index, content in enumerate(encoded):
        (tmp_path / f"{index}.png").write_bytes(content)
    (tmp_path / "serve.py").write_text(SERVE)
    subprocess.run(
        [sys.executable, "serve.py"], cwd=tmp_path, check=True, timeout=120
    )
    outputs = np.load(tmp_path / "outputs.npz")
    for encoded, names in (
        (model.encode_image(images), "image_bytes serving_default images"),
        (model.encode_text(tokens), "text tokens"),
    ):
        for name in names.split():
            np.testing.assert_allclose(outputs[name], encoded, atol=1e-5)
