"""Variance of seeds and of items, apart and together."""

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation import compare_methods
from uniclip_keras.evaluation import paired_difference
from uniclip_keras.evaluation import student
from uniclip_keras.evaluation import variance_components


def constant_runs(values):
    return [Scores(np.full(50, value)) for value in values]


def test_seeds_alone_are_the_t_test():
    values = np.array([2.0, 3.0, 7.0])
    found = variance_components(constant_runs(values))
    margin = student.quantile(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    assert found.interval == pytest.approx((4 - margin, 4 + margin))
    assert found.seed_deviation == pytest.approx(values.std(ddof=1))
    assert (found.item_deviation, found.seeds) == (0, 3)
    both = compare_methods(constant_runs(values), constant_runs(values + 9))
    assert both.value == pytest.approx(-9)
    margin = student.quantile(0.975, 4) * np.sqrt(2 * values.var(ddof=1) / 3)
    assert both.interval == pytest.approx((-9 - margin, -9 + margin))


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_items_alone_are_the_paired_difference(statistic):
    rng = np.random.default_rng(0)
    items = rng.normal(size=[2, 60])
    one, two = (Scores(values, statistic) for values in items)
    found = variance_components([one, one, one])
    assert found.seed_deviation == pytest.approx(0, abs=1e-9)
    both = compare_methods([one] * 2, [two] * 3)
    assert both.interval == pytest.approx(paired_difference(one, two).interval)


def test_deviations_of_a_known_population():
    rng = np.random.default_rng(0)
    # 20 seeds of deviation 2, 4,000 items of deviation 50, noise of 60.
    values = 2 * rng.normal(size=[20, 1]) + 50 * rng.normal(size=4000)
    values += 60 * rng.normal(size=[20, 4000])
    found = variance_components([Scores(run) for run in values])
    assert found.seed_deviation == pytest.approx(2, rel=0.4)
    assert found.item_deviation == pytest.approx(
        np.sqrt((50**2 + 60**2 / 20) / 4000), rel=0.05
    )
    # A common shift of the items is no seed's doing.
    shifted = [Scores(run + 100 * np.sin(np.arange(4000))) for run in values]
    again = variance_components(shifted)
    assert again.seed_deviation == pytest.approx(found.seed_deviation)
    assert again.item_deviation > found.item_deviation


def test_one_seed_is_refused():
    with pytest.raises(InputError, match="1 runs of a method; give at least"):
        compare_methods(constant_runs([1, 2]), constant_runs([1]))
