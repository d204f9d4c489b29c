"""TensorFlow's stateless random numbers, for many seeds in one call.

`tf.random.stateless_uniform` takes one seed. Where each sample has its own, its
overhead costs more than the numbers do, so this computes the same numbers with
NumPy: Philox4x32-10 (Salmon et al., 2011), begun as TensorFlow begins it.
"""

import numpy as np

_ROUNDS = 10
_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_KEY_STEPS = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)

# The key with which TensorFlow scrambles a seed.
_SCRAMBLING_KEY = np.array([0x3EC8F720, 0x02461E29], np.uint64)


def uniform(seeds, shape):
    """The numbers of `tf.random.stateless_uniform(shape, seed, alg="philox")`.

    Args:
        seeds: `[n, 2]` int64.
        shape: Tuple of ints.

    Returns:
        `[n, *shape]` float32 in [0, 1).
    """
    count = int(np.prod(shape))
    bits = _bits(seeds, count)
    # 23 bits are the fraction of a number from 1 to 2.
    ones = (bits & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)
    return (ones.view(np.float32) - np.float32(1)).reshape([len(seeds), *shape])


def fold_in(seeds, data):
    """The seeds of `tf.random.fold_in(seed, data)`: `[n, 2]` int64.

    Args:
        seeds: `[n, 2]` int64.
        data: Int of 32 bits.
    """
    first = _bits(seeds, 1)[:, 0].view(np.int32).astype(np.int64)
    return np.stack([first, np.full_like(first, data)], axis=1)


def _bits(seeds, count):
    """`[n, count]` uint32."""
    seeds = np.asarray(seeds, np.int64).astype(np.uint64)
    halves = np.stack([seeds & _LOW, seeds >> _HALF], axis=2)
    mixed = _philox(halves.reshape([-1, 4]).T, _SCRAMBLING_KEY)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    # A block of four words for each counter.
    key = [word[:, None] for word in mixed[:2]]
    start = [word[:, None] for word in mixed[2:]]
    words = _philox([blocks, np.zeros_like(blocks), *start], key)
    bits = np.stack(words, axis=2).reshape([len(seeds), 4 * len(blocks)])
    return bits[:, :count].astype(np.uint32)


def _philox(counter, key):
    """Encrypts the four words of counters with the two words of keys."""
    (a, b, c, d), (first, second) = counter, key
    for _ in range(_ROUNDS):
        ab, cd = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b = (cd >> _HALF) ^ b ^ first, cd & _LOW
        c, d = (ab >> _HALF) ^ d ^ second, ab & _LOW
        first = (first + _KEY_STEPS[0]) & _LOW
        second = (second + _KEY_STEPS[1]) & _LOW
    return a, b, c, d
