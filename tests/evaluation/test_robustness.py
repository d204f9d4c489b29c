"""Accuracy under corruptions against a loop over all of them."""

import json

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import corrupt
from uniclip_keras.evaluation import corruption_robustness
from uniclip_keras.evaluation import zero_shot_metrics

CLASSES = ["bee", "cat", "dog", "owl"]
NAMES = ("gaussian_noise", "contrast")


def encode(images):
    """Means of quarters of the images, as a model would give embeddings."""
    quarters = images[:, ::2, ::2], images[:, 1::2, ::2], images[:, :, 1::2]
    return np.concatenate([x.mean((1, 2)) for x in quarters], axis=1) - 0.5


def test_equals_one_zero_shot_evaluation_each(drawings):
    images, labels = drawings.test.images, drawings.test.labels
    classes = encode(drawings.patterns)
    batches = [images[:16], images[16:32], images[32:]]
    result = corruption_robustness(
        encode, batches, labels, classes, CLASSES, NAMES, (1, 4), seed=3
    )
    summary = result.summary()
    assert json.loads(json.dumps(summary)) == summary

    def accuracy(images):
        embeddings = encode(images)
        return zero_shot_metrics(embeddings, classes, labels, CLASSES)["top1"]

    assert summary["clean"] == pytest.approx(accuracy(images), abs=1e-6)
    expected = {
        name: [accuracy(corrupt(images, name, s, seed=3)) for s in (1, 4)]
        for name in NAMES
    }
    for name in NAMES:
        found = summary["by_severity"][name]
        np.testing.assert_allclose(found, expected[name], atol=1e-6)
        assert summary[name] == pytest.approx(np.mean(expected[name]))
    mean = np.mean(list(expected.values()))
    assert summary["mean_corruption"] == pytest.approx(mean)
    assert 0.25 < summary["clean"] < 1 and summary["n"] == len(labels)


def test_as_many_labels_as_images(drawings):
    images, labels = drawings.test.images, drawings.test.labels
    classes = encode(drawings.patterns)
    for batches in ([], [images, images[:1]], [images[1:]]):
        with pytest.raises(InputError, match="39 labels and not as many"):
            corruption_robustness(
                encode, batches, labels, classes, CLASSES, ("contrast",), (1,)
            )
