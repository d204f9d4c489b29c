"""Checkpoints: what they hold, when they are whole, and which are kept."""

import json
import os
import resource

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


def run(model, batches, workdir, *callbacks, report_every=3):
    """Trains from the last checkpoint to the end; returns the first step."""
    checkpoints = training.Checkpoints(
        f"{workdir}/checkpoints", 2, samples_per_step=BATCH_SIZE
    )
    first_step = checkpoints.restore(model)
    progress = training.Progress(
        workdir, STEPS, BATCH_SIZE, report_every, first_step, lambda line: None
    )
    model.fit(
        batches(first_step),
        callbacks=[progress, *callbacks, checkpoints],
        shuffle=False,
        verbose=0,
    )
    assert checkpoints.position == STEPS * BATCH_SIZE
    return first_step


def rows(workdir):
    """The rows of a run's history without its times."""
    return [
        {
            n: v
            for n, v in row.items()
            if n not in ("seconds", "processor_seconds", "pairs_per_second")
        }
        for row in training.read_history(f"{workdir}/history.jsonl")
    ]


def spoil(variables):
    for variable in variables:
        variable.assign(variable + tf.ones((), variable.dtype))


# `ram://` behaves like an object store: it is no path of the machine.
def test_a_resumed_run_is_the_one_never_stopped(
    model, variables, batches, tmp_path
):
    start = tiny.values(variables)
    run(model, batches, tmp_path)
    whole = tiny.values(variables)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    workdir = "ram://resumed"
    with pytest.raises(RuntimeError, match="crash"):
        run(model, batches, workdir, Crash(after=5))
    # Everything that counts comes from the checkpoint.
    spoil(variables)
    # Between two reports: the history needs the mean loss at step 4.
    assert run(model, batches, workdir) == 4
    metrics = {id(variable) for variable in model.metrics_variables}
    for variable, value in zip(variables, whole, strict=True):
        if id(variable) not in metrics:
            np.testing.assert_array_equal(variable, value)
    assert rows(workdir) == rows(tmp_path)
    assert [row["step"] for row in rows(workdir)] == [3, 6]
    assert tf.io.gfile.listdir(f"{workdir}/tensorboard")

    # A model that was never compiled.
    again = tiny.make_model(seed=1)
    assert training.restore_model(again, f"{workdir}/checkpoints") == STEPS
    tiny.assert_weights_equal(again, model.weights, atol=0)
    with pytest.raises(InputError, match=r"no checkpoint 3.*\['last', 4, 6\]"):
        training.restore_model(again, f"{workdir}/checkpoints", 3)
    for other in (
        tiny.make_model(lambda: tiny.make_image_encoder(16)),
        tiny.make_model(projection_blocks=2),
        tiny.make_model(projection_blocks=0),
    ):
        with pytest.raises(InputError, match="another model"):
            training.restore_model(other, f"{workdir}/checkpoints")
    # It is not damaged: no older one is tried.
    with pytest.raises(InputError, match="000006.*of another model.*optimizer"):
        training.Checkpoints(f"{workdir}/checkpoints", 2).restore(again)


@pytest.fixture
def saved(model, tmp_path):
    """Checkpoints of the steps 1 and 2, and what was in step 1."""
    checkpoints = training.Checkpoints(tmp_path, every=1)
    assert checkpoints.restore(model) == 0
    for step in (1, 2):
        model.counts.steps.assign(step)
        model.weights[0].assign(model.weights[0] + 1.0)
        checkpoints.save()
    return checkpoints


def test_without_a_checkpoint(model, tmp_path):
    for checkpoint in ("last", "best", 3):
        with pytest.raises(InputError, match="no checkpoint in .*train first"):
            training.restore_model(model, tmp_path, checkpoint)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))


