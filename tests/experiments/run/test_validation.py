"""What a run measures on held-out data, on one device and on replicas."""

import pytest
import tensorflow as tf
from tiny_corpus import make_config

from experiments.configs.methods import use_method
from experiments.run import data
from experiments.run.building import build_model
from experiments.run.validation import MEASURES
from experiments.run.validation import ValidationMeasure


def test_replicas_validate_like_one_device(corpus, tmp_path, two_replicas):
    config = make_config(corpus)
    with config.unlocked():
        # One view and plain heads are small graphs to trace.
        use_method(config, "clip")
    tokenizer = data.build_tokenizer(config, data.build_source(config))
    measured, weights = [], None
    for strategy in (two_replicas, tf.distribute.get_strategy()):
        with strategy.scope():
            model = build_model(config, tokenizer)
            model.compile()
        if weights is not None:
            model.set_weights(weights)
        weights = model.get_weights()
        measure = ValidationMeasure(
            config, tokenizer, strategy, lambda make: make(), tmp_path
        )
        measured.append(measure(model))
    assert measured[0] == pytest.approx(measured[1], rel=1e-4)
    assert measured[0].keys() == {*MEASURES}
