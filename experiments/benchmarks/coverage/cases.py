"""Populations of test items whose metrics are known exactly."""

import dataclasses
import math
import statistics
from collections.abc import Callable

import numpy as np

from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation import compare_methods
from uniclip_keras.evaluation import confidence_interval
from uniclip_keras.evaluation import paired_difference
from uniclip_keras.evaluation import variance_components

_NORMAL = statistics.NormalDist()


@dataclasses.dataclass(frozen=True)
class Case:
    """A kind of test set: `draw(rng)` gives one, `interval` looks at it.

    `plain` says that the plain bootstrap applies to what is drawn.
    """

    name: str
    truth: float
    draw: Callable
    interval: Callable = confidence_interval
    plain: bool = False


def normals(rng, groups, runs=1, group=0.0, item=0.0, seed=0.0):
    """Difficulties `[n, runs]`, standard normal over all that is drawn.

    `group`, `item` and `seed` are shares of the variance: common to a group's
    items and all runs, to an item in all runs, to all items of a run.
    """
    n, count = len(groups), groups.max() + 1
    return (
        math.sqrt(group) * rng.normal(size=count)[groups][:, None]
        + math.sqrt(item) * rng.normal(size=[n, 1])
        + math.sqrt(seed) * rng.normal(size=runs)
        + math.sqrt(1 - group - item - seed) * rng.normal(size=[n, runs])
    )


def unequal_groups(rng, count):
    """Group of each item: 8 items in the mean, log-normal sizes."""
    sizes = np.exp(rng.normal(np.log(8) - 0.32, 0.8, count))
    return np.repeat(np.arange(count), np.maximum(1, sizes.round().astype(int)))


def right(difficulty, share, **labels):
    """`Scores` of items that are right with probability `share`."""
    return Scores(difficulty < _NORMAL.inv_cdf(share), **labels)


def independent(n, share):
    def draw(rng):
        return right(normals(rng, np.arange(n))[:, 0], share)

    return Case(f"mean {share}, {n} items", share, draw, plain=True)


def clustered(count, share, group):
    def draw(rng):
        groups = unequal_groups(rng, count)
        difficulty = normals(rng, groups, group=group)[:, 0]
        return right(difficulty, share, groups=groups)

    name = f"mean {share}, {count} groups, share of group {group}"
    return Case(name, share, draw, plain=True)


def of_classes(name, classes, groups, group=0.0):
    """Classes of fixed accuracies, from 0.2 to 0.95."""
    shares = np.linspace(0.2, 0.95, classes.max() + 1)
    limits = np.array([_NORMAL.inv_cdf(share) for share in shares])

    def draw(rng):
        difficulty = normals(rng, groups, group=group)[:, 0]
        hits = difficulty < limits[classes]
        return Scores(hits, "class_mean", classes, groups)

    return Case(
        f"mean per class, {name}", float(shares.mean()), draw, plain=True
    )


def of_drawn_classes(count):
    def draw(rng):
        groups = unequal_groups(rng, count)
        difficulty = normals(rng, groups, group=0.5)[:, 0]
        return Scores(difficulty < 0.5, "class_mean", groups, groups)

    name = f"mean per class, {count} classes that are groups"
    return Case(name, _NORMAL.cdf(0.5), draw)


def ranks(name, draw_groups, group, scale):
    """Medians of ranks; `scale` 1 gives few values, 100 hardly any ties."""

    def draw(rng):
        groups = draw_groups(rng)
        difficulty = normals(rng, groups, group=group)[:, 0]
        # Half a rank more, so that the median is no border of two ranks.
        values = np.floor(scale * np.exp(1.2 * difficulty) + 0.5)
        return Scores(values, "median", groups=groups)

    return Case(f"median, {name}", float(scale), draw, plain=True)


def paired(name, draw_groups, group, statistic="mean", shares=(0.6, 0.55)):
    def draw(rng):
        groups = draw_groups(rng)
        difficulty = normals(rng, groups, 2, group, (1 - group) / 2)
        if statistic == "median":
            values = np.exp(difficulty) * [1.0, 1.2]
        else:
            values = difficulty < [_NORMAL.inv_cdf(share) for share in shares]
        classes = np.arange(len(groups)) % 10
        return [Scores(v, statistic, classes, groups) for v in values.T]

    truth = -0.2 if statistic == "median" else shares[0] - shares[1]
    kind = {"class_mean": "per class, ", "median": "of medians, "}
    return Case(
        f"difference {kind.get(statistic, '')}{name}",
        truth,
        draw,
        lambda runs: paired_difference(*runs).interval,
    )


def crossed(seeds, count, seed, methods):
    """Runs of one method or two; accuracy has about 0.4 sqrt(seed)."""
    shares = (0.6, 0.55)[:methods]

    def draw(rng):
        groups = unequal_groups(rng, count)
        difficulty = normals(rng, groups, seeds * methods, 0.2, 0.4, seed)
        limits = np.repeat([_NORMAL.inv_cdf(s) for s in shares], seeds)
        return [Scores(v, groups=groups) for v in (difficulty < limits).T]

    def interval(runs):
        if methods == 1:
            return variance_components(runs).interval
        return compare_methods(runs[:seeds], runs[seeds:]).interval

    truth = shares[0] - (shares[1] if methods == 2 else 0)
    kind = "difference of methods" if methods == 2 else "mean over seeds"
    deviation = 0.39 * math.sqrt(seed)
    name = f"{kind}, {seeds} seeds of deviation {deviation:.3f}, {count} groups"
    return Case(name, truth, draw, interval)


def make_cases():
    """Returns the cases of the table, in its order."""
    small = np.repeat(np.arange(50), np.arange(50) % 8 + 1)
    nested = np.repeat(np.arange(120), np.arange(120) % 9 + 1)
    across = np.repeat(np.arange(40), np.arange(40) % 20 + 5)
    return [
        independent(200, 0.5),
        independent(100, 0.03),
        independent(300, 0.97),
        independent(1000, 0.99),
        *(
            clustered(count, share, group)
            for count in (30, 100)
            for share in (0.5, 0.9, 0.97)
            for group in (0.2, 0.8)
        ),
        of_classes("50 of 1 to 8 items", small, np.arange(len(small))),
        of_classes("20 of 6 groups each", nested // 6, nested, 0.6),
        of_classes(
            "10, each in 40 groups", np.arange(len(across)) % 10, across, 0.6
        ),
        of_drawn_classes(40),
        ranks("200 items", lambda rng: np.arange(200), 0.0, 100),
        ranks("40 groups", lambda rng: unequal_groups(rng, 40), 0.6, 100),
        ranks("40 groups, ties", lambda rng: unequal_groups(rng, 40), 0.6, 3),
        paired("500 items", lambda rng: np.arange(500), 0.0),
        paired("40 groups", lambda rng: unequal_groups(rng, 40), 0.6),
        paired(
            "40 groups, 0.97 to 0.96",
            lambda rng: unequal_groups(rng, 40),
            0.6,
            shares=(0.97, 0.96),
        ),
        paired(
            "40 groups", lambda rng: unequal_groups(rng, 40), 0.6, "class_mean"
        ),
        paired("40 groups", lambda rng: unequal_groups(rng, 40), 0.6, "median"),
        *(
            crossed(seeds, 100, seed, methods)
            for methods in (1, 2)
            for seeds in (3, 5)
            for seed in (0.0004, 0.01)
        ),
    ]
