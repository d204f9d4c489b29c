"""Grids: variants of a configuration, and the runs of all seeds."""

import importlib
import pathlib

import pytest

from experiments.ablation.grid import GridRun
from experiments.ablation.grid import grid
from experiments.ablation.grid import runs_of
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids import cheap_views
from experiments.configs.grids import equal_time
from experiments.configs.grids import identity
from experiments.configs.grids import recipe
from experiments.configs.grids import trials
from uniclip_keras.errors import InputError

FOLDER = pathlib.Path(__file__).parents[3] / "experiments/configs/grids"
GRIDS = sorted({path.stem for path in FOLDER.glob("*.py")} - {"__init__"})


def test_a_variant_leaves_the_original_alone():
    config = emoji.get_config()
    views = [{"preset": "weak", "identity": 0.5}]
    changed = vary(
        config,
        {
            "data.views": views,
            "model.augmentation_units": None,
            "objective.domain_weights": "uniform",
        },
    )
    assert changed.data.views == views and len(config.data.views) == 2
    assert changed.model.augmentation_units is None
    assert changed.objective.kind == config.objective.kind
    assert config.objective.domain_weights == "balanced"
    # Locked, as the configuration was.
    with pytest.raises(AttributeError):
        changed.unknown = 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("optimizer.learning_rat", "did you mean 'learning_rate'"),
        ("optimiser.learning_rate", "optimiser.learning_rate' to vary"),
    ],
)
def test_a_variant_of_no_option(name, words):
    with pytest.raises(InputError, match=words):
        vary(emoji.get_config(), {name: 1})


def test_the_runs_of_a_seed_come_before_those_of_the_next(tmp_path):
    config = emoji.get_config()
    evaluation = emoji_validation.get_config()
    variants = {
        "base": config,
        "lr 1.5e-3": vary(config, {"optimizer.learning_rate": 1.5e-3}),
    }
    runs = runs_of(grid(variants, evaluation, seeds=(3, 5)), tmp_path)
    names = "base/seed_3", "lr 1.5e-3/seed_3", "base/seed_5", "lr 1.5e-3/seed_5"
    assert tuple(run.name for run in runs) == names
    assert [run.config.seed for run in runs] == [3, 3, 5, 5]
    assert runs[3].config.optimizer.learning_rate == 1.5e-3
    assert runs[3].workdir == f"{tmp_path}/lr 1.5e-3/seed_5"
    # The sets of the run's own configuration hold test splits.
    assert "style" not in runs[0].config.evaluation.retrieval
    assert "val_style" in runs[0].config.evaluation.retrieval


def test_a_run_counts_its_images(tmp_path):
    config = emoji.get_config()
    run = GridRun("base/seed_0", str(tmp_path), config)
    assert run.images == 900 * 192 * 2
    assert run.steps_done() == run.images_done() == 0
    (tmp_path / "history.jsonl").write_text('{"step": 20}\n{"step": 40}\n')
    assert run.steps_done() == 40 and run.images_done() == 40 * 192 * 2


def test_mistakes_name_the_run():
    config = vary(emoji.get_config(), {"batch_size": 0})
    evaluation = emoji_validation.get_config()
    with pytest.raises(InputError, match="run 'wrong' of the grid: batch_size"):
        runs_of(grid({"wrong": config}, evaluation), "runs")
    with pytest.raises(InputError, match="0 runs and 3 seeds"):
        runs_of(grid({}, evaluation), "runs")


@pytest.mark.parametrize("name", GRIDS)
def test_all_grids_name_runs_that_train(name):
    module = importlib.import_module(f"experiments.configs.grids.{name}")
    runs = runs_of(module.get_config(), "x")
    assert len({run.name for run in runs}) == len(runs)
    for run in runs:
        assert 0 < run.config.optimizer.warmup_steps < run.config.steps
        read = [*run.config.evaluation.retrieval.values()]
        read += run.config.evaluation.zero_shot.values()
        # Choices are made on validation data; Fashion-MNIST chooses nothing.
        allowed = "val_", "../fashion_mnist"
        assert all(section.path.startswith(allowed) for section in read)


def test_the_grid_of_identity_views():
    runs = runs_of(identity.get_config(), "runs")
    shares = [run.config.data.views[0]["identity"] for run in runs]
    assert shares == [0.0, 0.25, 1.0] * 2


def test_the_grid_of_recipes():
    runs = {run.name: run.config for run in runs_of(recipe.get_config(), "x")}
    assert list(runs)[0] == "demo/seed_0" and len(runs) == 5
    both = runs["captions_labels/seed_0"].data
    assert both.captions_per_image == 2
    weights = {name: source.weight for name, source in both.train.items()}
    assert weights["labeled"] == sum(weights.values()) / 3


def test_trials_are_the_same_for_all_methods():
    runs = {run.name: run.config for run in runs_of(trials.get_config(), "x")}
    for name, (_, items, has_labels, steps) in trials.METHODS.items():
        for rate in trials.RATES:
            config = runs[f"{name}/lr_{rate:g}/seed_0"]
            assert config.optimizer.learning_rate == rate
            assert config.batch_size == items and config.steps == steps // 3
            assert ("labeled" in config.data.train) == has_labels


def test_the_grids_of_equal_time():
    for module in (cheap_views, equal_time):
        runs = runs_of(module.get_config(), "x")
        first = runs[0].config
        assert first.model.view_size == 16
        assert first.data.views[0]["identity"] == 1.0
        assert all(run.config.validation.every == 0 for run in runs)
    domains = {run.name: run.config.objective.kind for run in runs}
    assert domains["slip/seed_1"] == "slip"
    assert domains["recipe/seed_0"] == "mp_nce"
