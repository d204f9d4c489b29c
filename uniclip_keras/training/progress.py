"""Progress of a run: a printed line, a history file and TensorBoard."""

import json
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras.errors import InputError


class Progress(keras.callbacks.Callback):
    """Reports loss, similarity parameters, pairs per second and time left.

    Each report prints a line, appends a JSON object to `history.jsonl` and
    writes the same scalars to TensorBoard. A resumed run first drops the rows
    after its checkpoint, then appends.

    Args:
        workdir: Directory of the run.
        steps: int. Steps of the whole training.
        batch_size: int. Image-text pairs of the global batch.
        every: int. Steps between two reports.
        first_step: int. Steps taken before, for a resumed run.
        print_line: Function that prints a line.

    Raises (from `fit`):
        InputError: If the loss of a report is not finite. Earlier checkpoints
            remain.
    """

    def __init__(
        self, workdir, steps, batch_size, every, first_step=0, print_line=print
    ):
        super().__init__()
        self.path = pathlib.Path(workdir) / "history.jsonl"
        self.logdir = str(pathlib.Path(workdir) / "tensorboard")
        self.steps = steps
        self.batch_size = batch_size
        self.every = every
        self.step = first_step
        self.print_line = print_line

    def on_train_begin(self, logs=None):
        rows = [r for r in read_history(self.path) if r["step"] <= self.step]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.seconds = rows[-1]["seconds"] if rows else 0.0
        self.writer = tf.summary.create_file_writer(self.logdir)
        self.started, self.since = time.perf_counter(), self.step

    def on_epoch_begin(self, epoch, logs=None):
        self.before_epoch = self.step
        # Keras logs the mean loss of the epoch, a report that since the last.
        self.reported_batches, self.reported_sum = 0, 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.step = self.before_epoch + batch + 1
        if self.step // self.every > self.since // self.every or (
            self.step == self.steps
        ):
            self._report(batch + 1, logs)
            self.started, self.since = time.perf_counter(), self.step

    def _report(self, batches, logs):
        total = float(logs["loss"]) * batches
        loss = (total - self.reported_sum) / (batches - self.reported_batches)
        self.reported_sum, self.reported_batches = total, batches
        elapsed = time.perf_counter() - self.started
        done = max(self.step - self.since, 1)
        self.seconds += elapsed
        rate = tf.convert_to_tensor(self.model.optimizer.learning_rate)
        parameters = {n: float(v) for n, v in logs.items() if "/" in n}
        row = {
            "step": self.step,
            "loss": loss,
            "learning_rate": float(rate),
            "pairs_per_second": done * self.batch_size / elapsed,
            "seconds": self.seconds,
            **parameters,
        }
        if not np.isfinite(loss):
            raise InputError(
                f"the loss is {loss} at step {self.step}; lower the learning "
                "rate or clip gradients, and continue from the last checkpoint."
            )
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        with self.writer.as_default(step=self.step):
            for name, value in row.items():
                if name != "step":
                    tf.summary.scalar(name, value)
        similarity = "  ".join(
            f"{name.partition('/')[2]} tau {value:.3f} "
            f"b {parameters[name.replace('temperature', 'offset')]:+.3f}"
            for name, value in parameters.items()
            if name.startswith("temperature/")
        )
        remaining = (self.steps - self.step) * elapsed / done
        self.print_line(
            f"step {self.step:>{len(str(self.steps))}}/{self.steps}  "
            f"loss {loss:.3f}  {similarity}  "
            f"{row['pairs_per_second']:.0f} pairs/s  eta {_clock(remaining)}"
        )

    def on_train_end(self, logs=None):
        self.writer.close()


def read_history(path):
    """Returns the rows of a `history.jsonl`; none if it does not exist."""
    path = pathlib.Path(path)
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _clock(seconds):
    """Formats seconds as [hours:]minutes:seconds."""
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
