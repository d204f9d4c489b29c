"""Signals: a run that they stop, and its continuation."""

import os
import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_model as tiny

from uniclip_keras import training

STEPS, BATCH_SIZE = 40, 4
BATCHES = [tiny.make_batch(BATCH_SIZE, seed=step) for step in range(STEPS)]


@pytest.fixture
def handlers():
    """Handlers of the tests, which come back after `fit`."""
    numbers = (signal.SIGTERM, signal.SIGINT)

    def refuse(number, frame):
        raise AssertionError(f"signal {number} outside of fit")

    before = [signal.signal(number, refuse) for number in numbers]
    yield lambda: {signal.getsignal(number) for number in numbers} == {refuse}
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class Kill(keras.callbacks.Callback):
    """Sends a signal some time after the beginning of a batch."""

    def __init__(self, number, batch, delay):
        super().__init__()
        self.number, self.batch, self.delay = number, batch, delay

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.batch:
            threading.Timer(
                self.delay, os.kill, (os.getpid(), self.number)
            ).start()


def run(model, workdir, *callbacks):
    """Trains from the last checkpoint; returns `(first step, signal)`."""
    checkpoints = training.Checkpoints(f"{workdir}/checkpoints", every=STEPS)
    first_step = checkpoints.restore(model)
    stop = training.StopOnSignal()
    progress = training.Progress(
        workdir, STEPS, BATCH_SIZE, 1, first_step, lambda line: None
    )
    model.fit(
        tiny.dataset(BATCHES[first_step:]),
        callbacks=[*callbacks, progress, checkpoints, stop],
        shuffle=False,
        verbose=0,
    )
    return first_step, stop.signal


def losses(workdir):
    rows = training.read_history(f"{workdir}/history.jsonl")
    return [(row["step"], row["loss"]) for row in rows]


def test_runs_that_signals_stop_are_the_one_never_stopped(
    model, variables, tmp_path, handlers
):
    start = tiny.values(variables)
    whole, broken = f"{tmp_path}/whole", f"{tmp_path}/broken"
    assert run(model, whole) == (0, None)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)

    expected, rng = 0, np.random.default_rng()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        # Anywhere in a step or between two.
        kill = Kill(number, 2, rng.uniform(0, 0.005))
        assert run(model, broken, kill) == (expected, number)
        assert handlers()
        expected = int(model.optimizer.iterations.value)
        assert tiny.counts(model) == [expected, 0, 0]
        names = sorted(os.listdir(f"{broken}/checkpoints"))
        assert names[-1] == f"step-{expected:09d}"
        # All that counts comes from the checkpoint.
        for variable in variables:
            variable.assign(variable + tf.ones((), variable.dtype))
    assert 0 < expected < STEPS
    assert run(model, broken) == (expected, None)
    assert losses(broken) == losses(whole)


def test_a_second_ctrl_c_ends_at_once(model, handlers):
    class Twice(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    stop = training.StopOnSignal()
    with pytest.raises(KeyboardInterrupt):
        model.fit(tiny.dataset(BATCHES), callbacks=[Twice(), stop], verbose=0)
    assert tiny.counts(model) == [1, 0, 0]
    assert not handlers()
    stop.restore_handlers()
    assert handlers()
