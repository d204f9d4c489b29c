"""Methods compared task by task."""

import dataclasses
import functools

from experiments.comparison.metrics import MetricComparer
from experiments.comparison.names import compile_names
from experiments.comparison.names import restrict
from experiments.evaluation import storage
from uniclip_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class Measure:
    """A metric of a task.

    Attributes:
        metric: str.
        values: Dict label of a method -> `Value`.
        differences: Dict label of a method -> `Paired`, less the baseline.
        best: Label of the method that is clearly better than every other one,
            or None.
    """

    metric: str
    values: dict
    differences: dict
    best: str | None


@dataclasses.dataclass(frozen=True)
class Task:
    """The measures of a task asked in one way.

    Attributes:
        group, name, way, title: str. "zero_shot" is both a group and a way.
        measures: List of `Measure`.
        notes: List of sentences.
    """

    group: str
    name: str
    way: str
    title: str
    measures: list
    notes: list


def compare(methods, names=None):
    """Compares methods task by task with the first, the baseline.

    Args:
        methods: List of `Method`.
        names: str. A regular expression: only items whose name matches count,
            and tasks without any are left out.

    Returns:
        List of `Task`.

    Raises:
        InputError: If there are several methods, and the baseline has no task
            in common with any other, or if no name matches.
    """
    places = {
        method.label: dict.fromkeys(
            place for run in method.runs for place in run.measured()
        )
        for method in methods
    }
    first, *others = places.values()
    if others and not any(first.keys() & other.keys() for other in others):
        listed = "; ".join(
            f"{label} has {', '.join(sorted({name for _, name, _ in found}))}"
            for label, found in places.items()
        )
        raise InputError(
            f"{methods[0].label} has no task in common with the others "
            f"({listed}): evaluate them on the same sets."
        )
    pattern = compile_names(names) if names else None
    read = functools.cache(lambda run, place: _read(run, place, pattern))
    every = dict.fromkeys(place for found in places.values() for place in found)
    tasks = [_compare_task(place, methods, read) for place in every]
    tasks = [task for task in tasks if task is not None]
    if not tasks:
        raise InputError(
            f"--names={names} matches no name of an item; try another pattern."
        )
    if names:
        titles = [f"{task.title}, names with {names}" for task in tasks]
        tasks = [
            dataclasses.replace(task, title=title)
            for task, title in zip(tasks, titles, strict=True)
        ]
    return tasks


def _read(run, place, names):
    """Returns what a run holds of a task: values, items and their scores."""
    _, task, way = place
    values = run.measured().get(place)
    items, scores = storage.read_scores(run.workdir, task).get(way, ((), {}))
    if values is None or names is None:
        return values, items, scores
    found = restrict(run.workdir, task, items, scores, names)
    return found or (None, (), {})


def _compare_task(place, methods, read):
    group, name, way = place
    facts, items = {}, {}
    for method in methods:
        for run in method.runs:
            values, *kept = read(run, place)
            if values is not None:
                facts.setdefault(method.label, {})[run] = values
                items[run] = kept
    if not facts:
        return None
    values = [v for found in facts.values() for v in found.values()]
    metrics = dict.fromkeys(
        metric
        for found in values
        for metric in found
        if metric in found.get("chance", {}) | found.get("intervals", {})
    )
    baseline, measures = methods[0].label, []
    for metric in metrics:
        comparer = MetricComparer(metric, facts, items)
        labels = list(comparer.values)
        differences = {
            label: comparer.paired(label, baseline)
            for label in labels
            if label != baseline and baseline in labels
        }
        measures.append(
            Measure(metric, comparer.values, differences, comparer.best())
        )
    title = next(iter(items)).title(name)
    notes = _notes(values, measures)
    return Task(group, name, way, title, measures, notes)


def _notes(values, measures):
    notes = []
    sizes = {v.get("candidates", v.get("classes")) for v in values} - {None}
    if len(sizes) > 1:
        sizes = ", ".join(f"{size:,}" for size in sorted(sizes))
        notes.append(
            f"The runs choose among unlike numbers of answers ({sizes})."
        )
    for measure in measures:
        for label, paired in measure.differences.items():
            if paired.reason:
                notes.append(f"{label} cannot be compared: {paired.reason}")
            elif paired.dropped:
                notes.append(
                    f"{label} is compared on the {paired.items:,} items in "
                    f"common; {paired.dropped:,} are left out."
                )
    # Most concern all metrics.
    return list(dict.fromkeys(notes))
