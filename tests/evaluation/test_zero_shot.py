import json

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.zero_shot import classify

CLASSES = np.eye(4)
NAMES = ["cat", "dog", "owl", "bee"]


def test_accuracies_by_hand():
    images = [[3, 1, 0, 0], [2, 1, 0, 0], [1, 2, 0, 0], [1, 0, 0.5, 2]]
    result = classify(
        images, CLASSES, ["cat", "dog", "dog", "owl"], NAMES, top_k=(1, 2, 3)
    )
    assert result["top1"] == 0.5
    assert result["top2"] == 0.75
    assert result["top3"] == 1.0
    assert result["chance"] == {"top1": 0.25, "top2": 0.5, "top3": 0.75}
    assert result["majority"] == {"top1": 0.5, "top2": 0.75, "top3": 1.0}
    assert result["per_class"] == {
        "cat": {"top1": 1.0, "n": 1},
        "dog": {"top1": 0.5, "n": 2},
        "owl": {"top1": 0.0, "n": 1},
    }
    assert result["mean_per_class"] == 0.5
    assert (result["n"], result["classes"]) == (4, 4)
    assert json.loads(json.dumps(result)) == result


def test_matches_argsort_on_random_embeddings():
    rng = np.random.default_rng(0)
    images, classes = rng.normal(size=[200, 16]), rng.normal(size=[10, 16])
    truth = rng.integers(10, size=200)
    result = classify(
        images, classes, [str(i) for i in truth], [str(i) for i in range(10)]
    )
    classes = classes / np.linalg.norm(classes, axis=1, keepdims=True)
    order = np.argsort(-images @ classes.T, axis=1)
    found = order == truth[:, None]
    assert result["top1"] == pytest.approx(found[:, :1].any(1).mean())
    assert result["top5"] == pytest.approx(found[:, :5].any(1).mean())


def test_constant_embedding_scores_chance_whatever_the_labels():
    result = classify(
        np.ones([6, 3]), np.ones([4, 3]), ["cat"] * 6, NAMES, top_k=(1, 2, 9)
    )
    for metric in ("top1", "top2", "top9"):
        assert result[metric] == pytest.approx(result["chance"][metric])
    assert result["top1"] == pytest.approx(0.25)
    assert result["top9"] == 1.0


def test_bad_labels_are_named():
    with pytest.raises(InputError, match="'eel' are not among the 4 classes"):
        classify(CLASSES, CLASSES, ["cat", "dog", "owl", "eel"], NAMES)
    with pytest.raises(InputError, match="'cat' is listed more than once"):
        classify(CLASSES, CLASSES, NAMES, ["cat", "dog", "owl", "cat"])
