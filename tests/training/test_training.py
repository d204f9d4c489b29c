"""Optimizer, checkpoints, progress and devices on a real small model."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras import training
from uniclip_keras.errors import InputError
from uniclip_keras.models import UniCLIP
from uniclip_keras.models import clip_text
from uniclip_keras.models import conv_stem_vit

STEPS, BATCH = 6, 4


def make_model(width=8, seed=0):
    keras.utils.set_random_seed(seed)
    model = UniCLIP(
        conv_stem_vit(8, width=width, layers=1, heads=2, stem=(8, 8)),
        clip_text(20, 5, width=8, layers=1, heads=2),
        embedding_dim=8,
        augmentation_units=(4,),
        projection_blocks=1,
    )
    model.compile(
        optimizer=training.adamw(
            model, 1e-2, STEPS, warmup_steps=2, weight_decay=0.1, clip_norm=1.0
        )
    )
    return model


def make_batch(step):
    rng = np.random.default_rng(step)
    return {
        "views": rng.random((BATCH, 2, 8, 8, 3), "float32"),
        "augmentations": rng.random((BATCH, 2, 11), "float32"),
        "tokens": rng.integers(1, 20, (BATCH, 5)).astype("int32"),
        "id": np.arange(BATCH),
    }


def batches(first_step=0):
    spec = tf.nest.map_structure(
        lambda x: tf.TensorSpec(x.shape, x.dtype), make_batch(0)
    )
    return tf.data.Dataset.from_generator(
        lambda: map(make_batch, range(first_step, STEPS)), output_signature=spec
    )


class Stop(keras.callbacks.Callback):
    """Ends the training as a crash would, without the end's callbacks."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.after:
            raise RuntimeError("crash")


def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    whole = make_model()
    whole.fit(batches(), shuffle=False, verbose=0)

    lines = []

    def go_on(*callbacks):
        # Other start values: all that counts comes from the checkpoint.
        model = make_model(seed=len(lines))
        checkpoints = training.Checkpoints(tmp_path / "checkpoints", every=2)
        first_step = checkpoints.restore(model)
        progress = training.Progress(
            tmp_path,
            STEPS,
            BATCH,
            every=1,
            first_step=first_step,
            print_line=lines.append,
        )
        model.fit(
            batches(first_step),
            callbacks=[progress, checkpoints, *callbacks],
            shuffle=False,
            verbose=0,
        )
        return first_step, model

    with pytest.raises(RuntimeError, match="crash"):
        go_on(Stop(after=3))
    first_step, resumed = go_on()
    assert first_step == 2
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)

    rows = training.read_history(tmp_path / "history.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(list(row.values())).all() for row in rows)
    assert "temperature/image-text" in rows[0]
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert "step 6/6" in lines[-1]
    assert "eta 0:00" in lines[-1]
    assert list((tmp_path / "tensorboard").iterdir())

    again = make_model(seed=1)
    step = training.restore_model(again, tmp_path / "checkpoints")
    assert step == STEPS
    for a, b in zip(again.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
    with pytest.raises(InputError, match="another model"):
        training.restore_model(make_model(width=16), tmp_path / "checkpoints")


def test_progress_reports_the_mean_of_each_interval(tmp_path):
    model = make_model()
    every_step, every_third = tmp_path / "one", tmp_path / "three"
    callbacks = []
    for path, every in ((every_step, 1), (every_third, 3)):
        path.mkdir()
        callbacks.append(
            training.Progress(
                path, STEPS, BATCH, every, print_line=lambda line: None
            )
        )
    model.fit(batches(), callbacks=callbacks, shuffle=False, verbose=0)
    losses = [
        r["loss"] for r in training.read_history(every_step / "history.jsonl")
    ]
    thirds = [
        r["loss"] for r in training.read_history(every_third / "history.jsonl")
    ]
    np.testing.assert_allclose(
        thirds, [np.mean(losses[:3]), np.mean(losses[3:])], rtol=1e-4
    )


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    model = make_model()
    model.text_projection.projection.kernel.assign(
        model.text_projection.projection.kernel * np.nan
    )
    progress = training.Progress(
        tmp_path, STEPS, BATCH, 1, print_line=lambda line: None
    )
    with pytest.raises(InputError, match="nan at step 1.*learning rate"):
        model.fit(batches(), callbacks=[progress], shuffle=False, verbose=0)
    assert not (tmp_path / "history.jsonl").read_text()


def test_without_a_checkpoint(tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        training.restore_model(make_model(), tmp_path)


def test_schedule_warms_up_and_ends_at_zero():
    schedule = training.adamw(make_model(), 1e-2, 100, 10)._learning_rate
    rates = np.array([float(schedule(step)) for step in range(101)])
    np.testing.assert_allclose(rates[:11], np.linspace(0, 1e-2, 11), atol=1e-7)
    assert (np.diff(rates[10:]) <= 1e-9).all()
    assert rates[55] == pytest.approx(5e-3, rel=1e-3)
    assert rates[100] == pytest.approx(0.0, abs=1e-8)


def test_only_weight_matrices_decay():
    model = make_model()
    optimizer = model.optimizer
    decayed = {
        v.path
        for v in model.trainable_variables
        if optimizer._use_weight_decay(v.value)
    }
    assert any("projection" in path for path in decayed)
    for variable in model.trainable_variables:
        exempt = len(variable.shape) < 2 or "position" in variable.path
        assert (variable.path in decayed) != exempt
    assert not any("domain_similarity" in path for path in decayed)


@pytest.mark.parametrize("warmup", [-1, 10, 11])
def test_warm_up_must_end_before_the_training(warmup):
    with pytest.raises(InputError, match=f"warmup_steps={warmup}.*10"):
        training.adamw(make_model(), 1e-3, 10, warmup)


def test_strategies():
    assert training.distribution_strategy("auto").num_replicas_in_sync == 1
    mirrored = training.distribution_strategy("mirrored")
    assert mirrored.num_replicas_in_sync == 2
    with pytest.raises(InputError, match="'mirored'.*mirrored"):
        training.distribution_strategy("mirored")


def test_history_is_one_json_object_a_line(tmp_path):
    path = tmp_path / "history.jsonl"
    assert training.read_history(path) == []
    path.write_text(json.dumps({"step": 1}) + "\n")
    assert training.read_history(path) == [{"step": 1}]
