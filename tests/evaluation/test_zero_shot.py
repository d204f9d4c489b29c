"""Class embeddings from prompts, and zero-shot accuracy."""

import json

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import class_embeddings
from uniclip_keras.evaluation import zero_shot_metrics

CLASSES = np.eye(4)
NAMES = ["cat", "dog", "owl", "bee"]


def test_accuracies_by_hand():
    images = [[3, 1, 0, 0], [2, 1, 0, 0], [1, 2, 0, 0], [1, 0, 0.5, 2]]
    result = zero_shot_metrics(
        images, CLASSES, ["cat", "dog", "dog", "owl"], NAMES, top_k=(1, 2, 3)
    )
    assert [result[f"top{k}"] for k in (1, 2, 3)] == [0.5, 0.75, 1.0]
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
    result = zero_shot_metrics(
        images, classes, [str(i) for i in truth], [str(i) for i in range(10)]
    )
    classes = classes / np.linalg.norm(classes, axis=1, keepdims=True)
    order = np.argsort(-images @ classes.T, axis=1)
    found = order == truth[:, None]
    assert result["top1"] == pytest.approx(found[:, :1].any(1).mean())
    assert result["top5"] == pytest.approx(found[:, :5].any(1).mean())


def test_constant_embedding_scores_chance_whatever_the_labels():
    result = zero_shot_metrics(
        np.ones([6, 3]), np.ones([4, 3]), ["cat"] * 6, NAMES, top_k=(1, 2, 9)
    )
    for metric in ("top1", "top2", "top9"):
        assert result[metric] == pytest.approx(result["chance"][metric])
    assert result["top1"] == pytest.approx(0.25)
    assert result["top9"] == 1.0


def test_bad_labels_are_named():
    with pytest.raises(InputError, match="'eel', are not among the 4 classes"):
        zero_shot_metrics(CLASSES, CLASSES, ["cat", "dog", "owl", "eel"], NAMES)
    with pytest.raises(InputError, match="'cat' is listed more than once"):
        zero_shot_metrics(CLASSES, CLASSES, NAMES, ["cat", "dog", "owl", "cat"])


class Encoder:
    """Gives each text of a call a random vector of its own length."""

    def __init__(self):
        self.calls = []

    def __call__(self, texts):
        self.calls.append(list(texts))
        rng = np.random.default_rng(0)
        lengths = rng.uniform(1, 10, size=[len(texts), 1])
        vectors = lengths * rng.normal(size=[len(texts), 8])
        self.vectors = dict(zip(texts, vectors, strict=True))
        return vectors


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_mean_of_unit_vectors_at_unit_length():
    encode = Encoder()
    templates = ("{}", "a drawing of {}")
    classes = [["cat"], ["dog", "puppy", "cat"]]
    result = class_embeddings(encode, classes, templates)
    for row, texts in zip(result, classes, strict=True):
        prompts = [t.format(text) for text in texts for t in templates]
        vectors = unit(np.stack([encode.vectors[p] for p in prompts]))
        np.testing.assert_allclose(row, unit(vectors.mean(0)), atol=1e-6)
    # One call, and the text that two classes share is in it once.
    assert len(encode.calls) == 1
    assert len(encode.calls[0]) == len(set(encode.calls[0])) == 6


def test_braces_are_text_and_empty_classes_are_refused():
    encode = Encoder()
    class_embeddings(encode, [["{x} {}"]], ["{y} {}"])
    assert encode.calls == [["{y} {x} {}"]]
    for classes in ([], [["cat"], []], ["cat"]):
        with pytest.raises(InputError):
            class_embeddings(encode, classes)
