"""Embeddings of the candidates of all replicas, one part after the other.

Every replica compares its anchors with the rows of all replicas. Holding them
would take memory that grows with the number of replicas. Instead, the blocks
of the sorted candidates form parts. All replicas bring in the embeddings of a
part at the same time, by a sum in which each row is that of its owner and zero
elsewhere, visit its tiles, and drop it again, in the forward pass as in the
backward pass.
"""

import tensorflow as tf

from uniclip_keras.losses import replicas
from uniclip_keras.losses import tiles

# A part has about half as many rows as a replica has anchors. A collective must
# not stand in a loop, so the graph holds each part: there are not many more.
PARTS_PER_REPLICA = 2
MOST_PARTS = 32
# Parts have at least so many rows: small messages take no less time.
LEAST_ROWS = 1024


def visit_parts(domain, blocks, visit, state):
    """Returns the last of `state = visit(columns, start, state)` over parts.

    `blocks` are the blocks of the domain's candidates without embeddings,
    `columns` those of a part, from `start` on, with embeddings. `state` is a
    structure of tensors.
    """
    count, size = blocks.shape()
    lengths = part_lengths(count, size, replicas.replica_count())
    # Anchors of a replica are as sorted as the candidates of all replicas.
    rows = tf.shape(domain.anchors.ranks)[0]
    places = tiles.split(domain.order % rows, size, 0)
    owners = tiles.split(domain.order // rows, size, -1)
    own = tf.cast(owners == replicas.replica_index(), tf.float32)
    static = isinstance(lengths, list)
    parts = len(lengths) if static else lengths.shape[0]
    if parts > 1:
        # Traced once, and not copied into the graph for each part.
        visit = tf.function(
            visit,
            autograph=False,
            experimental_attributes={"_noinline": True},
        )
    start = 0
    tensors = [places, own, *blocks[1:]]  # `[blocks, ...]` each
    tensors = [tf.split(x, lengths, num=parts) for x in tensors]
    for length, places, own, *others in zip(
        lengths if static else tf.unstack(lengths), *tensors, strict=True
    ):
        # Not before the part before it can be dropped.
        with tf.control_dependencies(tf.nest.flatten(state)):
            z = tf.gather(domain.anchors.z, places)
        z = replicas.sum_over_replicas(z * own[:, :, None])
        columns = tiles.Blocks(z, *others)
        state = visit(columns, tf.convert_to_tensor(start), state)
        start += length
    return state


def part_lengths(count, size, replica_count):
    """Returns how many of `count` blocks of `size` rows are in each part.

    A list, or a tensor where the arguments are not static. The number of parts
    is static.
    """
    parts = min(PARTS_PER_REPLICA * replica_count, MOST_PARTS)
    least = -(-LEAST_ROWS // size)
    if isinstance(count, int) and isinstance(size, int):
        length = max(-(-count // parts), least)
        return [min(length, count - i) for i in range(0, count, length)]
    length = tf.maximum(-(-count // parts), least)
    ends = tf.minimum(length * tf.range(parts + 1), count)
    return ends[1:] - ends[:-1]
