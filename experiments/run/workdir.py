"""The directory of a run: configuration, tokenizer, checkpoints, history.

It may be an address such as gs://bucket/run. Evaluation and export need
nothing else.
"""

from absl import flags
from ml_collections import ConfigDict

from experiments.run import files
from experiments.run.building import build_model
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError
from uniclip_keras.training import restore_model

WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")

CONFIG_FILE = "config.json"
CHECKPOINTS = "checkpoints"
HISTORY = "history.jsonl"
VALIDATION = "validation.jsonl"


def save_config(workdir, config):
    """Writes the configuration into `workdir`."""
    files.write_json(files.join(workdir, CONFIG_FILE), config.to_dict())


def read_config(workdir):
    """Reads the resolved configuration of a run."""
    found = files.read_json(files.join(workdir, CONFIG_FILE))
    if found is None:
        raise InputError(
            f"{workdir} holds no {CONFIG_FILE}: give the --workdir of a run "
            "of experiments.pretrain."
        )
    return ConfigDict(found)


def load_run(workdir, checkpoint="last"):
    """Loads `(config, tokenizer, model, step)` of a checkpoint.

    `checkpoint` is "last", "best" or a step.

    Raises:
        InputError: A file is missing, or the files do not fit together.
    """
    config = read_config(workdir)
    tokenizer = load_tokenizer(str(workdir))
    model = build_model(config, tokenizer.vocabulary_size)
    directory = files.join(workdir, CHECKPOINTS)
    with files.clear_errors(directory, "be read"):
        step = restore_model(model, directory, checkpoint)
    return config, tokenizer, model, step


def define_checkpoint():
    """Defines the flag `--checkpoint` of commands that load a run."""
    return flags.DEFINE_string(
        "checkpoint", "last", "Checkpoint to load: last, best or its step."
    )


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
