"""Logits of domain pairs, their parameters and bounds, and learning."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.training.optimizers import adamw


def gradients(layer, weights=(1.0, 2.0, 3.0)):
    """Gradients of a weighted sum of both parameters over the pairs."""
    with tf.GradientTape() as tape:
        inverse, offset = layer.parameters()
        total = tf.reduce_sum((inverse + offset) * weights[: len(layer.pairs)])
    variables = [layer.log_temperature.value, layer.offset.value]
    return tape.gradient(
        total, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )


def test_logits_are_scaled_cosines():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    layer = DomainSimilarity(
        temperature={"image-image": 1, "image-text": 0.5},
        offset={"image-text": 0.25},
    )
    norms = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    cosine = a @ b.T / norms
    for domains in (("image", "text"), ("text", "image")):
        np.testing.assert_allclose(
            layer(a, b, domains=domains), (cosine - 0.25) / 0.5, atol=1e-5
        )
    same = layer(a, a, domains=("image", "image"))
    np.testing.assert_allclose(np.diag(same), 1.0, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_one_pair_per_unordered_pair_of_domains(count):
    domains = [f"d{i}" for i in range(count)]
    layer = DomainSimilarity(domains)
    assert layer.log_temperature.shape == (count * (count + 1) // 2,)
    indices = {layer.pair_index(a, b) for a in domains for b in domains}
    assert indices == set(range(len(layer.pairs)))
    if count > 1:
        assert layer.pair_index("d0", "d1") == layer.pair_index("d1", "d0")
    with pytest.raises(InputError, match="'audio'"):
        layer.pair_index("audio", "d0")


def test_similarity_stays_float32(policy):
    layer = DomainSimilarity()
    z = tf.ones([2, 3], tf.bfloat16)
    logits = layer(z, z, domains=("image", "text"))
    assert logits.dtype == tf.float32
    assert layer.offset.dtype == "float32"


def test_pairs_left_out_start_at_defaults():
    layer = DomainSimilarity(
        temperature={"image-text": 0.2}, offset={"text-text": 0.5}
    )
    expected = {
        "temperature/image-image": 0.07,
        "temperature/image-text": 0.2,
        "temperature/text-text": 0.07,
        "offset/image-image": 0.0,
        "offset/image-text": 0.0,
        "offset/text-text": 0.5,
    }
    values = {name: float(value) for name, value in layer.values().items()}
    assert values == pytest.approx(expected)
    one_pair = {name for name in expected if name.endswith("image-text")}
    assert set(layer.values(pairs=["image-text"])) == one_pair


@pytest.mark.parametrize("start", [0.01, 100.0])
def test_temperature_is_bounded_and_comes_back(start):
    layer = DomainSimilarity(("image",), temperature=start)
    beyond = np.log(start) * 1.1
    outward = np.sign(np.log(start))
    layer.log_temperature.assign([beyond])
    values = layer.values()
    assert float(values["temperature/image-image"]) == pytest.approx(start)
    for push, moves in ((outward, False), (-outward, True)):
        # Descent raises the temperature where push is positive.
        gradient, _ = gradients(layer, weights=[push])
        assert (float(gradient[0]) != 0.0) == moves


@pytest.mark.parametrize("bounds", [(0.05, 0.5), [0.05, 0.5], None])
def test_temperature_range(bounds):
    layer = DomainSimilarity(("image",), temperature_range=bounds)
    for value in (1e-4, 0.05, 0.2, 0.5, 1e4):
        layer.log_temperature.assign([np.log(value)])
        expected = value if bounds is None else np.clip(value, *bounds)
        inverse, _ = layer.parameters()
        np.testing.assert_allclose(1 / inverse, [expected], rtol=1e-5)
        gradient, _ = gradients(layer, weights=[-1.0])
        # Descent would lower the temperature.
        below = bounds is not None and value <= bounds[0] * 1.001
        assert (float(gradient[0]) == 0.0) == below
    again = DomainSimilarity.from_config(layer.get_config())
    assert again.temperature_range == layer.temperature_range


def test_shared_parameters():
    layer = DomainSimilarity(temperature=0.5, offset=0.25, shared=True)
    assert layer.log_temperature.shape == layer.offset.shape == (1,)
    inverse, offset = layer.parameters()
    np.testing.assert_allclose(inverse, [2.0] * 3, rtol=1e-6)
    np.testing.assert_allclose(offset, [0.25] * 3)
    d_log_temperature, d_offset = gradients(layer, weights=(1.0, 2.0, 3.0))
    np.testing.assert_allclose(d_log_temperature, [-2.0 * 6], rtol=1e-6)
    np.testing.assert_allclose(d_offset, [6.0])


@pytest.mark.parametrize(
    ("names", "learned"),
    [
        (True, (True, True, True)),
        (False, (False, False, False)),
        (("image-text",), (False, True, False)),
        (["text-text", "image-image"], (True, False, True)),
    ],
)
def test_only_learned_parameters_move(names, learned):
    layer = DomainSimilarity(
        temperature=0.5, learn_temperature=names, learn_offset=("image-text",)
    )
    assert layer.log_temperature.trainable == any(learned)
    layer.offset.assign([0.1, 0.2, 0.3])
    variables = layer.log_temperature, layer.offset
    before = [v.numpy() for v in variables]
    optimizer = adamw(layer, learning_rate=0.1, steps=10, weight_decay=0.5)
    for _ in range(3):
        slopes = gradients(layer)
        optimizer.apply_gradients(
            (slope, v)
            for slope, v in zip(slopes, variables, strict=True)
            if v.trainable
        )
    for v, start, slope, moves in zip(
        variables, before, slopes, (learned, (False, True, False)), strict=True
    ):
        np.testing.assert_array_equal(v.numpy() != start, moves)
        np.testing.assert_array_equal(slope != 0.0, moves)


def test_round_trip(tmp_path):
    layer = DomainSimilarity(
        ("a", "b"),
        temperature={"a-b": 0.2},
        offset=0.1,
        learn_temperature=("a-b",),
        learn_offset=False,
        temperature_range=(0.02, 50.0),
    )
    layer.log_temperature.assign([-1.0, -2.0, -3.0])
    inputs = keras.Input((4,))
    outputs = layer(inputs, inputs, domains=("a", "b"))
    keras.Model(inputs, outputs).save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras").get_layer(layer.name)
    np.testing.assert_array_equal(again.log_temperature, layer.log_temperature)
    # Sequences come back from the file as lists.
    config = json.loads(json.dumps(layer.get_config()))
    assert json.loads(json.dumps(again.get_config())) == config
    for slope, expected in zip(gradients(again), gradients(layer), strict=True):
        np.testing.assert_array_equal(slope, expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domains": ()}, "at least one"),
        ({"domains": ("image", "image")}, "twice"),
        ({"temperature": 0.001}, "0.001.*0.01"),
        ({"temperature": {"text-image": 1.0}}, "'text-image'.*image-text"),
        ({"temperature": 0.0, "temperature_range": None}, "0.0"),
        ({"temperature": 0.07, "temperature_range": (0.1, 1.0)}, "0.1"),
        ({"offset": {"audio": 1.0}}, "offset.*'audio'"),
        ({"learn_temperature": ("image",)}, "learn_temperature.*'image'"),
        ({"learn_offset": ["text-image"]}, "learn_offset.*'text-image'"),
        ({"temperature_range": (1.0, 0.5)}, "temperature_range"),
        ({"temperature": {"image-text": 0.2}, "shared": True}, "shared=True"),
        ({"offset": {"image-text": 0.2}, "shared": True}, "shared=True"),
        ({"learn_offset": ("image-text",), "shared": True}, "shared=True"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(InputError, match=words):
        DomainSimilarity(**arguments)
