"""The matrix of all logits of a batch, in rectangles that exist one by one."""

import tensorflow as tf

from uniclip_keras.losses import exchange
from uniclip_keras.losses import replicas
from uniclip_keras.losses import tiles


class LogitMatrix:
    """The logits of a replica's anchors with the rows of all replicas.

    Args:
        batch: The `Batch`.
        where: Str. The logits that count, as in `engine.reduce_logits`.

    Attributes:
        domains: List of the domains that have anchors.
        anchors: Mapping from domain to the `Blocks` of its anchors.
    """

    def __init__(self, batch, where):
        self.batch, self.where = batch, where
        self.domains = list(dict.fromkeys(a for a, _ in batch.directions))
        tile_size = batch.tile_size
        if tile_size is None:
            tile_size = tiles.default_size(where)
        # On one device, all candidates are anchors.
        self._exchanged = replicas.replica_count() > 1
        rows = tile_size
        if where == "positives":
            # A replica's rows are spread among those of all: so many of them
            # have their positives in one or two blocks of candidates.
            rows = -(-tile_size // replicas.replica_count())
        self.anchors, self._candidates = {}, {}
        for name in self.domains:
            domain = batch.domains[name]
            blocks = tiles.make_blocks(domain.anchors, rows)
            self.anchors[name] = self._candidates[name] = blocks
            if self._exchanged:
                self._candidates[name] = tiles.make_blocks(
                    domain.candidates, tile_size
                )

    def visit(self, visit, state):
        """Returns the last of `state = visit(rectangle, state)`.

        `state` is a structure of tensors. One device has a rectangle for each
        pair of domains, which serves the anchors of both. A replica has one
        for each direction and each part of the candidates.
        """

        def visit_one(row, column, columns, start, state):
            rectangle = tiles.Rectangle(
                self.where,
                self.batch.include_self,
                *(row, column, self.anchors[row], columns),
                columns_are_anchors=not self._exchanged,
                first_column=start,
            )
            # Otherwise all rectangles would hold their memory at once.
            with tf.control_dependencies(tf.nest.flatten((state, columns.z))):
                return visit(rectangle, state)

        directions = self.batch.directions
        if not self._exchanged:
            for row, column in directions:
                if self.domains.index(row) <= self.domains.index(column):
                    columns = self._candidates[column]
                    state = visit_one(row, column, columns, 0, state)
            return state
        for column in self.domains:

            def visit_part(columns, start, state, column=column):
                for row in self.domains:
                    if (row, column) in directions:
                        state = visit_one(row, column, columns, start, state)
                return state

            state = exchange.visit_parts(
                self.batch.domains[column],
                self._candidates[column],
                visit_part,
                state,
            )
        return state

    def anchor_blocks(self, domain, x):
        """Cuts numbers per anchor `[n, ...]` like the domain's anchors."""
        return tiles.to_blocks(x, self.anchors[domain])

    def candidate_blocks(self, domain, x):
        """Cuts numbers per anchor, of all replicas, like its candidates."""
        if self._exchanged:
            x = self.batch.domains[domain].to_candidates(x)
        return tiles.to_blocks(x, self._candidates[domain])

    def join(self, domain, x):
        """Joins blocks of a domain's anchors to rows `[n, ...]`."""
        return tiles.from_blocks(x, self.batch.domains[domain].anchors.z)
