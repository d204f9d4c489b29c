"""Random numbers that are functions of their keys.

NumPy may change the streams of its generators between releases. These hashes
stay the same, so a run goes on with the same samples after an upgrade.
"""

import numpy as np

# The constants of SplitMix64 (Steele, Lea and Flood, 2014).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def random_bits(*key):
    """Hashes integers, or arrays of them, to uint64 of their joint shape."""
    state = np.uint64(len(key))
    with np.errstate(over="ignore"):
        for part in key:
            part = np.asarray(part, np.int64).astype(np.uint64)
            state = _mix(state * _STEP ^ part)
    return state


def draw(bound, *key):
    """Draws from 0 to `bound - 1`: int64 of the joint shape of the key."""
    # 2^64 is large enough that the remainder favors no number noticeably.
    return (random_bits(*key) % np.uint64(bound)).astype(np.int64)


def permutation(size, *key):
    """Returns int64 `[size]`, a permutation for the key of integers."""
    return np.argsort(random_bits(*key, np.arange(size)), kind="stable")


def _mix(state):
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
