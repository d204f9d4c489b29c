"""Validation during training: when it measures, and what it leaves."""

import json

import pytest
import tensorflow as tf

from uniclip_keras import training
from uniclip_keras.errors import InputError

STEPS = 6


def fit(model, batches, workdir, every, first_step=0, values=None):
    """Returns the steps that were measured and the printed lines."""
    steps, lines = [], []

    def measure(model):
        step = int(tf.identity(model.counts.steps))
        steps.append(step)
        value = values[step] if values else float(step)
        return {"validation/loss": value, "validation/image_to_text_r1": 0.5}

    validation = training.Validation(
        every, measure, workdir, STEPS, lines.append
    )
    checkpoints = training.Checkpoints(
        workdir / "checkpoints", every=100, keep=1, best="validation/loss"
    )
    checkpoints.restore(model)
    model.fit(
        batches(first_step),
        callbacks=[validation, checkpoints],
        shuffle=False,
        verbose=0,
    )
    return steps, lines


def test_it_measures_every_so_many_steps_and_at_the_end(
    model, batches, tmp_path
):
    values = {4: 1.0, 6: 2.0}
    steps, lines = fit(model, batches, tmp_path, every=4, values=values)
    assert steps == [4, 6]
    assert lines[0] == (
        "step 4  validation  loss 1.000  image to text r1 0.500"
    )
    path = tmp_path / "validation.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 6]
    assert rows[0]["validation/loss"] == 1.0
    tags = [
        value.tag
        for file in (tmp_path / "tensorboard").iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    ]
    assert tags.count("validation/loss") == 2
    # The checkpoint with the lowest loss is kept beside the last.
    directory = tmp_path / "checkpoints"
    assert training.restore_model(model, directory, "best") == 4
    assert training.restore_model(model, directory) == 6


def test_a_resumed_run_drops_the_rows_after_its_checkpoint(
    model, batches, tmp_path
):
    model.counts.steps.assign(4)
    rows = [{"step": step, "validation/loss": 9.0} for step in (2, 4, 6)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path = tmp_path / "validation.jsonl"
    path.write_text(lines + '{"step": 7, "val')
    steps, _ = fit(model, batches, tmp_path, every=6, first_step=4)
    assert steps == [6]
    found = training.read_history(path)
    assert [row["step"] for row in found] == [2, 4, 6]
    assert found[-1]["validation/loss"] == 6.0


def test_never_is_refused():
    with pytest.raises(InputError, match="every=0 steps .* at least 1"):
        training.Validation(0, None, "")
