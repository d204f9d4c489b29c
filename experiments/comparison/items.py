"""The items that several runs have scores of, brought into one order."""

import collections
import dataclasses

import numpy as np

from uniclip_keras.errors import InputError


def common_scores(runs):
    """Returns the scores of runs on the items that all of them have.

    Args:
        runs: List of `(items, scores)`: strings `[n]` that name the items, and
            the `Scores` of these items.

    Returns:
        `(scores, dropped)`: a list of `Scores` of the same items, in the
        same order, and the largest number of items that a run loses.

    Raises:
        InputError: If the runs have no item in common.
    """
    first = runs[0][0]
    if all(np.array_equal(items, first) for items, _ in runs):
        return [scores for _, scores in runs], 0
    rows = [
        {name: row for row, name in enumerate(_distinct(items))}
        for items, _ in runs
    ]
    shared = [name for name in rows[0] if all(name in r for r in rows)]
    if not shared:
        raise InputError("There is no item in common.")
    dropped = max(map(len, rows)) - len(shared)
    return [
        select(scores, np.array([places[name] for name in shared]))
        for places, (_, scores) in zip(rows, runs, strict=True)
    ], dropped


def _distinct(items):
    """Yields `(item, how often it came before)`: the same text may recur."""
    seen = collections.Counter()
    for item in items.tolist():
        yield item, seen[item]
        seen[item] += 1


def select(scores, rows):
    """Returns the `Scores` of some rows."""
    labels = {
        name: getattr(scores, name)[rows]
        for name in ("classes", "groups")
        if getattr(scores, name) is not None
    }
    return dataclasses.replace(scores, values=scores.values[rows], **labels)
