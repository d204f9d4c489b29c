"""Mistakes of a configuration that are found before anything is read."""

import json
import subprocess
import sys

import pytest

from experiments.configs import emoji
from experiments.configs import unicl_emoji
from experiments.configs import yfcc15m_vit_b32
from experiments.run import checking
from experiments.run import memory
from uniclip_keras.errors import InputError

WORKERS = {"cluster": {"worker": ["a:1", "b:1", "c:1", "d:1", "e:1"]}}


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
    with pytest.raises(InputError, match="batch_size=191 .* the 2 replicas"):
        checking.check_replicas(emoji_with({"batch_size": 191}), two_replicas)


def test_a_batch_beyond_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 24 * 2**30)
    config = emoji_with({"batch_size": 100_000})
    with pytest.raises(InputError, match=r"78\.6 GB.* 24\.0 GB.*cache_size\)"):
        checking.check_config(config)
    # Caching leaves the views, which a GPU would not hold either.
    config = emoji_with(
        {"batch_size": 100_000, "model.gradient_cache_size": 1000}
    )
    checking.check_config(config)
    config.batch_size = 1_000_000
    with pytest.raises(InputError, match=r"batch_size.$"):
        checking.check_config(config)


def test_memory_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.undo()
    found = memory.available_bytes()
    assert found is None or 2**28 < found < 2**50
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP_LIMITS", [str(limit)])
    limit.write_text("123456\n")
    assert memory.available_bytes() == 123456
    limit.write_text("max\n")
    assert memory.available_bytes() == pytest.approx(found, rel=0.5)


def test_activations_grow_as_the_formula_says():
    config = emoji.get_config()
    # 16 tokens of 128 units, 2 layers, 4 heads; 14 or 16 values per unit.
    image = 2 * 16 * (14 * 128 + 4 * 16)
    text = 2 * 16 * (16 * 128 + 4 * 16)
    expected = 192 * (2 * image + text) * 4
    assert memory.activation_bytes(config) == expected
    config.model.gradient_cache_size = 96
    config.precision = "mixed_bfloat16"
    assert memory.activation_bytes(config) == expected // 4


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
