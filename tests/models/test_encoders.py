"""Encoders: features, files, and arguments that are refused."""

import keras
import keras_cv
import keras_hub
import numpy as np
import pytest
from keras_hub_weights import joined
from keras_hub_weights import randomized

from uniclip_keras import models
from uniclip_keras.errors import InputError

IMAGES = np.random.default_rng(0).random((2, 32, 32, 3), "float32")


@pytest.mark.parametrize(
    "make",
    [models.conv_stem_vit, models.vit, models.clip_vit, models.siglip_vit],
)
def test_image_encoders(make, tmp_path):
    patches = {} if make is models.conv_stem_vit else {"patch_size": 16}
    encoder = make(32, width=24, layers=1, heads=2, **patches)
    features = encoder(IMAGES)
    assert features.shape == (2, 24)
    assert np.isfinite(features).all()
    assert np.abs(features[0] - features[1]).max() > 1e-4
    encoder.save(tmp_path / "encoder.keras")
    again = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(again(IMAGES), features)


def test_vit_equals_keras_hubs():
    backbone = keras_hub.models.ViTBackbone((32, 32, 3), 8, 2, 3, 12, 48)
    theirs = models.from_backbone(backbone, 32, pooling="first")
    class_token, *patches, positions = randomized(backbone)[:4]
    backbone.set_weights(randomized(backbone))
    blocks, norm = backbone.get_weights()[4:-2], backbone.get_weights()[-2:]
    ours = models.vit(32, 8, width=12, layers=2, heads=3)
    ours.set_weights([*patches, class_token, positions, *joined(blocks), *norm])
    np.testing.assert_allclose(ours(IMAGES), theirs(IMAGES), atol=1e-5)


def test_clip_vit_equals_keras_hubs():
    backbone = keras_hub.models.CLIPVisionEncoder(
        patch_size=8,
        hidden_dim=12,
        num_layers=2,
        num_heads=3,
        intermediate_dim=48,
        image_shape=(32, 32, 3),
    )
    theirs = models.from_backbone(backbone, 32, pooling="first")
    # The second weight numbers the positions; KerasHub leaves it at 0.
    class_token, numbers, *weights = randomized(backbone)
    numbers = np.arange(numbers.size)[None]
    backbone.set_weights([class_token, numbers, *weights])
    patches, positions, *pre_norm = weights[:4]
    class_token = class_token.reshape(1, 1, -1)
    blocks, norm = joined(weights[4:-2]), weights[-2:]
    ours = models.clip_vit(32, 8, width=12, layers=2, heads=3)
    ours.set_weights(
        [patches, class_token, positions, *pre_norm, *blocks, *norm]
    )
    np.testing.assert_allclose(ours(IMAGES), theirs(IMAGES), atol=1e-5)


@pytest.mark.parametrize("pooling", ["end", "mean"])
def test_clip_text_equals_keras_hubs(pooling):
    theirs = keras_hub.models.CLIPTextEncoder(
        20, 12, 12, 2, 3, 48, max_sequence_length=6
    )
    ours = models.clip_text(20, 6, 12, layers=2, heads=3, pooling=pooling)
    weights = randomized(theirs)
    theirs.set_weights(weights)
    ours.set_weights([*weights[:2], *joined(weights[2:-2]), *weights[-2:]])
    tokens = np.array([[2, 5, 6, 19, 0, 0], [2, 5, 19, 0, 0, 0]], "int32")
    states = theirs({"token_ids": tokens}).numpy()
    if pooling == "end":
        expected = states[[0, 1], [3, 2]]
    else:
        expected = [states[0, :4].mean(axis=0), states[1, :3].mean(axis=0)]
    np.testing.assert_allclose(ours(tokens), expected, atol=1e-5)


def test_stem_normalizes_by_the_global_batch():
    encoder = models.conv_stem_vit(8, width=8, layers=0, stem=(4, 4))
    kind = keras.layers.BatchNormalization
    norms = [layer for layer in encoder.layers if isinstance(layer, kind)]
    assert [norm.synchronized for norm in norms] == [True, True]


def test_backbones_of_keras_hub_and_keras_cv():
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 32],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(32, 32, 3),
    )
    assert models.from_backbone(backbone, 32)(IMAGES).shape == (2, 32)
    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[64, 32],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=True,
        input_shape=(32, 32, 3),
        block_type="basic_block",
    )
    encoder = models.from_backbone(backbone, 32, pixels="bytes")
    assert encoder(IMAGES).shape == (2, 32)


