"""Validation during training: values that a function measures now and then."""

import json
import posixpath

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.training.averaging import averaged_weights
from uniclip_keras.training.progress import read_history
from uniclip_keras.training.workers import is_chief


class Validation(keras.callbacks.Callback):
    """Measures a model every few steps and after the last one.

    An optimizer that averages the weights lends it the averages.

    The values are printed, appended to `validation.jsonl` and written to
    TensorBoard. They also stand in the logs of their step for later callbacks,
    such as `Checkpoints`, which keeps the best. A resumed run first drops the
    rows after its checkpoint.

    Args:
        every: int. Steps between two measurements.
        measure: Function of the model that returns a dict of floats, such as
            `{"validation/loss": 2.1}`. Under several workers each of them
            calls it at the same steps, and the chief alone writes.
        workdir: str. Directory of the run, any that `tf.io.gfile` knows.
        steps: int or None. Steps of the whole training.
        print_line: Function that prints a line.

    Raises:
        InputError: If `every` is below 1.
    """

    def __init__(self, every, measure, workdir, steps=None, print_line=print):
        super().__init__()
        if every < 1:
            raise InputError(
                f"every={every!r} steps between validations must be at least 1."
            )
        self.every = every
        self.measure = measure
        self.steps = steps
        self.print_line = print_line
        self.path = posixpath.join(str(workdir), "validation.jsonl")
        self.logdir = posixpath.join(str(workdir), "tensorboard")

    def on_train_begin(self, logs=None):
        self.step = int(tf.identity(self.model.counts.steps))
        self._writer = None
        if is_chief(self.model.distribute_strategy):
            self._writer = tf.summary.create_file_writer(self.logdir)
            if rows := read_history(self.path):
                kept = [row for row in rows if row["step"] <= self.step]
                _write_rows(self.path, kept)

    def on_epoch_begin(self, epoch, logs=None):
        self._before_epoch = self.step

    def on_train_batch_end(self, batch, logs=None):
        before, self.step = self.step, self._before_epoch + batch + 1
        # `batch` may advance by several steps at a time.
        is_due = self.step // self.every > before // self.every
        if is_due or self.step == self.steps:
            with averaged_weights(self.model):
                values = self.measure(self.model)
            if logs is not None:
                logs.update(values)
            self._report(values)

    def _report(self, values):
        if self._writer is None:
            return
        with tf.io.gfile.GFile(self.path, "a") as file:
            file.write(json.dumps({"step": self.step, **values}) + "\n")
        with self._writer.as_default(step=self.step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        shown = "  ".join(
            f"{name.rpartition('/')[2].replace('_', ' ')} {value:.3f}"
            for name, value in values.items()
        )
        self.print_line(f"step {self.step}  validation  {shown}")

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()


def _write_rows(path, rows):
    """Writes rows so that no reader sees half of them."""
    with tf.io.gfile.GFile(f"{path}.partial", "w") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
