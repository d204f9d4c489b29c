"""Serialization of the losses, and errors for wrong arguments."""

import json

import keras
import numpy as np
import pytest
from loss_batches import THREE
from loss_batches import make_batch
from loss_batches import make_similarity
from loss_batches import value_and_gradients

from uniclip_keras import losses
from uniclip_keras.errors import InputError

OPTIONS = {
    "MPNCE": {"domain_weights": {"image-text": 2.0, "text-text": 1.0}},
    "InfoNCE": {"domain_weights": "balanced"},
    "SupCon": {"domain_weights": "balanced"},
    "MILNCE": {},
    "CLIP": {},
    "SLIP": {"view_weight": 0.3},
    "UniCL": {},
    "SigLIP": {},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_round_trip(name):
    pairs = ("image-text", "text-text")
    options = {**OPTIONS[name], "pairs": pairs, "tile_size": 7, "name": "mine"}
    if name != "SLIP":
        options["include_self"] = name != "MPNCE"
    loss = getattr(losses, name)(make_similarity(THREE), **options)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    assert config["registered_name"] == f"uniclip_keras>{name}"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    for option, value in options.items():
        assert getattr(again, option) == value
    batch = make_batch()
    value = loss(*batch)
    assert float(again(*batch)) == float(value)
    default = getattr(losses, name)(make_similarity(THREE))
    assert float(default(*batch)) != float(value)


@pytest.mark.parametrize("name", OPTIONS)
def test_default_arguments_come_back(name):
    loss = getattr(losses, name)()
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert again.similarity.get_config() == loss.similarity.get_config()


NEGATIVE = {"image-image": 1.0, "image-text": -1.0, "text-text": 1.0}
OF_ALL = ["MPNCE", "CLIP"]
OF_PAIRS = ["MPNCE", "InfoNCE", "SupCon"]


@pytest.mark.parametrize(
    ("names", "argument", "value", "words"),
    [
        (
            OF_ALL,
            "pairs",
            ("image-text", "text-image"),
            "'text-image'.*image-text",
        ),
        (OF_ALL, "pairs", "audio-text", "'audio-text'"),
        (OF_ALL, "pairs", (), "pairs"),
        (OF_ALL, "tile_size", 0, "tile_size=0"),
        (OF_PAIRS, "domain_weights", "equal", "'equal'.*balanced"),
        (OF_PAIRS, "domain_weights", 1.0, "1.0.*uniform"),
        (OF_PAIRS, "domain_weights", {"image-text": 1.0}, "image-image"),
        (OF_PAIRS, "domain_weights", NEGATIVE, "0 or more"),
    ],
)
def test_impossible_arguments(names, argument, value, words):
    for name in names:
        with pytest.raises(InputError, match=words):
            getattr(losses, name)(make_similarity(), **{argument: value})


def test_domains_of_the_call():
    loss = losses.MPNCE(make_similarity())
    z, i = np.eye(2, dtype="float32"), np.arange(2)
    for wrong, embeddings, ids, words in (
        (loss, {"audio": z}, {"audio": i}, "'audio'.*image"),
        (loss, {"image": z, "text": z}, {"image": i}, "same domains"),
        (losses.CLIP(), {"image": z}, {"image": i}, "join none"),
        (loss, {"image": z}, {"image": [0, 1, 2]}, "2 embeddings but 3 ids"),
        (loss, {"image": z}, {"image": np.array([0.5, 0.9])}, "integers"),
    ):
        with pytest.raises(InputError, match=words):
            wrong(embeddings, ids=ids)


@pytest.mark.parametrize("name", ["CLIP", "SLIP", "UniCL", "SigLIP"])
def test_default_similarity(name):
    """SLIP fixes a temperature, and SigLIP starts as published."""
    loss = getattr(losses, name)()
    similarity = loss.similarity
    batch = make_batch(similarity.domains)
    _, gradients = value_and_gradients(loss, *batch)
    values = similarity.values()
    between = similarity.pairs.index("image-text")
    start, offset = (0.1, 1.0) if name == "SigLIP" else (0.07, 0.0)
    assert float(values["temperature/image-text"]) == pytest.approx(start)
    assert float(values["offset/image-text"]) == offset
    assert float(gradients["log_temperature"][between]) != 0.0
    # A common offset cancels in a softmax.
    assert similarity.offset.trainable == (name == "SigLIP")
    if name == "SLIP":
        views = similarity.pairs.index("view-view")
        assert float(values["temperature/view-view"]) == pytest.approx(0.1)
        assert float(gradients["log_temperature"][views]) == 0.0