def test_pixels_reach_the_backbone_as_asked():
    images = keras.Input((32, 32, 3))
    backbone = keras.Model(images, keras.layers.Identity()(images))
    mean, deviation = [0.4815, 0.4578, 0.4082], [0.2686, 0.2613, 0.2758]
    for pixels, expected in (
        ("unit", IMAGES),
        ("bytes", IMAGES * 255),
        ("standardized", (IMAGES - mean) / deviation),
    ):
        encoder = models.from_backbone(backbone, 32, pixels=pixels)
        np.testing.assert_allclose(
            encoder(IMAGES), expected.mean(axis=(1, 2)), rtol=1e-3, atol=1e-3
        )


def test_tokens_are_pooled_as_asked():
    images = keras.Input((32, 32, 3))
    backbone = keras.Model(images, keras.layers.Reshape((1024, 3))(images))
    tokens = IMAGES.reshape(2, 1024, 3)
    expectations = {"mean": tokens.mean(axis=1), "first": tokens[:, 0]}
    for pooling, expected in expectations.items():
        encoder = models.from_backbone(backbone, 32, pooling, pixels="unit")
        np.testing.assert_allclose(encoder(IMAGES), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: models.conv_stem_vit(36), "image_size=36.*8 pixels.*32"),
        (lambda: models.vit(224, 30), "image_size=224.*30 pixels.*210"),
        (lambda: models.clip_vit(10, 16), "image_size=10.*16"),
        (lambda: models.clip_text(width=10, heads=4), "heads=4.*width=10"),
        (lambda: models.clip_text(heads=0), "heads=0.*choose 1"),
        (lambda: models.conv_stem_vit(heads=3), "heads=3.*width=128.*4 heads"),
        (lambda: models.vit(heads=5), "heads=5.*width=768"),
        (lambda: models.clip_vit(heads=5), "heads=5.*width=768"),
        (lambda: models.siglip_vit(8, 16), "patch_size=16.*8 pixels"),
        (lambda: models.siglip_vit(heads=5), "heads=5.*width=768"),
        (lambda: models.siglip_text(heads=5), "heads=5.*width=768"),
        (lambda: models.siglip_text(layers=0), "layers=0.*1 or more"),
        (lambda: models.vit(layers=0), "layers=0.*1 or more"),
        (lambda: models.clip_text(layers=0), "layers=0.*1 or more"),
        (lambda: models.clip_text(pooling="max"), "pooling='max'.*'end'"),
        (lambda: models.from_backbone(None, 1, pixels="raw"), "'raw'.*unit"),
        (lambda: models.from_backbone(None, 1, pooling="max"), "'max'.*first"),
    ],
)
def test_impossible_encoders(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_text_features_are_the_end_tokens(tmp_path):
    end = 19
    encoder = models.clip_text(20, 6, width=16, layers=2, heads=2)
    tokens = np.array([[2, 5, 6, end, 0, 0], [2, 5, end, 0, 0, 0]], "int32")
    features = encoder(tokens).numpy()
    assert features.shape == (2, 16)
    padded = tokens.copy()
    padded[:, 4:] = 7
    # In causal attention the tokens after the end do not matter.
    np.testing.assert_allclose(encoder(padded), features, atol=1e-6)
    # The tokens before it do.
    tokens[:, 1] = 8
    assert np.abs(encoder(tokens) - features).min(axis=1).max() > 1e-6
    encoder.save(tmp_path / "text.keras")
    again = keras.saving.load_model(tmp_path / "text.keras")
    np.testing.assert_array_equal(again(tokens), encoder(tokens))


def test_siglips_text_features_are_of_the_last_position():
    encoder = models.siglip_text(20, 6, width=16, layers=2, heads=2)
    tokens = np.array([[2, 5, 6, 1, 1, 1], [2, 5, 1, 1, 1, 1]], "int32")
    features = encoder(tokens).numpy()
    assert features.shape == (2, 16)
    # Every position matters, padding too, and an end is not looked for.
    for position in range(6):
        changed = tokens.copy()
        changed[:, position] = 8
        difference = np.abs(encoder(changed) - features).max(axis=1)
        assert difference.min() > 1e-6


def test_siglip_vit_leaves_out_what_is_no_whole_patch():
    encoder = models.siglip_vit(20, 8, width=16, layers=1, heads=2)
    changed = IMAGES[:, :20, :20].copy()
    features = encoder(changed)
    changed[:, 16:] = changed[:, :, 16:] = 0.0
    np.testing.assert_allclose(encoder(changed), features, atol=1e-6)
    changed[:, 15, 15] = 0.0
    assert np.abs(encoder(changed) - features).max() > 1e-6
