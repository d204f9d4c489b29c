"""Checkpoints that let a run continue exactly where it stopped."""

import math

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.training import checkpoint_folders as folders
from uniclip_keras.training import restoring
from uniclip_keras.training.averaging import average_pairs
from uniclip_keras.training.workers import gather_over_workers
from uniclip_keras.training.workers import is_chief


class Checkpoints(keras.callbacks.Callback):
    """Saves a run every few steps, when it is best, and at the end of `fit`.

    A checkpoint holds weights, optimizer, random generators, `model.counts`
    and `model.recent_loss`, all of one step: the steps are counted inside the
    function that updates the weights. Where the optimizer averages the weights,
    it holds both, so that a run goes on from its own weights, and
    `restore_model` takes the averages. Directories may be any that
    `tf.io.gfile` knows. Of several workers the chief writes, all read.

    If a checkpoint cannot be written (no space, no permission), `fit` goes on
    with those before and says so; only at its end this is an error.

    Give it after the callbacks whose work a checkpoint shall hold: `Progress`,
    `Validation`.

    Args:
        directory: str. Directory of the checkpoints; created if missing.
        every: int. Steps between two checkpoints.
        keep: int. Number of latest checkpoints to keep.
        best: str or None. A log of an earlier callback: the checkpoint where
            it was best is kept, too. Less is better if it ends in "loss",
            else more.
        samples_per_step: int or None. Size of the global batch, from which
            follows the `position` of a checkpoint.

    Attributes:
        position: int or None. Samples taken so far.

    Raises (from `fit`):
        InputError: If a weight is not finite, or the last checkpoint cannot
            be written.
    """

    def __init__(
        self, directory, every, keep=2, best=None, samples_per_step=None
    ):
        super().__init__()
        if every < 1 or keep < 1:
            raise InputError(
                f"every={every!r} and keep={keep!r} must be at least 1."
            )
        self.directory = str(directory)
        self.every = every
        self.keep = keep
        self.best = best
        self.samples_per_step = samples_per_step
        self._checkpoint = None
        # What `complete.json` of the checkpoint says that the run began with.
        self._start = {"step": 0, "position": 0}
        self._good, self._best_step, self._best_value = set(), None, None

    def restore(self, model):
        """Loads the latest good checkpoint into a compiled model.

        Damaged ones are passed over with a printed warning.

        Returns:
            int, the step to continue from; 0 without a checkpoint.

        Raises:
            InputError: If the checkpoint is of another model, all are
                damaged, or workers find different ones.
        """
        self.set_model(model)
        # Makes the optimizer's variables.
        model.make_train_function()
        counts, recent = model.counts, model.recent_loss
        averages = [average for average, _ in average_pairs(model.optimizer)]
        apart = {id(average) for average in averages}
        variables = [v.value for v in model.optimizer.variables]
        self._checkpoint = tf.train.Checkpoint(
            weights=restoring.model_state(model),
            optimizer=[v for v in variables if id(v) not in apart],
            averages=averages,
            counts=[counts.steps, counts.skipped, counts.skipped_in_a_row],
            recent_loss=[recent.total, recent.count],
        )
        about = self._load_on_all_workers()
        self._start = about or {"step": self._step(), "position": 0}
        self._remember_good_ones(self._start["step"])
        return self._start["step"]

    def _load_on_all_workers(self):
        """Loads the last checkpoint, which must be the same on all workers."""
        about = mistake = None
        try:
            about = restoring.load_last(self._checkpoint, self.directory)
        except InputError as error:
            # Raised below, as the other workers wait for an answer.
            mistake = error
        found = -1 if mistake else about["step"] if about else 0
        strategy = self.model.distribute_strategy
        steps = gather_over_workers(strategy)(found)
        if mistake:
            raise mistake
        for worker, step in enumerate(steps):
            if step != steps[0]:
                first, other = (
                    "could not load one" if n < 0 else f"is at step {n}"
                    for n in (steps[0], step)
                )
                raise InputError(
                    f"the workers have different checkpoints in "
                    f"{self.directory}: worker 0 {first}, and worker {worker} "
                    f"{other}; give all workers one shared workdir, which "
                    "each can read."
                )
        return about

    def _remember_good_ones(self, last):
        """Notes which checkpoints to keep; later ones than `last` are bad."""
        self._good, self._best_step, self._best_value = set(), None, None
        for step in folders.steps(self.directory):
            try:
                about = folders.read(self.directory, step)
            except folders.DamagedCheckpoint:
                continue
            if step <= last:
                self._good.add(step)
                value = about.get("metrics", {}).get(self.best)
                if self._is_better(value):
                    self._best_step, self._best_value = step, value

    @property
    def position(self):
        if self.samples_per_step is None or self._start["position"] is None:
            return None
        steps = self._step() - self._start["step"]
        return self._start["position"] + steps * self.samples_per_step

    def _step(self):
        return int(tf.identity(self.model.counts.steps))

    def on_train_begin(self, logs=None):
        if self._checkpoint is None:
            self.restore(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._before_epoch = self._last = self._step()

    def on_train_batch_end(self, batch, logs=None):
        # `batch` may advance by several steps at a time.
        before, self._last = self._last, self._before_epoch + batch + 1
        value = (logs or {}).get(self.best)
        better = self._is_better(value)
        if better or self._last // self.every > before // self.every:
            try:
                self._save(value if better else None)
            except folders.FILE_ERRORS as error:
                print(
                    f"WARNING: the checkpoint of step {self._last} could not "
                    f"be written ({folders.reason(error)}); training goes on, "
                    f"the last good one is of step {self._last_good()}.",
                    flush=True,
                )

    def on_train_end(self, logs=None):
        self.save()

    def save(self):
        """Writes a checkpoint of the current step unless there is one.

        Raises:
            InputError: If a weight is not finite, or it cannot be written.
        """
        try:
            self._save()
        except folders.FILE_ERRORS as error:
            raise InputError(
                f"the last checkpoint, of step {self._step()}, could not be "
                f"written to {self.directory} ({folders.reason(error)}); the "
                f"last good one is of step {self._last_good()}: make space or "
                "give permission, and start again."
            ) from error

    def _save(self, best_value=None):
        step = self._step()
        if step in self._good:
            return
        # On all workers, so that none waits for one that has stopped.
        _check_finite(self.model, step)
        if is_chief(self.model.distribute_strategy):
            about = {"position": self.position}
            if best_value is not None:
                about["metrics"] = {self.best: best_value}
            folders.write(self.directory, step, self._checkpoint.write, about)
        self._good.add(step)
        if best_value is not None:
            self._best_step, self._best_value = step, best_value
        self._good = set(sorted(self._good)[-self.keep :]) | (
            self._good & {self._best_step}
        )
        if is_chief(self.model.distribute_strategy):
            folders.remove_all_but(self.directory, self._good)

    def _last_good(self):
        return max(self._good, default=0)

    def _is_better(self, value):
        """Tells whether a value of `best` is finite and the best so far."""
        if value is None or not math.isfinite(value):
            return False
        return self._best_value is None or restoring.better(
            self.best, value, self._best_value
        )


def _check_finite(model, step):
    for variable in (*model.variables, *model.optimizer.variables):
        value = tf.convert_to_tensor(variable.value)
        if value.dtype.is_floating and not tf.reduce_all(
            tf.math.is_finite(value)
        ):
            raise InputError(
                f"{variable.path!r} is not finite at step {step}, so that no "
                "checkpoint is saved; start again from the last one with a "
                "lower learning rate or clipped gradients."
            )
