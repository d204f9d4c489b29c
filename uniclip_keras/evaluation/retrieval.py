"""Image-text retrieval: recall at k and median rank in both directions."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import BLOCK_ELEMENTS
from uniclip_keras.evaluation.ranking import rank_correct


def retrieval_metrics(
    image_embeddings,
    text_embeddings,
    image_labels,
    text_labels,
    ks=(1, 5, 10),
    block_elements=BLOCK_ELEMENTS,
):
    """Measures the retrieval of texts by images and of images by texts.

    Image and text belong together if their labels are equal. A query is a hit
    at k if any of its correct candidates is among the first k. Tied candidates
    count at their expected value (see `ranking`).

    Args:
        image_embeddings: Float array `[n, dim]`.
        text_embeddings: Float array `[m, dim]`.
        image_labels: n strings. Several images may share a label.
        text_labels: m strings. Those without images serve as distractors.
        ks: Sequence of ints. The k of the recalls.
        block_elements: int. Most similarities to hold at a time.

    Returns:
        A dict ready for JSON: `image_to_text` and `text_to_image`, each with
        `R@<k>` (fractions), `median_rank` (of the best correct candidate, from
        1), `chance` (the same metrics of a constant embedding, exact for any
        number of correct candidates), `n` (queries counted), `excluded`
        (queries without a correct candidate) and `candidates`.

    Raises:
        InputError: If embeddings and labels do not fit together, or no image
            shares a label with a text.
    """
    if not set(image_labels) & set(text_labels):
        raise InputError(
            "No image shares a label with a text: images have labels like "
            f"{next(iter(image_labels), None)!r} and texts like "
            f"{next(iter(text_labels), None)!r}; give both the same labels."
        )
    images = image_embeddings, image_labels
    texts = text_embeddings, text_labels
    return {
        "image_to_text": _one_direction(images, texts, ks, block_elements),
        "text_to_image": _one_direction(texts, images, ks, block_elements),
    }


def _one_direction(queries, candidates, ks, block_elements):
    arguments = queries[0], candidates[0], queries[1], candidates[1]
    ranks, chance = rank_correct(*arguments, block_elements)
    return {
        **_metrics(ranks, ks),
        "chance": _metrics(chance, ks),
        "n": len(ranks.better),
        "excluded": len(queries[1]) - len(ranks.better),
        "candidates": len(candidates[1]),
    }


def _metrics(ranks, ks):
    return {
        **{f"R@{k}": float(ranks.hit(k).mean()) for k in ks},
        "median_rank": float(np.median(ranks.rank())),
    }
