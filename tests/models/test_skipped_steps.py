"""Batches that are not finite: what they leave as it was, and what counts."""

import keras
import numpy as np
import pytest
import tiny_model as tiny

GOOD = [tiny.make_batch(seed=seed) for seed in range(3)]


def make_model(
    make_image=tiny.make_normalized_encoder, cache=None, **compiling
):
    model = tiny.make_model(make_image, gradient_cache_size=cache)
    # Moments, decay and iterations, all of which a step of zeros would move.
    model.compile(keras.optimizers.AdamW(0.01, global_clipnorm=1), **compiling)
    return model


def fit(model, batches):
    return model.fit(tiny.dataset(batches), shuffle=False, verbose=0).history


def assert_skips(model):
    """A spoiled batch between two good ones is as if it were not there."""
    fit(model, GOOD[:1])
    skipped, before = tiny.counts(model)[1], tiny.state(model)
    history = fit(model, [tiny.spoiled(GOOD[1]), tiny.spoiled(GOOD[0])])
    assert np.isnan(history["loss"])
    after = tiny.state(model)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert tiny.counts(model) == [3, skipped + 2, skipped + 2]
    # The loss is the mean of finite ones, and the model still learns.
    history = fit(model, [tiny.spoiled(GOOD[1]), GOOD[2]] * 4)
    assert np.isfinite(history["loss"]).all()
    moved = [np.abs(v - before[n]).max() for n, v in tiny.state(model).items()]
    assert np.isfinite(moved).all()
    assert max(moved) > 1e-3


def test_skipped_by_xla_and_in_chunks():
    model = make_model(tiny.make_image_encoder, cache=4, jit_compile=True)
    assert_skips(model)
    assert tiny.counts(model) == [11, 6, 0]


def test_skipped_as_the_loss_scale_does():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = make_model()
    finally:
        keras.config.set_dtype_policy("float32")
    model.make_train_function()
    scale = model.optimizer.dynamic_scale
    scale.assign(64.0)
    assert_skips(model)
    # 6 of 11 batches are spoiled; each halves the scale.
    assert float(scale.value) == 1.0
    assert tiny.counts(model) == [11, 6, 0]
    # A gradient that overflows, of a loss that is finite.
    scale.assign(1e38)
    assert np.isfinite(fit(model, GOOD[:1])["loss"]).all()
    assert tiny.counts(model) == [12, 7, 1]
    assert float(scale.value) == pytest.approx(5e37)


def test_evaluation_shows_a_loss_that_is_not_finite():
    model = make_model()
    assert np.isnan(
        model.evaluate(tiny.dataset([tiny.spoiled(GOOD[0])]), verbose=0)
    )
    assert tiny.counts(model) == [0, 0, 0]


def test_counts_are_no_weights(tmp_path):
    model = make_model()
    own = {
        id(v) for v in (*model.counts.variables, *model.recent_loss.variables)
    }
    assert not own & {id(v.value) for v in model.variables}
    model.make_train_function()
    model.counts.steps.assign(3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert tiny.counts(again) == [0, 0, 0]
    assert len(again.weights) == len(model.weights)
