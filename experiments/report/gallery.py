"""Real images beside their nearest texts, and texts beside their images."""

import numpy as np

from experiments.report.page import to_pixels
from uniclip_keras import evaluation

IMAGES = 6
TEXTS = 3
MATCHES = 5


def make_gallery(
    split, load, embeddings, labels, text_embeddings, texts, text_labels
):
    """Picks images and texts of a split at random and finds their matches.

    The embeddings are `[n, dim]` and `[m, dim]`. `load` gives the images of
    some of the n rows: `[rows, h, w, 3]`, uint8 or floats in [0, 1].

    Returns:
        A list of dicts of two kinds: for an image "split", "image" (uint8),
        "label" (its true name) and "predictions" (`(text, score, correct)`
        tuples); for a text "split", "text" and "images" (`(image, score,
        correct)` tuples). Scores are cosines, best first.
    """
    rng = np.random.default_rng(0)
    names = dict(zip(reversed(text_labels), reversed(texts), strict=True))
    entries = []
    rows = rng.permutation(len(embeddings))[:IMAGES]
    known = set(labels)
    present = [i for i, label in enumerate(text_labels) if label in known]
    text_rows = rng.permutation(present)[:TEXTS]
    hits = [*_nearest(text_rows, text_embeddings, embeddings)]
    shown = np.unique([*rows, *(i for _, found in hits for i, _ in found)])
    pixels = dict(zip(shown, to_pixels(load(shown)), strict=True))
    for row, matches in _nearest(rows, embeddings, text_embeddings):
        entries.append(
            {
                "split": split,
                "image": pixels[row],
                "label": names.get(labels[row], labels[row]),
                "predictions": [
                    (texts[i], score, text_labels[i] == labels[row])
                    for i, score in matches
                ],
            }
        )
    for row, matches in hits:
        entries.append(
            {
                "split": split,
                "text": texts[row],
                "images": [
                    (pixels[i], score, labels[i] == text_labels[row])
                    for i, score in matches
                ],
            }
        )
    return entries


def _nearest(rows, queries, candidates):
    """Yields each row with a list of `(candidate, score)`."""
    found, scores = evaluation.nearest(queries[rows], candidates, MATCHES)
    for row, indices, values in zip(rows, found, scores, strict=True):
        yield row, list(zip(indices, values.tolist(), strict=True))