DAMAGES = {
    "data cut": ("state.data-00000-of-00001", lambda p: os.truncate(p, 99)),
    "data flipped": ("state.data-00000-of-00001", flip),
    "data lost": ("state.data-00000-of-00001", os.remove),
    "index cut": ("state.index", lambda p: os.truncate(p, 99)),
    "index flipped": ("state.index", flip),
    "no JSON": ("complete.json", lambda p: os.truncate(p, 20)),
    "other JSON": ("complete.json", lambda p: p.write_text("[]")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    saved, model, tmp_path, capsys, damage
):
    name, act = DAMAGES[damage]
    act(tmp_path / "step-000000002" / name)
    weight = model.weights[0].numpy()
    checkpoints = training.Checkpoints(tmp_path, every=1)
    assert checkpoints.restore(model) == 1
    assert "step-000000002: " in capsys.readouterr().out
    np.testing.assert_allclose(model.weights[0], weight - 1.0, atol=1e-6)
    # Reached again, the step is saved again.
    model.counts.steps.assign(2)
    checkpoints.save()
    assert training.restore_model(model, tmp_path) == 2
    assert sorted(os.listdir(tmp_path)) == ["step-000000001", "step-000000002"]


def test_damaged_checkpoints_are_never_a_start_from_zero(
    saved, model, tmp_path
):
    for path in tmp_path.glob("*/state.index"):
        path.unlink()
    checkpoints = training.Checkpoints(tmp_path, every=1)
    with pytest.raises(InputError, match="all checkpoints .* are damaged"):
        checkpoints.restore(model)
    with pytest.raises(InputError, match="000002 is damaged.*choose another"):
        training.restore_model(model, tmp_path, 2)


def test_an_interrupted_save_is_no_checkpoint(saved, model, tmp_path):
    (tmp_path / "step-000000002" / "complete.json").unlink()
    checkpoints = training.Checkpoints(tmp_path, every=1)
    assert checkpoints.restore(model) == 1
    model.counts.steps.assign(3)
    checkpoints.save()
    assert sorted(os.listdir(tmp_path)) == ["step-000000001", "step-000000003"]


@pytest.fixture
def full_disk():
    """Function that lets no file grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("size", [100, 5000])
def test_a_full_disk_keeps_the_checkpoint_before(
    saved, model, batches, tmp_path, capsys, full_disk, size
):
    class Fill(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            full_disk(size)

    with pytest.raises(InputError, match="last checkpoint, of step 8, could"):
        model.fit(batches(), callbacks=[Fill(), saved], verbose=0)
    full_disk(resource.RLIM_INFINITY)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == STEPS
    assert "checkpoint of step 3 could not" in lines[0]
    assert "the last good one is of step 2" in lines[-1]
    assert sorted(os.listdir(tmp_path)) == ["step-000000001", "step-000000002"]
    assert training.restore_model(model, tmp_path) == 2


def test_weights_that_are_not_finite_are_not_saved(saved, model, tmp_path):
    kernel = model.text_projection.projection.kernel
    kernel.assign(kernel * np.nan)
    model.counts.steps.assign(3)
    with pytest.raises(InputError, match=f"'{kernel.path}' is not finite at"):
        saved.save()
    assert training.restore_model(model, tmp_path) == 2


class Log(keras.callbacks.Callback):
    """Puts a value into the logs of each step, as a validation does."""

    def __init__(self, name, values):
        super().__init__()
        self.name, self.values = name, iter(values)

    def on_train_batch_end(self, batch, logs=None):
        value = next(self.values)
        if value is not None:
            logs[self.name] = value


@pytest.mark.parametrize(
    ("name", "sign"), [("validation/loss", 1), ("validation/recall", -1)]
)
def test_the_best_is_kept_and_known_after_a_restart(
    model, batches, tmp_path, name, sign
):
    values = [5, None, 2, 3, 4, np.nan]
    log = Log(name, [value and sign * value for value in values])
    checkpoints = training.Checkpoints(tmp_path, 2, keep=1, best=name)
    model.fit(batches(), callbacks=[log, checkpoints], verbose=0, shuffle=False)
    assert sorted(os.listdir(tmp_path)) == ["step-000000003", "step-000000006"]
    about = json.loads((tmp_path / "step-000000003/complete.json").read_text())
    assert about["metrics"] == {name: sign * 2}
    assert training.restore_model(model, tmp_path, "best") == 3

    checkpoints = training.Checkpoints(tmp_path, 2, keep=1, best=name)
    assert checkpoints.restore(model) == 6
    log = Log(name, [sign * value for value in (3, 2.5, 1, 1, 3, 3)])
    model.fit(batches(), callbacks=[log, checkpoints], verbose=0)
    assert sorted(os.listdir(tmp_path)) == ["step-000000009", "step-000000012"]
    assert training.restore_model(model, tmp_path, "best") == 9


def test_without_a_best_checkpoint(saved, model, tmp_path):
    with pytest.raises(InputError, match=r"'best'; choose from \['last', 1, 2"):
        training.restore_model(model, tmp_path, "best")


def test_a_run_with_averages_and_a_late_tower_goes_on_exactly(
    batches, tmp_path
):
    def make(seed=0):
        model = tiny.make_model(seed=seed)
        optimizer = training.adamw(
            model,
            1e-2,
            STEPS,
            ema_momentum=0.5,
            frozen=["text_encoder/*"],
            unfreeze_at_step=5,
        )
        model.compile(optimizer, run_eagerly=True)
        return model

    whole, measured = make(), []
    validation = training.Validation(
        STEPS,
        lambda model: measured.extend(tiny.values(model.weights)) or {},
        str(tmp_path / "whole"),
        print_line=lambda line: None,
    )
    run(whole, batches, tmp_path / "whole", validation)
    with pytest.raises(RuntimeError, match="crash"):
        run(make(), batches, tmp_path / "other", Crash(after=5))
    other = make(seed=1)
    assert run(other, batches, tmp_path / "other") == 4
    for one, two in zip(
        [*whole.weights, *whole.optimizer.variables],
        [*other.weights, *other.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(two, one, err_msg=one.path)
    # What was validated is what a model that was never compiled gets.
    loaded = tiny.make_model(seed=1)
    training.restore_model(loaded, tmp_path / "whole/checkpoints")
    tiny.assert_weights_equal(loaded, measured, atol=0)
    assert not np.array_equal(loaded.weights[0], whole.weights[0])
    with training.averaged_weights(whole):
        tiny.assert_weights_equal(whole, measured, atol=0)
