"""Tiled reductions against one dense float64 matrix, with gradients."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from dense_logits import DENSE
from dense_logits import Setting
from dense_logits import assert_close
from dense_logits import dense
from dense_logits import make_inputs
from dense_logits import tiled

# Item 4 of the first domain and 7 of the second have no partner.
IDS = {"a": [2, 0, 1, 1, 0, 4, 1, 3, 3], "b": [1, 0, 7, 2, 1, 3, 0]}
SETTINGS = [
    (domains, Setting(reduction, where, include_self))
    for domains in ("a", "ab")
    for reduction in DENSE
    for where in ("negatives", "positives", "all")
    for include_self in (False, True)
    # Elsewhere no row meets itself.
    if not include_self or (domains == "a" and where != "negatives")
]


@pytest.mark.parametrize(("domains", "setting"), SETTINGS)
def test_equals_dense(domains, setting):
    ids = {d: IDS[d] for d in domains}
    inputs = make_inputs(setting, ids)
    # Ragged: blocks of 5 and 4 rows, and of 4 and 3.
    actual = tiled(setting, 5, inputs, ids)
    assert_close(actual, dense(setting, inputs, ids))


@pytest.mark.parametrize("domains", ["a", "ab"])
@pytest.mark.parametrize("inverse", [30.0, 100.0])
def test_logits_far_apart(domains, inverse):
    """One row is opposite to all others, whose own logits are high."""
    setting = Setting("log_sum_exp", "all")
    ids = {d: np.arange(len(IDS[d])) for d in domains}
    inputs = make_inputs(setting, ids, inverse=inverse)
    for z in inputs["z"]:
        near = 0.1 * inputs["z"][z] + [[1.0, 0.0, 0.0]]
        inputs["z"][z] = tf.concat([-near[:1], near[1:]], axis=0)
    expected = dense(setting, inputs, ids)
    for tile_size in (None, 4):
        actual = tiled(setting, tile_size, inputs, ids)
        # Near 100, float32 has 7e-6 between its numbers.
        assert_close(actual, expected, tolerance=1e-4)


def any_size(inputs, ids):
    """The signature of arguments of unknown row counts."""

    def spec(x):
        return tf.TensorSpec(
            [None, *x.shape[1:]] if x.shape.rank else [], x.dtype
        )

    ids = {d: tf.TensorSpec([None], tf.int64) for d in ids}
    return (
        tf.TensorSpec([], tf.int32),
        tf.nest.map_structure(spec, inputs),
        ids,
    )


@functools.cache
def traced(domains, setting):
    """`tiled` as one graph for every number of rows and size of tiles."""
    ids = {d: IDS[d] for d in domains}
    signature = any_size(make_inputs(setting, ids), ids)
    return tf.function(
        functools.partial(tiled, setting), input_signature=signature
    )


def few_classes(count, rng):
    return rng.integers(0, 3, count)


def unique(count, rng):
    return rng.permutation(count)


def huge_and_negative(count, rng):
    """Ids that float32 or 32 bits would take for equal."""
    values = [2**62, 2**62 + 1, -(2**62), 2**32, 0, -1, -(2**63)]
    return rng.choice(values, count)


@pytest.mark.parametrize(
    ("domains", "setting"),
    [
        ("a", Setting("log_sum_exp", "negatives")),
        ("ab", Setting("softplus_below", "positives")),
    ],
)
@pytest.mark.parametrize("make_ids", [few_classes, unique, huge_and_negative])
def test_any_number_of_rows_and_size_of_tiles(domains, setting, make_ids):
    run = traced(domains, setting)
    rng = np.random.default_rng(0)
    for rows in (13, 5, 1):
        ids = {d: make_ids(rows + 2 * k, rng) for k, d in enumerate(domains)}
        inputs = make_inputs(setting, ids, seed=rows)
        expected = dense(setting, inputs, ids)
        for tile_size in (1, 3, 4, 5, 7, 100):
            actual = run(tf.constant(tile_size), inputs, ids)
            assert_close(actual, expected)
