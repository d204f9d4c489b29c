"""The SavedModel against the model, served by a process of its own."""

import functools
import subprocess
import sys

import numpy as np
import pytest
from samples import encode
from samples import smooth_pixels
from tiny_model import LENGTH
from tiny_model import SIZE
from tiny_model import make_model
from tiny_model import make_text_encoder

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
inputs = np.load("inputs.npz")
encoded = [open(f"{{i}}.png", "rb").read() for i in range(2)]
given = dict(
    image_bytes=tf.constant(encoded),
    images=tf.constant(inputs["images"]),
    text=tf.constant({TEXTS!r}),
    tokens=tf.constant(inputs["tokens"]),
    serving_default=tf.constant(encoded),
)
outputs = {{}}
for name, value in given.items():
    (keyword,) = served[name].structured_input_signature[1]
    (output,) = served[name](**{{keyword: value}}).values()
    outputs[name] = output.numpy()
np.savez("outputs.npz", **outputs)
assert "uniclip_keras" not in sys.modules
"""


def test_saved_model_in_a_fresh_process(tmp_path):
    """Every signature gives the model's embeddings without this library."""
    tokenizer = SubwordTokenizer.train(["red dot", "blue bar"], 40, LENGTH)
    model = make_model(
        make_text=functools.partial(
            make_text_encoder, vocabulary_size=tokenizer.vocabulary_size
        )
    )
    path = tmp_path / "saved_model"
    export_saved_model(model, tokenizer, SIZE, path)
    with pytest.raises(InputError, match="not empty"):
        export_saved_model(model, tokenizer, SIZE, path)

    encoded = [encode(smooth_pixels(seed, 8)) for seed in range(2)]
    images, _ = load_images(encoded, SIZE)
    tokens = tokenizer(TEXTS)
    np.savez(tmp_path / "inputs.npz", images=images, tokens=tokens.numpy())
    for index, content in enumerate(encoded):
        (tmp_path / f"{index}.png").write_bytes(content)
    (tmp_path / "serve.py").write_text(SERVE)
    subprocess.run(
        [sys.executable, "serve.py"], cwd=tmp_path, check=True, timeout=120
    )
    outputs = np.load(tmp_path / "outputs.npz")
    image, text = model.encode_image(images), model.encode_text(tokens)
    for name, expected in (
        ("image_bytes", image),
        ("serving_default", image),
        ("images", image),
        ("text", text),
        ("tokens", text),
    ):
        np.testing.assert_allclose(outputs[name], expected, atol=1e-5)
