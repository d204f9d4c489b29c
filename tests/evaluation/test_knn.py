"""Weighted nearest neighbours against a loop over test examples."""

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import knn


def loop_twin(train, test, k, temperature, top):
    """Accuracy in the first `top`, ties as the mean over their orders."""
    (features, labels), (queries, truths) = train, test
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    hits = []
    for query, truth in zip(queries, truths, strict=True):
        cosines = unit @ query / np.linalg.norm(query)
        votes = dict.fromkeys(labels, 0.0)
        for i in np.argsort(-cosines)[:k]:
            votes[labels[i]] += np.exp(cosines[i] / temperature)
        own = votes[truth]
        better = sum(vote > own for vote in votes.values())
        tied = sum(vote == own for vote in votes.values())
        hits.append(np.clip((top - better) / tied, 0, 1))
    return np.mean(hits)


@pytest.mark.parametrize("k, temperature", [(1, 0.07), (5, 0.07), (44, 0.5)])
@pytest.mark.parametrize("block_elements", [7, 2**22])
def test_equals_the_loop(drawings, k, temperature, block_elements):
    train, test = drawings.train.pair, drawings.test.pair
    result = knn(
        train, test, k, temperature, (1, 2, 3), block_elements=block_elements
    )
    for top in (1, 2, 3):
        expected = loop_twin(train, test, k, temperature, top)
        found = result.scores[f"top{top}"].value()
        assert found == pytest.approx(expected, abs=1e-6)
    assert result.facts["k"] == k and result.facts["n"] == 39


def test_equals_scikit_learn_on_the_plain_majority(drawings):
    """At a high temperature every neighbour has one vote."""
    neighbors = pytest.importorskip("sklearn.neighbors")
    model = neighbors.KNeighborsClassifier(1, metric="cosine")
    expected = model.fit(*drawings.train.pair).score(*drawings.test.pair)
    result = knn(drawings.train.pair, drawings.test.pair, 1, 1e6)
    assert result.scores["top1"].value() == pytest.approx(expected, abs=1e-6)


def test_low_temperatures_do_not_overflow(drawings):
    cold = knn(drawings.train.pair, drawings.test.pair, 9, 1e-4)
    first = knn(drawings.train.pair, drawings.test.pair, 1)
    assert cold.scores["top1"].value() == first.scores["top1"].value()


def test_what_does_not_fit_is_refused(drawings):
    train, test = drawings.train.pair, drawings.test.pair
    unknown = np.full(len(test[1]), "eel")
    for arguments, words in (
        ((train, test, 45), "k=45 neighbours of 44 training examples"),
        ((train, test, 0), "k=0 neighbours"),
        ((train, test, 5, 0.0), "temperature=0.0: give one above 0"),
        ((train, (test[0], unknown)), "1 labels of test examples, such as 'e"),
        ((train, (test[0] * np.inf, test[1])), "39 of 39 test features"),
    ):
        with pytest.raises(InputError, match=words):
            knn(*arguments)
