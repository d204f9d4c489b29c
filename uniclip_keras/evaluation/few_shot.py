"""Few-shot classification: linear probes on a few examples per class."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.classification import class_codes
from uniclip_keras.evaluation.classification import labelled_features
from uniclip_keras.evaluation.classification import training_classes
from uniclip_keras.evaluation.linear_probe import search_penalty
from uniclip_keras.evaluation.ranking import rank_columns
from uniclip_keras.evaluation.result import Result
from uniclip_keras.evaluation.scores import Scores

# CoOp chooses C on as many validation examples as there are shots, up to 4.
MOST_VALIDATION_SHOTS = 4


def few_shot(
    train,
    validation,
    test,
    shots=(1, 2, 4, 8, 16),
    draws=3,
    seed=0,
    max_iterations=1000,
    groups=None,
):
    """Measures logistic regression on a few examples of each class.

    As in figure 6 of CLIP, by the rules of CoOp (Zhou et al. 2022): each draw
    takes so many training examples of each class, and as many validation
    examples, but at most 4, to choose C as in `linear_probe`; the classifier
    learns from the training examples alone. Draws depend on the seed and on
    nothing else.

    Args:
        train: `(features, labels)`: float `[n, dim]` and n labels.
        validation: Likewise, to choose C.
        test: Likewise, to measure.
        shots: Sequence of ints. Training examples per class.
        draws: int. Draws for each number of shots.
        seed: int. Seed of the draws.
        max_iterations: int. Of L-BFGS, for each C.
        groups: A label for each test example of what is resampled together in
            an interval, or None.

    Returns:
        A `Result`. Scores: `top1_<k>_shot`, of each test example the mean over
        draws, so that an interval is one over test examples. Facts: `draws`
        and `C`, {<k>_shot: [the top-1 or C of each draw]}; `chance`; `n`, the
        number of test examples; `classes`.

    Raises:
        InputError: If features and labels do not fit together, a class has too
            few examples, a feature is not finite, or scikit-learn is missing.
    """
    train = labelled_features("training", train)
    validation = labelled_features("validation", validation, train[0])
    features, labels = labelled_features("test", test, train[0])
    if draws < 1 or not len(shots) or min(shots) < 1:
        raise InputError(
            f"shots={tuple(shots)}, draws={draws}: give at least one of each, "
            "all at least 1."
        )
    classes = training_classes(train[1])
    class_codes(validation[1], classes, "validation examples")
    codes = class_codes(labels, classes, "test examples")
    most = max(shots)
    _check_enough(train[1], classes, most, "training")
    _check_enough(
        validation[1], classes, min(most, MOST_VALIDATION_SHOTS), "validation"
    )
    scores, facts = {}, {"draws": {}, "C": {}}
    for count in shots:
        hits, penalties = [], []
        for draw in range(draws):
            rng = np.random.default_rng([seed, count, draw])
            drawn = _draw(rng, train, classes, count)
            few = min(count, MOST_VALIDATION_SHOTS)
            c, head, _ = search_penalty(
                drawn, _draw(rng, validation, classes, few), max_iterations
            )
            hits.append(rank_columns(head.logits(features), codes).hit(1))
            penalties.append(c)
        mean = np.mean(hits, axis=0)
        scores[f"top1_{count}_shot"] = Scores(mean, groups=groups)
        facts["draws"][f"{count}_shot"] = np.mean(hits, axis=1).tolist()
        facts["C"][f"{count}_shot"] = penalties
    facts |= {
        "chance": dict.fromkeys(scores, 1 / len(classes)),
        "n": len(codes),
        "classes": len(classes),
    }
    return Result(scores, facts)


def _draw(rng, pair, classes, count):
    """Returns `count` examples of each class."""
    features, labels = pair
    rows = np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == label), count, replace=False)
            for label in classes
        ]
    )
    return features[rows], labels[rows]


def _check_enough(labels, classes, count, name):
    for label in classes:
        found = int((labels == label).sum())
        if found < count:
            raise InputError(
                f"The class {label!r} has {found} {name} examples, which is "
                f"too few for draws of {count}; give more, or fewer shots."
            )
