"""Every configuration builds and takes a step with shrunk towers."""

import importlib
import math
import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from ml_collections import config_flags

from experiments.configs import adapt_emoji
from experiments.configs import base
from experiments.configs import demo
from experiments.configs import lit
from experiments.configs import unicl_emoji
from experiments.configs import unicl_swin_t
from experiments.configs.evaluation import emoji_validation
from experiments.configs.evaluation import fashion_probe
from experiments.evaluation.sets import with_sets
from experiments.run import building
from experiments.run import checking
from experiments.run.checking import check_config
from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras.data import augmentation
from uniclip_keras.errors import InputError

CONFIGS = [
    path.stem
    for path in sorted(
        (pathlib.Path(__file__).parents[2] / "experiments/configs").glob("*.py")
    )
    if path.stem not in ("__init__", "base", "methods")
]


def load(name):
    return importlib.import_module(f"experiments.configs.{name}").get_config()


def shrink(config):
    """Shrinks the towers, so that a step takes seconds."""
    patch = config.image_encoder.get("patch_size")
    small = {"width": 16, "layers": 1, "heads": 2}
    if config.image_encoder.kind == "backbone":
        config.image_size = 32
        config.image_encoder.options.update(
            {"embed_dim": 8, "depths": (1, 1), "window_size": 2}
        )
        config.image_encoder.options.num_heads = (1, 2)
    else:
        config.image_encoder.update(small)
    if patch:
        config.image_size = 2 * patch
    config.text_encoder.update(small)
    config.tokenizer.context_length = 8
    config.model.text_lengths = (4,) if config.model.text_lengths else ()
    config.model.embedding_dim = 8
    config.model.augmentation_units = (4, 4, 4)
    config.optimizer.warmup_steps = min(config.optimizer.warmup_steps, 1)
    config.precision = "float32"


def test_towers_and_loss_of_siglip():
    config = base.base()
    shrink(config)
    with config.unlocked():
        config.image_encoder.kind = "siglip_vit"
        config.text_encoder.kind = "siglip_text"
        config.objective = {"kind": "siglip"}
        config.steps = 2
    model = build(config)
    assert model.image_encoder.get_layer("pooling").probe.shape == (1, 1, 16)
    logs = model.train_on_batch(make_batch(config), return_dict=True)
    assert math.isfinite(logs["loss"])


@pytest.mark.parametrize("name", CONFIGS)
def test_one_step(name):
    config = load(name)
    assert config.name == name
    assert config.steps > config.optimizer.warmup_steps
    shrink(config)
    model = build(config)
    logs = model.train_on_batch(make_batch(config), return_dict=True)
    assert math.isfinite(logs["loss"])
    assert int(model.optimizer.iterations) == 1


def build(config):
    tokenizer = types.SimpleNamespace(vocabulary_size=50)
    model = building.build_model(config, tokenizer)
    # Tracing would take several times as long as one step.
    optimizer = building.build_optimizer(config, model)
    model.compile(optimizer=optimizer, run_eagerly=True)
    return model


def make_batch(config):
    recipe = augmentation.recipe_from_config(config.data.views)
    rng = np.random.default_rng(0)
    items, size = 3, config.image_size
    views = rng.random((items, len(recipe), size, size, 3), "float32")
    if config.data.views_dtype == "uint8":
        views = (views * 255).astype("uint8")
    return {
        "views": views,
        "augmentations": rng.random((*views.shape[:2], 11), "float32"),
        "tokens": rng.integers(1, 50, (items, 8)).astype("int32"),
        "id": np.arange(items),
    }


def test_lit_locks_the_image_tower_of_a_clip(tmp_path, monkeypatch):
    clip = models.UniCLIP(
        models.clip_vit(16, 8, 16, 1, 2),
        models.clip_text(50, 8, 16, 1, 2),
        losses.CLIP(),
        embedding_dim=12,
        augmentation_units=None,
        projection_blocks=0,
        projection_norm=False,
    )
    models.save_clip(clip, tmp_path)
    config = lit.get_config("clip")
    shrink(config)
    with config.unlocked():
        config.image_encoder = {"kind": "clip", "path": str(tmp_path)}
        config.text_encoder = {"kind": "clip_text", "layers": 1, "heads": 2}
        config.text_encoder.width = 16
    with pytest.raises(InputError, match="of 16 pixels, and image_size is 224"):
        build(config)
    config.image_size = 16
    monkeypatch.setattr(checking, "check_memory", lambda *_: None)
    check_config(config)
    model = build(config)
    followed, watch = [], tf.GradientTape.watched_variables

    def gradient(tape, target, sources, compute=tf.GradientTape.gradient):
        followed.extend(variable.ref() for variable in watch(tape))
        return compute(tape, target, sources)

    monkeypatch.setattr(tf.GradientTape, "gradient", gradient)
    before = model.text_encoder.get_weights()
    for _ in range(2):
        # The first step of a warm-up has the rate 0.
        model.train_on_batch(make_batch(config))
    for one, other in zip(
        model.image_encoder.weights, clip.image_encoder.weights, strict=True
    ):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
        assert one.value.ref() not in followed
    after = model.text_encoder.get_weights()
    assert not any(map(np.array_equal, before[1:], after[1:]))
    assert model.text_projection.projection.kernel.value.ref() in followed


