"""Options on the command line: None, lists, tuples and numbers."""

import types

import pytest
from absl import flags
from ml_collections import config_flags

from experiments.configs import emoji
from experiments.run import building
from experiments.run import checking
from experiments.run import options


@pytest.fixture
def parse(monkeypatch):
    """Returns the emoji configuration with options of a command line."""
    options.register()

    def parse(*arguments):
        values, config = flags.FlagValues(), emoji.get_config()
        # There ml_collections looks for the options.
        monkeypatch.setattr("sys.argv", ["command", *arguments])
        config_flags.DEFINE_config_dict("config", config, flag_values=values)
        return values(["command", *arguments]) and values.config

    return parse


def test_each_component_can_be_switched_off(parse):
    config = parse(
        "--config.model.augmentation_units=None",
        "--config.objective={'kind': 'info_nce', 'shared': True}",
    )
    checking.check_config(config)
    tokenizer = types.SimpleNamespace(vocabulary_size=50)
    model = building.build_model(config, tokenizer)
    assert model.augmentation_encoder is None
    assert type(model.objective).__name__ == "InfoNCE"
    assert model.objective.similarity.log_temperature.shape == (1,)


def test_values_are_written_as_in_python(parse):
    config = parse(
        "--config.data.views=['weak', {'preset': 'strong', 'flip': 0.0}]",
        "--config.model.augmentation_units=(32, 16)",
        "--config.image_encoder.stem=16",
        "--config.optimizer.clip_norm=None",
        "--config.optimizer.learning_rate=1e-3",
        "--config.steps=7",
    )
    assert config.data.views == ["weak", {"preset": "strong", "flip": 0.0}]
    assert config.model.augmentation_units == (32, 16)
    assert config.image_encoder.stem == (16,)
    assert config.optimizer.clip_norm is None
    assert config.optimizer.learning_rate == 1e-3
    assert config.steps == 7


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--config.steps=1.5", "give a whole number, in place of '1.5'"),
        ("--config.steps=True", "give a number or None, in place of 'True'"),
        ("--config.optimizer.clip_norm=x", "give a number or None"),
    ],
)
def test_values_that_do_not_fit(argument, words, parse):
    with pytest.raises(flags.IllegalFlagValueError, match=words):
        parse(argument)
