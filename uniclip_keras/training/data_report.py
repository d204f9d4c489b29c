"""What a run had to skip, said at the end of each epoch."""

import keras
import tensorflow as tf


class DataReport(keras.callbacks.Callback):
    """Reports bad samples, and ends a run that finds too many.

    At the end of each epoch it prints `BadSamples.summary()` and writes to
    TensorBoard the share skipped and the count of each kind, so far.

    Args:
        bad_samples: the `BadSamples` of the dataset that is trained on.
        logdir: TensorBoard directory, or None to print only.
        epoch_steps: steps that count as an epoch, such as `source.count() //
            batch_size`, where `fit` has longer ones. None: those of `fit`.
        first_step: steps taken before, for a resumed run.
        print_line: where lines go.

    Raises (from `fit`):
        InputError: more than the allowed share of the samples is bad.
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

    def on_train_batch_end(self, batch, logs=None):
        self.bad_samples.check()
        self.step += 1
        if self.epoch_steps and self.step % self.epoch_steps == 0:
            self._report(self.step // self.epoch_steps)

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
