"""Checkpoints that let a run continue exactly where it stopped."""

import pathlib

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError


class Checkpoints(keras.callbacks.Callback):
    """Saves model and optimizer every few steps and at the end of `fit`.

    The position of a run is the number of batches it has taken. (The
    optimizer's iterations may be fewer: float16 skips a step that overflows.)
    `restore` returns this number, and the dataset starts there: see
    `training_dataset`.

    Args:
        directory: Directory of the checkpoints; created if missing.
        every: int. Steps between two checkpoints.
        keep: int. Number of latest checkpoints to keep.
    """

    def __init__(self, directory, every, keep=2):
        super().__init__()
        self.directory = str(directory)
        self.every = every
        self.keep = keep
        self._manager = None
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)

    def restore(self, model):
        """Loads the latest checkpoint into a compiled model.

        Returns:
            int, the step to continue from; 0 without a checkpoint.

        Raises:
            InputError: If the checkpoint is of another model.
        """
        # Makes the optimizer's variables.
        model.make_train_function()
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                step=self._step,
                weights=_state(model),
                optimizer=[v.value for v in model.optimizer.variables],
            ),
            self.directory,
            max_to_keep=self.keep,
        )
        latest = self._manager.latest_checkpoint
        if latest is not None:
            _restore(self._manager.checkpoint, latest)
        return int(self._step)

    def on_train_begin(self, logs=None):
        if self._manager is None:
            self.restore(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._before_epoch = int(self._step)

    def on_train_batch_end(self, batch, logs=None):
        before = int(self._step)
        # `batch` may advance by several steps at a time.
        step = self._before_epoch + batch + 1
        self._step.assign(step)
        if step // self.every > before // self.every:
            self.save()

    def on_train_end(self, logs=None):
        self.save()

    def save(self):
        """Writes a checkpoint of the current step unless there is one."""
        path = self._manager.latest_checkpoint
        if path is None or not path.endswith(f"-{int(self._step)}"):
            self._manager.save(checkpoint_number=int(self._step))


def restore_model(model, directory):
    """Loads the weights of the latest checkpoint into a model.

    The model need not be compiled, and `directory` is that of `Checkpoints`.
    Returns the step of the checkpoint.

    Raises:
        InputError: If there is no checkpoint, or it is of another model.
    """
    latest = tf.train.latest_checkpoint(str(directory))
    if latest is None:
        raise InputError(
            f"no checkpoint in {directory}; train first, or give the workdir "
            "of a run that has saved one."
        )
    _restore(tf.train.Checkpoint(weights=_state(model)), latest)
    return int(pathlib.Path(latest).name.rpartition("-")[2])


def _state(model):
    """Returns weights and states of random generators, without metrics."""
    metrics = {id(variable) for variable in model.metrics_variables}
    # By index, not by object: TensorFlow does not track Keras layers in a
    # Python list, and would silently leave them out.
    return [v.value for v in model.variables if id(v) not in metrics]


def _restore(checkpoint, path):
    try:
        status = checkpoint.restore(path)
        # A model alone leaves the optimizer's part of the file unused.
        status.expect_partial()
        status.assert_existing_objects_matched()
        saved = tf.train.load_checkpoint(path).get_variable_to_shape_map()
        count = sum(name.startswith("weights/") for name in saved)
        if count != len(checkpoint.weights):
            raise ValueError(
                f"it has {count} weights, the model {len(checkpoint.weights)}"
            )
    except (ValueError, AssertionError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:200]
        if "not bound to checkpointed values" in str(error):
            reason = "it has fewer weights"
        raise InputError(
            f"the checkpoint {path} is of another model ({reason}); use the "
            "configuration and the vocabulary that it was trained with."
        ) from error
