"""Muon against NumPy in float64 and against Keras' own."""

import keras
import numpy as np
import pytest
import tiny_model as tiny

from uniclip_keras.errors import InputError
from uniclip_keras.training import PerWeightMuon
from uniclip_keras.training import adamw
from uniclip_keras.training.muon import COEFFICIENTS
from uniclip_keras.training.muon import orthogonalize

SHAPES = {"wide": (4, 9), "tall": (7, 3), "bias": (5,), "table": (6, 4)}
MATRICES = (True, True, False, False)
RATE, DECAY, STEPS = 0.05, 0.3, 6


def orthogonal_twin(matrix):
    """The iteration on the singular values, which are all that it changes."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(values)
    a, b, c = COEFFICIENTS
    for _ in range(5):
        values = a * values + b * values**3 + c * values**5
    return (left * values) @ right


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5), (1, 3)])
def test_orthogonalize_equals_the_singular_value_decomposition(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    found = orthogonalize(matrix.astype("float32")).numpy()
    np.testing.assert_allclose(found, orthogonal_twin(matrix), atol=1e-4)
    values = np.linalg.svd(found, compute_uv=False)
    assert values.min() > 0.6 and values.max() < 1.3
    # A matrix that has no gradient yet does not move.
    np.testing.assert_array_equal(orthogonalize(0 * found), 0 * found)


def make_variables():
    rng = np.random.default_rng(1)
    variables = [
        keras.Variable(rng.normal(size=shape), dtype="float32", name=name)
        for name, shape in SHAPES.items()
    ]
    steps = [
        [rng.normal(size=shape).astype("float32") for shape in SHAPES.values()]
        for _ in range(STEPS)
    ]
    return variables, steps


def test_factors_and_starts_of_matrices():
    variables, steps = make_variables()
    optimizer = PerWeightMuon(
        RATE,
        MATRICES,
        factors=(1.0, 0.5, 1.0, 1.0),
        starts=(2, 0, 0, 0),
        weight_decay=DECAY,
    )
    optimizer.build(variables)
    expected = [v.numpy().astype("float64") for v in variables]
    momenta = [np.zeros(shape) for shape in SHAPES.values()]
    for number, gradients in enumerate(steps):
        optimizer.apply(gradients, variables)
        for index, (rate, start) in enumerate([(RATE, 2), (RATE / 2, 0)]):
            if number < start:
                continue
            weight, gradient = expected[index], gradients[index]
            weight *= 1 - rate * DECAY
            momentum = momenta[index]
            momentum += 0.05 * (gradient - momentum)
            ahead = 0.05 * gradient + 0.95 * momentum
            size = 0.2 * np.sqrt(max(weight.shape))
            weight -= rate * size * orthogonal_twin(ahead)
            np.testing.assert_allclose(variables[index], weight, atol=2e-4)
        if number < 2:
            np.testing.assert_array_equal(variables[0], expected[0])


def test_equals_kerass():
    found = []
    for stock in (True, False):
        variables, steps = make_variables()
        options = dict(weight_decay=DECAY, epsilon=1e-6, global_clipnorm=2.0)
        if stock:
            optimizer = keras.optimizers.Muon(
                RATE,
                adam_beta_2=0.98,
                adam_weight_decay=DECAY,
                exclude_layers=["table"],
                **options,
            )
            optimizer.exclude_from_weight_decay(var_names=["bias"])
        else:
            optimizer = PerWeightMuon(RATE, MATRICES, beta_2=0.98, **options)
        optimizer.build(variables)
        for gradients in steps:
            optimizer.apply(gradients, variables)
        found.append(tiny.values(variables))
    for stock, own in zip(*found, strict=True):
        np.testing.assert_allclose(own, stock, rtol=1e-5, atol=1e-5)


def test_matrices_but_embeddings_are_orthogonalized():
    model = tiny.make_transformers()
    optimizer = adamw(model, 1e-2, 9, muon=True)
    optimizer.build(model.trainable_variables)
    found = dict(
        zip(
            (v.path for v in model.trainable_variables),
            optimizer.matrices,
            strict=True,
        )
    )
    chosen = {path for path in found if found[path]}
    assert any("qkv_kernel" in path for path in chosen)
    assert any("projection" in path for path in chosen)
    for variable in model.trainable_variables:
        is_table = "embedding" in variable.path
        assert found[variable.path] == (len(variable.shape) == 2) - is_table
    variables, _ = make_variables()
    own = PerWeightMuon(RATE)
    own.build(variables)
    assert own.matrices == (True, True, False, True)
    with pytest.raises(InputError, match="'bias', which has rank 1"):
        PerWeightMuon(RATE, [True] * 4).build(variables)
    optimizer = adamw(model, 1e-2, 9, muon=True)
    with pytest.raises(InputError, match=r"knows \d+ weights.*trains 1"):
        optimizer.build(model.trainable_variables[:1])
