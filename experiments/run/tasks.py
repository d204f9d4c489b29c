"""Evaluation tasks as a configuration describes them."""

from ml_collections import ConfigDict

from experiments.run import data
from experiments.run.building import check_choice
from experiments.run.ranges import is_number
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import CORRUPTIONS
from uniclip_keras.evaluation.robustness import SEVERITIES

# Kinds of sources that know the label of an image without a field for it.
KNOW_LABELS = ("folders", "tfds")
# What probes learn from, sections of their task: sources like its own.
PARTS = ("train", "validation")
# Options of a task beside those of its source.
NOT_OF_SOURCE = (
    "title",
    "classes",
    "corruptions",
    "severities",
    "fine_tuning_epochs",
    *PARTS,
)
TASK_GROUPS = ("retrieval", "zero_shot", "probe", "robustness")


def check_task(section, task, config):
    """Raises `InputError` unless an evaluation task has what it needs."""
    options = dict(task.items())
    needed = ["title"]
    # Classes of labeled images may be named by their labels.
    if ".retrieval." in section:
        needed.append("classes")
    if options.get("kind") not in KNOW_LABELS:
        needed.append("label_field")
    for name in needed:
        if not options.get(name):
            raise InputError(
                f"{section}.{name} is missing; a task has a title, images with "
                "a label_field, and a class list."
            )
    data.check_part(config, section, source_options(options))
    for corruption in options.get("corruptions", ()):
        check_choice(f"{section}.corruptions", corruption, CORRUPTIONS)
    for severity in options.get("severities", ()):
        check_choice(f"{section}.severities", severity, SEVERITIES)
    epochs = options.get("fine_tuning_epochs", 1)
    if not is_number(epochs, int) or epochs < 1:
        raise InputError(
            f"{section}.fine_tuning_epochs={epochs!r} is not allowed; give a "
            "whole number from 1, or leave it out."
        )
    if section.startswith("evaluation.probe.") and section.count(".") == 2:
        for part in PARTS:
            if not options.get(part):
                raise InputError(
                    f"{section}.{part} is missing; a probe learns from images "
                    "of their own: name what differs, such as the path."
                )
            check_task(f"{section}.{part}", part_of(task, part), config)


def source_options(task):
    """Returns the options of a task that its source reads."""
    return {n: value for n, value in task.items() if n not in NOT_OF_SOURCE}


def part_of(task, part):
    """Returns the task of the images that a probe learns from."""
    options = {name: v for name, v in task.items() if name not in PARTS}
    title = f"{task['title']}, {part}"
    return ConfigDict(options | dict(task[part].items()) | {"title": title})
