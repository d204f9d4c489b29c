"""Which sets are evaluated: those of the run, of a file, or of the flags."""

import re

from absl import flags
from ml_collections import config_flags

from experiments.configs.base import evaluation
from experiments.run.tasks import TASK_GROUPS
from experiments.run.tasks import check_task
from uniclip_keras.errors import InputError

# What a source calls its place, where it is no path.
ADDRESSES = {"tfds": "name"}

_EVALUATION = config_flags.DEFINE_config_file(
    "evaluation", None, "File of the sets to evaluate, for the run's own."
)
_IMAGES = flags.DEFINE_string(
    "images", None, "One set, its kind and path: folders:imagenet/val."
)
_TASK = flags.DEFINE_enum(
    "task", "zero_shot", ("zero_shot", "retrieval"), "Task of --images."
)
_CLASSES = flags.DEFINE_string("classes", None, "Class list of --images.")
_LABEL_FIELD = flags.DEFINE_string(
    "label_field", None, "Field of the labels of --images."
)
_GROUP_FIELD = flags.DEFINE_string(
    "group_field", None, "Field of what intervals resample together, if any."
)
_PROMPTS = flags.DEFINE_string(
    "prompts", "photo", "Prompt templates of --images."
)


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
            config.evaluation = given
        if config.evaluation.directory:
            config.data.directory = config.evaluation.directory
    if not any(config.evaluation[group] for group in TASK_GROUPS):
        raise InputError(
            "There is no set to evaluate: name one by --images and --classes, "
            "or several in a file by --evaluation."
        )
    for group in TASK_GROUPS:
        for name, task in config.evaluation[group].items():
            check_task(f"evaluation.{group}.{name}", task, config)
    return config


def given_sets():
    """Returns the evaluation section that the flags give, or None.

    Raises:
        InputError: If they contradict each other.
    """
    if not _IMAGES.value:
        return _EVALUATION.value
    if _EVALUATION.value is not None:
        raise InputError(
            "--images and --evaluation both name sets: give one of them."
        )
    kind, _, path = _IMAGES.value.partition(":")
    if not path or path.startswith("//"):
        raise InputError(
            f"--images={_IMAGES.value!r} does not name a kind and a path: give "
            "them as in folders:imagenet/val or webdataset:gs://bucket/*.tar."
        )
    task = {"title": path, "kind": kind, ADDRESSES.get(kind, "path"): path}
    for flag in (_CLASSES, _LABEL_FIELD, _GROUP_FIELD):
        if flag.value:
            task[flag.name] = flag.value
    section = evaluation()
    section.prompts = _PROMPTS.value
    section.directory = "."
    name = re.sub(r"[^\w.-]+", "_", path).strip("_.")
    section[_TASK.value] = {name: task}
    return section
