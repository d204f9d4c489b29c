"""Progress: the history, means of intervals, and a loss of NaN."""

import json

import numpy as np
import pytest

from uniclip_keras import training
from uniclip_keras.errors import InputError

STEPS, BATCH_SIZE = 6, 4


def progress(workdir, every):
    workdir.mkdir(exist_ok=True)
    return training.Progress(workdir, STEPS, BATCH_SIZE, every)


def losses(workdir):
    rows = training.read_history(workdir / "history.jsonl")
    return [row["loss"] for row in rows]


def test_progress_reports_the_mean_of_each_interval(model, batches, tmp_path):
    one, three = tmp_path / "one", tmp_path / "three"
    callbacks = [progress(one, every=1), progress(three, every=3)]
    model.fit(batches(), callbacks=callbacks, shuffle=False, verbose=0)
    means = [np.mean(losses(one)[:3]), np.mean(losses(one)[3:])]
    np.testing.assert_allclose(losses(three), means, rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_the_run(model, batches, tmp_path):
    kernel = model.text_projection.projection.kernel
    kernel.assign(kernel * np.nan)
    with pytest.raises(InputError, match="nan at step 1.*learning rate"):
        model.fit(batches(), callbacks=[progress(tmp_path, 1)], verbose=0)
    assert not (tmp_path / "history.jsonl").read_text()


def test_history_is_one_json_object_a_line(tmp_path):
    path = tmp_path / "history.jsonl"
    assert training.read_history(path) == []
    path.write_text(json.dumps({"step": 1}) + "\n")
    assert training.read_history(path) == [{"step": 1}]
