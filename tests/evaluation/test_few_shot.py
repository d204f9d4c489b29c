"""Few-shot probes against draws and fits by hand."""

import json

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import few_shot

linear_model = pytest.importorskip("sklearn.linear_model")


@pytest.fixture(scope="module")
def splits(drawings):
    return [getattr(drawings, x).pair for x in ("train", "validation", "test")]


@pytest.fixture(scope="module")
def result(splits):
    return few_shot(*splits, shots=(1, 8), draws=2, seed=5, max_iterations=40)


def test_equals_scikit_learn_on_the_same_draws(splits, result):
    (features, labels), _, (queries, truths) = splits
    for count in (1, 8):
        hits = []
        for draw in range(2):
            rng = np.random.default_rng([5, count, draw])
            rows = np.concatenate(
                [
                    rng.choice(np.flatnonzero(labels == x), count, False)
                    for x in ["bee", "cat", "dog", "owl"]
                ]
            )
            c = result.facts["C"][f"{count}_shot"][draw]
            model = linear_model.LogisticRegression(C=c, max_iter=40)
            model.fit(features[rows], labels[rows])
            hits.append(model.predict(queries) == truths)
            accuracy = result.facts["draws"][f"{count}_shot"][draw]
            assert accuracy == pytest.approx(hits[-1].mean(), abs=1e-6)
        values = result.scores[f"top1_{count}_shot"].values
        np.testing.assert_allclose(values, np.mean(hits, axis=0), atol=1e-6)


def test_repeats_and_more_examples_are_better(splits, result):
    again = few_shot(
        *splits, shots=(8,), draws=2, seed=5, max_iterations=40
    ).summary()
    summary = result.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert again["top1_8_shot"] == summary["top1_8_shot"]
    assert summary["top1_8_shot"] > summary["top1_1_shot"] > 0.25
    assert summary["draws"]["8_shot"][0] != summary["draws"]["8_shot"][1]


def test_too_few_examples_are_refused(splits):
    train, validation, test = splits
    few = validation[1] != "bee"
    for arguments, options, words in (
        (splits, {}, "'bee' has 8 training examples, .* draws of 16"),
        (
            (train, [x[few] for x in validation], test),
            {"shots": (2,)},
            "'bee' has 0 validation examples",
        ),
        (splits, {"shots": ()}, "give at least one of each"),
        (splits, {"draws": 0}, "draws=0"),
    ):
        with pytest.raises(InputError, match=words):
            few_shot(*arguments, **options)
