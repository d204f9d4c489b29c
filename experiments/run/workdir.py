"""A run's directory: configuration, tokenizer, checkpoints, history.

It is all that evaluation and export need.
"""

import json
import pathlib

from absl import flags
from ml_collections import ConfigDict

from experiments.run.building import build_model
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError
from uniclip_keras.training import restore_model

WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Directory of the run: configuration, tokenizer, checkpoints, history.",
)

CONFIG_FILE = "config.json"
CHECKPOINTS = "checkpoints"

# How a run is watched and saved may change when it goes on.
FREE_TO_CHANGE = ("log_every", "checkpoint_every", "evaluation")


def check(workdir, config):
    """Raises InputError when another configuration has trained there."""
    path = pathlib.Path(workdir) / CONFIG_FILE
    if not path.exists():
        return
    before = flatten(json.loads(path.read_text()))
    now = flatten(json.loads(_to_json(config)))
    changed = [
        f"{key} is {now.get(key)!r} and was {before.get(key)!r}"
        for key in sorted(set(before) | set(now))
        if before.get(key) != now.get(key)
        and key.split(".")[0] not in FREE_TO_CHANGE
    ]
    if changed:
        raise InputError(
            f"{workdir} belongs to a run with another configuration "
            f"({'; '.join(changed[:3])}): choose another --workdir, or the "
            "configuration of that run to go on with it."
        )


def claim(workdir, config, tokenizer):
    """Makes the workdir this configuration's and this tokenizer's."""
    workdir = pathlib.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(workdir))
    (workdir / CONFIG_FILE).write_text(_to_json(config))


def _to_json(config):
    return json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n"


def read_config(workdir):
    """The resolved configuration of a run.

    Raises:
        InputError: when the directory is no workdir.
    """
    path = pathlib.Path(workdir) / CONFIG_FILE
    if not path.exists():
        raise InputError(
            f"{workdir} holds no {CONFIG_FILE}; give the --workdir of a run "
            "of experiments.pretrain."
        )
    return ConfigDict(json.loads(path.read_text()))


def load_run(workdir):
    """Everything that a finished or running training left behind.

    Returns:
        `(config, tokenizer, model, step)`, the model with the weights of
        the latest checkpoint.

    Raises:
        InputError: when something is missing or does not fit together.
    """
    config = read_config(workdir)
    tokenizer = load_tokenizer(str(workdir))
    model = build_model(config, tokenizer.vocabulary_size)
    step = restore_model(model, pathlib.Path(workdir) / CHECKPOINTS)
    return config, tokenizer, model, step


def flatten(tree, prefix=""):
    """Nested dicts to one dict with dotted keys."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
