"""The directory of a run: configuration, tokenizer, checkpoints, history.

It may be an address such as gs://bucket/run. Evaluation and export need
nothing else.
"""

import contextlib

from absl import flags
from ml_collections import ConfigDict

from experiments.run import files
from experiments.run.building import build_model
from experiments.run.earlier import complete
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError
from uniclip_keras.training import checkpoint_folders
from uniclip_keras.training import read_history
from uniclip_keras.training import restore_model

WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")

CONFIG_FILE = "config.json"
CHECKPOINTS = "checkpoints"
HISTORY = "history.jsonl"
VALIDATION = "validation.jsonl"
INDEX = "index"
INIT_FILE = "init_from.json"


def save_start(workdir, config, tokenizer, init_from=None):
    """Writes what every start of a run needs, unless it has begun.

    `init_from` is what the run remembers of the one whose weights it has. The
    configuration comes last: with it, a run has begun.
    """
    if files.exists(files.join(workdir, CONFIG_FILE)):
        return
    with files.clear_errors(workdir):
        tokenizer.save(str(workdir))
    if init_from is not None:
        files.write_json(files.join(workdir, INIT_FILE), init_from)
    save_config(workdir, config)


def save_config(workdir, config):
    """Writes the configuration into `workdir`."""
    files.write_json(files.join(workdir, CONFIG_FILE), config.to_dict())


def checkpoint_steps(workdir):
    """Returns the steps of the checkpoints of a run."""
    directory = files.join(workdir, CHECKPOINTS)
    with files.clear_errors(directory, "be read"):
        return checkpoint_folders.steps(directory)


def has_best(workdir):
    """Tells whether a run has kept the checkpoint that is best at something."""
    directory = files.join(workdir, CHECKPOINTS)
    for step in checkpoint_steps(workdir):
        with contextlib.suppress(checkpoint_folders.DamagedCheckpoint):
            if checkpoint_folders.read(directory, step).get("metrics"):
                return True
    return False


def check_whole(workdir):
    """Raises `InputError` if a run has taken steps but lost its checkpoints.

    Another start would begin from step 0 and erase the history.
    """
    path = files.join(workdir, HISTORY)
    with files.clear_errors(path, "be read"):
        rows = read_history(path)
    if rows and not checkpoint_steps(workdir):
        raise InputError(
            f"{workdir} is damaged: {HISTORY} goes up to step "
            f"{rows[-1]['step']}, and {CHECKPOINTS} holds no checkpoint; bring "
            "the checkpoints back from a copy, or give a new --workdir."
        )


def read_config(workdir):
    """Reads the resolved configuration of a run, of earlier versions too."""
    found = files.read_json(files.join(workdir, CONFIG_FILE))
    if found is None:
        raise InputError(
            f"{workdir} holds no {CONFIG_FILE}: give the --workdir of a run "
            "of experiments.pretrain."
        )
    return ConfigDict(complete(found))


def load_run(workdir, checkpoint="last"):
    """Loads `(config, tokenizer, model, step)` of a checkpoint.

    `checkpoint` is "last", "best" or a step, an int or its digits.

    Raises:
        InputError: A file is missing, or the files do not fit together.
    """
    config = read_config(workdir)
    tokenizer = load_tokenizer(str(workdir))
    model = build_model(config, tokenizer)
    if str(checkpoint).isdecimal():
        checkpoint = int(checkpoint)
    directory = files.join(workdir, CHECKPOINTS)
    with files.clear_errors(directory, "be read"):
        step = restore_model(model, directory, checkpoint)
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
