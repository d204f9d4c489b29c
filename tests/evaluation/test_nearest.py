"""The nearest candidates against a sort of all similarities."""

import numpy as np
import pytest

from uniclip_keras.evaluation import nearest


@pytest.mark.parametrize("block_elements", [1, 60, 2**22])
def test_equals_a_sort_of_all(block_elements):
    rng = np.random.default_rng(0)
    queries, candidates = rng.normal(size=[13, 6]), rng.normal(size=[97, 6])
    indices, scores = nearest(queries, candidates, 7, block_elements)
    for query, found, similar in zip(queries, indices, scores, strict=True):
        cosines = candidates @ query / np.linalg.norm(query)
        cosines /= np.linalg.norm(candidates, axis=1)
        assert found.tolist() == np.argsort(-cosines)[:7].tolist()
        np.testing.assert_allclose(similar, cosines[found], atol=1e-6)


def test_best_first_and_ties_in_the_order_of_the_candidates():
    cosines = np.array([0.1, 0.9, 0.5, 0.9])
    candidates = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    indices, scores = nearest([[1.0, 0.0]], candidates, k=3, block_elements=1)
    assert indices.tolist() == [[1, 3, 2]]
    np.testing.assert_allclose(scores, [[0.9, 0.9, 0.5]], atol=1e-6)
    assert nearest([[1.0, 0.0]], candidates, k=5)[0].shape == (1, 4)
