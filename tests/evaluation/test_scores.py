"""Scores: their metric, and what they refuse."""

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores


def test_values_by_hand():
    values = [1, 0, 0, 1, 1]
    assert Scores(values).value() == 0.6
    assert Scores([5, 1, 2, 8], "median").value() == 3.5
    classes = ["cat", "cat", "dog", "dog", "dog"]
    scores = Scores(np.array(values, bool), "class_mean", classes)
    assert scores.value() == pytest.approx((1 / 2 + 2 / 3) / 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1, np.nan, np.inf],), "2 of 3 values are NaN or infinite"),
        (([],), r"shape \(0,\)"),
        (([1.0], "avarage"), "'avarage' is unknown; choose from mean, median"),
        (([1.0], "medain"), "did you mean 'median'"),
        (([1.0], "class_mean"), "needs `classes`"),
        (([1.0, 2.0], "mean", None, [1]), r"2 values and `groups` has shape"),
    ],
)
def test_bad_scores_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Scores(*arguments)
