"""Intervals, paired differences and detectable ones, by closed forms."""

import math

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation import confidence_interval
from uniclip_keras.evaluation import detectable_difference
from uniclip_keras.evaluation import paired_difference
from uniclip_keras.evaluation import student


def test_interval_of_a_share_is_wilsons():
    values = np.arange(80) < 60
    low, high = confidence_interval(Scores(values))
    t = student.quantile(0.975, 79)
    for end in (low, high):
        # n - 1, as the variance is the unbiased one.
        assert abs(end - 0.75) == pytest.approx(
            t * math.sqrt(end * (1 - end) / 79)
        )
    flipped = confidence_interval(Scores(~values))
    assert flipped == pytest.approx((1 - high, 1 - low))


def test_perfect_scores_have_a_width_by_groups():
    low, high = confidence_interval(Scores(np.ones(40)))
    t = student.quantile(0.975, 39)
    assert (low, high) == pytest.approx((40 / (40 + t * t), 1))
    grouped = Scores(np.ones(40), groups=np.arange(40) // 4)
    assert confidence_interval(grouped)[0] < low
    assert confidence_interval(Scores([7.0] * 5)) == (7, 7)


def test_interval_of_a_median_is_that_of_order_statistics():
    values = np.random.default_rng(0).permutation(100) + 1.0
    # 40th and 61st of 100: the table's interval of 96.5 %.
    assert confidence_interval(Scores(values, "median")) == (40, 61)
    ranks = Scores([1] * 70 + [5] * 30, "median")
    assert confidence_interval(ranks) == (1, 1)


def test_levels_and_groups():
    values = np.random.default_rng(0).normal(size=60)
    wide = confidence_interval(Scores(values), 0.99)
    low, high = confidence_interval(Scores(values))
    assert wide[0] < low < values.mean() < high < wide[1]
    for statistic in ("mean", "median"):
        one = Scores(values, statistic, groups=["all"] * 60)
        assert confidence_interval(one) is None
        assert confidence_interval(Scores([1.0], statistic)) is None
    with pytest.raises(InputError, match="level=95"):
        confidence_interval(Scores(values), 95)


def test_paired_difference_by_hand():
    rng = np.random.default_rng(0)
    first = rng.random(200) < 0.6
    other = rng.random(200)
    second = (first & (other > 0.2)) | (other > 0.95)
    apart = first.astype(float) - second
    found = paired_difference(Scores(first), Scores(second))
    error = apart.std(ddof=1) / math.sqrt(200)
    # As many contribute as differ, nearly.
    freedom = min(2 * (apart != 0).sum(), 199)
    margin = error * student.quantile(0.975, freedom)
    assert found.value == pytest.approx(apart.mean())
    ends = apart.mean() - margin, apart.mean() + margin
    assert found.interval == pytest.approx(ends, rel=1e-2)
    assert found.detectable == pytest.approx(2.82 * error, rel=0.02)
    back = paired_difference(Scores(second), Scores(first))
    assert back.p_value == pytest.approx(found.p_value)
    # The interval at level 1 - p ends at zero.
    level = 1 - found.p_value
    ends = paired_difference(Scores(first), Scores(second), level).interval
    assert min(abs(end) for end in ends) == pytest.approx(0, abs=1e-6)


def test_equal_runs_do_not_differ():
    for statistic in ("mean", "median"):
        scores = Scores(np.arange(10.0), statistic)
        found = paired_difference(scores, scores)
        assert (found.value, found.interval, found.p_value) == (0, (0, 0), 1)


def test_detectable_before_a_comparison():
    values = np.random.default_rng(0).random(5000) < 0.5
    found = detectable_difference(Scores(values))
    # (1.96 + 0.84) sqrt(2 p (1 - p) / n)
    assert found == pytest.approx(2.8016 * math.sqrt(0.5 / 5000), rel=1e-2)
    half = detectable_difference(Scores(values), correlation=0.75)
    assert half == pytest.approx(found / 2)
    with pytest.raises(InputError, match="correlation=1"):
        detectable_difference(Scores(values), correlation=1)
