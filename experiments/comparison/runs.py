"""Evaluated runs, and the methods that they repeat with several seeds."""

import collections
import dataclasses
import pathlib
import posixpath
import re

from experiments.evaluation.results import RESULTS
from experiments.run import files
from experiments.run.changes import is_free
from experiments.run.tasks import TASK_GROUPS
from experiments.run.workdir import CONFIG_FILE
from experiments.run.workdir import HISTORY
from experiments.run.workdir import INIT_FILE
from experiments.run.workdir import VALIDATION
from experiments.run.workdir import flatten
from experiments.run.workdir import read_config
from uniclip_keras.errors import InputError
from uniclip_keras.training import read_history


# Equal if it is the same object: a key of dicts.
@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """What a workdir holds of a run and of its evaluation.

    Attributes:
        workdir: str.
        label: str. The end of `workdir` that tells it from the others.
        results: The dict of results.json.
        config: Its configuration, or None of a SavedModel.
        history: Rows of what the run reported and validated.
        start: Dict. The run that its weights come from, if any.
    """

    workdir: str
    label: str
    results: dict
    config: object
    history: list
    start: dict

    @property
    def settings(self):
        """The options by name, as in "optimizer.learning_rate"."""
        return flatten(self.config.to_dict()) if self.config else {}

    def measured(self):
        """Returns `{(group, task, way): values}` of all that was evaluated.

        The way is "zero_shot", or one of several to ask a task.
        """
        return {
            (group, task, way): values
            for group in TASK_GROUPS
            for task, ways in self.results.get(group, {}).items()
            for way, values in (
                {group: ways} if group == "zero_shot" else ways
            ).items()
        }

    def title(self, task):
        """Returns the title of a task."""
        return self.results.get("splits", {}).get(task, task)


@dataclasses.dataclass(frozen=True, eq=False)
class Method:
    """Runs that differ in their seed only; often a single one."""

    label: str
    runs: list


def read_runs(workdirs):
    """Reads evaluated workdirs.

    Raises:
        InputError: If there are none, one is given twice or not evaluated, or
            a file is broken.
    """
    if not workdirs:
        raise InputError(
            "There is nothing to compare: give the workdirs of evaluated runs, "
            "as in `python -m experiments.compare runs/a runs/b`."
        )
    workdirs = [normal_path(path) for path in workdirs]
    twice = [path for path in workdirs if workdirs.count(path) > 1]
    if twice:
        raise InputError(f"{twice[0]} is given twice; give each workdir once.")
    labels = _labels(workdirs)
    return [
        _read_run(path, label)
        for path, label in zip(workdirs, labels, strict=True)
    ]


def normal_path(workdir):
    """Returns the path of a workdir as `Run.workdir` has it."""
    return workdir if "://" in workdir else posixpath.normpath(workdir)


def group_methods(runs):
    """Groups runs that differ in their seed only, by their configurations.

    What the training does not depend on may differ, too. Runs that began
    from other weights, or ended at another step, are other methods; so are
    those of the same seed.

    Returns:
        List of `Method`, in the order of their first runs.
    """
    groups, seeds = collections.defaultdict(list), collections.Counter()
    for run in runs:
        key = run.workdir
        if run.config is not None:
            options = {
                name: value
                for name, value in run.settings.items()
                if name != "seed" and not is_free(name)
            }
            steps = [row.get("step", 0) for row in run.history]
            key = repr([sorted(options.items()), run.start, max(steps or [0])])
            seeds[key, run.config.seed] += 1
            key = key, seeds[key, run.config.seed]
        groups[key].append(run)
    labels = [_common_label([r.label for r in g]) for g in groups.values()]
    return [
        Method(group[0].label if labels.count(label) > 1 else label, group)
        for label, group in zip(labels, groups.values(), strict=True)
    ]


def _read_run(workdir, label):
    results = files.read_json(files.join(workdir, RESULTS))
    if results is None:
        raise InputError(
            f"{workdir} holds no {RESULTS}: evaluate it first, by `python -m "
            f"experiments.evaluate --workdir={workdir}`."
        )
    config = None
    if files.exists(files.join(workdir, CONFIG_FILE)):
        config = read_config(workdir)
    history = []
    for name in (HISTORY, VALIDATION):
        history += read_history(files.join(workdir, name))
    start = files.read_json(files.join(workdir, INIT_FILE)) or {}
    run = Run(workdir, label, results, config, history, start)
    if not run.measured():
        raise InputError(
            f"{files.join(workdir, RESULTS)} holds no result of a task: "
            "evaluate the workdir on at least one set."
        )
    return run


def _labels(workdirs):
    """Returns the shortest ends of paths that differ from each other.

    A label holds more than a seed: "clip/seed_1", not "seed_1".
    """
    parts = [pathlib.PurePosixPath(path).parts for path in workdirs]
    for length in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(path[-length:]) for path in parts]
        is_seed = [re.fullmatch(r"seed[-_ =]?\d+", x) for x in labels]
        if len(set(labels)) == len(labels) and not any(is_seed):
            break
    return labels


def _common_label(labels):
    """Returns what labels of several seeds begin with: "clip_seed1" -> "clip".

    It is the first label if they have nothing in common.
    """
    if len(labels) == 1:
        return labels[0]
    common = posixpath.commonprefix(labels).rstrip("0123456789")
    common = common.rstrip("_-./ =").removesuffix("seed").rstrip("_-./ =")
    return common or labels[0]
