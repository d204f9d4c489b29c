"""Comparisons of the items with matching names."""

import numpy as np
import pytest

from experiments.comparison.runs import group_methods
from experiments.comparison.runs import read_runs
from experiments.comparison.tasks import compare
from experiments.evaluation import storage
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation.statistics import paired_difference


def compared(paths, names):
    tasks = compare(group_methods(read_runs(paths)), names)
    return {(task.name, task.way): task for task in tasks}


def test_only_matching_items_count(write_run):
    paths = [
        write_run("a", 1.0),
        write_run("b", 2.0, optimizer={"beta_1": 0.5}),
    ]
    tasks = compared(paths, r"ITEM-[1-5]\b")
    assert set(tasks) == {
        ("test", "image_to_text"),
        ("test", "text_to_image"),
        ("test/zero", "zero_shot"),
    }
    for (name, way), task in tasks.items():
        assert task.title.endswith(r"names with ITEM-[1-5]\b")
        for measure in task.measures:
            if measure.metric == "median_rank":
                continue
            found = [
                storage.read_scores(path, name)[way][1][measure.metric]
                for path in paths
            ]
            # The items are sorted by their numbers, in all tasks.
            first, second = (Scores(scores.values[1:6]) for scores in found)
            assert measure.values["a"].value == pytest.approx(
                np.mean(first.values)
            )
            paired = measure.differences["b"]
            assert paired.items == 5
            expected = paired_difference(second, first)
            np.testing.assert_allclose(
                paired.found.interval, expected.interval, atol=1e-11
            )


@pytest.mark.parametrize("names", ["item-11", "("])
def test_names_that_match_nothing_are_told(write_run, names):
    with pytest.raises(InputError, match=r"--names="):
        compared([write_run("a")], names)
