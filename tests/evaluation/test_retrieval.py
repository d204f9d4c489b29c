"""Retrieval against a slow twin that takes one query at a time."""

import json

import numpy as np
import pytest

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import retrieval
from uniclip_keras.evaluation import retrieval_metrics


def loop_twin(queries, candidates, query_labels, candidate_labels, k):
    """Recall, median rank, mAP, chance, count, one query at a time."""
    hits, ranks, precisions, chances = [], [], [], []
    for query, label in zip(queries, query_labels, strict=True):
        scored = [
            (query @ c / np.linalg.norm(query) / np.linalg.norm(c), other)
            for c, other in zip(candidates, candidate_labels, strict=True)
        ]
        scored.sort(key=lambda pair: -pair[0])
        positions = [i for i, (_, x) in enumerate(scored, 1) if x == label]
        if not positions:
            continue
        hits.append(positions[0] <= k)
        ranks.append(positions[0])
        precisions.append(np.mean([i / p for i, p in enumerate(positions, 1)]))
        miss = 1.0
        for i in range(k):
            left = len(scored) - i
            miss *= max(left - len(positions), 0) / left if left > 0 else 1.0
        chances.append(1 - miss)
    means = np.mean([hits, precisions, chances], axis=1)
    return means[0], np.median(ranks), *means[1:], len(hits)


def data():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=[12, 6])
    of_image = np.repeat(np.arange(10), 4)
    of_text = np.repeat(np.arange(2, 12), [1, 2, 3, 1, 1, 2, 1, 1, 3, 1])
    images = centers[of_image] + rng.normal(size=[40, 6])
    texts = centers[of_text] + 0.5 * rng.normal(size=[16, 6])
    return images, texts, of_image.astype(str), of_text.astype(str)


@pytest.mark.parametrize("block_elements", [1, 50, 2**22])
def test_equals_the_loop_twin(block_elements):
    images, texts, image_labels, text_labels = data()
    result = retrieval_metrics(
        images, texts, image_labels, text_labels, (1, 3, 20), block_elements
    )
    ways = {
        "image_to_text": (images, texts, image_labels, text_labels),
        "text_to_image": (texts, images, text_labels, image_labels),
    }
    for way, arguments in ways.items():
        for k in (1, 3, 20):
            recall, median, precision, chance, n = loop_twin(*arguments, k)
            assert result[way][f"R@{k}"] == pytest.approx(recall)
            assert result[way]["chance"][f"R@{k}"] == pytest.approx(chance)
            assert result[way]["median_rank"] == median
            assert result[way]["mAP"] == pytest.approx(precision)
            assert result[way]["n"] == n
    # Two concepts have images and no text, two have texts and no image.
    assert result["image_to_text"]["excluded"] == 8
    assert result["text_to_image"]["excluded"] == 4
    assert result["image_to_text"]["candidates"] == 16
    assert json.loads(json.dumps(result)) == result


def test_equals_recall_as_clip_benchmark_counts_it():
    """`image_retrieval_recall@k` and `text_retrieval_recall@k`."""
    rng = np.random.default_rng(3)
    images = rng.normal(size=[60, 8]).astype("float32")
    image_of_text = np.repeat(np.arange(60), 5)
    noise = rng.normal(size=[300, 8])
    texts = (images[image_of_text] + 2 * noise).astype("float32")
    results = retrieval_metrics(images, texts, np.arange(60), image_of_text)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    scores = texts @ images.T
    positive = image_of_text[:, None] == np.arange(60)
    for way, s, p in (
        ("text_to_image", scores, positive),
        ("image_to_text", scores.T, positive.T),
    ):
        for k in (1, 5, 10):
            best = np.argsort(-s, axis=1)[:, :k]
            recall = np.take_along_axis(p, best, axis=1).sum(1) / p.sum(1)
            expected = (recall > 0).mean()
            assert results[way][f"R@{k}"] == pytest.approx(expected, abs=1e-6)


def test_queries_of_a_label_are_a_group_unless_said_otherwise():
    images, texts, image_labels, text_labels = data()
    results = retrieval(
        images, texts, image_labels, text_labels, text_groups=np.arange(16)
    )
    kept = np.isin(image_labels, text_labels)
    for scores in results["image_to_text"].scores.values():
        assert scores.groups.tolist() == image_labels[kept].tolist()
    kept = np.isin(text_labels, image_labels)
    for scores in results["text_to_image"].scores.values():
        assert scores.groups.tolist() == np.flatnonzero(kept).tolist()


def test_any_of_several_correct_texts_is_a_hit():
    images = [[0.1, 1.0, 0.5], [0.2, 0.1, 1.0]]
    result = retrieval_metrics(images, np.eye(3), ["a", "b"], [*"aab"], ks=(1,))
    assert result["image_to_text"]["R@1"] == 1.0
    assert result["image_to_text"]["chance"]["R@1"] == pytest.approx(0.5)
    # The first text of "a" finds the image of "b" first.
    assert result["text_to_image"]["R@1"] == pytest.approx(2 / 3)


def test_collapsed_model_scores_chance_not_everything():
    _, _, image_labels, text_labels = data()
    images, texts = np.ones([40, 5]), np.ones([16, 5])
    result = retrieval_metrics(images, texts, image_labels, text_labels)
    for way in result.values():
        for metric, chance in way["chance"].items():
            assert way[metric] == pytest.approx(chance)
    assert result["image_to_text"]["R@1"] < 0.15


def test_labels_that_never_meet_are_refused():
    with pytest.raises(InputError, match="like '1f600' and texts like 'grin"):
        retrieval_metrics(
            np.eye(2), np.eye(2), ["1f600", "1f601"], ["grin", "smile"]
        )
