"""The error that a metric owes to the choice of its test items.

Groups are drawn, items are not: all formulas count whole groups. A mean is
linear in the items, so its error follows from what each group adds to it
("cluster-robust", CR2 of Bell and McCaffrey, Survey Methodology 28, 2002), and
Satterthwaite's degrees of freedom say how well the groups, of unequal sizes,
tell that error. Resampled percentiles cover too seldom with few groups; the
benchmark `experiments.benchmarks.coverage` compares. A median takes the
bootstrap.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.bootstrap import bootstrap_medians
from uniclip_keras.evaluation.scores import Scores


class SamplingError(NamedTuple):
    """A value, its standard error, and how well that is known.

    `freedom` are the degrees of freedom of the error by the groups' sizes,
    `contributors` the effective number of groups that it comes from: few, where
    most groups agree. `squared_weight` is the sum over groups of the squared
    share that a group has in the value.
    """

    value: float
    error: float
    freedom: float
    contributors: float
    squared_weight: float

    @property
    def cautious_freedom(self):
        """Degrees of freedom, fewer where few groups make the error."""
        return min(self.freedom, max(2 * self.contributors, 1.0))


def sampling_error(scores):
    """Returns the `SamplingError` of one metric.

    For `"class_mean"`, classes are fixed and groups are drawn. Where every
    class lies in one group, as with concepts that are both, classes are drawn
    with their groups.

    Raises:
        InputError: If there are fewer than two groups.
    """
    if scores.statistic == "median":
        return contrasts([scores], [[1.0]])[0]
    values, classes, groups = scores.values, scores.classes, _codes(scores)
    if scores.statistic == "mean":
        classes = np.zeros(len(values), np.int64)
    _, first, classes = np.unique(
        classes, return_index=True, return_inverse=True
    )
    if len(first) > 1 and (groups == groups[first][classes]).all():
        values = np.bincount(classes, values) / np.bincount(classes)
        groups, classes = groups[first], np.zeros(len(first), np.int64)
    return _linear_error(values, classes, groups)


def contrasts(runs, coefficients):
    """Returns the `SamplingError` of each weighted sum of runs' metrics.

    Args:
        runs: List of `Scores` of the same items.
        coefficients: A list of a float for each run, for each sum; 1 and -1
            make a difference.

    Raises:
        InputError: If the runs differ in their number of items, statistic,
            classes or groups, or there are fewer than two groups.
    """
    _check_same_items(runs)
    first = runs[0]
    values = np.stack([run.values for run in runs], axis=1)  # [n, runs]
    if first.statistic != "median":
        return [
            sampling_error(dataclasses.replace(first, values=values @ weights))
            for weights in coefficients
        ]
    resampled = bootstrap_medians(values, _codes(first))
    # The same groups inform about the median as about the share below it.
    half = sampling_error(below_median(first))
    metrics = np.median(values, axis=0)
    return [
        half._replace(
            value=float(metrics @ weights),
            error=float((resampled @ weights).std()),
        )
        for weights in coefficients
    ]


def _codes(scores):
    """Numbers the groups from 0: ints `[n]`. Two groups are the least."""
    if scores.groups is None:
        groups = np.arange(len(scores.values))
    else:
        groups = np.unique(scores.groups, return_inverse=True)[1]
    if not groups.any():
        raise InputError(
            "All items are in one group, which says nothing about others; "
            "give items of at least two groups."
        )
    return groups


def below_median(scores):
    """Returns `Scores` of whether items lie below the median, or at it.

    At it counts as below if the share is then closer to a half.
    """
    median = np.median(scores.values)
    below, up_to = scores.values < median, scores.values <= median
    best = min(below, up_to, key=lambda chosen: abs(chosen.mean() - 0.5))
    return Scores(best, groups=scores.groups)


def _check_same_items(runs):
    """Raises `InputError` unless runs can be compared item by item."""
    first = runs[0]
    for other in runs[1:]:
        if len(other.values) != len(first.values):
            raise InputError(
                f"One run has {len(first.values)} items and another "
                f"{len(other.values)}; compare runs on the same items."
            )
        if other.statistic != first.statistic:
            raise InputError(
                f"One run has the statistic {first.statistic!r} and another "
                f"{other.statistic!r}; compare the same metric."
            )
        for name in ("classes", "groups"):
            one, two = getattr(first, name), getattr(other, name)
            if (one is None) != (two is None) or not (
                one is None or np.array_equal(one, two)
            ):
                raise InputError(
                    f"The {name} of the runs differ; compare runs on the same "
                    "items in the same order."
                )


def _linear_error(values, classes, groups):
    """The error of the mean over classes of their means; classes are ints."""
    items = np.bincount(classes)
    means = np.bincount(classes, values) / items
    residuals = values - means[classes]
    count = groups.max() + 1
    weight = 1 / (len(items) * items)  # [classes], of an item

    # A cell holds the items of one class in one group.
    cells, cell = np.unique(classes * count + groups, return_inverse=True)
    cell_class, cell_group = cells // count, cells % count
    size = np.bincount(cell)
    share = size / items[cell_class]
    # A class in one group has no deviation from itself to tell its error by.
    told = share < 1
    # The class's mean follows its groups: what remains is too small.
    gain = np.where(told, 1 / np.sqrt(1 - share * told), 0.0)
    cell_weight = weight[cell_class] * size
    sums = np.bincount(cell, residuals) * weight[cell_class] * gain

    def by_group(amounts):
        return np.bincount(cell_group, amounts, minlength=count)

    squares = by_group(sums) ** 2
    observed = float(squares.sum())
    contributors = observed**2 / (squares**2).sum() if observed else 0.0
    correlation = _correlation(residuals, groups)

    def expected(chosen):
        """Variance of each group's part at this correlation, in units."""
        alone = by_group(chosen * cell_weight**2 / size)
        together = by_group(chosen * cell_weight) ** 2
        return (1 - correlation) * alone + correlation * together

    seen = expected(told)
    part = seen > 0
    leverage = by_group(told * cell_weight * share)[part]
    leverage /= by_group(told * cell_weight)[part]
    freedom = seen.sum() ** 2 / (seen[part] ** 2 / (1 - leverage)).sum()
    variance = observed * expected(np.ones(len(cells))).sum() / seen.sum()
    return SamplingError(
        float(means.mean()),
        float(np.sqrt(variance)),
        max(float(freedom), 1.0),
        float(contributors),
        float((by_group(cell_weight) ** 2).sum()),
    )


def _correlation(residuals, groups):
    """Correlation of items of a group, in [0, 1], by analysis of variance."""
    sizes = np.bincount(groups)
    n, count = len(groups), len(sizes)
    square = float((residuals**2).sum())
    between = float((np.bincount(groups, residuals) ** 2 / sizes).sum())
    if n == count or square == 0:
        return 1.0
    between, within = between / (count - 1), (square - between) / (n - count)
    typical = (n - (sizes**2).sum() / n) / (count - 1)
    total = between + (typical - 1) * within
    return float(np.clip((between - within) / total, 0.0, 1.0))
