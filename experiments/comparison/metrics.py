"""A metric of several methods: values with intervals, paired differences."""

import dataclasses
import functools

import numpy as np

from experiments.comparison.items import common_scores
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


class MetricComparer:
    """The values of a metric, and its differences, each computed once.

    Args:
        metric: str.
        facts: `{label of a method: {Run: what results.json holds}}`.
        items: `{Run: (items, {metric: Scores})}`.

    Attributes:
        values: Dict label of a method -> `Value`.
        paired: Function of two labels that returns the `Paired`.
    """

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
                f"No values of single items are kept of {', '.join(lacking)}; "
                "evaluate again."
            )
        return common_scores(found)
