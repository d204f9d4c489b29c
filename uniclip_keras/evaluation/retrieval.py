"""Image-text retrieval in both directions."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import rank_correct
from uniclip_keras.evaluation.result import Result
from uniclip_keras.evaluation.scores import Scores
from uniclip_keras.evaluation.vectors import BLOCK_ELEMENTS


def retrieval(
    image_embeddings,
    text_embeddings,
    image_labels,
    text_labels,
    ks=(1, 5, 10),
    block_elements=BLOCK_ELEMENTS,
    image_groups=None,
    text_groups=None,
):
    """Measures the retrieval of texts by images and of images by texts.

    Image and text belong together if their labels are equal: with the image's
    index as the label of its captions this is the retrieval of Flickr30k and
    COCO. A query is a hit at k if any of its correct candidates is among the
    first k. Tied candidates count at their expected value (see `ranking`),
    also in the average precision.

    Args:
        image_embeddings: Float array `[n, dim]`.
        text_embeddings: Float array `[m, dim]`.
        image_labels: n labels. Several images may share a label.
        text_labels: m labels. Those without images serve as distractors.
        ks: Sequence of ints. The k of the recalls.
        block_elements: int. Most similarities to hold at a time.
        image_groups: n labels of what is resampled together in an interval;
            `image_labels` by default.
        text_groups: m labels, in the same way.

    Returns:
        Dict of a `Result` each for `image_to_text` and `text_to_image`. Scores
        of the queries that have a correct candidate: `R@<k>`, `median_rank`
        (of the best correct candidate, from 1) and `mAP` (mean average
        precision over all correct candidates). Facts: `chance` (the same
        metrics of a constant embedding, exact for any number of correct
        candidates), `n` (queries counted), `excluded` (queries without a
        correct candidate) and `candidates`.

    Raises:
        InputError: If embeddings and labels do not fit together, or no image
            shares a label with a text.
    """
    image_labels, text_labels = (
        np.asarray(image_labels),
        np.asarray(text_labels),
    )
    if not np.isin(image_labels, text_labels).any():
        raise InputError(
            "No image shares a label with a text: images have labels like "
            f"{next(iter(image_labels.tolist()), None)!r} and texts like "
            f"{next(iter(text_labels.tolist()), None)!r}; give both the same "
            "labels."
        )
    images = image_embeddings, image_labels, image_groups
    texts = text_embeddings, text_labels, text_groups
    return {
        "image_to_text": _one_direction(images, texts, ks, block_elements),
        "text_to_image": _one_direction(texts, images, ks, block_elements),
    }


def retrieval_metrics(*arguments, **options):
    """Calls `retrieval` and returns its values: a dict ready for JSON.

    `image_to_text` and `text_to_image` each hold the metrics as floats beside
    the facts.
    """
    results = retrieval(*arguments, **options)
    return {way: result.summary() for way, result in results.items()}


def _one_direction(queries, candidates, ks, block_elements):
    embeddings, labels, groups = queries
    arguments = embeddings, candidates[0], labels, candidates[1]
    ranks, chance = rank_correct(*arguments, block_elements)
    groups = labels if groups is None else np.asarray(groups)
    groups = groups[np.isin(labels, candidates[1])]
    scores = {
        name: Scores(values, statistic, groups=groups)
        for name, statistic, values in _metrics(ranks, ks)
    }
    of_chance = {
        name: Scores(values, statistic).value()
        for name, statistic, values in _metrics(chance, ks)
    }
    facts = {
        "chance": of_chance,
        "n": len(ranks.better),
        "excluded": len(labels) - len(ranks.better),
        "candidates": len(candidates[1]),
    }
    return Result(scores, facts)


def _metrics(ranks, ks):
    return [
        *((f"R@{k}", "mean", ranks.hit(k)) for k in ks),
        ("median_rank", "median", ranks.rank()),
        ("mAP", "mean", ranks.average_precision),
    ]
