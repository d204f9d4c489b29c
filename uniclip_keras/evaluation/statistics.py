"""How sure a metric is, and whether one run beats another on the same items."""

import dataclasses
import math

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import student
from uniclip_keras.evaluation.sampling_error import below_median
from uniclip_keras.evaluation.sampling_error import contrasts
from uniclip_keras.evaluation.sampling_error import sampling_error


@dataclasses.dataclass(frozen=True)
class Difference:
    """A difference of two metrics and what can be said of it.

    Args:
        value: float. The first metric less the second.
        interval: (float, float). Its confidence interval.
        p_value: float. Two-sided probability of a difference this large if
            there were none.
        detectable: float. The true difference that a comparison like this one
            finds (5 % level) in 80 % of cases.
    """

    value: float
    interval: tuple[float, float]
    p_value: float
    detectable: float


def confidence_interval(scores, level=0.95):
    """Returns the interval of a metric for other items of the same kind.

    Where all values lie in [0, 1], this is Wilson's interval of a proportion
    from as many independent items as the error is worth (Korn and Graubard,
    Survey Methodology 24, 1998; Dean and Pagano, J. Surv. Stat. Methodol. 3,
    2015), so that it has a width at 0 and 1, too. Other means take Student's
    t. The interval of a median holds the values between those shares of the
    items that are compatible with a half (Woodruff, JASA 47, 1952).

    Args:
        scores: `Scores`.
        level: float. How often such intervals hold the true value.

    Returns:
        `(low, high)`, or None with fewer than two groups, which say nothing
        about others.

    Raises:
        InputError: If the level is not between 0 and 1.
    """
    _check_share("level", level)
    if len(scores.values) < 2 or (
        scores.groups is not None and (scores.groups == scores.groups[0]).all()
    ):
        return None
    if scores.statistic == "median":
        return _median_interval(scores, level)
    if scores.values.min() >= 0 and scores.values.max() <= 1:
        return _wilson(*_effective(scores, level))
    return t_interval(sampling_error(scores), level)


def paired_difference(first, second, level=0.95):
    """Compares two runs on the same items, in the same order.

    Args:
        first: `Scores` of one run.
        second: `Scores` of the other, with equal statistic, classes, groups.
        level: float. Level of the interval.

    Returns:
        A `Difference`: first less second. The error is that of the items'
        differences, so what is hard for both runs cancels.

    Raises:
        InputError: If the runs cannot be compared item by item, or there are
            fewer than two groups.
    """
    _check_share("level", level)
    return difference(contrasts([first, second], [[1.0, -1.0]])[0], level)


def detectable_difference(scores, correlation=0.0, power=0.8, alpha=0.05):
    """Returns the smallest true difference that this test set can see.

    Args:
        scores: `Scores` of one run, before any comparison.
        correlation: float in [0, 1). Of two runs' values of an item. Runs of
            similar models often have 0.5 or more; 0 is the cautious guess.
        power: float. How often the difference is to be found.
        alpha: float. How often none may be taken for one.

    Raises:
        InputError: If a share is not between 0 and 1, or there are fewer than
            two groups.
    """
    _check_share("power", power)
    _check_share("alpha", alpha)
    if not 0 <= correlation < 1:
        raise InputError(f"correlation={correlation}: give a float in [0, 1).")
    found = sampling_error(scores)
    error = found.error * math.sqrt(2 * (1 - correlation))
    return _detectable(found._replace(error=error), power, alpha)


def difference(found, level):
    """Makes a `Difference` of the `SamplingError` of a difference."""
    # Equal runs may differ in the last bits of their means.
    found = found._replace(
        value=round(found.value, 12), error=round(found.error, 12)
    )
    if found.error:
        t = abs(found.value) / found.error
        p_value = 2 * student.cumulative(-t, found.cautious_freedom)
    else:
        p_value = float(found.value == 0)
    return Difference(
        found.value, t_interval(found, level), p_value, _detectable(found)
    )


def t_interval(found, level):
    """Returns the interval of a `SamplingError` by Student's t."""
    freedom = found.cautious_freedom
    margin = found.error * student.quantile((1 + level) / 2, freedom)
    return found.value - margin, found.value + margin


def _detectable(found, power=0.8, alpha=0.05):
    freedom = found.cautious_freedom
    return found.error * (
        student.quantile(1 - alpha / 2, freedom)
        + student.quantile(power, freedom)
    )


def _effective(scores, level):
    """Returns metric, independent items that tell as much, and t's quantile."""
    found = sampling_error(scores)
    probability = (1 + level) / 2
    if not found.error:
        # Nothing was seen to vary: groups may then be of one piece.
        size = 1 / found.squared_weight
        return found.value, size, student.quantile(probability, found.freedom)
    size = found.value * (1 - found.value) / found.error**2
    # Wilson's formula knows the error of independent items; only that of
    # groups is an estimate.
    grouped = scores.groups is not None
    freedom = found.cautious_freedom if grouped else found.freedom
    return found.value, size, student.quantile(probability, freedom)


def _wilson(share, size, t):
    middle = (share + t * t / (2 * size)) / (1 + t * t / size)
    spread = share * (1 - share) / size + (t / (2 * size)) ** 2
    margin = t * math.sqrt(spread) / (1 + t * t / size)
    return max(middle - margin, 0.0), min(middle + margin, 1.0)


def _median_interval(scores, level):
    _, size, t = _effective(below_median(scores), level)
    n = len(scores.values)
    # Position of the lower end, from 1; the upper one is as far from the top.
    low = max(1, round(n * (0.5 - t * 0.5 / math.sqrt(size))))
    ordered = np.sort(scores.values)
    return float(ordered[low - 1]), float(ordered[n - low])


def _check_share(name, value):
    if not 0 < value < 1:
        raise InputError(f"{name}={value}: give a float between 0 and 1.")
