"""Image-text retrieval: recall at k and median rank, both ways."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import BLOCK_ELEMENTS
from uniclip_keras.evaluation.ranking import rank_correct


def retrieval(
    image_embeddings,
    text_embeddings,
    image_labels,
    text_labels,
    ks=(1, 5, 10),
    block_elements=BLOCK_ELEMENTS,
):
    """Retrieval of texts by images and of images by texts.

    Image and text belong together when their labels are equal. A query is hit
    at k when any of its correct candidates is among the first k. Tied
    candidates count at their expected value (see `ranking`). Queries without
    a correct candidate are left out and counted.

    Args:
        image_embeddings: float [n, dim].
        text_embeddings: float [m, dim].
        image_labels: n strings; several images may share a label.
        text_labels: m strings; several texts may share a label, and texts of
            labels without images are welcome as distractors.
        ks: the k of the recalls.
        block_elements: most similarities held at a time; the full matrix
            never exists.

    Returns:
        A dict ready for JSON: `image_to_text` and `text_to_image`, each with
        `R@<k>` (fractions), `median_rank` (from 1, of the best correct
        candidate), `chance` (the same figures for a constant embedding,
        exact for any number of correct candidates), `n` queries counted,
        `excluded` queries without a correct candidate, `candidates`.

    Raises:
        InputError: embeddings and labels do not fit together, or no image
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
        "image_to_text": _one_way(images, texts, ks, block_elements),
        "text_to_image": _one_way(texts, images, ks, block_elements),
    }


def _one_way(queries, candidates, ks, block_elements):
    ranks, chance = rank_correct(
        queries[0], candidates[0], queries[1], candidates[1], block_elements
    )
    counted = len(ranks.better)
    return {
        **_figures(ranks, ks),
        "chance": _figures(chance, ks),
        "n": counted,
        "excluded": len(queries[1]) - counted,
        "candidates": len(candidates[1]),
    }


def _figures(ranks, ks):
    return {
        **{f"R@{k}": float(ranks.hit(k).mean()) for k in ks},
        "median_rank": float(np.median(ranks.rank())),
    }
