"""Text towers with their own tokenizers, from a configuration."""

import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict
from presets import write_preset
from tiny_corpus import make_config

from experiments.run import building
from experiments.run import checking
from experiments.run import data
from experiments.run import workdir as workdirs
from uniclip_keras.data import KerasHubTokenizer

TEXTS = ["a red circle", "blue triangle", ""]


def make(corpus, file="", **text_encoder):
    config = make_config(corpus)
    with config.unlocked():
        config.text_encoder = ConfigDict({"kind": "backbone", **text_encoder})
        config.tokenizer.kind, config.tokenizer.file = "keras_hub", file
    return config


@pytest.mark.parametrize("architecture", ["Bert", "Roberta"])
def test_a_preset_trains_and_keeps_its_tokenizer(
    architecture, corpus, tmp_path
):
    preset = tmp_path / "preset"
    backbone, tokenizer = write_preset(preset, architecture)
    config = make(corpus, backbone=f"keras_hub:{preset}")
    checking.check_config(config)
    ours = data.build_tokenizer(config, None)
    model = building.build_model(config, ours)
    tokens = ours(TEXTS)
    inputs = {
        "token_ids": tokens,
        "padding_mask": tokens != tokenizer.pad_token_id,
        "segment_ids": tf.zeros_like(tokens),
    }
    states = backbone({key: inputs[key] for key in backbone.input})
    if architecture == "Bert":
        states = states["sequence_output"]
    np.testing.assert_allclose(
        model.text_encoder(tokens), states[:, 0], atol=1e-6
    )
    optimizer = building.build_optimizer(config, model)
    model.compile(optimizer=optimizer, run_eagerly=True)
    before = model.encode_text(tokens).numpy()
    views = len(config.data.views)
    batch = {
        "views": np.ones((3, views, 16, 16, 3), "float32"),
        "augmentations": np.zeros((3, views, 11), "float32"),
        "tokens": tokens,
        "id": np.arange(3),
    }
    for _ in range(2):  # the first one at the learning rate 0 of the warm-up
        loss = model.train_on_batch(batch, return_dict=True)["loss"]
    assert np.isfinite(loss)
    assert np.abs(model.encode_text(tokens) - before).max() > 1e-5
    # The run goes on, and is evaluated, with the tokenizer in its workdir.
    workdirs.save_start(tmp_path / "run", config, ours)
    (preset / "assets/tokenizer").rename(tmp_path / "gone")
    again = data.find_tokenizer(config, tmp_path / "run", None)
    assert isinstance(again, KerasHubTokenizer)
    assert again.fingerprint == ours.fingerprint


def test_a_class_with_the_tokenizer_of_a_preset(corpus, tmp_path):
    write_preset(tmp_path, "DistilBert")
    options = {
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 8,
    }
    config = make(
        corpus,
        file=str(tmp_path),
        backbone="keras_hub:RobertaBackbone",
        options=options,
        pooling="mean",
    )
    checking.check_config(config)
    tokenizer = data.build_tokenizer(config, None)
    model = building.build_model(config, tokenizer)
    assert model.encode_text(tokenizer(TEXTS)).shape == (3, 12)
