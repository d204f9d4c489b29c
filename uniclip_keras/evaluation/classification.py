"""What the protocols that name a class for each image share."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.result import Result
from uniclip_keras.evaluation.scores import Scores
from uniclip_keras.evaluation.vectors import check_labels
from uniclip_keras.evaluation.vectors import finite_rows
from uniclip_keras.evaluation.vectors import same_dim


def classification_result(
    ranks, codes, class_labels, top_k=(1, 5), groups=None
):
    """Makes the result of a classification from the ranks of true classes.

    Args:
        ranks: `Ranks` of the true class of each of n images among all classes.
        codes: Ints `[n]`. The true classes, as indices of `class_labels`.
        class_labels: Sequence of the labels of all classes.
        top_k: Sequence of ints. The k of the accuracies.
        groups: n labels of what is resampled together in an interval, or None.

    Returns:
        A `Result`. Scores: `top<k>`, and `mean_per_class`, the mean over
        classes of the top-1 of each. Facts: `chance` {top<k>} of random
        guesses; `majority` {top<k>} of always naming the k most common
        classes; `per_class` {label: {"top1", "n"}} of the classes with
        images; `n`, the number of images; `classes`, the number of classes.
    """
    n, classes = len(codes), len(class_labels)
    hits = ranks.hit(1)
    counts = np.bincount(codes, minlength=classes)
    right = np.bincount(codes, hits, minlength=classes)
    most_common = np.sort(counts)[::-1]
    scores = {f"top{k}": Scores(ranks.hit(k), groups=groups) for k in top_k}
    scores["mean_per_class"] = Scores(hits, "class_mean", codes, groups)
    facts = {
        "chance": {f"top{k}": min(k, classes) / classes for k in top_k},
        "majority": {
            f"top{k}": float(most_common[:k].sum() / n) for k in top_k
        },
        "per_class": {
            str(label): {
                "top1": float(right[i] / counts[i]),
                "n": int(counts[i]),
            }
            for i, label in enumerate(class_labels)
            if counts[i]
        },
        "n": n,
        "classes": classes,
    }
    return Result(scores, facts)


def class_codes(labels, class_labels, name):
    """Returns the index of each label in `class_labels`, ints `[n]`.

    Raises:
        InputError: If a label is not there; `name` says whose labels they are.
    """
    index_of = {label: i for i, label in enumerate(_plain(class_labels))}
    labels = _plain(labels)
    missing = sorted(set(labels) - set(index_of))
    if missing:
        raise InputError(
            f"{len(missing)} labels of {name}, such as {missing[0]!r}, are not "
            f"among the {len(index_of)} classes; add them."
        )
    return np.array([index_of[label] for label in labels], np.int64)


def labelled_features(name, pair, like=None):
    """Checks a pair of features and labels.

    Args:
        name: String. What the features are of, e.g. "training".
        pair: `(features, labels)`: `[n, dim]` and n labels.
        like: Features whose dimension these must have, or None.

    Returns:
        `(features, labels)`: float32 `[n, dim]` and an array `[n]`.

    Raises:
        InputError: If shapes do not fit, or a feature is not finite.
    """
    features, labels = pair
    features = finite_rows(features, f"{name} features")
    if like is not None:
        same_dim(like, "training features", features, f"{name} features")
    return features, check_labels(labels, features, f"{name} features")


def training_classes(labels):
    """Returns the sorted labels of the classes, of which there must be two."""
    classes = np.unique(labels).tolist()
    if len(classes) < 2:
        raise InputError(
            f"All training examples are of the class {classes[0]!r}; give at "
            "least two classes."
        )
    return classes


def _plain(labels):
    """Labels as Python values, which JSON and dicts take."""
    return labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
