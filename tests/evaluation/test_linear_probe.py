"""The linear probe against scikit-learn on a model's features."""

import json
import sys

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import fit_logistic
from uniclip_keras.evaluation import linear_probe

linear_model = pytest.importorskip("sklearn.linear_model")


def sklearn_accuracy(c, train, test):
    model = linear_model.LogisticRegression(C=c, max_iter=200).fit(*train)
    return model.score(*test)


@pytest.fixture(scope="module")
def result(drawings):
    parts = drawings.train, drawings.validation, drawings.test
    return linear_probe(*(part.pair for part in parts), max_iterations=200)


def test_equals_scikit_learn(drawings, result):
    train, validation, test = (
        getattr(drawings, name).pair for name in ("train", "validation", "test")
    )
    tried = result.facts["validation"]
    for c, accuracy in list(zip(*tried.values(), strict=True))[::4]:
        expected = sklearn_accuracy(c, train, validation)
        assert accuracy == pytest.approx(expected, abs=1e-6)
    both = [np.concatenate(x) for x in zip(train, validation, strict=True)]
    expected = sklearn_accuracy(result.facts["C"], both, test)
    assert result.scores["top1"].value() == pytest.approx(expected, abs=1e-6)
    # Chance is 0.25, and the classes overlap.
    assert 0.4 < expected < 1


def test_searches_the_grid_around_the_best(result):
    tried = result.facts["validation"]
    exponents = np.log10(tried["C"])
    assert set(range(-6, 7, 2)) <= set(exponents.round(9))
    best = np.log10(result.facts["C"])
    assert tried["top1"][exponents.tolist().index(best)] == max(tried["top1"])
    steps = np.abs(exponents - best)
    assert steps[steps > 0].min() == pytest.approx(1 / 8)
    assert len(exponents) <= 7 + 2 * 4


def test_is_ready_for_json_and_knows_its_items(drawings, result):
    summary = result.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["n"] == len(drawings.test.labels)
    assert summary["converged"]
    # A short fit says that it is one.
    _, converged = fit_logistic(*drawings.train.pair, 1e6, max_iterations=3)
    assert not converged
    per_class = [row["top1"] for row in summary["per_class"].values()]
    assert summary["mean_per_class"] == pytest.approx(np.mean(per_class))


def test_two_classes_have_two_columns(drawings):
    keep = np.isin(drawings.train.labels, ["cat", "owl"])
    features, labels = (x[keep] for x in drawings.train.pair)
    head, _ = fit_logistic(features, labels, 1.0)
    model = linear_model.LogisticRegression(C=1.0, max_iter=1000)
    expected = model.fit(features, labels).predict_proba(features)
    logits = head.logits(features)
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert head.classes == ["cat", "owl"]


def test_what_does_not_fit_is_refused(drawings):
    features, labels = drawings.train.pair
    broken = np.where(np.arange(len(features))[:, None] == 2, np.nan, features)
    other = np.where(labels == "bee", "eel", labels)
    good = features, labels
    for pairs, words in (
        ([(broken, labels), good, good], "1 of 44 training features hold NaN"),
        ([good, (features[:, :3], labels), good], "8 dimensions and the valid"),
        ([good, good, (features, other)], "labels of test examples, such as"),
        ([good, (features, other), good], "'eel', are not among the 4 classes"),
        ([good, good, (features, labels[1:])], "44 test features and 43"),
        ([(features, ["cat"] * 44), good, good], "all training examples|All"),
    ):
        with pytest.raises(InputError, match=words):
            linear_probe(*pairs)


def test_says_what_to_install(drawings, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.exceptions", None)
    with pytest.raises(InputError, match=r"uniclip-keras\[evaluation\]"):
        fit_logistic(*drawings.train.pair, 1.0)
