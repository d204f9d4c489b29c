"""The directory of a run: configuration, tokenizer, checkpoints, history.

Evaluation and export need nothing else.
"""

import json
import pathlib

from absl import flags
from ml_collections import ConfigDict

from experiments.run.building import build_model
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError
from uniclip_keras.training import restore_model

WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")

CONFIG_FILE = "config.json"
CHECKPOINTS = "checkpoints"

# Sections that may change when a run continues: they do not train the model.
FREE_TO_CHANGE = ("log_every", "checkpoint_every", "evaluation")


def check_config(workdir, config):
    """Raises `InputError` if another configuration has trained in `workdir`."""
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
            "configuration of that run to continue it."
        )


def save_config(workdir, config, tokenizer):
    """Writes the configuration and the tokenizer into `workdir`."""
    workdir = pathlib.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(workdir))
    (workdir / CONFIG_FILE).write_text(_to_json(config))


def read_config(workdir):
    """Reads the resolved configuration of a run."""
    path = pathlib.Path(workdir) / CONFIG_FILE
    if not path.exists():
        raise InputError(
            f"{workdir} holds no {CONFIG_FILE}: give the --workdir of a run "
            "of experiments.pretrain."
        )
    return ConfigDict(json.loads(path.read_text()))


def load_run(workdir):
    """Loads `(config, tokenizer, model, step)` of the latest checkpoint.

    Raises:
        InputError: A file is missing, or the files do not fit together.
    """
    config = read_config(workdir)
    tokenizer = load_tokenizer(str(workdir))
    model = build_model(config, tokenizer.vocabulary_size)
    step = restore_model(model, pathlib.Path(workdir) / CHECKPOINTS)
    return config, tokenizer, model, step


def flatten(nested, prefix=""):
    """Flattens a configuration to `{"section.option": value}`.

    Dicts in lists are counted from 0, as in "views.1.crop_area".
    """
    flat = {}
    for key, value in nested.items():
        is_list = isinstance(value, (list, tuple))
        if is_list and any(isinstance(part, dict) for part in value):
            value = dict(enumerate(value))
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _to_json(config):
    return json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n"
