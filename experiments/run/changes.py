"""What may change between two starts of a run, and the record of it."""

import json

from experiments.run import files
from experiments.run.data import PATHS
from experiments.run.workdir import CONFIG_FILE
from experiments.run.workdir import flatten
from experiments.run.workdir import read_config
from experiments.run.workdir import save_config
from uniclip_keras.errors import InputError

CHANGES = "changes.jsonl"

# Options and sections that the mathematics of the training does not depend on.
FREE = (
    "name",
    "log_every",
    "checkpoint_every",
    "distribution",
    "steps_per_execution",
    "evaluation",
    "validation",
    "data.directory",
    "data.threads",
    "data.max_bad_share",
    "model.gradient_cache_size",
    # The tokenizer is saved with the run.
    "tokenizer.file",
    "tokenizer.training_texts",
)


def find_changes(workdir, config, allowed=False):
    """Compares a configuration with the one that has trained in `workdir`.

    Returns:
        The options that differ, a list of dicts of "option", "before" and
        "after"; none in a new workdir.

    Raises:
        InputError: If an option differs that the training depends on, unless
            changes are `allowed`.
    """
    if not files.exists(files.join(workdir, CONFIG_FILE)):
        return []
    before = flatten(as_json(read_config(workdir)))
    now = flatten(as_json(config))
    changes = [
        {"option": key, "before": before.get(key), "after": now.get(key)}
        for key in sorted(set(before) | set(now))
        if before.get(key) != now.get(key)
    ]
    refused = [change for change in changes if not is_free(change["option"])]
    if refused and not allowed:
        shown = "; ".join(
            f"{change['option']} is {change['after']!r} and was "
            f"{change['before']!r}"
            for change in refused[:3]
        )
        raise InputError(
            f"{workdir} belongs to a run with another configuration ({shown}): "
            "give --allow_changes to continue it so, the configuration of that "
            "run, or another --workdir."
        )
    return changes


def is_free(option):
    """Tells whether an option may change at any time."""
    if any(option == free or option.startswith(f"{free}.") for free in FREE):
        return True
    section, _, last = option.rpartition(".")
    return section.startswith("data.train.") and last in PATHS


def record_changes(workdir, config, changes, step):
    """Writes the changes and the new configuration into `workdir`.

    `changes.jsonl` gets a row for each option that the training depends on.
    """
    if not changes:
        return
    rows = [
        {"step": step, **change}
        for change in changes
        if not is_free(change["option"])
    ]
    if rows:
        path = files.join(workdir, CHANGES)
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        files.write_text(path, (files.read_text(path) or "") + lines)
    save_config(workdir, config)


def as_json(config):
    """Returns the configuration as it is read back from a file."""
    return json.loads(json.dumps(config.to_dict()))
