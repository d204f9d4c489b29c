"""A report of skipped samples at the end of each epoch."""

import keras
import tensorflow as tf


class DataReport(keras.callbacks.Callback):
    """Reports bad samples and ends a run that finds too many.

    At the end of each epoch it prints `BadSamples.summary()` and writes the
    share of samples skipped and the count of each kind to TensorBoard.

    Args:
        bad_samples: The `BadSamples` of the training dataset.
        logdir: TensorBoard directory, or None to print only.
        epoch_steps: int or None. Steps of an epoch; None for those of `fit`.
        first_step: int. Steps taken before, for a resumed run.
        print_line: Function that prints a line.

    Raises (from `fit`):
        InputError: If the share of bad samples exceeds the allowed one.
    """

    def __init__(
        self,
        bad_samples,
        logdir=None,
        epoch_steps=None,
        first_step=0,
        print_line=print,
    ):
        super().__init__()
        self.bad_samples = bad_samples
        self.logdir = logdir
        self.epoch_steps = epoch_steps
        self.step = first_step
        self.print_line = print_line
        self.writer = None

    def on_epoch_begin(self, epoch, logs=None):
        self._before_epoch = self.step

    def on_train_batch_end(self, batch, logs=None):
        self.bad_samples.check()
        # `batch` may advance by several steps at a time.
        before, self.step = self.step, self._before_epoch + batch + 1
        if self.epoch_steps:
            epoch = self.step // self.epoch_steps
            if epoch > before // self.epoch_steps:
                self._report(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if not self.epoch_steps:
            self._report(epoch + 1)

    def _report(self, epoch):
        self.print_line(f"epoch {epoch}: {self.bad_samples.summary()}")
        if self.logdir is None:
            return
        if self.writer is None:
            self.writer = tf.summary.create_file_writer(str(self.logdir))
        with self.writer.as_default(step=self.step):
            tf.summary.scalar("bad_samples/share", self.bad_samples.share)
            for kind, count in self.bad_samples.counts.items():
                name = kind.replace(" ", "_")
                tf.summary.scalar(f"bad_samples/{name}", count)

    def on_train_end(self, logs=None):
        if self.writer is not None:
            self.writer.close()
