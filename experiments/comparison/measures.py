"""Metrics of methods with intervals, and their paired differences."""

import dataclasses
import functools

import numpy as np

from experiments.comparison.items import common_scores
from experiments.evaluation import storage
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.sampling_error import contrasts
from uniclip_keras.evaluation.seeds import VarianceComponents
from uniclip_keras.evaluation.seeds import compare_methods
from uniclip_keras.evaluation.seeds import variance_components
from uniclip_keras.evaluation.statistics import Difference
from uniclip_keras.evaluation.statistics import difference

LEVEL = 0.95
# All other metrics are the better, the higher.
LOWER_IS_BETTER = ("median_rank",)


@dataclasses.dataclass(frozen=True)
class Value:
    """A metric of a method.

    Attributes:
        value: float. Mean over the seeds.
        interval: (float, float), or None if it is not known.
        by_run: Dict label of a run -> its value.
        components: `VarianceComponents` of several seeds, or None.
    """

    value: float
    interval: tuple | None
    by_run: dict
    components: VarianceComponents | None = None


@dataclasses.dataclass(frozen=True)
class Paired:
    """A paired difference of two methods, the first less the second.

    Attributes:
        found: `Difference`, or None if it cannot be told.
        items: int. Compared items.
        dropped: int. Items of a run that the others lack.
        with_seeds: bool. Whether the error counts the seeds, too.
        reason: str. Why it cannot be told.
    """

    found: Difference | None = None
    items: int = 0
    dropped: int = 0
    with_seeds: bool = False
    reason: str = ""

    @property
    def is_clear(self):
        """Whether the interval excludes 0."""
        return self.found is not None and not (
            self.found.interval[0] <= 0 <= self.found.interval[1]
        )


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


def compare(methods):
    """Compares methods task by task with the first, the baseline.

    Args:
        methods: List of `Method`.

    Returns:
        List of `Task`.

    Raises:
        InputError: If there are several methods, and the baseline has no task
            in common with any other.
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
    read = functools.cache(
        lambda run, name: storage.read_scores(run.workdir, name)
    )
    every = dict.fromkeys(place for found in places.values() for place in found)
    return [_compare_task(place, methods, read) for place in every]


def _compare_task(place, methods, read):
    group, name, way = place
    facts, items = {}, {}
    for method in methods:
        for run in method.runs:
            if place in run.measured():
                facts.setdefault(method.label, {})[run] = run.measured()[place]
                items[run] = read(run, name).get(way, ((), {}))
    values = [v for found in facts.values() for v in found.values()]
    metrics = dict.fromkeys(
        metric
        for found in values
        for metric in found
        if metric in found["chance"] | found.get("intervals", {})
    )
    baseline, measures = methods[0].label, []
    for metric in metrics:
        comparer = _Comparer(metric, facts, items)
        labels = list(comparer.values)
        differences = {
            label: comparer.paired(label, baseline)
            for label in labels
            if label != baseline and baseline in labels
        }
        measures.append(
            Measure(metric, comparer.values, differences, comparer.best())
        )
    sizes = {v.get("candidates", v.get("classes")) for v in values}
    notes = []
    if len(sizes) > 1:
        sizes = ", ".join(f"{size:,}" for size in sorted(sizes))
        notes = [f"The runs choose among unlike numbers of answers ({sizes})."]
    title = next(iter(items)).title(name)
    return Task(group, name, way, title, measures, notes)


class _Comparer:
    """The values of a metric, and its differences, each computed once."""

    def __init__(self, metric, facts, items):
        self._metric, self._items = metric, items
        self._runs = {
            label: [run for run, found in by_run.items() if metric in found]
            for label, by_run in facts.items()
        }
        self.values = {
            label: self._value({run: facts[label][run] for run in runs})
            for label, runs in self._runs.items()
            if runs
        }
        self.paired = functools.cache(self._paired)

    def best(self):
        """Returns the label that is clearly better than all others, or None."""
        sign = -1 if self._metric in LOWER_IS_BETTER else 1
        first, *others = sorted(
            self.values, key=lambda label: -sign * self.values[label].value
        )
        beats_all = all(self._beats(first, other, sign) for other in others)
        return first if others and beats_all else None

    def _beats(self, first, second, sign):
        order = list(self.values)
        # In the order of the differences to the baseline, which are known.
        pair = sorted((first, second), key=order.index, reverse=True)
        paired = self.paired(*pair)
        if not paired.is_clear:
            return False
        return (sign * paired.found.value > 0) == (pair[0] == first)

    def _value(self, facts):
        metric = self._metric
        by_run = {run.label: found[metric] for run, found in facts.items()}
        value = float(np.mean(list(by_run.values())))
        if len(facts) == 1:
            (found,) = facts.values()
            return Value(value, found.get("intervals", {}).get(metric), by_run)
        try:
            scores, _ = self._common(list(facts))
            components = variance_components(scores, LEVEL)
        except InputError:
            return Value(value, None, by_run)
        low, high = components.interval
        least, most = (1, high) if metric in LOWER_IS_BETTER else (0, 1)
        interval = max(low, least), min(high, most)
        return Value(value, interval, by_run, components)

    def _paired(self, first, second):
        first, second = self._runs[first], self._runs[second]
        with_seeds = min(len(first), len(second)) > 1
        try:
            scores, dropped = self._common(first + second)
            if with_seeds:
                ours, theirs = scores[: len(first)], scores[len(first) :]
                found = compare_methods(ours, theirs, LEVEL)
            else:
                weights = [1 / len(first)] * len(first)
                weights += [-1 / len(second)] * len(second)
                found = difference(contrasts(scores, [weights])[0], LEVEL)
        except InputError as error:
            return Paired(reason=str(error))
        found = _without_rounding_errors(found)
        return Paired(found, len(scores[0].values), dropped, with_seeds)

    def _common(self, runs):
        found = [
            (self._items[run][0], self._items[run][1].get(self._metric))
            for run in runs
        ]
        lacking = [
            run.label
            for run, (_, scores) in zip(runs, found, strict=True)
            if scores is None
        ]
        if lacking:
            raise InputError(
                f"{', '.join(lacking)}: no values of single items are kept; "
                "evaluate again."
            )
        return common_scores(found)


def _without_rounding_errors(found):
    """Makes a difference 0 that is so but for the last bits of its means."""
    value, low, high = (round(x, 12) for x in (found.value, *found.interval))
    p_value = found.p_value if value or low or high else 1.0
    return dataclasses.replace(
        found, value=value, interval=(low, high), p_value=p_value
    )
