"""Embeddings of the candidates of all replicas, one part after the other.

Every replica compares its anchors with the rows of all replicas. Holding them
would take memory that grows with the number of replicas. Instead, the blocks
of the sorted candidates form a few parts. All replicas bring in the embeddings
of a part at the same time, by a sum in which each row is that of its owner and
zero elsewhere, visit its tiles, and drop it again, in the forward pass as in
the backward pass.
"""

import tensorflow as tf

from uniclip_keras.losses import replicas
from uniclip_keras.losses import tiles

# More parts take less memory, but a longer graph: a collective must not stand
# in a loop, so the graph holds the visit of each part.
PARTS = 4
# Parts have at least so many rows: small messages take no less time.
LEAST_ROWS = 1024


def visit_parts(domain, blocks, visit, state):
    """Returns the last of `state = visit(columns, start, state)` over parts.

    `blocks` are the blocks of the domain's candidates without embeddings,
    `columns` those of a part, from `start` on, with embeddings. `state` is a
    structure of tensors.
    """
    count, size = blocks.shape()
    maximum = max if isinstance(count, int) else tf.maximum
    length = maximum(-(-count // PARTS), -(-LEAST_ROWS // size))
    parts = -(-count // length) if isinstance(count, int) else PARTS
    # Anchors of a replica are as sorted as the candidates of all replicas.
    rows = tf.shape(domain.anchors.ranks)[0]
    places = tiles.split(domain.order % rows, size, 0)
    owners = tiles.split(domain.order // rows, size, -1)
    own = tf.cast(owners == replicas.replica_index(), tf.float32)
    for part in range(parts):
        start, stop = part * length, (part + 1) * length
        # Not before the part before it can be dropped.
        with tf.control_dependencies(tf.nest.flatten(state)):
            z = tf.gather(domain.anchors.z, places[start:stop])
        z = replicas.sum_over_replicas(z * own[start:stop, :, None])
        state = visit(blocks.part(start, stop, z), start, state)
    return state
