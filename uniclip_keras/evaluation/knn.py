"""Classification by the nearest training examples."""

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.classification import class_codes
from uniclip_keras.evaluation.classification import classification_result
from uniclip_keras.evaluation.classification import labelled_features
from uniclip_keras.evaluation.classification import training_classes
from uniclip_keras.evaluation.nearest import nearest
from uniclip_keras.evaluation.ranking import Ranks
from uniclip_keras.evaluation.ranking import rank_columns
from uniclip_keras.evaluation.vectors import BLOCK_ELEMENTS
from uniclip_keras.evaluation.vectors import blocks


def knn(
    train,
    test,
    k=20,
    temperature=0.07,
    top_k=(1, 5),
    groups=None,
    block_elements=BLOCK_ELEMENTS,
):
    """Measures weighted nearest neighbours (Wu et al. 2018, section 3.4).

    Each of the k training examples with the highest cosine votes for its class
    with weight exp(cosine / temperature), as in the evaluation of DINO (Caron
    et al. 2021), whose best k is 20. Classes with equal votes, such as none,
    count at their expected value.

    Args:
        train: `(features, labels)`: float `[n, dim]` and n labels.
        test: Likewise, to measure.
        k: int. Number of neighbours.
        temperature: float. Above 0.
        top_k: Sequence of ints. The k of the accuracies.
        groups: A label for each test example of what is resampled together in
            an interval, or None.
        block_elements: int. Most similarities or votes to hold at a time.

    Returns:
        A `Result` as of `classification_result`, whose facts also hold `k`.

    Raises:
        InputError: If features and labels do not fit together, a label has no
            training example, a feature is not finite, or there are fewer than
            k training examples.
    """
    train_features, train_labels = labelled_features("training", train)
    features, labels = labelled_features("test", test, train_features)
    if not 1 <= k <= len(train_features):
        raise InputError(
            f"k={k} neighbours of {len(train_features)} training examples: "
            "give a k of at least 1 and at most their number."
        )
    if not temperature > 0:
        raise InputError(f"temperature={temperature}: give one above 0.")
    classes = training_classes(train_labels)
    train_codes = class_codes(train_labels, classes, "training examples")
    codes = class_codes(labels, classes, "test examples")
    indices, cosines = nearest(features, train_features, k, block_elements)
    # Less the highest, so that no temperature overflows.
    cosines = cosines.astype(np.float64) - cosines[:, :1]
    weights = np.exp(cosines / temperature)
    parts = []
    for rows in blocks(len(features), len(classes), block_elements):
        votes = np.zeros([len(codes[rows]), len(classes)])
        places = np.arange(len(votes))[:, None], train_codes[indices[rows]]
        np.add.at(votes, places, weights[rows])
        parts.append(rank_columns(votes, codes[rows]))
    ranks = Ranks(*map(np.concatenate, zip(*parts, strict=True)))
    result = classification_result(ranks, codes, classes, top_k, groups)
    result.facts.update(k=k)
    return result
