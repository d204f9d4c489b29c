"""Classifiers on frozen features, learned from a part of their own."""

import numpy as np

from uniclip_keras import evaluation

_SHOTS = (1, 2, 4, 8, 16)
_NEIGHBORS = 20


def probe(train, validation, test, groups=None):
    """Measures linear probes, nearest neighbors and few-shot probes.

    Those on the features before the head come first, then those on the
    embeddings, whose names end in "_of_embeddings". A SavedModel has the
    latter alone. Shots are those that every class has examples for.

    Args:
        train, validation, test: `evaluation.EmbeddedImages`.
        groups: A label for each test image of what is resampled together, or
            None.

    Returns:
        Dict of `evaluation.Result`.
    """
    few = _fewest(train.labels), _fewest(validation.labels)
    shots = [k for k in _SHOTS if k <= few[0] and min(k, 4) <= few[1]]
    results = {}
    for field, suffix in (("features", ""), ("embeddings", "_of_embeddings")):
        if getattr(test, field) is None:
            continue
        parts = [
            (getattr(images, field), images.labels)
            for images in (train, validation, test)
        ]
        learned, _, measured = parts
        results[f"linear_probe{suffix}"] = evaluation.linear_probe(
            *parts, groups=groups
        )
        results[f"knn{suffix}"] = evaluation.knn(
            learned,
            measured,
            k=min(_NEIGHBORS, len(train.labels)),
            groups=groups,
        )
        if shots:
            results[f"few_shot{suffix}"] = evaluation.few_shot(
                *parts, shots=shots, groups=groups
            )
    return results


def _fewest(labels):
    """Returns how many images the smallest class has."""
    return np.unique(labels, return_counts=True)[1].min()
