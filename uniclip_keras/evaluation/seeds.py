"""Metrics of several training seeds: what the seed does, and what the items.

Every run sees the same items, so seeds and items are crossed. The variance of
a mean over seeds is that of the items, which acts on all runs alike, plus that
of the seeds divided by their number. The runs' scatter holds, besides the
seeds' own effect, what each seed does to single items; this share is already
in the items' variance of the mean and is taken off.
"""

import dataclasses
import math

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.sampling_error import contrasts
from uniclip_keras.evaluation.statistics import difference
from uniclip_keras.evaluation.statistics import t_interval


@dataclasses.dataclass(frozen=True)
class VarianceComponents:
    """A metric over several seeds of one method.

    Args:
        value: float. Mean over the seeds.
        interval: (float, float). Its confidence interval for other seeds and
            other items.
        seed_deviation: float. Standard deviation of a run's metric that comes
            from its seed: on all items one could draw.
        item_deviation: float. Standard error of the mean over seeds that comes
            from the choice of items.
        seeds: int. Number of runs.
    """

    value: float
    interval: tuple[float, float]
    seed_deviation: float
    item_deviation: float
    seeds: int


def variance_components(runs, level=0.95):
    """Tells the variance of training seeds from that of test items.

    Args:
        runs: List of `Scores` of the same items, one for each seed.
        level: float. Level of the interval.

    Returns:
        `VarianceComponents`.

    Raises:
        InputError: If there are fewer than two runs, they cannot be compared
            item by item, or there are fewer than two groups.
    """
    found, item_error, variances = _crossed([runs])
    return VarianceComponents(
        found.value,
        t_interval(found, level),
        math.sqrt(variances[0]),
        item_error,
        len(runs),
    )


def compare_methods(first, second, level=0.95):
    """Compares two methods with several training seeds each.

    Args:
        first: List of `Scores` of the same items, one for each seed.
        second: As `first`, of the other method; its seeds are other ones.
        level: float. Level of the interval.

    Returns:
        A `Difference` of the means over seeds, first less second, for other
        seeds and other items.

    Raises:
        InputError: As `variance_components`.
    """
    return difference(_crossed([first, second])[0], level)


def _crossed(methods):
    """Returns the mean of the first method less that of the second, if any.

    Returns:
        `(found, item_error, seed_variances)`: a `SamplingError` that counts
        seeds and items, the error by items alone, and a variance per method.
    """
    for runs in methods:
        if len(runs) < 2:
            raise InputError(
                f"There are {len(runs)} runs of a method; give at least two "
                "training seeds to tell their variance from that of the items."
            )
    counts = [len(runs) for runs in methods]
    total = sum(counts)
    mean = np.concatenate(
        [np.full(n, sign / n) for n, sign in zip(counts, (1, -1), strict=False)]
    )
    method = np.repeat(np.arange(len(methods)), counts)
    same = method[:, None] == method
    # A run less the mean of its method; the last row is the whole.
    deviations = np.eye(total) - same / same.sum(1)
    found = contrasts(sum(methods, []), [*deviations, mean])
    deviations, whole = found[:-1], found[-1]

    variance, spread = whole.error**2, whole.error**4 / whole.cautious_freedom
    seed_variances = []
    for number, n in enumerate(counts):
        own = [
            d for d, m in zip(deviations, method, strict=True) if m == number
        ]
        scatter = sum(d.value**2 for d in own) / (n - 1)
        by_item = sum(d.error**2 for d in own) / (n - 1)
        seed_variances.append(max(scatter - by_item, 0.0))
        variance += seed_variances[-1] / n
        spread += scatter * seed_variances[-1] / n**2 / (n - 1)
    freedom = variance**2 / spread if spread else whole.cautious_freedom
    combined = whole._replace(
        error=math.sqrt(variance), freedom=freedom, contributors=math.inf
    )
    return combined, whole.error, seed_variances
