"""What a run says of the items whose names match a pattern."""

import re

import numpy as np

from experiments.comparison.items import select
from experiments.evaluation import storage
from uniclip_keras import evaluation
from uniclip_keras.errors import InputError


def compile_names(pattern):
    """Compiles a regular expression for names, which ignores case.

    Raises:
        InputError: If it is none.
    """
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise InputError(
            f"--names={pattern} is no regular expression: {error}."
        ) from None


def restrict(workdir, task, items, scores, names):
    """Restricts scores to the items with matching names.

    The name of an image is any text of its label, and a text is its own.

    Args:
        workdir: str. Of the run.
        task: str. Name of the task.
        items: Strings `[n]` that name the items.
        scores: Dict metric -> `Scores` of the items.
        names: Compiled regular expression.

    Returns:
        `(values, items, scores)`: what results.json would hold of these items,
        and the items and scores left, or None if no name matches.
    """
    kept = storage.read(workdir, task)
    if "candidates/texts" not in kept:
        return None
    texts = kept["candidates/texts"]
    found = np.array([names.search(text) is not None for text in texts])
    labels = kept["candidates/labels"][found]
    images = kept["images/keys"][np.isin(kept["images/labels"], labels)]
    rows = np.flatnonzero(np.isin(items, [*texts[found], *images]))
    if not len(rows):
        return None
    scores = {name: select(score, rows) for name, score in scores.items()}
    values = {name: score.value() for name, score in scores.items()}
    intervals = {
        name: evaluation.confidence_interval(score)
        for name, score in scores.items()
    }
    # One group of items says nothing about others.
    values["intervals"] = {n: pair for n, pair in intervals.items() if pair}
    return values, np.asarray(items)[rows], scores
