"""Validation during training: values that a function measures now and then."""

import json
import posixpath

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.training.progress import read_history


class Validation(keras.callbacks.Callback):
    """Measures a model every few steps and after the last one.

    The values are printed, appended to `validation.jsonl` and written to
    TensorBoard. They also stand in the logs of their step, where `Checkpoints`
    finds the one that it keeps the best of, if it comes after this callback. A resumed run first
    drops the rows after its checkpoint.

    Args:
        every: int. Steps between two measurements.
        measure: Function of the model that returns a dict of floats, such as
            `{"validation/loss": 2.1}`. Under several workers each of them
            calls it at the same steps.
        workdir: Directory of the run, or None to write no files.
        steps: int or None. Steps of the whole training.
        print_line: Function that prints a line, or None.

    Raises:
        InputError: If `every` is below 1.
    """

    def __init__(
        self, every, measure, workdir=None, steps=None, print_line=print
    ):
        super().__init__()
        if every < 1:
            raise InputError(
                f"every={every!r} steps between validations must be at least 1."
            )
        self.every = every
        self.measure = measure
        self.steps = steps
        self.print_line = print_line
        self.path = self.logdir = self._writer = None
        if workdir is not None:
            self.path = posixpath.join(str(workdir), "validation.jsonl")
            self.logdir = posixpath.join(str(workdir), "tensorboard")

    def on_train_begin(self, logs=None):
        self.step = int(tf.identity(self.model.counts.steps))
        if self.path is not None:
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
            values = self.measure(self.model)
            if logs is not None:
                logs.update(values)
            self._report(values)

    def _report(self, values):
        if self.path is not None:
            row = {"step": self.step, **values}
            with tf.io.gfile.GFile(self.path, "a") as file:
                file.write(json.dumps(row) + "\n")
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(self.logdir)
            with self._writer.as_default(step=self.step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
        if self.print_line is not None:
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