@pytest.mark.parametrize("variant", lit.TOWERS)
def test_variants_of_lit(variant, monkeypatch):
    monkeypatch.setattr(checking, "check_memory", lambda *_: None)
    config = lit.get_config(variant)
    check_config(config)
    assert config.model.frozen == ("image_encoder/*",)
    assert config.name == ("lit" if variant == "emoji" else f"lit_{variant}")
    assert len(config.data.views) == 1 and config.objective.kind == "clip"


@pytest.mark.parametrize("name", ["cc3m_vit_b32", "yfcc15m_vit_b32"])
def test_paper_scale_is_the_papers(name):
    config = load(name)
    assert config.image_encoder.to_dict() == {
        "kind": "vit",
        "patch_size": 32,
        "width": 768,
        "layers": 12,
        "heads": 12,
    }
    text, tokenizer = config.text_encoder, config.tokenizer
    assert (text.layers, text.width) == (12, 512)
    assert config.model.embedding_dim == 512
    assert len(config.data.views) == 3
    assert tokenizer.context_length == 77
    assert tokenizer.vocabulary_size == 49_408


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective.kind": "mp_nc"}, "objective.kind='mp_nc'.*'mp_nce'"),
        ({"image_encoder.widht": 3}, "image_encoder.widht.*'width'"),
        ({"precision": "float61"}, "precision='float61'.*float32"),
    ],
)
def test_unknown_values_name_the_nearest(change, words):
    config = load("emoji")
    with config.unlocked():
        config.update_from_flattened_dict(change)
    with pytest.raises(InputError, match=words):
        check_config(config)


@pytest.mark.parametrize(
    ("argument", "trained_on"),
    [
        ("", {"base", "drawings", "fashion", "tones"}),
        (":joint", {"base", "drawings", "fashion", "tones"}),
        (":pairs", {"base", "tones"}),
        (":labels", {"drawings", "fashion"}),
    ],
)
def test_variants_of_unicl_train_on_their_sources(argument, trained_on):
    values = flags.FlagValues()
    holder = config_flags.DEFINE_config_file("config", flag_values=values)
    values(["pretrain", f"--config={unicl_emoji.__file__}{argument}"])
    config = values[holder.name].value
    sources = config.data.train
    assert {name for name in sources if sources[name].weight} == trained_on
    assert set(sources) == {"base", "drawings", "fashion", "tones"}
    assert config.data.prompts[0] == "{}"


@pytest.mark.parametrize("variant", unicl_swin_t.VARIANTS)
def test_variants_of_unicl_at_its_papers_scale(variant, monkeypatch):
    monkeypatch.setattr(checking, "check_memory", lambda *_: None)
    config = unicl_swin_t.get_config(variant)
    check_config(config)
    assert config.objective.kind == "unicl" and len(config.data.views) == 1
    assert config.optimizer.learning_rate == 4e-3
    epoch = config.steps // 32
    assert config.optimizer.warmup_steps // 5 == pytest.approx(epoch, abs=1)
    weights = {n: s.weight for n, s in config.data.train.items()}
    samples = 1e6 * sum(weights.values())
    assert config.steps * config.batch_size == pytest.approx(
        32 * samples, rel=1e-4
    )
    if variant == "half":
        assert weights == {"imagenet21k": 6.5, "yfcc14m": 7.0}


def test_joint_takes_as_many_captions_as_labels():
    sources = unicl_emoji.get_config().data.train
    assert sum(sources[name].weight for name in unicl_emoji.PAIRS) == sum(
        sources[name].weight for name in unicl_emoji.LABELS
    )
    with pytest.raises(InputError, match="'jont'; choose from joint, pairs"):
        unicl_emoji.get_config("jont")


def test_emoji_recipes_are_chosen_without_reading_the_test():
    section = emoji_validation.get_config()
    config = load("emoji")
    tasks = [*section.retrieval.values(), *section.zero_shot.values()]
    assert {task.path for task in tasks} == {
        "val_style-*.tar",
        "val_novel-*.tar",
    }
    assert section.headline in section.retrieval
    assert config.validation.source.path == "val_*.tar"
    assert {"style", "novel", "composition"} <= set(config.evaluation.retrieval)


def test_features_are_probed_on_images_apart():
    section = fashion_probe.get_config()
    config = with_sets(load("demo"), section)
    assert config.data.directory == "data/fashion_mnist"
    task = section.probe.fashion
    parts = [task, task.train, task.validation]
    assert len({part.path for part in parts}) == 3


def test_adapting_takes_the_heads_of_the_demo():
    joint, naive = map(adapt_emoji.get_config, ("joint", "naive"))
    for config in (joint, naive):
        assert config.model == demo.get_config().model
        assert config.objective.kind == "unicl"
    sources = joint.data.train
    known = demo.get_config().data.train
    assert set(sources) == {*known, "fashion"}
    assert sources.fashion.weight == sum(part.weight for part in known.values())
    drawn = {n for n, source in naive.data.train.items() if source.weight}
    assert drawn == {"fashion"}
    with pytest.raises(InputError, match="no variant 'other'"):
        adapt_emoji.get_config("other")
