"""What a run has done, counted on the device."""

import tensorflow as tf


class StepCounts(tf.Module):
    """What a run has done, counted inside the function that does it.

    So the counts fit the weights whenever Python may be interrupted. They are
    no weights of the model: only `training.Checkpoints` saves them.

    Attributes:
        steps: int64 variable. Batches taken.
        skipped: int64 variable. Batches without an update, because the loss
            or a gradient was not finite.
        skipped_in_a_row: int64 variable. Those since the last update.
    """

    def __init__(self):
        super().__init__(name="counts")
        self.steps, self.skipped, self.skipped_in_a_row = (
            _variable(0, tf.int64, name)
            for name in ("steps", "skipped", "skipped_in_a_row")
        )


class RecentLoss(tf.Module):
    """The mean of the finite losses since `reset_state()`: float32.

    Unlike a metric of Keras it outlives epochs and evaluations, and
    checkpoints hold it. It is NaN where no loss was finite.
    """

    def __init__(self):
        super().__init__(name="recent_loss")
        self.total = _variable(0.0, tf.float32, "total")
        self.count = _variable(0.0, tf.float32, "count")

    def update_state(self, loss, weight):
        """Adds a loss with weight 1, or leaves it out with weight 0."""
        self.total.assign_add(loss)
        self.count.assign_add(weight)

    def result(self):
        return self.total / self.count

    def reset_state(self):
        self.total.assign(0.0)
        self.count.assign(0.0)


def _variable(value, dtype, name):
    # All replicas assign the same values, so that none asks the others.
    return tf.Variable(value, dtype=dtype, trainable=False, name=name)
