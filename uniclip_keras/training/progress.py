"""Progress of a run: a printed line, a history file and TensorBoard."""

import json
import math
import posixpath
import time

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.training.checkpoint_folders import FILE_ERRORS
from uniclip_keras.training.checkpoint_folders import reason
from uniclip_keras.training.workers import is_chief


class Progress(keras.callbacks.Callback):
    """Reports loss, similarity parameters, pairs per second and time left.

    Each report prints a line, appends a JSON object to `history.jsonl` and
    writes the same scalars to TensorBoard. Among them are the seconds since
    the start of the run and its processor time, all threads together. A
    resumed run first drops the rows after its checkpoint, then appends. Of
    several workers only the chief reports.

    The loss of a report is the mean since the last one, without those that
    are not finite; a report in which none was finite is only printed. Rows
    with skipped updates say how many in "skipped".

    Args:
        workdir: str. Directory of the run, any that `tf.io.gfile` knows.
        steps: int. Steps of the whole training.
        batch_size: int. Image-text pairs of the global batch.
        every: int. Steps between two reports.
        first_step: int. Steps taken before, for a resumed run.
        print_line: Function that prints a line.
    """

    def __init__(
        self, workdir, steps, batch_size, every, first_step=0, print_line=print
    ):
        super().__init__()
        self.path = posixpath.join(str(workdir), "history.jsonl")
        self.logdir = posixpath.join(str(workdir), "tensorboard")
        self.steps = steps
        self.batch_size = batch_size
        self.every = every
        self.step = first_step
        self.print_line = print_line

    def on_train_begin(self, logs=None):
        rows = [r for r in read_history(self.path) if r["step"] <= self.step]
        self.rows = rows
        self.seconds = rows[-1]["seconds"] if rows else 0.0
        # Histories of earlier versions have none.
        last = rows[-1] if rows else {}
        self.processor_seconds = last.get("processor_seconds", 0.0)
        self.skipped = sum(row.get("skipped", 0) for row in rows)
        self.writer = None
        if is_chief(self.model.distribute_strategy):
            self.written = self._try(self._write_all)
            self.writer = tf.summary.create_file_writer(self.logdir)
        self._start_report()

    def _start_report(self):
        self.started, self.since = time.perf_counter(), self.step
        self.processor_started = time.process_time()

    def _write_all(self):
        tf.io.gfile.makedirs(posixpath.dirname(self.path))
        with tf.io.gfile.GFile(f"{self.path}.part", "w") as file:
            file.write("".join(json.dumps(row) + "\n" for row in self.rows))
        # A crash leaves the old file or the new one, not half of it.
        tf.io.gfile.rename(f"{self.path}.part", self.path, overwrite=True)

    def on_epoch_begin(self, epoch, logs=None):
        self.before_epoch = self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step = self.before_epoch + batch + 1
        if self.step // self.every > self.since // self.every or (
            self.step == self.steps
        ):
            self._report(logs)
            self.model.recent_loss.reset_state()
            self._start_report()

    def _report(self, logs):
        elapsed = time.perf_counter() - self.started
        done = max(self.step - self.since, 1)
        self.seconds += elapsed
        self.processor_seconds += time.process_time() - self.processor_started
        if self.writer is None:
            return
        loss = float(logs["recent_loss"])
        rate = tf.convert_to_tensor(self.model.optimizer.learning_rate)
        skipped = int(tf.identity(self.model.counts.skipped)) - self.skipped
        parameters = {
            name: float(value)
            for name, value in logs.items()
            if name.startswith(("temperature/", "offset/"))
        }
        row = {
            "step": self.step,
            "loss": loss,
            "learning_rate": float(rate),
            "pairs_per_second": done * self.batch_size / elapsed,
            "seconds": self.seconds,
            "processor_seconds": self.processor_seconds,
            **parameters,
        }
        if skipped:
            row["skipped"] = skipped
        if math.isfinite(loss):
            self.rows.append(row)
            self.skipped += skipped
            # After a failure all rows again, for half a row may stand there.
            self.written = self._try(
                self._append if self.written else self._write_all
            )
            self._try(self._write_scalars)
        similarity = "".join(
            f"{name.partition('/')[2]} tau {value:.3f} "
            f"b {parameters[name.replace('temperature', 'offset')]:+.3f}  "
            for name, value in parameters.items()
            if name.startswith("temperature/")
        )
        remaining = (self.steps - self.step) * elapsed / done
        self.print_line(
            f"step {self.step:>{len(str(self.steps))}}/{self.steps}  "
            f"loss {loss:.3f}  {similarity}"
            f"{f'skipped {skipped} update(s)  ' if skipped else ''}"
            f"{row['pairs_per_second']:.0f} pairs/s  eta {_clock(remaining)}"
        )

    def _append(self):
        with tf.io.gfile.GFile(self.path, "a") as file:
            file.write(json.dumps(self.rows[-1]) + "\n")

    def _write_scalars(self):
        with self.writer.as_default(step=self.step):
            for name, value in self.rows[-1].items():
                if name != "step":
                    tf.summary.scalar(name, value)

    def _try(self, write):
        """Returns whether it worked: a full disk need not end the run."""
        try:
            write()
        except FILE_ERRORS as error:
            self.print_line(f"WARNING: {self.path}: {reason(error)}")
            return False
        return True

    def on_train_end(self, logs=None):
        if self.writer is not None:
            self.writer.close()


def read_history(path):
    """Returns the rows of a `history.jsonl`; none if it does not exist.

    A last line that a crash has cut short is left out.

    Raises:
        InputError: If another line is broken.
    """
    path = str(path)
    if not tf.io.gfile.exists(path):
        return []
    with tf.io.gfile.GFile(path, "rb") as file:
        lines = file.read().splitlines()
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            if number < len(lines):
                raise InputError(
                    f"line {number} of {path} is not JSON; remove the line."
                ) from error
    return rows


def _clock(seconds):
    """Formats seconds as [hours:]minutes:seconds."""
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
