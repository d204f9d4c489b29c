"""The global batch as one replica sees it: anchors, candidates, positives."""

from typing import NamedTuple

import tensorflow as tf

from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses.replicas import first_row
from uniclip_keras.losses.replicas import gather
from uniclip_keras.losses.replicas import replica_count


class Rows(NamedTuple):
    """Embeddings of one domain, sorted by id.

    Attributes:
        z: float32 `[n, dim]`. Embeddings of unit length.
        ranks: int32 `[n]`, ascending. Rows have equal ranks if and only if
            they have equal ids, across all domains.
        indices: int32 `[n]`. The index of each row in the unsorted global
            batch.
    """

    z: tf.Tensor
    ranks: tf.Tensor
    indices: tf.Tensor


class Domain(NamedTuple):
    """One domain of the global batch.

    Attributes:
        anchors: `Rows` of this replica.
        candidates: `Rows` of all replicas, without gradient. On a single
            device these are the anchors themselves.
        order: int32 `[replicas * n]`. Maps the gathered anchors to the
            candidates. None on a single device.
    """

    anchors: Rows
    candidates: Rows
    order: tf.Tensor | None

    def to_candidates(self, x):
        """Gathers numbers per anchor in the order of the candidates."""
        if self.order is None:
            return x
        return tf.gather(gather(x), self.order)


class Batch:
    """The embeddings and ids that a loss is called with, and its arguments.

    A direction is a tuple `(anchor domain, candidate domain)`. Numbers per
    anchor are float32 `[n]`, in the order of the domain's `anchors`. See
    `ContrastiveLoss` for the arguments.

    Attributes:
        domains: Mapping from domain to `Domain`.
        directions: List of the directions of the pairs.
        counts: Mapping from direction to the number of positives per anchor.
    """

    def __init__(
        self, embeddings, ids, similarity, pairs, include_self, tile_size
    ):
        self.domains = make_domains(embeddings, ids)
        self.similarity = similarity
        self.pairs = pairs
        self.include_self = include_self
        self.tile_size = tile_size
        present = [d for d in similarity.domains if d in self.domains]
        self.directions = [
            (anchor, candidate)
            for anchor in present
            for candidate in present
            if self.pair_of((anchor, candidate)) in pairs
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
    known = tf.sort(tf.concat([gather(ids[d]) for d in embeddings], axis=0))
    domains = {}
    for name, z in embeddings.items():
        ranks = tf.searchsorted(known, ids[name], out_type=tf.int32)
        count = tf.shape(z)[0]
        indices = first_row(count) + tf.range(count)
        anchors, _ = _sort(Rows(unit_length(z), ranks, indices))
        candidates, order = anchors, None
        if replica_count() > 1:
            gathered = Rows(*(gather(tf.stop_gradient(x)) for x in anchors))
            candidates, order = _sort(gathered)
        domains[name] = Domain(anchors, candidates, order)
    return domains


def count_equal(ids, candidates):
    """Counts the ascending candidates `[m]` that equal each id `[n]`: `[n]`."""
    first = tf.searchsorted(candidates, ids, side="left")
    last = tf.searchsorted(candidates, ids, side="right")
    return last - first


def _sort(rows):
    order = tf.argsort(rows.ranks, stable=True)
    return Rows(*(tf.gather(x, order) for x in rows)), order
