"""SigLIP's weights in a model, and its texts and images.

`tests/fixtures/siglip` holds tiny models of transformers and of open_clip with
their embeddings, written by `experiments.benchmarks.parity.siglip_peers`.
"""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file
from safetensors.numpy import save_file

from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras.data import SigLIPTokenizer
from uniclip_keras.errors import InputError

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "siglip"


@pytest.fixture(scope="module", params=["transformers", "open_clip"])
def siglip(request):
    """`(folder, model, what the library computes)`."""
    folder = FIXTURES / request.param
    with np.load(folder / "embeddings.npz") as file:
        expected = dict(file)
    return folder, models.from_clip(folder), expected


def assert_embeds(model, folder, expected):
    tokenizer = SigLIPTokenizer(folder / "spiece.model", 12)
    tokens = tokenizer(expected["texts"].tolist())
    np.testing.assert_array_equal(tokens, expected["tokens"])
    image = model.encode_image(expected["images"])
    text = model.encode_text(tokens)
    np.testing.assert_allclose(image, expected["image"], atol=2e-6)
    np.testing.assert_allclose(text, expected["text"], atol=2e-6)
    return image, text


def test_embeds_and_scores_as_its_library(siglip, tmp_path):
    folder, model, expected = siglip
    image, text = assert_embeds(model, folder, expected)
    assert isinstance(model.objective, losses.SigLIP)
    # Logits are a hundred times the differences of embeddings.
    logits = model.objective.similarity(image, text, domains=("image", "text"))
    np.testing.assert_allclose(logits, expected["logits"], atol=2e-4)
    model.save(tmp_path / "siglip.keras")
    again = keras.saving.load_model(tmp_path / "siglip.keras")
    np.testing.assert_array_equal(again.encode_text(expected["tokens"]), text)


def test_other_losses_and_heads_start_from_it(siglip):
    folder, _, expected = siglip
    model = models.from_clip(
        folder, losses.MPNCE(), augmentation_units=(8, 6), projection_blocks=2
    )
    assert_embeds(model, folder, expected)
    similarity = model.objective.similarity
    pair = similarity.pair_index("image", "text")
    # The scale of 117 is beyond the range of the loss.
    temperature = np.exp(similarity.log_temperature)
    assert temperature[pair] == pytest.approx(0.01)
    assert similarity.offset.numpy()[pair] == pytest.approx(0.129, rel=1e-4)
    others = np.arange(len(similarity.pairs)) != pair
    np.testing.assert_allclose(temperature[others], 0.07, rtol=1e-5)
    np.testing.assert_array_equal(similarity.offset.numpy()[others], 0.0)


def test_it_is_no_clip_to_write(siglip, tmp_path):
    _, model, _ = siglip
    with pytest.raises(InputError, match="the image encoder 'image_encoder'"):
        models.save_clip(model, tmp_path)
    for text, bias, words in (
        (models.siglip_text(40, 12, 16, 1, 2), False, "which is not causal"),
        (models.clip_text(40, 12, 16, 1, 2), True, "which has a bias"),
    ):
        mixed = models.UniCLIP(
            models.clip_vit(16, 8, 16, 1, 2),
            text,
            augmentation_units=None,
            projection_blocks=0,
            projection_norm=False,
            text_bias=bias,
        )
        with pytest.raises(InputError, match=words):
            models.save_clip(mixed, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(FIXTURES / "transformers", tmp_path / "copy")


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("config.json", {"model_type": "siglip2"}, "the type 'siglip2'"),
        (
            "config.json",
            {"vision_config": {"num_attention_heads": 2, "image_size": 24}},
            "2 rows of patches of 8 pixels, .* image_size=24",
        ),
        (
            "preprocessor_config.json",
            {"image_std": [0.2, 0.2, 0.2]},
            r"image_std=\[0.2, 0.2, 0.2\], .* \[0.5, 0.5, 0.5\]",
        ),
    ],
)
def test_settings_that_differ(file, change, words, copied):
    path = copied / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=words):
        models.from_clip(copied)


@pytest.mark.parametrize(
    "name",
    ["text_model.head.bias", "logit_bias", "vision_model.head.mlp.fc1.bias"],
)
def test_missing_weights_are_named(name, copied):
    arrays = load_file(copied / "model.safetensors")
    del arrays[name]
    save_file(arrays, copied / "model.safetensors")
    with pytest.raises(InputError, match=f"lacks the weight '{name}'"):
        models.from_clip(copied)


@pytest.mark.parametrize(
    ("trunk", "activation"),
    [
        ("vit_base_patch16_siglip_224", "gelu"),
        ("vit_so400m_patch14_siglip_384", "gelu"),
        ("vit_so400m_patch16_siglip_256", "gelu_tanh"),
    ],
)
def test_timms_names_tell_the_activation(trunk, activation, tmp_path):
    folder = shutil.copytree(FIXTURES / "open_clip", tmp_path / "copy")
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"]["timm_model_name"] = trunk
    path.write_text(json.dumps(config))
    encoder = models.from_clip(folder).image_encoder
    for name in ("block_0", "pooling"):
        assert encoder.get_layer(name).activation == activation
