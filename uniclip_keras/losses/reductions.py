"""Reductions over the candidates of an anchor, with their derivatives.

A reduction turns the logits `s` between an anchor and its candidates into one
value. The engine applies it tile by tile and merges the results. A tile has
anchors along its rows, and along its columns where it serves these as well.
"""

from typing import NamedTuple

import tensorflow as tf

# Stands for "no candidate at all". Its exponential is 0 in float32 and, unlike
# an infinity, it leaves the gradients finite.
NO_LOGIT = -1e9


class AnchorValues(NamedTuple):
    """Numbers of the anchors along one side of a tile, float32 `[n]` each."""

    shift: tf.Tensor  # What the reduction subtracts.
    value: tf.Tensor  # What it returns.
    gradient: tf.Tensor  # The derivative of the loss by the value.


class Reduction:
    """Sums a function of each logit, which subclasses give in `terms`."""

    # The state `[k]` of an anchor without candidates. The first number is its
    # value, the last the sum of the slopes.
    start = (0.0, 0.0)
    masked_value = NO_LOGIT  # In the place of logits that do not count.
    uses_shift = False

    def tile(self, s, shifts):
        """Reduces the logits `s` `[rows, columns]` of one tile.

        `shifts` are those of the row anchors and, where columns are anchors,
        too, of the column anchors. Returns the states `[n, k]` of each.
        """
        states = []
        for axis, shift in zip((1, 0), shifts, strict=False):
            terms = self.terms(s, tf.expand_dims(shift, axis))
            sums = [tf.reduce_sum(term, axis=axis) for term in terms]
            states.append(tf.stack(sums, axis=1))
        return states

    def merge(self, a, b):
        """Combines the states of two disjoint sets of candidates."""
        return a + b

    def slope_sum(self, states):
        """Sums the derivatives of each value by its logits: `[n]`."""
        return states[:, -1]

    def logit_gradients(self, s, rows, columns):
        """Derivative of the loss by each logit `s`: `[rows, columns]`.

        `rows` and `columns` are `AnchorValues`: a logit counts for both.
        """
        rows, columns = (
            AnchorValues(*(tf.expand_dims(x, axis) for x in side))
            for side, axis in ((rows, 1), (columns, 0))
        )
        return rows.gradient * self.slope(s, rows) + (
            columns.gradient * self.slope(s, columns)
        )

    def terms(self, s, shift):
        """Returns the function of the logits, and its slope."""
        raise NotImplementedError

    def slope(self, s, anchors):
        """Derivative of the values of the anchors by each logit."""
        return self.terms(s, anchors.shift)[1]


class Sum(Reduction):
    """`sum_j s_j`."""

    def terms(self, s, shift):
        inside = s != self.masked_value
        return tf.where(inside, s, 0.0), tf.cast(inside, tf.float32)


class SoftplusSum(Reduction):
    """`sum_j softplus(sign * (s_j - shift))`."""

    uses_shift = True

    def __init__(self, sign):
        self.sign = sign
        self.masked_value = sign * NO_LOGIT

    def terms(self, s, shift):
        x = self.sign * (s - shift)
        return tf.nn.softplus(x), self.sign * tf.sigmoid(x)


class LogSumExp(Reduction):
    """`log sum_j exp(s_j)`, `NO_LOGIT` without candidates.

    Besides the matrix products, exponentials are most of the cost of a tile.
    Where the values of its anchors are of similar size, which is the rule,
    one exponential per logit serves all of them.
    """

    start = (NO_LOGIT,)

    def tile(self, s, shifts):
        axes = (1, 0)[: len(shifts)]
        top = tf.reduce_max(s)
        exponentials = tf.exp(s - top)
        sums = [tf.reduce_sum(exponentials, axis=axis) for axis in axes]

        def shared():
            return [(top + tf.math.log(total))[:, None] for total in sums]

        def separate():
            return [tf.reduce_logsumexp(s, axis=axis)[:, None] for axis in axes]

        # Far from underflow, even of a small part of the sum.
        safe = tf.reduce_min(tf.concat(sums, axis=0)) > 1e-25
        return tf.cond(safe, shared, separate)

    def merge(self, a, b):
        return tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(a - b)))

    def slope_sum(self, states):
        return tf.cast(states[:, 0] > NO_LOGIT / 2, tf.float32)

    def slope(self, s, anchors):
        return tf.exp(s - anchors.value)

    def logit_gradients(self, s, rows, columns):
        # The value of an anchor without candidates has no derivative.
        rows, columns = (
            side._replace(
                gradient=tf.where(side.value > NO_LOGIT / 2, side.gradient, 0.0)
            )
            for side in (rows, columns)
        )
        values = tf.concat([rows.value, columns.value], axis=0)
        top = tf.reduce_max(values)

        def shared():
            row, column = (
                side.gradient * tf.exp(top - side.value)
                for side in (rows, columns)
            )
            return tf.exp(s - top) * (row[:, None] + column[None, :])

        def separate():
            return Reduction.logit_gradients(self, s, rows, columns)

        # No factor overflows, and what underflows is negligible.
        safe = top - tf.reduce_min(values) < 40.0
        return tf.cond(safe, shared, separate)
