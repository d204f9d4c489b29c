"""Backbones by name: what is built, and what is refused."""

import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras import models
from uniclip_keras.errors import InputError

IMAGES = np.random.default_rng(0).random((2, 32, 32, 3), "float32")
SWIN = {
    "embed_dim": 8,
    "depths": (1, 1),
    "num_heads": (1, 2),
    "window_size": 2,
}


def test_swin_of_keras_hub(tmp_path):
    name = "keras_hub:SwinTransformerBackbone"
    encoder = models.image_backbone(name, 32, options=SWIN)
    features = encoder(IMAGES)
    assert features.shape == (2, 16)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(IMAGES, training=True) ** 2)
    gradients = tape.gradient(
        loss, [v.value for v in encoder.trainable_variables]
    )
    assert all(g is not None for g in gradients)
    # The weights come back from a local preset.
    (backbone,) = [
        layer
        for layer in encoder.layers
        if isinstance(layer, keras_hub.models.SwinTransformerBackbone)
    ]
    backbone.save_to_preset(str(tmp_path / "swin"))
    again = models.image_backbone(name, 32, preset=str(tmp_path / "swin"))
    np.testing.assert_allclose(again(IMAGES), features, atol=1e-6)
    with pytest.raises(InputError, match="takes images of 32 pixels"):
        models.image_backbone(name, 64, preset=str(tmp_path / "swin"))


def test_a_convolutional_network_of_keras():
    encoder = models.image_backbone(
        "keras:MobileNetV3Small",
        32,
        {"minimalistic": True, "include_preprocessing": True},
        pixels="bytes",
    )
    assert encoder(IMAGES).shape == (2, 576)


@pytest.mark.parametrize(
    ("backbone", "options", "words"),
    [
        ("ResNet50", {}, "does not name a library and a backbone"),
        ("keras_hup:X", {}, "did you mean 'keras_hub'"),
        ("keras:ResNet500", {}, "did you mean 'ResNet50"),
        ("keras_hub:BertTokenizer", {}, "has no backbone 'BertTokenizer'"),
        (
            "keras_hub:SwinTransformerBackbone",
            {"options": {"depth": 1}},
            "refuses its options .*'depth'",
        ),
        ("keras:VGG16", {"preset": "vgg"}, "'keras:VGG16' has no presets"),
    ],
)
def test_mistakes(backbone, options, words):
    with pytest.raises(InputError, match=words):
        models.image_backbone(backbone, 32, **options)
