"""Checkpoints: a resumed run, and checkpoints that do not fit."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras import training
from uniclip_keras.errors import InputError

STEPS, BATCH_SIZE = 6, 4


class Crash(keras.callbacks.Callback):
    """Ends the training without the callbacks of its end."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.after:
            raise RuntimeError("crash")


def test_a_resumed_run_ends_with_the_same_weights(model, batches, tmp_path):
    variables = [
        *model.variables,
        *model.optimizer.variables,
        *model.counts.variables,
        *model.recent_loss.variables,
    ]
    start = tiny.values(variables)
    model.fit(batches(), shuffle=False, verbose=0)
    whole = tiny.values(model.weights)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    lines = []

    def run(*callbacks):
        checkpoints = training.Checkpoints(tmp_path / "checkpoints", every=2)
        first_step = checkpoints.restore(model)
        progress = training.Progress(
            tmp_path, STEPS, BATCH_SIZE, 1, first_step, lines.append
        )
        model.fit(
            batches(first_step),
            callbacks=[progress, checkpoints, *callbacks],
            shuffle=False,
            verbose=0,
        )
        return first_step

    with pytest.raises(RuntimeError, match="crash"):
        run(Crash(after=3))
    # Everything that counts comes from the checkpoint.
    for variable in variables:
        variable.assign(variable + tf.ones((), variable.dtype))
    assert run() == 2
    tiny.assert_weights_equal(model, whole, atol=1e-6)

    rows = training.read_history(tmp_path / "history.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(list(row.values())).all() for row in rows)
    assert "temperature/image-text" in rows[0]
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert "step 6/6" in lines[-1]
    assert "eta 0:00" in lines[-1]
    assert list((tmp_path / "tensorboard").iterdir())

    # A model that was never compiled.
    again = tiny.make_model(seed=1)
    step = training.restore_model(again, tmp_path / "checkpoints")
    assert step == STEPS
    tiny.assert_weights_equal(again, model.weights, atol=0)
    for other in (
        tiny.make_model(lambda: tiny.make_image_encoder(16)),
        tiny.make_model(projection_blocks=2),
        tiny.make_model(projection_blocks=0),
    ):
        with pytest.raises(InputError, match="another model"):
            training.restore_model(other, tmp_path / "checkpoints")


def test_without_a_checkpoint(model, tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        training.restore_model(model, tmp_path)
