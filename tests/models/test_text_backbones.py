"""Text backbones by name: what is built, and what is refused."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from presets import SIZES
from presets import write_preset

from uniclip_keras import models
from uniclip_keras.errors import InputError

LENGTH = 8
TEXTS = ["red a red", "Red!", "a"]


@pytest.fixture(scope="module", params=["Bert", "DistilBert", "Roberta"])
def preset(request, tmp_path_factory):
    """The name of a preset folder, and KerasHub's backbone and tokenizer."""
    folder = tmp_path_factory.mktemp(request.param)
    return f"keras_hub:{folder}", *write_preset(folder, request.param)


def make(preset, length=LENGTH, **options):
    name, _, tokenizer = preset
    return models.text_backbone(
        name,
        tokenizer.vocabulary_size(),
        length,
        tokenizer.pad_token_id,
        **options,
    )


def preprocess(preset, texts, length=LENGTH):
    """The inputs that KerasHub's own preprocessor makes for the backbone."""
    name = type(preset[2]).__name__.replace("Tokenizer", "")
    kind = getattr(keras_hub.models, f"{name}TextClassifierPreprocessor")
    return kind(preset[2], sequence_length=length)(texts)


def states_of(preset, inputs):
    """The backbone's states `[b, length, width]` from its own weights."""
    states = preset[1](inputs)
    return states["sequence_output"] if isinstance(states, dict) else states


def test_features_are_those_of_the_backbone(preset):
    inputs = preprocess(preset, TEXTS)
    states = states_of(preset, inputs).numpy()
    mask = np.array(inputs["padding_mask"], "float32")[..., None]
    assert 0 < mask.mean() < 1
    last = mask[..., 0].sum(axis=1).astype(int) - 1
    for pooling, expected in {
        "first": states[:, 0],
        "mean": (states * mask).sum(axis=1) / mask.sum(axis=1),
        "end": states[np.arange(len(TEXTS)), last],
    }.items():
        encoder = make(preset, pooling=pooling)
        np.testing.assert_allclose(
            encoder(inputs["token_ids"]), expected, atol=1e-6
        )


def test_padding_changes_no_feature(preset):
    for pooling in ("first", "mean", "end"):
        short, long = (
            make(preset, length, pooling=pooling)(
                preprocess(preset, TEXTS, length)["token_ids"]
            )
            for length in (LENGTH, 14)
        )
        np.testing.assert_allclose(short, long, atol=1e-6)


def test_every_weight_learns_and_the_encoder_is_restored(preset, tmp_path):
    encoder = make(preset)
    tokens = preprocess(preset, TEXTS)["token_ids"]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(tokens, training=True) ** 2)
    variables = [v.value for v in encoder.trainable_variables]
    assert all(g is not None for g in tape.gradient(loss, variables))
    encoder.save(tmp_path / "encoder.keras")
    again = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(again(tokens), encoder(tokens))


def test_the_pooled_output_of_bert_by_the_earlier_name(tmp_path):
    pytest.importorskip("keras_nlp")
    preset = f"keras_nlp:{tmp_path}", *write_preset(tmp_path, "Bert")
    inputs = preprocess(preset, TEXTS)
    np.testing.assert_allclose(
        make(preset, pooling="pooled")(inputs["token_ids"]),
        preset[1](inputs)["pooled_output"],
        atol=1e-6,
    )


def test_a_class_takes_its_sizes_from_the_tokens():
    sizes = {key: SIZES[key] for key in list(SIZES)[:4]}
    encoder = models.text_backbone(
        "keras_hub:BertBackbone", 30, 6, 0, {**sizes, "dropout": 0.0}
    )
    backbone = next(m for m in encoder.layers if isinstance(m, keras.Model))
    shapes = {w.path: w.shape for w in backbone.weights}
    assert shapes["token_embedding/embeddings"] == (30, 8)
    assert shapes["position_embedding/embeddings"] == (6, 8)


def test_electra_names_its_vocabulary_otherwise():
    sizes = {key: SIZES[key] for key in list(SIZES)[:4]}
    options = {**sizes, "embedding_dim": 8}
    encoder = models.text_backbone(
        "keras_hub:ElectraBackbone", 30, 6, 0, options
    )
    assert encoder(np.ones((2, 6), "int32")).shape == (2, 8)
    with pytest.raises(InputError, match="knows 9 token ids"):
        options["vocab_size"] = 9
        models.text_backbone("keras_hub:ElectraBackbone", 30, 6, 0, options)


@pytest.mark.parametrize(
    ("backbone", "options", "words"),
    [
        ("bert", {}, "does not name a library and a backbone"),
        ("keras:VGG16", {}, "does not name .* did you mean 'keras_"),
        ("keras_hub:BertBackbon", {}, "did you mean 'BertBackbone'"),
        ("keras_hub:bert_tiny_en", {}, "did you mean 'bert_tiny_en_uncased'"),
        ("keras_hub:ViTBackbone", {}, "no text backbone.* 'ViTBackbone'"),
        ("keras_hub:BertBackbone", {}, "cannot be made.*num_layers"),
        (
            "keras_hub:BertBackbone",
            {"options": {**SIZES, "vocabulary_size": 9}},
            "knows 9 token ids, and the tokenizer gives 30",
        ),
        (
            "keras_hub:BertBackbone",
            {"options": {**SIZES, "max_sequence_length": 4}},
            "knows 4 tokens per text, and the tokenizer gives 6",
        ),
        (
            "keras_hub:DistilBertBackbone",
            {"options": SIZES, "pooling": "pooled"},
            "pooling='pooled' does not fit .*'first'",
        ),
        ("keras_hub:BertBackbone", {"pooling": "last"}, "'last' is unknown"),
        (
            "keras_hub:T5Backbone",
            {
                "options": {
                    "num_layers": 1,
                    "num_heads": 1,
                    "hidden_dim": 4,
                    "intermediate_dim": 4,
                }
            },
            "takes .*decoder_token_ids.* choose an encoder of texts",
        ),
    ],
)
def test_mistakes(backbone, options, words):
    with pytest.raises(InputError, match=words):
        models.text_backbone(backbone, 30, 6, 0, **options)


def test_a_folder_that_is_no_preset(tmp_path):
    with pytest.raises(
        InputError, match="cannot be made .* has no config.json"
    ):
        models.text_backbone(f"keras_hub:{tmp_path}", 30, 6, 0)
