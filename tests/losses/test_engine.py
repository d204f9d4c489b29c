"""Tiled reductions and their gradients against a dense float64 matrix."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from dense_logits import REDUCTIONS
from dense_logits import Setting
from dense_logits import assert_close
from dense_logits import dense
from dense_logits import make_inputs
from dense_logits import tiled

from uniclip_keras.losses import engine
from uniclip_keras.losses.reductions import NO_LOGIT

# Item 4 of the first domain and item 7 of the second have no partner.
IDS = {"a": [2, 0, 1, 1, 0, 4, 1, 3, 3], "b": [1, 0, 7, 2, 1, 3, 0]}
SETTINGS = [
    (domains, Setting(reduction, where, include_self))
    for domains in ("a", "ab")
    for reduction in REDUCTIONS
    for where in ("negatives", "positives", "all")
    for include_self in (False, True)
    # In other settings, no row meets itself.
    if not include_self or (domains == "a" and where != "negatives")
]


@pytest.mark.parametrize(("domains", "setting"), SETTINGS)
def test_equals_dense(domains, setting):
    """The engine and the formula of its docstring give the same values."""
    ids = {d: np.array(IDS[d]) for d in domains}
    inputs = make_inputs(setting, ids)
    expected = dense(setting, inputs, ids)
    # The last blocks are padded: 5 and 4 rows, and 4 and 3.
    assert_close(tiled(setting, 5, inputs, ids), expected)
    formula = engine.__doc__.split("```python\n")[1].split("```")[0]
    reduction, sign = {
        "sum": ("Sum", 1.0),
        "softplus": ("SoftplusSum", 1.0),
        "softplus_below": ("SoftplusSum", -1.0),
        "log_sum_exp": ("LogSumExp", 1.0),
    }[setting.reduction]
    a, b = "a", domains[-1]
    order = np.argsort(ids[a], kind="stable")
    columns = order if a == b else slice(None)
    names = {
        "np": np,
        "z_a": inputs["z"][a].numpy()[order],
        "z_b": inputs["z"][b].numpy()[columns],
        "ids_a": ids[a][order],
        "ids_b": ids[b][columns],
        "domain_a": a,
        "domain_b": b,
        "temperature": 1.0 / inputs["inverse"].numpy(),
        "offset": inputs["offset"].numpy(),
        "shift": inputs["shift"]["a"].numpy(),
        "sign": sign,
        **setting._asdict(),
    }
    with np.errstate(divide="ignore"):
        exec(formula, names)
    # The logarithm of an empty sum is minus infinity, or NO_LOGIT.
    actual = np.maximum(names[reduction], NO_LOGIT)
    np.testing.assert_allclose(actual, expected[0]["a"], rtol=1e-5, atol=1e-5)


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
        # Near 100, float32 numbers are 7e-6 apart.
        assert_close(actual, expected, tolerance=1e-4)


@functools.cache
def traced(domains, setting):
    """Traces `tiled` once for all numbers of rows and tile sizes."""

    def any_size(x):
        shape = [None, *x.shape[1:]] if x.shape.rank else []
        return tf.TensorSpec(shape, x.dtype)

    ids = {d: tf.constant(IDS[d], tf.int64) for d in domains}
    arguments = tf.constant(1), make_inputs(setting, ids), ids
    return tf.function(
        functools.partial(tiled, setting),
        input_signature=tf.nest.map_structure(any_size, arguments),
    )


# Some are equal in float32 or in 32 bits.
HUGE = [2**62, 2**62 + 1, -(2**62), 2**32, 0, -1, -(2**63)]


@pytest.mark.parametrize(
    ("domains", "setting"),
    [
        ("a", Setting("log_sum_exp", "negatives")),
        ("ab", Setting("softplus_below", "positives")),
    ],
)
@pytest.mark.parametrize("kind", ["few", "unique", "huge"])
def test_any_number_of_rows_and_size_of_tiles(domains, setting, kind):
    rng = np.random.default_rng(0)
    make_ids = {
        "few": lambda count: rng.integers(0, 3, count),
        "unique": rng.permutation,
        "huge": lambda count: rng.choice(HUGE, count),
    }[kind]
    run = traced(domains, setting)
    for rows in (13, 5, 1):
        ids = {d: make_ids(rows + 2 * k) for k, d in enumerate(domains)}
        inputs = make_inputs(setting, ids, seed=rows)
        expected = dense(setting, inputs, ids)
        for tile_size in (1, 4, 5, 100):
            actual = run(tf.constant(tile_size), inputs, ids)
            assert_close(actual, expected)
