"""Zero-shot classification of corrupted images."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.classification import class_codes
from uniclip_keras.evaluation.corruptions import CORRUPTIONS
from uniclip_keras.evaluation.corruptions import corrupt
from uniclip_keras.evaluation.ranking import rank_correct
from uniclip_keras.evaluation.result import Result
from uniclip_keras.evaluation.scores import Scores

SEVERITIES = (1, 2, 3, 4, 5)


def corruption_robustness(
    encode_images,
    batches,
    labels,
    class_embeddings,
    class_labels,
    corruptions=CORRUPTIONS,
    severities=SEVERITIES,
    seed=0,
    groups=None,
):
    """Measures zero-shot accuracy under corruptions, in one pass over images.

    After ImageNet-C (Hendrycks and Dietterich 2019), with the mean accuracy in
    place of the error relative to AlexNet. Nothing but one batch is held.

    Args:
        encode_images: Function from images `[b, h, w, 3]` to `[b, dim]`.
        batches: Iterable of arrays `[b, h, w, 3]`, uint8 or float in [0, 1], n
            images in all.
        labels: n labels. The true class of each image.
        class_embeddings: Float array `[classes, dim]`, see `class_embeddings`.
        class_labels: The labels of the classes, all different.
        corruptions: Names out of `corruptions.CORRUPTIONS`.
        severities: Ints from 1 to 5.
        seed: int. Seed of the noise.
        groups: n labels of what is resampled together in an interval, or None.

    Returns:
        A `Result`. Scores, all of the top-1: `clean`; one of each corruption,
        of each image the mean over severities; `mean_corruption`, the mean
        over corruptions. Facts: `by_severity` {corruption: [top-1 at each
        severity]}, `severities`, `chance`, `n` and `classes`.

    Raises:
        InputError: If a label is not among the classes, there are not as many
            images as labels, or a corruption or severity is unknown.
    """
    codes = class_codes(labels, class_labels, "images")
    columns = np.arange(len(class_labels))
    hits = {name: [] for name in ("clean", *corruptions)}

    def measure(images, rows):
        embeddings = encode_images(images)
        ranks, _ = rank_correct(
            embeddings, class_embeddings, codes[rows], columns
        )
        return ranks.hit(1)

    done = 0
    for batch in map(np.asarray, batches):
        rows = slice(done, done + len(batch))
        done = rows.stop
        if done > len(codes):
            break
        hits["clean"].append([measure(batch, rows)])
        for name in corruptions:
            images = (
                corrupt(batch, name, severity, seed, rows.start)
                for severity in severities
            )
            hits[name].append([measure(x, rows) for x in images])
    if done != len(codes) or not done:
        raise InputError(
            f"There are {len(codes)} labels and not as many images; give one "
            "label for each of at least one image."
        )
    # [severities, n] of each.
    hits = {name: np.concatenate(x, axis=1) for name, x in hits.items()}
    means = {name: x.mean(axis=0) for name, x in hits.items()}
    if corruptions:
        means["mean_corruption"] = np.mean([means[x] for x in corruptions], 0)
    facts = {
        "by_severity": {x: hits[x].mean(axis=1).tolist() for x in corruptions},
        "severities": list(severities),
        "chance": dict.fromkeys(means, 1 / len(class_labels)),
        "n": len(codes),
        "classes": len(class_labels),
    }
    scores = {x: Scores(values, groups=groups) for x, values in means.items()}
    return Result(scores, facts)
