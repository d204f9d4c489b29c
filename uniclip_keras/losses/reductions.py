"""What can be summed over an anchor's candidates, with its derivative.

A reduction turns the logits `s` between an anchor and a set of candidates
into one number. The engine calls it tile by tile. A tile has anchors along
its rows, and along its columns too where it serves both; what belongs to the
anchors of one side comes as a `Side`.
"""

from typing import NamedTuple

import tensorflow as tf

# Stands for "no candidate at all": its exponential is 0 in float32, and
# unlike an infinity it leaves the gradients finite.
NO_LOGIT = -1e9


class Side(NamedTuple):
    """Numbers of the anchors along one side of a tile, float32 `[n]` each.

    Attributes:
        shift: the anchor's own constant in the reduction, given beforehand.
        value: the reduction's value, in the backward pass.
        gradient: the loss's derivative by the value, in the backward pass.
    """

    shift: tf.Tensor
    value: tf.Tensor | None = None
    gradient: tf.Tensor | None = None

    def along(self, axis):
        """To be broadcast over the candidates, which stand along `axis`."""
        return Side(*(tf.expand_dims(x, axis) for x in self))


class Reduction:
    """A sum of a function of each logit; subclasses give the function.

    Attributes:
        start: the state of an anchor without candidates, `[k]` numbers. The
            first is the value, the last the sum of the slopes.
        outside: a logit that adds nothing: stands where a tile has a logit
            that is none of the candidates'.
        shifted: whether the anchors' shifts are part of the function.
    """

    start = (0.0, 0.0)
    outside = NO_LOGIT
    shifted = False

    def tile(self, s, shifts):
        """The states of the anchors over the candidates in one tile.

        Args:
            s: float32 `[rows, columns]`, the logits.
            shifts: those of the rows' anchors, and of the columns' where
                these are anchors too.

        Returns:
            per side float32 `[n, k]`.
        """
        states = []
        for axis, shift in zip((1, 0), shifts, strict=False):
            parts = self.parts(s, tf.expand_dims(shift, axis))
            sums = [tf.reduce_sum(part, axis=axis) for part in parts]
            states.append(tf.stack(sums, axis=1))
        return states

    def merge(self, a, b):
        """The state of two disjoint sets of candidates together."""
        return a + b

    def slope_sum(self, states):
        """The derivative by a move of all logits: `[n]`."""
        return states[:, -1]

    def weights(self, s, rows, columns):
        """Derivative of the loss by each logit, in both of its roles.

        Args:
            s: float32 `[rows, columns]`.
            rows, columns: `Side`s with value and gradient.

        Returns:
            float32 `[rows, columns]`.
        """
        rows, columns = rows.along(1), columns.along(0)
        return rows.gradient * self.slope(s, rows) + (
            columns.gradient * self.slope(s, columns)
        )

    def parts(self, s, shift):
        """The function of the logits, and its slope."""
        raise NotImplementedError

    def slope(self, s, side):
        """The derivative of an anchor's value by each logit."""
        return self.parts(s, side.shift)[1]


class Sum(Reduction):
    """`sum_j s_j`."""

    def parts(self, s, shift):
        inside = s != self.outside
        return tf.where(inside, s, 0.0), tf.cast(inside, tf.float32)


class SoftplusSum(Reduction):
    """`sum_j softplus(sign * (s_j - shift))`."""

    shifted = True

    def __init__(self, sign):
        self.sign = sign
        self.outside = sign * NO_LOGIT

    def parts(self, s, shift):
        x = self.sign * (s - shift)
        return tf.nn.softplus(x), self.sign * tf.sigmoid(x)


class LogSumExp(Reduction):
    """`log sum_j exp(s_j)`; `NO_LOGIT` without candidates.

    Exponentials are most of a tile's cost beside the products. Where the
    anchors of a tile are of like size, which is the rule, one exponential per
    logit serves all of them.
    """

    start = (NO_LOGIT,)

    def tile(self, s, shifts):
        axes = (1, 0)[: len(shifts)]
        top = tf.reduce_max(s)
        shared = tf.exp(s - top)
        sums = [tf.reduce_sum(shared, axis=axis) for axis in axes]

        def one_for_all():
            return [(top + tf.math.log(total))[:, None] for total in sums]

        def each_its_own():
            return [tf.reduce_logsumexp(s, axis=axis)[:, None] for axis in axes]

        # Far from underflow, even of a small part of the sum.
        enough = tf.reduce_min(tf.concat(sums, axis=0)) > 1e-25
        return tf.cond(enough, one_for_all, each_its_own)

    def merge(self, a, b):
        return tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(a - b)))

    def slope_sum(self, states):
        return tf.cast(states[:, 0] > NO_LOGIT / 2, tf.float32)

    def slope(self, s, side):
        return tf.exp(s - side.value)

    def weights(self, s, rows, columns):
        # Without candidates there is nothing to pull.
        rows, columns = (
            side._replace(
                gradient=tf.where(side.value > NO_LOGIT / 2, side.gradient, 0.0)
            )
            for side in (rows, columns)
        )
        values = tf.concat([rows.value, columns.value], axis=0)
        top = tf.reduce_max(values)

        def one_for_all():
            row, column = (
                side.gradient * tf.exp(top - side.value)
                for side in (rows, columns)
            )
            return tf.exp(s - top) * (row[:, None] + column[None, :])

        def each_its_own():
            return Reduction.weights(self, s, rows, columns)

        # No factor overflows, and what underflows is negligible.
        alike = top - tf.reduce_min(values) < 40.0
        return tf.cond(alike, one_for_all, each_its_own)
