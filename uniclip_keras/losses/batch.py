"""The global batch as one replica sees it: anchors, candidates, positives."""

from typing import NamedTuple

import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses import replicas

# Masks compare ranks in float32, which counts exactly so far.
MOST_ROWS = 2**24


class Rows(NamedTuple):
    """Rows of one domain, sorted by id."""

    # float32 [n, dim], of unit length, without gradient; None for candidates.
    z: tf.Tensor | None
    # int32 [n], ascending. Equal ids have equal ranks, in all domains.
    ranks: tf.Tensor
    indices: tf.Tensor  # int32 [n], in the unsorted global batch


class Domain(NamedTuple):
    """One domain of the global batch."""

    anchors: Rows  # of this replica
    candidates: Rows  # of all replicas
    # int32 [replicas * n]: the place of each candidate among the anchors of
    # all replicas, one replica's after the other.
    order: tf.Tensor

    def to_candidates(self, x):
        """Gathers numbers per anchor `[n, ...]` in the candidates' order."""
        return tf.gather(replicas.gather(x), self.order)


class Batch:
    """The embeddings and ids that a loss is called with, and its arguments.

    A direction is a tuple `(anchor domain, candidate domain)`. Numbers per
    anchor are float32 `[n]`, in the order of the domain's `anchors`.

    Attributes:
        domains: Mapping from domain to `Domain`.
        directions: List of the directions of the pairs.
        counts: Mapping from direction to the number of positives per anchor.
    """

    def __init__(self, loss, embeddings, ids):
        self.domains = make_domains(embeddings, ids)
        self.similarity = loss.similarity
        self.pairs = loss.pairs
        self.include_self = loss.include_self
        self.tile_size = loss.tile_size
        present = [d for d in self.similarity.domains if d in self.domains]
        self.directions = [
            (anchor, candidate)
            for anchor in present
            for candidate in present
            if self.pair_of((anchor, candidate)) in self.pairs
        ]
        self.counts = {d: self._count_positives(*d) for d in self.directions}

    def pair_of(self, direction):
        """Returns the name of the pair that a direction belongs to."""
        return self.similarity.pairs[self.similarity.pair_index(*direction)]

    def _count_positives(self, anchor, candidate):
        count = count_equal(
            self.domains[anchor].anchors.ranks,
            self.domains[candidate].candidates.ranks,
        )
        if anchor == candidate and not self.include_self:
            count -= 1
        return tf.cast(count, tf.float32)


def make_domains(embeddings, ids):
    """Sorts the rows of each domain by id: a mapping of name to `Domain`.

    Replicas gather the ids alone, and each sorts the rows of all of them.
    """
    gathered = {
        d: replicas.gather(tf.cast(tf.convert_to_tensor(ids[d]), tf.int64))
        for d in embeddings
    }
    known = tf.sort(tf.concat(list(gathered.values()), axis=0))
    if (known.shape[0] or 0) > MOST_ROWS:
        raise InputError(
            f"The global batch has {known.shape[0]} embeddings; give at most "
            f"{MOST_ROWS}."
        )
    return {
        d: _make_domain(z, tf.searchsorted(known, gathered[d]))
        for d, z in embeddings.items()
    }


def _make_domain(z, ranks):
    """Makes a `Domain` of the replica's `z` and the ranks of all replicas."""
    # The rank of an id among all ids fits in 32 bits, whatever the id.
    by_replica = tf.reshape(ranks, [replicas.replica_count(), -1])
    local_order = tf.argsort(by_replica, axis=1, stable=True)  # [replicas, n]
    ranks = tf.gather(by_replica, local_order, batch_dims=1)
    count = tf.shape(ranks)[1]
    indices = local_order + count * tf.range(ranks.shape[0])[:, None]
    own = replicas.replica_index()
    anchors = Rows(
        tf.gather(unit_length(z), local_order[own]), ranks[own], indices[own]
    )
    ranks, indices = tf.reshape(ranks, [-1]), tf.reshape(indices, [-1])
    order = tf.argsort(ranks, stable=True)
    candidates = Rows(None, tf.gather(ranks, order), tf.gather(indices, order))
    return Domain(anchors, candidates, order)


def count_equal(ids, candidates):
    """Counts the ascending candidates `[m]` that equal each id `[n]`: `[n]`."""
    first = tf.searchsorted(candidates, ids, side="left")
    return tf.searchsorted(candidates, ids, side="right") - first
