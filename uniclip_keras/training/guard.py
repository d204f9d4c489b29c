"""The end of a run whose loss or gradients stay not finite."""

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError


class NonFiniteGuard(keras.callbacks.Callback):
    """Ends a run after too many skipped updates in a row.

    `UniCLIP` skips the update of a batch whose loss or gradient is not finite.
    float16 skips a few at the start, while it looks for its loss scale.

    The count lies on the device. It is read once in `limit` steps, more often
    only after a skipped one.

    Args:
        limit: int. Updates skipped in a row that end the run.
        describe: Function that returns a text about the batch, such as its
            keys, or None.

    Raises (from `fit`):
        InputError: If so many updates were skipped in a row.
    """

    def __init__(self, limit=10, describe=None):
        super().__init__()
        if limit < 1:
            raise InputError(
                f"limit={limit!r} skipped updates in a row must be at least 1."
            )
        self.limit = limit
        self.describe = describe

    def on_train_begin(self, logs=None):
        # Skips before a restart do not count: it may have changed something.
        self._left = self.limit

    def on_epoch_begin(self, epoch, logs=None):
        self._batch = -1

    def on_train_batch_end(self, batch, logs=None):
        # `batch` may advance by several steps at a time.
        self._left -= batch - self._batch
        self._batch = batch
        if self._left <= 0:
            self._look()

    def _look(self):
        counts = self.model.counts
        skipped = int(tf.identity(counts.skipped_in_a_row))
        # No sooner can the limit be reached.
        self._left = self.limit - skipped
        if skipped < self.limit:
            return
        batch = self.describe() if self.describe else ""
        raise InputError(
            f"the loss or its gradient is not finite: the last {skipped} "
            f"updates up to step {int(tf.identity(counts.steps))} were skipped"
            f"{f' ({batch})' if batch else ''}. The last checkpoint is good: "
            "start again from it with a lower learning rate (--allow_changes) "
            "or with clipped gradients, and look at these samples."
        )
