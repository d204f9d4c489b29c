"""Learning rates by layer and by name."""

import pytest
import tiny_model as tiny

from uniclip_keras import models
from uniclip_keras.errors import InputError
from uniclip_keras.training import freeze
from uniclip_keras.training import rate_factors
from uniclip_keras.training import weight_names


def factors(model, *arguments):
    by_weight = dict(
        zip(
            map(id, model.trainable_variables),
            rate_factors(model, *arguments),
            strict=True,
        )
    )
    names = {id(v): name for name, v in weight_names(model).items()}
    return {names.get(key, "loss"): f for key, f in by_weight.items()}


@pytest.fixture(scope="module")
def model():
    return models.UniCLIP(
        models.clip_vit(16, 8, width=8, layers=2, heads=2),
        models.clip_text(20, 5, width=8, layers=1, heads=2),
        embedding_dim=8,
        augmentation_units=(4,),
        projection_blocks=1,
    )


def test_by_layer_and_name(model):
    found = factors(
        model,
        0.5,
        [
            ("image_encoder/block_1/*_bias", 0.0),
            ("image_encoder/block_1/*", 3.0),
            ("text_encoder/*", 1.0),
        ],
    )
    expected = {
        "image_encoder/norm/gamma": 1,
        "image_encoder/block_1/qkv_kernel": 3 * 0.5,
        "image_encoder/block_1/qkv_bias": 0,
        "image_encoder/block_0/qkv_kernel": 0.5**2,
        "image_encoder/pre_norm/beta": 0.5**3,
        "image_encoder/patches/kernel": 0.5**3,
        "image_encoder/class_token/token": 0.5**3,
        "text_encoder/norm/gamma": 1,
        "text_encoder/block_0/out_kernel": 0.5,
        "text_encoder/embedding/token_embedding/embeddings": 0.5**2,
        "image_projection/image_projection/block_0/expand/kernel": 1,
        "loss": 1,
    }
    assert {name: found[name] for name in expected} == expected
    assert set(factors(model).values()) == {1}


def test_what_has_no_names_or_layers(model):
    with pytest.raises(InputError, match="'text/.' is the name of no weight"):
        rate_factors(model, 1.0, [("text/*", 0.1)])
    plain = tiny.make_model()
    with pytest.raises(InputError, match="image_encoder has no weight named"):
        rate_factors(plain, 0.5)
    # A locked tower needs none.
    freeze(plain, ["image_encoder/*", "text_encoder/*"])
    assert set(rate_factors(plain, 0.5)) == {1}
