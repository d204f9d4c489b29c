"""The three variants of the UniCL experiment."""

import pytest
from absl import flags
from ml_collections import config_flags

from experiments.configs import unicl_emoji
from experiments.run import training_data
from uniclip_keras.errors import InputError

DRAWN = {
    "": {"base", "drawings", "fashion", "tones"},
    ":joint": {"base", "drawings", "fashion", "tones"},
    ":pairs": {"base", "tones"},
    ":labels": {"drawings", "fashion"},
}


def parse(argument):
    values = flags.FlagValues()
    holder = config_flags.DEFINE_config_file("config", flag_values=values)
    values(["pretrain", f"--config={unicl_emoji.__file__}{argument}"])
    return values[holder.name].value


@pytest.mark.parametrize("argument", DRAWN)
def test_variants_differ_in_what_they_draw_alone(argument):
    config, joint = parse(argument), unicl_emoji.get_config()
    sources = config.data.train
    assert {name for name in sources if sources[name].weight} == DRAWN[argument]
    assert training_data.training_templates(config)[0] == "{}"
    config.name = joint.name
    for name in set(sources) - DRAWN[argument]:
        sources[name].weight = joint.data.train[name].weight
    assert config.to_dict() == joint.to_dict()


def test_joint_takes_as_many_captions_as_labels():
    weights = {
        name: entry.weight
        for name, entry in unicl_emoji.get_config().data.train.items()
    }
    assert sum(weights[name] for name in unicl_emoji.PAIRS) == sum(
        weights[name] for name in unicl_emoji.LABELS
    )


def test_unknown_variant():
    with pytest.raises(InputError, match="'jont'; choose from joint, pairs"):
        unicl_emoji.get_config("jont")
