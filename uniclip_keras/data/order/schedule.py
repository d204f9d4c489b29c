"""Which source each row draws from, without a history.

The rows of a training are dealt to `STREAMS` streams like cards, and every
stream draws from the sources in the same shares. So a worker that makes the
rows of some streams needs only their part of every source.
"""

import numpy as np

from uniclip_keras.data.order.hashing import random_bits

# Numbers of workers that divide it read every sample once per pass: 1 to 6, 8,
# 10, 12, 15, 16, ... It is the same everywhere, or the order would change.
STREAMS = 240

# In each block of so many rows of a stream the shares are met.
BLOCK = 32

_UNIT = 2**32


class Schedule:
    """Assigns rows to sources by weight.

    Args:
        weights: Sequence of positive numbers, one per source.
        seed: Int. Determines the order within blocks.
    """

    def __init__(self, weights, seed):
        self._seed = seed
        # The share of each source in what the sources before it leave.
        weights = np.asarray(weights, float)
        left = np.cumsum(weights[::-1])[::-1]
        self._shares = [round(share * _UNIT) for share in weights / left]

    def locate(self, rows):
        """Returns the source of each row, and the draw from that source.

        Args:
            rows: Int64 `[n]`.

        Returns:
            `(sources, draws)`, both int64 `[n]`. Draw i of a source belongs to
            the same stream as row i would.
        """
        rows = np.asarray(rows, np.int64)
        streams, places = rows % STREAMS, rows // STREAMS
        if len(self._shares) == 1:
            return np.zeros_like(rows), rows
        blocks, places = places // BLOCK, places % BLOCK
        known, which = np.unique(blocks, return_inverse=True)
        before = np.array([self._counts(int(b) * BLOCK) for b in known])
        after = np.array([self._counts((int(b) + 1) * BLOCK) for b in known])
        sources = np.arange(len(self._shares))
        blocks_in_order = np.array(
            [np.repeat(sources, count) for count in after - before]
        )
        keys = random_bits(
            self._seed,
            streams[:, np.newaxis],
            blocks[:, np.newaxis],
            np.arange(BLOCK),
        )
        shuffled = np.take_along_axis(
            blocks_in_order[which], np.argsort(keys, axis=1), axis=1
        )
        index = np.arange(len(rows))
        drawn = shuffled[index, places]
        is_earlier = np.arange(BLOCK) < places[:, np.newaxis]
        is_same = shuffled == drawn[:, np.newaxis]
        earlier = np.sum(is_same & is_earlier, axis=1)
        draws = before[which, drawn] + earlier
        return drawn, draws * STREAMS + streams

    def _counts(self, rows):
        """Returns how many of the first rows of a stream each source has."""
        counts = []
        for share in self._shares:
            # Rounded: the rest is carried into the next block.
            counts.append((rows * share + _UNIT // 2) // _UNIT)
            rows -= counts[-1]
        return counts
