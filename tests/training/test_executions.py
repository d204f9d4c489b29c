"""Several steps at a time: callbacks see what they do step by step."""

import os

import pytest
import tiny_model as tiny

from uniclip_keras import training
from uniclip_keras.data import BadSamples

STEPS, BATCH_SIZE = 6, 4


@pytest.fixture
def at_a_time(model):
    """Function that sets the steps of an execution until the test ends."""
    before = model.train_function

    def change(steps):
        model.steps_per_execution = steps
        model.make_train_function(force=True)

    yield change
    model.steps_per_execution, model.train_function = 1, before


def train(model, batches, workdir):
    """Returns all that the callbacks do at steps that threes divide."""
    lines, measured = [], []

    def measure(model):
        measured.append(tiny.counts(model)[0])
        return {"validation/loss": float(len(measured))}

    workdir = str(workdir)
    model.fit(
        batches(),
        callbacks=[
            training.Progress(
                workdir, STEPS, BATCH_SIZE, 3, print_line=lambda line: None
            ),
            training.DataReport(
                BadSamples(), epoch_steps=3, print_line=lines.append
            ),
            training.Validation(3, measure, workdir, STEPS, lines.append),
            training.NonFiniteGuard(4),
            training.Checkpoints(
                f"{workdir}/checkpoints", 3, samples_per_step=BATCH_SIZE
            ),
            training.StopOnSignal(),
        ],
        shuffle=False,
        verbose=0,
    )
    rows = training.read_history(f"{workdir}/history.jsonl")
    for row in rows:
        for name in ("pairs_per_second", "seconds", "processor_seconds"):
            del row[name]
    names = sorted(os.listdir(f"{workdir}/checkpoints"))
    return rows, names, measured, lines


def test_three_steps_at_a_time_are_as_one_by_one(
    model, variables, batches, tmp_path, at_a_time
):
    start = tiny.values(variables)
    rows, *others = train(model, batches, tmp_path / "one")
    assert others[:2] == [["step-000000003", "step-000000006"], [3, 6]]
    weights = tiny.values(model.weights)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    at_a_time(3)
    found, *found_others = train(model, batches, tmp_path / "three")
    assert found_others == others
    assert [row["step"] for row in found] == [3, 6]
    for row, expected in zip(found, rows, strict=True):
        assert row == pytest.approx(expected, rel=1e-6)
    tiny.assert_weights_equal(model, weights, atol=1e-6)
    assert tiny.counts(model) == [STEPS, 0, 0]
