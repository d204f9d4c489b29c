"""Logits of domain pairs, their parameters and the bounds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity


def test_logits_are_scaled_cosines():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    layer = DomainSimilarity(
        ("image", "text"),
        temperature={"image-image": 1, "image-text": 0.5, "text-text": 1},
        offset={"image-image": 0, "image-text": 0.25, "text-text": 0},
    )
    cosine = (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (
        b / np.linalg.norm(b, axis=1, keepdims=True)
    ).T
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


def test_similarity_stays_float32(policy):
    layer = DomainSimilarity()
    z = tf.ones([2, 3], tf.bfloat16)
    logits = layer(z, z, domains=("image", "text"))
    assert logits.dtype == tf.float32
    assert layer.offset.dtype == "float32"


@pytest.mark.parametrize("start", [0.01, 100.0])
def test_temperature_is_bounded_and_comes_back(start):
    layer = DomainSimilarity(("image",), temperature=start)
    beyond = np.log(start) * 1.1
    outward = np.sign(np.log(start))
    layer.log_temperature.assign([beyond])
    values = layer.values()
    assert float(values["temperature/image-image"]) == pytest.approx(start)
    for push, moves in ((outward, False), (-outward, True)):
        with tf.GradientTape() as tape:
            inverse, _ = layer.parameters()
            # Descent raises the temperature where push is positive.
            loss = push * tf.reduce_sum(inverse)
        gradient = tape.gradient(loss, layer.log_temperature.value)
        assert (float(gradient[0]) != 0.0) == moves


def test_round_trip(tmp_path):
    layer = DomainSimilarity(("a", "b"), temperature=0.2, offset=0.1)
    layer.log_temperature.assign([-1.0, -2.0, -3.0])
    inputs = keras.Input((4,))
    outputs = layer(inputs, inputs, domains=("a", "b"))
    keras.Model(inputs, outputs).save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras").get_layer(layer.name)
    np.testing.assert_array_equal(
        again.log_temperature.numpy(), layer.log_temperature.numpy()
    )
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domains": ()}, "at least one"),
        ({"domains": ("image", "image")}, "twice"),
        ({"temperature": 0.001}, "0.001.*0.01"),
        ({"temperature": {"image-text": 1.0}}, "text-text"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(InputError, match=words):
        DomainSimilarity(**arguments)


def test_unknown_domain():
    with pytest.raises(InputError, match="'audio'"):
        DomainSimilarity().pair_index("audio", "text")
