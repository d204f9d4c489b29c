"""Formulas: what MP-NCE over images and texts costs a replica per step.

`rows` maps each domain to the rows that a replica has of it. All replicas have
as many, rows fill their blocks, and the loss compares all pairs of domains.
Nothing here is measured; a test compares `summed_bytes` with the collectives
of traced graphs.
"""

from uniclip_keras.losses import exchange
from uniclip_keras.losses import tiles

# Negatives, then positives. The tiles are those of CPUs.
SIZES = (tiles.TILE_SIZES["CPU"], tiles.BAND_TILE_SIZES["CPU"])
FLOAT = 4  # Bytes
# Per candidate: rank, index, order and, for both reductions, in blocks, place,
# owner, rank and index.
INTEGERS = 3 + 2 * 4
SCALARS = 1 + 3  # The anchors that count, and the total weight of each pair.


def summed_bytes(rows, dim, replicas):
    """Returns the bytes that a replica brings into sums over replicas."""
    total = replicas * sum(rows.values())
    # Both reductions bring in the rows forward and backward, and backward
    # three numbers of each anchor for each domain of its candidates.
    embeddings = 2 * 2 * total * dim * FLOAT
    numbers = 2 * total * len(rows) * 3 * FLOAT
    scalars = SCALARS * FLOAT
    return id_bytes(rows, replicas) + embeddings + numbers + scalars


def id_bytes(rows, replicas):
    """Returns the bytes of the ids in those sums, two integers each."""
    return replicas * sum(rows.values()) * 2 * FLOAT


def received_bytes(rows, dim, replicas):
    """Returns the bytes that a replica receives where sums go in a ring.

    The ring passes on each of `replicas` shares twice, but for its own.
    """
    payload = summed_bytes(rows, dim, replicas)
    return 2 * payload * (replicas - 1) // replicas


def flops(rows, dim, replicas):
    """Returns the operations of a replica's matrix products.

    A tile has a product in the forward pass and two in the backward pass.
    Negatives take all tiles. Of positives, whose ids are taken to be spread
    evenly, a block of anchors, smaller the more replicas there are, meets the
    candidates between its lowest and its highest id, and a block more at the
    end.
    """
    products = 0
    for n in rows.values():
        block = tiles.block_size(n, -(-SIZES[1] // replicas))
        for m in rows.values():
            candidates = replicas * m
            band = min(candidates, candidates * block // n + SIZES[1])
            products += n * (candidates + band)
    return 3 * 2 * dim * products


def memory_bytes(rows, dim, replicas):
    """Returns the bytes of what a replica holds at the peak, tiles left out.

    That is in the backward pass of the negatives: its anchors, their gradients
    through the positives and those so far, the sum over one part, a part
    before, in and after its sum over replicas, and numbers per candidate.
    """
    anchors = sum(rows.values())
    largest = max(rows.values())
    size = tiles.block_size(largest, SIZES[0])
    count = -(-replicas * largest // size)
    part = size * exchange.part_lengths(count, size, replicas)[0]
    embeddings = 3 * anchors + 2 * largest + 3 * part
    numbers = INTEGERS + 2 * 3 * len(rows)
    return FLOAT * (embeddings * dim + numbers * replicas * anchors)
