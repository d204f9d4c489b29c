"""Weights that do not train: locked-image tuning, and less than that."""

import fnmatch

import keras
import numpy as np
import pytest
import tiny_model as tiny

from uniclip_keras.errors import InputError
from uniclip_keras.training import adamw
from uniclip_keras.training import freeze
from uniclip_keras.training import weight_names

RNG = np.random.default_rng(0)
BATCH = {
    "views": RNG.random((4, 2, 8, 8, 3), "float32"),
    "augmentations": RNG.random((4, 2, 11), "float32"),
    "tokens": RNG.integers(1, 20, (4, 5)).astype("int32"),
    "id": np.arange(4),
}


@pytest.mark.parametrize("chunks", [None, 2])
@pytest.mark.parametrize(
    "patterns",
    [
        ["image_encoder/*"],
        ["text_encoder/block_0/*", "*_projection/*"],
        ["*/positions/*"],
    ],
)
def test_only_the_others_change(patterns, chunks, eager_steps):
    model = tiny.make_transformers()
    if chunks and patterns[0] == "image_encoder/*":
        # Chunks would change the statistics of a stem that trains.
        model = tiny.make_transformers(gradient_cache_size=chunks)
    kept = freeze(model, patterns)
    names = weight_names(model)
    before = {name: weight.numpy() for name, weight in names.items()}
    model.compile(adamw(model, 1e-2, steps=9))
    model.train_on_batch(BATCH)
    same = {
        name
        for name, weight in names.items()
        if np.array_equal(before[name], weight.numpy())
    }
    frozen = {
        name
        for name in names
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    }
    assert frozen <= same
    assert kept == sum(before[name].size for name in frozen)
    # All others train, but for weights that this batch gives no gradient.
    assert len(same - frozen) < 4
    optimizer = {v.path for v in model.optimizer.variables}
    assert not any("stem_0" in path for path in optimizer) or (
        "image_encoder/*" not in patterns
    )


def test_freezing_ends(eager_steps):
    model = tiny.make_transformers()
    count = len(model.trainable_variables)
    freeze(model, ["image_encoder/*", "text_encoder/block_0/qkv_*"])
    assert len(model.image_encoder.trainable_variables) == 0
    assert freeze(model, []) == 0
    assert len(model.trainable_variables) == count
    model.compile(keras.optimizers.SGD(0.1))
    before = model.image_encoder.get_weights()
    model.train_on_batch(BATCH)
    after = model.image_encoder.get_weights()
    assert not any(map(np.array_equal, before[:4], after[:4]))


def test_names_of_nothing():
    with pytest.raises(InputError, match="'tower/.' is the name of no weight"):
        freeze(tiny.make_transformers(), ["tower/*"])
