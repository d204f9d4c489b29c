"""Signals end a run after the running step."""

import signal
import threading

import keras

from uniclip_keras.training.workers import sum_over_workers


class StopOnSignal(keras.callbacks.Callback):
    """Ends `fit` after the running step on SIGTERM and on the first Ctrl-C.

    `fit` then returns as at its end, so that `Checkpoints` saves this step. A
    second Ctrl-C raises KeyboardInterrupt at once. A signal to one of several
    workers stops all of them after the same step.

    The signals have their former handlers again at the end of `fit`. After an
    exception in `fit`, `restore_handlers()` does this.

    Give this callback last: then a signal cannot end the process while others
    finish their work at the end of `fit`.

    Attributes:
        signal: `signal.Signals` or None. The signal that came.
    """

    def __init__(self):
        super().__init__()
        self.signal = None
        self._before = {}

    def on_train_begin(self, logs=None):
        self.signal = None
        self._sum = sum_over_workers(self.model.distribute_strategy)
        # Python lets only the main thread handle signals.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                before = signal.signal(number, self._handle)
                self._before.setdefault(number, before)

    def _handle(self, number, frame):
        if number == signal.SIGINT and self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)

    def on_train_batch_end(self, batch, logs=None):
        # Asked of all workers at once: one that stopped by itself would leave
        # the others waiting for its gradients.
        if self._sum([int(self.signal is not None)])[0]:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.restore_handlers()

    def restore_handlers(self):
        """Gives the signals the handlers that they had before `fit`."""
        while self._before:
            signal.signal(*self._before.popitem())
