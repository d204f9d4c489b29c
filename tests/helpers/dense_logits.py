"""The reductions of the engine from one matrix of all logits, in float64."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.engine import reduce_logits
from uniclip_keras.losses.reductions import NO_LOGIT
from uniclip_keras.losses.reductions import LogSumExp
from uniclip_keras.losses.reductions import SoftplusSum
from uniclip_keras.losses.reductions import Sum


class Setting(NamedTuple):
    """A name of `REDUCTIONS`, and which logits it reduces."""

    reduction: str
    where: str
    include_self: bool = False


class Similarity(NamedTuple):
    """The same parameters for all pairs, as tensors to differentiate by."""

    domains: list
    inverse: tf.Tensor
    offset: tf.Tensor
    pairs: tuple = ("within", "between")

    def pair_index(self, first, second):
        return int(first != second)

    def parameters(self):
        return tf.stack([self.inverse] * 2), tf.stack([self.offset] * 2)


REDUCTIONS = {
    "sum": Sum(),
    "softplus": SoftplusSum(1.0),
    "softplus_below": SoftplusSum(-1.0),
    "log_sum_exp": LogSumExp(),
}


def reduce_dense(reduction, s, keep, shift):
    if reduction == "log_sum_exp":
        s = tf.where(keep, s, tf.cast(NO_LOGIT, s.dtype))
        return tf.reduce_logsumexp(s, axis=1)
    if reduction != "sum":
        sign = -1.0 if reduction == "softplus_below" else 1.0
        s = tf.math.softplus(sign * (s - shift[:, None]))
    return tf.reduce_sum(tf.where(keep, s, 0.0), axis=1)


def make_inputs(setting, ids, dim=3, inverse=5.0, seed=0):
    """Random tensors; `upstream` and `shift` have their rows sorted by id."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    inputs = {
        "z": {d: normal(len(i), dim) for d, i in ids.items()},
        "inverse": tf.constant(inverse),
        "offset": tf.constant(0.2),
        "shift": {d: normal(len(i)) for d, i in ids.items()},
    }
    # Losses give no weight to an anchor without candidates.
    inputs["upstream"] = {
        anchor: normal(len(ids[anchor])) * keep.any(axis=1)
        for (anchor, _), keep in find_candidates(setting, ids).items()
    }
    return inputs


def find_candidates(setting, ids):
    """Bool `[n, m]` by direction: candidates of the anchors sorted by id."""
    found = {}
    for anchor, candidate in zip(ids, reversed(ids), strict=True):
        keep = np.zeros([len(ids[anchor]), len(ids[candidate])], bool)
        for i, j in np.ndindex(*keep.shape):
            equal = ids[anchor][i] == ids[candidate][j]
            keep[i, j] = setting.where == "all" or (
                equal == (setting.where == "positives")
            )
            if anchor == candidate and i == j and not setting.include_self:
                keep[i, j] = False
        found[anchor, candidate] = keep[np.argsort(ids[anchor], kind="stable")]
    return found


def tiled(setting, tile_size, inputs, ids):
    """The engine's values, and the gradients of their weighted total."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = SimpleNamespace(
            similarity=Similarity(
                list(ids), inputs["inverse"], inputs["offset"]
            ),
            pairs=("within",) if len(ids) == 1 else ("between",),
            include_self=setting.include_self,
            tile_size=tile_size,
        )
        batch = Batch(loss, inputs["z"], ids)
        reduction = REDUCTIONS[setting.reduction]
        reduced = reduce_logits(
            batch, reduction, setting.where, inputs["shift"]
        )
        values = {anchor: value for (anchor, _), value in reduced.items()}
    return values, gradients(setting, tape, values, inputs)


def dense(setting, inputs, ids):
    """The results that `tiled` should give."""
    inputs = tf.nest.map_structure(lambda x: tf.cast(x, tf.float64), inputs)
    values = {}
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        for direction, keep in find_candidates(setting, ids).items():
            anchor, _ = direction
            rows, columns = (
                tf.linalg.normalize(inputs["z"][d], axis=1)[0]
                for d in direction
            )
            rows = tf.gather(rows, np.argsort(ids[anchor], kind="stable"))
            cosines = tf.matmul(rows, columns, transpose_b=True)
            logits = (cosines - inputs["offset"]) * inputs["inverse"]
            values[anchor] = reduce_dense(
                setting.reduction, logits, keep, inputs["shift"][anchor]
            )
    return values, gradients(setting, tape, values, inputs)


def gradients(setting, tape, values, inputs):
    names = ["z", "inverse", "offset"]
    if setting.reduction.startswith("softplus"):
        names.append("shift")  # The others ignore it.
    return tape.gradient(
        list(values.values()),
        {name: inputs[name] for name in names},
        output_gradients=[inputs["upstream"][d] for d in values],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def assert_close(actual, expected, tolerance=1e-5):
    """Allows errors relative to a tensor's largest entry, or to 1."""
    for got, wanted in zip(
        tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True
    ):
        scale = max(1.0, np.abs(wanted).max(initial=0.0))
        np.testing.assert_allclose(
            got, wanted, rtol=tolerance, atol=tolerance * scale
        )
