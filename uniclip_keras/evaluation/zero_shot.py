"""Zero-shot classification: the nearest class embedding names the image."""

from collections import Counter

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import rank_correct


def classify(
    image_embeddings, class_embeddings, labels, class_labels, top_k=(1, 5)
):
    """Zero-shot accuracy of images against class embeddings.

    CLIP, section 3.1.2. Tied classes count at their expected value (see
    `ranking`), so a constant embedding scores exactly the chance level.

    Args:
        image_embeddings: float [n, dim].
        class_embeddings: float [classes, dim], see `class_embeddings`.
        labels: n strings, the true class of each image.
        class_labels: the classes' labels, all different.
        top_k: the k of the accuracies; k above the number of classes is 1.0.

    Returns:
        A dict ready for JSON; all accuracies are fractions:
        `top<k>`; `chance` {top<k>} of guessing at random; `majority` {top<k>}
        of always naming the k most common classes; `mean_per_class`, the mean
        of the classes' own top-1; `per_class` {label: {"top1", "n"}} of the
        classes that have images; `n` images; `classes`.

    Raises:
        InputError: a label is not among the classes, a class label occurs
            twice, or embeddings and labels do not fit together.
    """
    _check_labels(labels, class_labels)
    ranks, chance = rank_correct(
        image_embeddings, class_embeddings, labels, class_labels
    )
    images_of_class = Counter(labels)
    most_common = [n for _, n in images_of_class.most_common()]
    hits = ranks.hit(1)
    labels = np.asarray(labels)
    per_class = {
        label: {"top1": float(hits[labels == label].mean()), "n": count}
        for label in class_labels
        if (count := images_of_class[label])
    }
    return {
        **{f"top{k}": float(ranks.hit(k).mean()) for k in top_k},
        "chance": {f"top{k}": float(chance.hit(k).mean()) for k in top_k},
        "majority": {
            f"top{k}": sum(most_common[:k]) / len(labels) for k in top_k
        },
        "mean_per_class": float(
            np.mean([row["top1"] for row in per_class.values()])
        ),
        "per_class": per_class,
        "n": len(labels),
        "classes": len(class_labels),
    }


def _check_labels(labels, class_labels):
    repeated = [c for c, n in Counter(class_labels).items() if n > 1]
    if repeated:
        raise InputError(
            f"The class {repeated[0]!r} is listed more than once; put all "
            "texts of a class in one entry."
        )
    missing = sorted(set(labels) - set(class_labels))
    if missing:
        shown = ", ".join(map(repr, missing[:3]))
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"The images' labels {shown}{more} are not among the "
            f"{len(class_labels)} classes; add them to the class list."
        )
