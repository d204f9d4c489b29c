"""Hashes that are even, independent and the same in every release."""

import numpy as np

from uniclip_keras.data.order import hashing


def splitmix(state):
    """SplitMix64 with Python's whole numbers."""
    mask = 2**64 - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)


def slow_bits(*key):
    state = len(key)
    for part in key:
        state = state * 0x9E3779B97F4A7C15 % 2**64 ^ (part % 2**64)
        state = splitmix(state)
    return state


def test_bits_equal_those_of_plain_python():
    # The first number of the generator with seed 0, as published.
    assert splitmix(0) == 0xE220A8397B1DCDAF
    for key in ((0,), (3, -1, 2**40), (7, 1)):
        assert int(hashing.random_bits(*key)) == slow_bits(*key)
    both = hashing.random_bits(5, np.arange(4)[:, np.newaxis], np.arange(3))
    expected = [[slow_bits(5, i, j) for j in range(3)] for i in range(4)]
    assert both.tolist() == expected


def test_draws_are_even_and_differ_by_key():
    drawn = hashing.draw(6, 1, np.arange(60_000))
    counts = np.bincount(drawn, minlength=6)
    # 10,000 +- 91 each.
    assert abs(counts - 10_000).max() < 5 * 91
    others = hashing.draw(6, 2, np.arange(60_000))
    # One in six is equal by chance: 10,000 +- 91.
    assert abs((drawn == others).sum() - 10_000) < 5 * 91


def test_permutations_are_even():
    orders = np.array([hashing.permutation(5, 0, i) for i in range(6000)])
    assert (np.sort(orders, axis=1) == np.arange(5)).all()
    _, counts = np.unique(orders, axis=0, return_counts=True)
    # Each of the 120 orders: 50 +- 7.
    assert len(counts) == 120 and abs(counts - 50).max() < 5 * 7.1
    assert hashing.permutation(5, 0, 3).tolist() == orders[3].tolist()
