"""The encoder of augmentations and the projection heads in one model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras import layers
from uniclip_keras.errors import InputError
from uniclip_keras.layers.image_projection import FUSIONS

FEATURES = np.random.default_rng(0).normal(size=(4, 12)).astype("float32")
AUGMENTATIONS = np.random.default_rng(1).random((4, 11)).astype("float32")


def build_model():
    features = keras.Input((12,))
    augmentations = keras.Input((11,))
    encoded = layers.AugmentationEncoder((8, 8, 6))(augmentations)
    image = layers.ImageProjection(5, blocks=2)(features, encoded)
    text = layers.TextProjection(5)(features)
    view = layers.ViewProjection((8, 5))(features)
    return keras.Model([features, augmentations], [image, text, view])


def test_every_policy_graphs_and_a_file(policy, tmp_path):
    model = build_model()
    inputs = [FEATURES, AUGMENTATIONS]
    outputs = model(inputs)
    for output in outputs:
        assert output.shape == (4, 5)
        assert output.dtype == keras.config.dtype_policy().compute_dtype
        assert np.isfinite(tf.cast(output, tf.float32)).all()
    assert all(w.dtype == "float32" for w in model.trainable_weights)
    if policy == "float32":
        for output, expected in zip(
            tf.function(model)(inputs), outputs, strict=True
        ):
            np.testing.assert_allclose(output, expected, atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    tf.nest.map_structure(np.testing.assert_array_equal, again(inputs), outputs)
    (view,) = [x for x in again.layers if isinstance(x, layers.ViewProjection)]
    assert all(norm.synchronized for _, norm in view.hidden)


def test_image_head_reads_the_augmentation():
    model = build_model()
    one, _, _ = model([FEATURES, AUGMENTATIONS])
    other, _, _ = model([FEATURES, AUGMENTATIONS[::-1]])
    assert np.abs(one - other).max() > 1e-3


def test_gradients_reach_every_weight():
    model = build_model()
    with tf.GradientTape() as tape:
        outputs = model([FEATURES, AUGMENTATIONS])
        loss = tf.add_n([tf.reduce_sum(output**2) for output in outputs])
    weights = model.trainable_weights
    for weight, gradient in zip(
        weights, tape.gradient(loss, [w.value for w in weights]), strict=True
    ):
        assert np.abs(gradient).max() > 0, weight.path


@pytest.mark.parametrize("blocks", [0, 1])
def test_image_head_without_augmentation(blocks):
    head = layers.ImageProjection(5, blocks=blocks)
    assert head(FEATURES).shape == (4, 5)
    # Norm and projection; a block adds an entry, its norm and two layers.
    assert len(head.trainable_weights) == (3 if blocks == 0 else 11)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_ways_into_the_image_head(fusion, tmp_path):
    features, augmentations = keras.Input((12,)), keras.Input((6,))
    head = layers.ImageProjection(5, blocks=2, fusion=fusion)
    inputs = [features, augmentations]
    model = keras.Model(inputs, head(features, augmentations))
    values = [FEATURES, AUGMENTATIONS[:, :6]]
    # Scales and shifts are 0 at first.
    reads = np.abs(model(values) - model([FEATURES, values[1][::-1]])).max()
    assert (reads > 1e-3) == (fusion != "scale_and_shift")
    for weight in head.trainable_weights:
        noise = np.random.default_rng(0).normal(size=weight.shape, scale=0.3)
        weight.assign_add(noise)
    out = model(values)
    assert np.abs(out - model([FEATURES, values[1][::-1]])).max() > 1e-3
    np.testing.assert_allclose(out, fused_by_hand(head, *values), atol=1e-5)
    model.save(tmp_path / "head.keras")
    again = keras.saving.load_model(tmp_path / "head.keras")
    np.testing.assert_array_equal(again(values), out)


def fused_by_hand(head, x, a):
    if head.fusion == "scale_and_shift":
        scale, shift = np.split(np.array(head.scale_and_shift(a)), 2, axis=1)
        x = np.array(head.entry(x)) * (1 + scale) + shift
    else:
        x = np.array(head.entry(np.concatenate([x, a], axis=1)))
    first, second = head.residual_blocks
    x = np.array(first(x))
    if head.fusion == "each_block":
        x = x + np.array(head.block_shifts[0](a))
    return head.projection(head.norm(second(x)))


@pytest.mark.parametrize(
    ("blocks", "fusion"), [(0, "concatenate"), *((2, f) for f in FUSIONS)]
)
def test_a_head_starts_as_a_linear_one(blocks, fusion):
    head = layers.ImageProjection(5, blocks, fusion, norm=False)
    augmentations = AUGMENTATIONS[:, :6]
    head(FEATURES, augmentations)
    kernel = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
    head.start_as(kernel)
    found = head(FEATURES, augmentations)
    np.testing.assert_allclose(found, FEATURES @ kernel, atol=1e-5)
    # It can learn otherwise.
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(head(FEATURES, augmentations) ** 2)
    gradient = tape.gradient(loss, head.trainable_weights[0].value)
    assert np.abs(gradient).max() > 0
    with pytest.raises(InputError, match="give norm=False"):
        normalizing = layers.ImageProjection(5)
        normalizing(FEATURES)
        normalizing.start_as(kernel)


def test_impossible_ways_into_the_image_head():
    with pytest.raises(InputError, match="did you mean 'concatenate'"):
        layers.ImageProjection(5, fusion="concatenated")
    with pytest.raises(InputError, match="'each_block' needs residual blocks"):
        layers.ImageProjection(5, blocks=0, fusion="each_block")


def test_augmentation_encoder_has_the_given_layers():
    encoder = layers.AugmentationEncoder((8, 7, 6))
    assert encoder(AUGMENTATIONS).shape == (4, 6)
    shapes = [w.shape for w in encoder.trainable_weights if len(w.shape) == 2]
    assert shapes == [(11, 8), (8, 7), (7, 6)]


def by_hand(head, x):
    """Three linear layers, the first two normalized over the batch."""
    for dense, norm in head.hidden:
        x = x @ dense.kernel.numpy()
        x = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + norm.epsilon)
        x = np.maximum(x * norm.gamma.numpy() + norm.beta.numpy(), 0.0)
    return x @ head.projection.kernel.numpy() + head.projection.bias.numpy()


def test_view_head_equals_the_formula():
    x = 3.0 + 2.0 * FEATURES
    head = layers.ViewProjection((8, 7, 5))
    head.build((None, 12))
    for weight in head.trainable_weights:
        weight.assign(weight + keras.random.normal(weight.shape, seed=1))
    assert len(head.hidden) == 2
    outputs = head(x, training=True)
    np.testing.assert_allclose(outputs, by_hand(head, x), atol=1e-4)
    # Outside training, the head uses the moving statistics.
    dense, norm = head.hidden[0]
    mean = (x @ dense.kernel.numpy()).mean(axis=0)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * mean, atol=1e-5)
    assert np.abs(head(x) - head(x, training=True)).max() > 0.1


@pytest.mark.parametrize("units", [(), (8, 0)])
def test_view_head_refuses_impossible_units(units):
    with pytest.raises(InputError, match="units=.*4096"):
        layers.ViewProjection(units)
