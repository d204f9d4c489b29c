"""Mistakes of a configuration that are found before anything is read."""

import json
import subprocess
import sys

import pytest

from experiments.configs import adapt_emoji
from experiments.configs import demo
from experiments.configs import emoji
from experiments.configs import unicl_emoji
from experiments.configs import yfcc15m_vit_b32
from experiments.run import checking
from experiments.run import memory
from uniclip_keras.errors import InputError

WORKERS = {
    "cluster": {"worker": ["a:1", "b:1", "c:1", "d:1", "e:1"]},
    "task": {"type": "worker", "index": 0},
}
BERT = "bert_tiny_en_uncased"
HUB_BERT = f"keras_hub:{BERT}"


@pytest.fixture(autouse=True)
def much_memory(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**40)


def emoji_with(changes):
    config = emoji.get_config()
    with config.unlocked(), config.ignore_type():
        for name, value in changes.items():
            *sections, last = name.split(".")
            section = config
            for key in sections:
                section = section[key]
            section[last] = value
    return config


@pytest.mark.parametrize(
    "config",
    [
        *map(emoji.get_config, ["uniclip", "clip", "slip", "siglip"]),
        unicl_emoji.get_config(),
        adapt_emoji.get_config(),
        demo.get_config(),
        yfcc15m_vit_b32.get_config(),
    ],
    ids=lambda config: config.name,
)
def test_every_configuration_passes(config):
    with config.unlocked():
        config.validation.every = 100
        if not config.validation.source.path:
            config.validation.source.path = "val/*.tar"
    checking.check_config(config)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": -3}, "batch_size=-3 is not allowed.*from 1"),
        ({"batch_size": 1.5}, "batch_size=1.5 is not allowed"),
        ({"steps": 0}, "steps=0"),
        ({"log_every": 0}, "log_every=0"),
        ({"data.threads": True}, "data.threads=True"),
        ({"tokenizer.context_length": 2}, "context_length=2.*from 3"),
        ({"data.max_bad_share": 1.5}, "max_bad_share=1.5.*from 0 to 1"),
        ({"optimizer.learning_rate": 0.0}, "learning_rate=0.0.*above 0"),
        ({"optimizer.beta_2": 1.0}, "beta_2=1.0.*from 0 to below 1"),
        ({"optimizer.clip_norm": -1.0}, "clip_norm=-1.0.*above 0"),
        ({"optimizer.layer_decay": 0.0}, "layer_decay=0.0.*above 0 to 1"),
        ({"optimizer.ema_momentum": 1.0}, "ema_momentum=1.0.*to below 1"),
        (
            {"optimizer.learning_rates": (("text_encoder/*", -1.0),)},
            "learning_rates has .*-1.0.*pairs of a name and a number from 0",
        ),
        ({"model.unfreeze_at_step": 9}, "unfreeze_at_step=9.*frozen names"),
        (
            {"model.unfreeze_at_step": 900, "model.frozen": ("image_*",)},
            "unfreeze_at_step=900 must be less than steps=900",
        ),
        ({"model.view_size": 32}, "view_size=32 must be less than image_size"),
        ({"model.view_size": 12}, "view_size=12 is no multiple of.*8 pixels"),
        ({"model.text_lengths": (8, 16)}, "16 is not allowed.*from 2 to 15"),
        ({"optimizer.warmup_steps": 900}, "warmup_steps=900.*steps=900"),
        ({"image_encoder.heads": 3}, "image_encoder: heads=3.*width=128"),
        ({"text_encoder.heads": 5}, "text_encoder: heads=5.*width=128"),
        ({"text_encoder.width": 0}, "text_encoder.width=0.*from 1"),
        ({"image_size": 36}, "image_size=36.*8 pixels.*32"),
        ({"image_encoder.kind": "vitt"}, "kind='vitt'.*mean 'vit'"),
        (
            {"objective.ofset": 1.0},
            "objective.ofset does not exist.*mean 'offset'",
        ),
        ({"data.views": ["weka"]}, "no preset 'weka'.*'weak'"),
        ({"objective": {"kind": "slip"}}, "2 view.* too few .*'slip'"),
        ({"data.prompts": "plane"}, "'plane'.*'plain'"),
        ({"tokenizer.kind": "clip"}, "tokenizer.file is empty"),
        (
            {"tokenizer.kind": "keras_hub"},
            "text_encoder: None names no preset, which the tokenizer",
        ),
        (
            {"tokenizer.kind": "keras_hub", "tokenizer.file": "bert_tiny_en"},
            "tokenizer.file: .*did you mean 'bert_tiny_en_uncased'",
        ),
        (
            {"tokenizer.kind": "keras_hub", "tokenizer.file": BERT},
            "tokenizer.kind='keras_hub' fits the text encoder 'backbone'",
        ),
        (
            {"text_encoder": {"kind": "backbone", "backbone": HUB_BERT}},
            "learned other tokens than those of tokenizer.kind='subword'",
        ),
        (
            {"text_encoder": {"kind": "backbone", "backbone": "keras_hub:X"}},
            "text_encoder: keras_hub has no text backbone.* 'X'",
        ),
        (
            {
                "text_encoder": {
                    "kind": "backbone",
                    "backbone": HUB_BERT,
                    "pooling": "meen",
                },
            },
            "text_encoder: pooling='meen' is unknown; did you mean 'mean'",
        ),
        ({"data.views_dtype": "uint16"}, "views_dtype='uint16'.*'uint8'"),
        ({"model.augmentation_fusion": "add"}, "augmentation_fusion='add' is"),
        ({"distribution": "mirored"}, "'mirored'.*'mirrored'"),
        ({"data.train.base.kind": "tfreccord"}, "base.kind='tfreccord'"),
        ({"data.train.base.weight": -1.0}, "base.weight=-1.0"),
        (
            {"evaluation.retrieval.seen.classes": ""},
            "evaluation.retrieval.seen.classes is missing",
        ),
        (
            {"model.gradient_cache_size": 100},
            "batch_size=192 is no multiple of .*gradient_cache_size=100",
        ),
        (
            {"validation.every": 5, "validation.source": {"path": ""}},
            "validation.source.path is missing",
        ),
        (
            {"validation.every": 5, "validation.best": "loss"},
            "validation.best='loss'.*validation/loss",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_mistakes(changes, words):
    with pytest.raises(InputError, match=words):
        checking.check_config(emoji_with(changes))


def test_tasks_on_any_kind_of_source():
    task = {"title": "Pets", "kind": "folders", "path": "pets/test"}
    train = {"train": {"path": "pets/train"}}
    parts = train | {"validation": {"path": "pets/val"}}
    changes = {"evaluation.zero_shot.pets": task}
    checking.check_config(
        emoji_with(changes | {"evaluation.probe.pets": task | parts})
    )
    for group, more, words in (
        ("retrieval", {}, "retrieval.pets.classes is missing"),
        ("zero_shot", {"kind": "table"}, "zero_shot.pets.label_field is miss"),
        ("probe", train, "probe.pets.validation is missing"),
        ("probe", parts | {"train": {"kind": "table"}}, "train.label_field is"),
        ("probe", parts | {"fine_tuning_epochs": 0}, "epochs=0 is not allowed"),
        ("robustness", {"corruptions": ["fog"]}, "corruptions='fog' is unkno"),
        ("robustness", {"severities": [6]}, "pets.severities=6 is unknown"),
    ):
        with pytest.raises(InputError, match=words):
            changes = {f"evaluation.{group}.pets": task | more}
            checking.check_config(emoji_with(changes))


def test_several_mistakes_are_told_together():
    changes = {"batch_size": -3, "steps": 0, "image_encoder.heads": 3}
    with pytest.raises(InputError, match="has 3 mistakes:") as error:
        checking.check_config(emoji_with(changes))
    assert len(str(error.value).splitlines()) == 4


def test_data_sets_of_tensorflow_datasets_have_names():
    train = {"cifar": {"kind": "tfds", "name": "cifar10", "split": "train"}}
    checking.check_config(emoji_with({"data.train": train}))


def test_workers_share_a_batch(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(WORKERS))
    config = emoji_with({"distribution": "multi_worker"})
    with pytest.raises(InputError, match="batch_size=192 .* the 5 workers"):
        checking.check_config(config)


def test_replicas_share_a_batch(two_replicas):
    with pytest.raises(InputError, match="batch_size=191 .* 2 replicas"):
        checking.check_replicas(emoji_with({"batch_size": 191}), two_replicas)


def test_no_device_is_started_by_a_check():
    # Workers can join only before TensorFlow makes a device.
    code = (
        "from experiments.configs import emoji;"
        "from experiments.run import checking;"
        "checking.check_config(emoji.get_config());"
        "from tensorflow.python.eager import context;"
        "assert context.context()._context_handle is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
