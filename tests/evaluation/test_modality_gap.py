"""The gap between images and texts against loops over them."""

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import modality_gap


def test_equals_loops():
    rng = np.random.default_rng(0)
    images = rng.normal(size=[40, 6])
    texts = images + rng.normal(size=[40, 6]) + 0.8 * np.eye(6)[0]
    found = modality_gap(images, texts)
    a = [x / np.linalg.norm(x) for x in images]
    b = [x / np.linalg.norm(x) for x in texts]
    means = sum(a) / 40, sum(b) / 40
    assert found.distance == pytest.approx(
        np.linalg.norm(means[0] - means[1]), rel=1e-5
    )
    cosines = [x @ y for x, y in zip(a, b, strict=True)]
    assert found.pair_cosine == pytest.approx(sum(cosines) / 40, rel=1e-5)

    def nearer(x, own, other):
        return np.linalg.norm(x - own) < np.linalg.norm(x - other)

    sides = [nearer(x, *means) for x in a] + [
        nearer(x, *means[::-1]) for x in b
    ]
    assert 0.5 < sum(sides) / 80 < 1
    assert found.separable == pytest.approx(sum(sides) / 80)


def test_the_same_and_the_opposite():
    vectors = np.random.default_rng(0).normal(size=[5, 3]) + [9, 0, 0]
    same = modality_gap(vectors, vectors)
    assert same.distance == 0 and same.pair_cosine == pytest.approx(1)
    assert same.separable == 0.5
    opposite = modality_gap(vectors, -vectors)
    assert opposite.distance > 1.9 and opposite.separable == 1


def test_mistakes():
    with pytest.raises(InputError, match="3 images and 2 texts"):
        modality_gap(np.ones([3, 4]), np.ones([2, 4]))
    with pytest.raises(InputError, match="4 dimensions and the texts 5"):
        modality_gap(np.ones([3, 4]), np.ones([3, 5]))
