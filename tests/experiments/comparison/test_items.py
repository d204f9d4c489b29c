"""Items of several runs in one order."""

import numpy as np
import pytest

from experiments.comparison.items import common_scores
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores


def a_run(items, values=None):
    values = np.arange(len(items)) if values is None else values
    labels = np.array([item.upper() for item in items])
    return np.array(items), Scores(values, "class_mean", labels, labels)


def test_equal_items_stay_as_they_are():
    runs = [a_run(list("abc")), a_run(list("abc"), [5, 6, 7])]
    scores, dropped = common_scores(runs)
    assert dropped == 0
    assert [s is run[1] for s, run in zip(scores, runs, strict=True)]


def test_common_items_come_in_the_order_of_the_first_run():
    # An item that occurs twice is two.
    runs = [a_run(list("cabab")), a_run(list("abxbyc"))]
    scores, dropped = common_scores(runs)
    assert scores[0].values.tolist() == [0, 1, 2, 4]
    assert scores[1].values.tolist() == [5, 0, 1, 3]
    for found in scores:
        assert found.classes.tolist() == list("CABB")
        assert found.groups.tolist() == list("CABB")
    assert dropped == 2


def test_no_item_in_common():
    with pytest.raises(InputError, match="no item in common"):
        common_scores([a_run(["a"]), a_run(["b"])])
