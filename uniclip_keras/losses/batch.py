"""The global batch as one replica sees it: anchors, candidates, positives."""

from typing import NamedTuple

import tensorflow as tf

from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses import replicas


class Rows(NamedTuple):
    """Embeddings of one domain, sorted by id."""

    z: tf.Tensor  # float32 [n, dim], of unit length
    # int32 [n], ascending. Equal ids have equal ranks, in all domains.
    ranks: tf.Tensor
    indices: tf.Tensor  # int32 [n], in the unsorted global batch


class Domain(NamedTuple):
    """One domain of the global batch."""

    anchors: Rows  # of this replica
    # Rows of all replicas, without gradient. On one device, the anchors.
    candidates: Rows
    # int32 [replicas * n], maps the gathered anchors to the candidates.
    order: tf.Tensor | None  # None on one device

    def to_candidates(self, x):
        """Gathers numbers per anchor in the order of the candidates."""
        if self.order is None:
            return x
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
    """Sorts the rows of each domain by id: a mapping of name to `Domain`."""
    ids = {
        d: tf.cast(tf.convert_to_tensor(i), tf.int64) for d, i in ids.items()
    }
    # The rank of an id among all ids fits in 32 bits, whatever the id.
    known = tf.sort(
        tf.concat([replicas.gather(ids[d]) for d in embeddings], axis=0)
    )
    domains = {}
    for name, z in embeddings.items():
        ranks = tf.searchsorted(known, ids[name], out_type=tf.int32)
        count = tf.shape(z)[0]
        indices = replicas.first_row(count) + tf.range(count)
        anchors, _ = _sort(Rows(unit_length(z), ranks, indices))
        candidates, order = anchors, None
        if replicas.replica_count() > 1:
            candidates, order = _sort(
                Rows(*(replicas.gather(tf.stop_gradient(x)) for x in anchors))
            )
        domains[name] = Domain(anchors, candidates, order)
    return domains


def count_equal(ids, candidates):
    """Counts the ascending candidates `[m]` that equal each id `[n]`: `[n]`."""
    first = tf.searchsorted(candidates, ids, side="left")
    return tf.searchsorted(candidates, ids, side="right") - first


def _sort(rows):
    order = tf.argsort(rows.ranks, stable=True)
    return Rows(*(tf.gather(x, order) for x in rows)), order
