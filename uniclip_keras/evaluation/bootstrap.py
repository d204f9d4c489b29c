"""The bootstrap of medians: whole groups are drawn with replacement."""

import numpy as np


def bootstrap_medians(values, groups, resamples=1000, seed=0):
    """Returns the medians of resampled items, the same items in all columns.

    Memory is a few arrays of n numbers, whatever the number of resamples.

    Args:
        values: Floats `[n, columns]`.
        groups: Ints `[n]` from 0, without gaps: which items stay together.
        resamples: int. How often as many groups as there are are drawn.
        seed: int. Of the draws.

    Returns:
        Floats `[resamples, columns]`.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    count = groups.max() + 1
    medians = np.empty([resamples, values.shape[1]])
    for row in medians:
        drawn = np.bincount(rng.integers(count, size=count), minlength=count)
        copies = drawn[groups]
        total = copies.sum()
        middle = [(total - 1) // 2, total // 2]
        for column in range(values.shape[1]):
            last = np.cumsum(copies[order[:, column]])
            found = np.searchsorted(last, middle, side="right")
            row[column] = ordered[found, column].mean()
    return medians
