"""Progress: the history, means of intervals, and losses that are not finite."""

import json

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras import training
from uniclip_keras.errors import InputError

STEPS, BATCH_SIZE = 6, 4


def losses(model, batches, workdir, every, lines=None):
    """Trains, reports every few steps and returns the losses by step."""
    lines = [] if lines is None else lines
    progress = training.Progress(
        workdir, STEPS, BATCH_SIZE, every, print_line=lines.append
    )
    model.fit(batches(), callbacks=[progress], shuffle=False, verbose=0)
    rows = training.read_history(f"{workdir}/history.jsonl")
    return {row["step"]: row["loss"] for row in rows}


def test_losses_are_exact_means_of_intervals(
    model, variables, batches, tmp_path
):
    start = [variable.numpy() for variable in variables]
    # Epochs would begin Keras' mean again.
    one = losses(model, batches, tmp_path / "one", every=1)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    lines = []
    four = losses(model, batches, tmp_path / "four", 4, lines)
    assert list(four) == [4, 6]
    single = list(one.values())
    assert four[4] == pytest.approx(np.mean(single[:4]), rel=1e-7)
    assert four[6] == pytest.approx(np.mean(single[4:]), rel=1e-7)
    assert "step 6/6" in lines[-1]
    assert "eta 0:00" in lines[-1]
    assert "skipped" not in lines[-1]
    row = training.read_history(tmp_path / "four" / "history.jsonl")[-1]
    assert "temperature/image-text" in row
    assert "skipped" not in row


def test_skipped_updates_are_reported_and_not_in_the_mean(
    model, batches, tmp_path
):
    kernel, lines = model.text_projection.projection.kernel, []
    good = kernel.numpy()
    kernel.assign(kernel * np.nan)
    assert losses(model, batches, tmp_path, 3, lines) == {}
    assert "loss nan" in lines[0]
    assert "skipped 3 update(s)" in lines[0]
    kernel.assign(good)
    model.counts.skipped_in_a_row.assign(0)
    assert np.isfinite(list(losses(model, batches, tmp_path, 3).values())).all()
    rows = training.read_history(tmp_path / "history.jsonl")
    assert [row.get("skipped") for row in rows] == [6, None]


def test_history_is_one_json_object_a_line(tmp_path):
    path = tmp_path / "history.jsonl"
    assert training.read_history(path) == []
    whole = json.dumps({"step": 1}) + "\n"
    path.write_text(whole)
    assert training.read_history(path) == [{"step": 1}]
    # A crash in the middle of a write.
    path.write_text(whole + '{"step": 2, "lo')
    assert training.read_history(path) == [{"step": 1}]
    path.write_text('{"step": 2, "lo\n' + whole)
    with pytest.raises(InputError, match="line 1 of .*history.jsonl"):
        training.read_history(path)


def test_a_resumed_history_has_only_whole_rows(model, batches):
    """A broken last line is gone, as are rows after the checkpoint."""
    path = "ram://progress/history.jsonl"
    tf.io.gfile.makedirs("ram://progress")
    with tf.io.gfile.GFile(path, "w") as file:
        for step in (1, 2, 3):
            file.write(json.dumps({"step": step, "seconds": 7.0}) + "\n")
        file.write('{"step": 4, "loss"')
    progress = training.Progress("ram://progress", STEPS, BATCH_SIZE, 4, 2)
    model.fit(batches(2), callbacks=[progress], shuffle=False, verbose=0)
    rows = training.read_history(path)
    assert [row["step"] for row in rows] == [1, 2, 4, 6]
    assert rows[-1]["seconds"] > 7.0
    # Rows of earlier versions hold no processor time.
    assert rows[3]["processor_seconds"] > rows[2]["processor_seconds"] > 0


def test_a_disk_that_is_full_for_a_while(model, batches, tmp_path, monkeypatch):
    """The run goes on, and the rows are there once there is space."""
    lines = []

    def write_half(self):
        with tf.io.gfile.GFile(self.path, "a") as file:
            file.write('{"step"')
        raise OSError("no space")

    monkeypatch.setattr(training.Progress, "_append", write_half)
    found = losses(model, batches, tmp_path, 1, lines)
    # Rows that fail are written with the next ones.
    assert sum("no space" in line for line in lines) == STEPS // 2
    assert list(found) == [1, 2, 3, 4, 5, 6]
