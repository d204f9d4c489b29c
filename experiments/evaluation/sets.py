"""Which sets are evaluated: those of the run, of a file, or of the flags."""

import posixpath
import re

from experiments.configs.base import evaluation
from experiments.run.checking import check_task
from uniclip_keras.errors import InputError

GROUPS = ("retrieval", "zero_shot")
# What a source calls its place, where it is no path.
ADDRESSES = {"tfds": "name"}


def with_sets(config, given=None):
    """Returns a configuration whose tasks are those to evaluate.

    Args:
        config: The configuration of a run.
        given: A section like `config.evaluation`, in its place, or None.

    Raises:
        InputError: If a task lacks something, or there is none.
    """
    config = config.copy_and_resolve_references()
    with config.unlocked(), config.ignore_type():
        if given is not None:
            fit = given.fit or config.evaluation.fit
            config.evaluation = given
            config.evaluation.fit = fit
        if config.evaluation.directory:
            config.data.directory = config.evaluation.directory
    if not any(config.evaluation[group] for group in GROUPS):
        raise InputError(
            "There is no set to evaluate: name one by --images and --classes, "
            "or several in a file by --evaluation."
        )
    for group in GROUPS:
        for name, task in config.evaluation[group].items():
            check_task(f"evaluation.{group}.{name}", task, config)
    return config


def one_set(images, group="zero_shot", prompts="photo", **options):
    """Returns the evaluation section of a single set.

    Args:
        images: str. Kind and path (or name), as in "folders:imagenet/val".
        group: "zero_shot" or "retrieval".
        prompts: str. Templates of the class names.
        options: Further options of the task, such as `classes`.

    Raises:
        InputError: If the kind or the path is missing.
    """
    kind, _, path = images.partition(":")
    if not path or path.startswith("//"):
        raise InputError(
            f"--images={images!r} does not name a kind and a path: give them "
            "as in folders:imagenet/val or webdataset:gs://bucket/*.tar."
        )
    section = evaluation()
    section.prompts = prompts
    section.directory = "."
    name = re.sub(r"[^\w.-]+", "_", path).strip("_.")
    task = {"title": posixpath.basename(path), "kind": kind}
    task[ADDRESSES.get(kind, "path")] = path
    task |= {key: value for key, value in options.items() if value}
    section[group] = {name: task}
    return section
