"""Errors by groups: dense matrices, closed forms and slow loops."""

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation.bootstrap import bootstrap_medians
from uniclip_keras.evaluation.sampling_error import contrasts
from uniclip_keras.evaluation.sampling_error import sampling_error


def dense_error(values, classes, groups):
    """CR2 of the regression on class indicators, group by group."""
    design = (classes[:, None] == np.unique(classes)).astype(float)
    bread = np.linalg.inv(design.T @ design)
    residuals = values - design @ bread @ design.T @ values
    means = np.zeros([design.shape[1], design.shape[1]])
    for group in np.unique(groups):
        rows = design[groups == group]
        shrunk = np.eye(len(rows)) - rows @ bread @ rows.T
        size, directions = np.linalg.eigh(shrunk)
        inverse_root = directions / np.sqrt(size) @ directions.T
        part = rows.T @ inverse_root @ residuals[groups == group]
        means += np.outer(part, part)
    return np.sqrt((bread @ means @ bread).mean())


def test_error_is_that_of_dense_matrices():
    rng = np.random.default_rng(0)
    groups = rng.integers(12, size=100)
    values = rng.normal(size=12)[groups] + rng.normal(size=100)
    for classes in (np.zeros(100, int), rng.integers(3, size=100), groups // 4):
        found = sampling_error(Scores(values, "class_mean", classes, groups))
        expected = dense_error(values, classes, groups)
        assert found.error == pytest.approx(expected)


def test_closed_forms():
    values = np.random.default_rng(0).normal(size=24)
    found = sampling_error(Scores(values))
    assert found.value == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(24))
    assert found.freedom == pytest.approx(23)
    # Copies of an item in its group add nothing.
    copies = np.repeat(values, 3)
    again = sampling_error(Scores(copies, groups=np.repeat(range(24), 3)))
    np.testing.assert_allclose(again, found)
    # Equal classes: one variance for each.
    classes = np.repeat(range(6), 4)
    found = sampling_error(Scores(values, "class_mean", classes))
    within = values.reshape([6, 4]).var(axis=1, ddof=1)
    assert found.error == pytest.approx(np.sqrt(within.sum() / 4) / 6)
    assert found.freedom == pytest.approx(18)
    # Classes that are groups are drawn themselves.
    found = sampling_error(Scores(values, "class_mean", classes, classes))
    of_class = sampling_error(Scores(values.reshape([6, 4]).mean(axis=1)))
    np.testing.assert_allclose(found, of_class)


def test_a_class_of_one_item_takes_the_error_of_the_others():
    values = [0.0, 2.0, 1.0, 3.0, 7.0]
    found = sampling_error(Scores(values, "class_mean", [0, 0, 1, 1, 2]))
    # Variances of class means: 1, 1, and 2 of the single item.
    assert found.error == pytest.approx(np.sqrt(4) / 3)


def test_few_groups_make_the_error_less_certain():
    values = np.zeros(100)
    values[:3] = 1
    found = sampling_error(Scores(values))
    assert found.contributors == pytest.approx(3, rel=0.1)
    assert found.cautious_freedom < 7 < found.freedom
    far = Scores(np.arange(100.0), groups=np.arange(100) > 98)
    assert sampling_error(far).freedom == 1


def test_bootstrap_of_medians_is_the_slow_loop():
    rng = np.random.default_rng(0)
    values = rng.integers(9, size=[40, 2]).astype(float)
    groups = np.unique(rng.integers(12, size=40), return_inverse=True)[1]
    count = groups.max() + 1
    found = bootstrap_medians(values, groups, resamples=20, seed=3)
    rng = np.random.default_rng(3)
    for medians in found:
        drawn = rng.integers(count, size=count)
        rows = np.concatenate([np.flatnonzero(groups == g) for g in drawn])
        np.testing.assert_array_equal(medians, np.median(values[rows], axis=0))


def test_contrasts_of_medians_cancel_what_runs_share():
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    runs = [Scores(values, "median"), Scores(values + 1, "median")]
    alone, both = contrasts(runs, [[1.0, 0.0], [-1.0, 1.0]])
    # The error of a normal sample's median.
    assert alone.error == pytest.approx(np.sqrt(np.pi / 2 / 200), rel=0.25)
    assert both.value == pytest.approx(1)
    assert both.error == pytest.approx(0, abs=1e-12)


def test_runs_of_other_items_are_refused():
    runs = Scores([1.0, 2.0]), Scores([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="has 2 items and another 3"):
        contrasts(runs, [[1, -1]])
    runs = Scores([1.0, 2.0]), Scores([1.0, 2.0], "median")
    with pytest.raises(InputError, match="'mean' and another 'median'"):
        contrasts(runs, [[1, -1]])
    runs = Scores([1.0, 2.0]), Scores([1.0, 2.0], groups=["a", "b"])
    with pytest.raises(InputError, match="groups of the runs differ"):
        contrasts(runs, [[1, -1]])
    with pytest.raises(InputError, match="All items are in one group"):
        sampling_error(Scores([1.0, 2.0], groups=["a", "a"]))
