"""Linear probe: logistic regression on frozen features."""

import warnings
from typing import NamedTuple

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.classification import class_codes
from uniclip_keras.evaluation.classification import classification_result
from uniclip_keras.evaluation.classification import labelled_features
from uniclip_keras.evaluation.classification import training_classes
from uniclip_keras.evaluation.ranking import rank_columns


class LinearHead(NamedTuple):
    """A linear classifier.

    `kernel` float `[dim, classes]`, `bias` float `[classes]`, `classes` the
    labels of the columns.
    """

    kernel: np.ndarray
    bias: np.ndarray
    classes: list

    def logits(self, features):
        """`[n, dim]` -> `[n, classes]`."""
        return features @ self.kernel + self.bias


def linear_probe(
    train,
    validation,
    test,
    max_iterations=1000,
    top_k=(1, 5),
    groups=None,
):
    """Measures logistic regression on features (CLIP, appendix A.3).

    scikit-learn fits it by L-BFGS. C, the inverse of the L2 penalty, is the
    best on validation data of 10^-6, 10^-4, ..., 10^6 and then of its
    neighbours in ever smaller steps, down to 8 per decade; the smallest of
    equals. The last classifier learns from training and validation data
    together. Features are taken as they are.

    Args:
        train: `(features, labels)`: float `[n, dim]` and n labels.
        validation: Likewise, to choose C.
        test: Likewise, to measure.
        max_iterations: int. Of L-BFGS, for each C.
        top_k: Sequence of ints. The k of the accuracies.
        groups: A label for each test example of what is resampled together in
            an interval, or None.

    Returns:
        A `Result` as of `classification_result`, whose facts also hold `C`,
        `validation` {"C": [...], "top1": [...]} of every C tried, and
        `converged`, whether L-BFGS ended before its iterations did.

    Raises:
        InputError: If features and labels do not fit together, a label has no
            training example, a feature is not finite, or scikit-learn is
            missing.
    """
    train = labelled_features("training", train)
    validation = labelled_features("validation", validation, train[0])
    features, labels = labelled_features("test", test, train[0])
    classes = training_classes(train[1])
    codes = class_codes(labels, classes, "test examples")
    c, _, accuracies = search_penalty(train, validation, max_iterations)
    both = map(np.concatenate, zip(train, validation, strict=True))
    head, converged = fit_logistic(*both, c, max_iterations)
    ranks = rank_columns(head.logits(features), codes)
    result = classification_result(ranks, codes, classes, top_k, groups)
    tried = {"C": list(accuracies), "top1": list(accuracies.values())}
    result.facts.update(C=c, validation=tried, converged=converged)
    return result


def search_penalty(train, validation, max_iterations=1000):
    """Finds the C of `linear_probe`; arguments as its own.

    Returns:
        `(C, head, accuracies)`: the `LinearHead` of this C, which learnt from
        `train` alone, and a dict from each C tried to its accuracy.
    """
    classes = training_classes(train[1])
    codes = class_codes(validation[1], classes, "validation examples")
    heads, accuracies = {}, {}

    def measure(exponent):
        head, _ = fit_logistic(*train, 10.0**exponent, max_iterations)
        ranks = rank_columns(head.logits(validation[0]), codes)
        heads[exponent] = head
        accuracies[exponent] = float(ranks.hit(1).mean())

    for exponent in range(-6, 7, 2):
        measure(float(exponent))
    for step in (1, 1 / 2, 1 / 4, 1 / 8):
        best = _best(accuracies)
        for exponent in (best - step, best + step):
            if -6 <= exponent <= 6:
                measure(exponent)
    best = _best(accuracies)
    by_c = {10.0**e: accuracies[e] for e in sorted(accuracies)}
    return 10.0**best, heads[best], by_c


def fit_logistic(features, labels, c, max_iterations=1000):
    """Fits multinomial logistic regression by L-BFGS.

    Args:
        features: Float `[n, dim]`.
        labels: n labels, of at least two classes.
        c: float. The inverse of the L2 penalty.
        max_iterations: int. Of L-BFGS.

    Returns:
        `(head, converged)`: a `LinearHead`, its classes sorted, and a bool.

    Raises:
        InputError: If scikit-learn is missing.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise InputError(
            "scikit-learn is missing, which fits linear probes; install "
            "uniclip-keras[evaluation]."
        ) from None
    model = LogisticRegression(C=c, max_iter=max_iterations)
    with warnings.catch_warnings():
        # The result says it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
    kernel, bias = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:
        # scikit-learn keeps the logit of the second class alone.
        kernel = np.concatenate([0 * kernel, kernel], axis=1)
        bias = np.concatenate([0 * bias, bias])
    head = LinearHead(kernel, bias, model.classes_.tolist())
    return head, bool(model.n_iter_.max() < max_iterations)


def _best(accuracies):
    """The smallest exponent of the highest accuracy."""
    return max(sorted(accuracies), key=accuracies.get)
