"""One optimizer step: the gradients of a batch, summed over the replicas."""

import keras
import tensorflow as tf

from uniclip_keras.losses.replicas import replica_count


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


def loss_and_gradients(model, data):
    """Returns the objective of a replica's batch, and gradients.

    The gradients are those of `scaled_sum(model, objective, *penalties)` with
    respect to the trainable variables; None where it does not depend on one.
    """
    with tf.GradientTape() as tape:
        embeddings = model(data, training=True)
        # Read before the objective: the replicas share this list, and each
        # waits for the others inside the objective.
        penalties = model.losses
        loss = objective_loss(model, embeddings, data)
        scaled = scaled_sum(model, loss, *penalties)
    return loss, tape.gradient(
        scaled, [variable.value for variable in model.trainable_variables]
    )


def objective_loss(model, embeddings, data):
    """Computes the objective of a batch from its embeddings by `call`."""
    ids = {
        domain: tf.repeat(data["id"], rows)
        for domain, (rows, _) in model.embedding_shapes(data).items()
    }
    return model.objective(embeddings, ids=ids)


def scaled_sum(model, *losses):
    """Sums a replica's losses and scales the sum for differentiation.

    Gradients are summed over the replicas whereas the loss is their mean, and
    float16 gradients need the optimizer's loss scale.
    """
    total = tf.add_n([tf.cast(loss, tf.float32) for loss in losses])
    return model.optimizer.scale_loss(total / replica_count())


def state_before(model):
    """Returns the values that `apply_gradients` may have to put back."""
    # No copies: a value is copied once its variable is assigned.
    return [v.value.read_value() for v in model.non_trainable_variables]


def apply_gradients(model, loss, gradients, before):
    """Sums gradients over the replicas, updates the weights and counts.

    By default Keras clips the gradient of each replica before the sum, and
    its loss scale looks for infinities on one replica only. Here the sum comes
    first, so both act on the gradient of the global batch.

    A batch whose loss or gradient is not finite changes no weight, no state
    of the optimizer and no state of a layer on any replica. (float16 then
    halves its loss scale.)

    Args:
        model: The compiled model.
        loss: Float scalar. The mean loss of all replicas.
        gradients: List of this replica's gradients or None.
        before: The `state_before` the forward pass.
    """
    # Dense, because a sparse gradient has a row for each occurrence of a
    # token, and the norm of these rows is not the norm of the gradient.
    present = [tf.convert_to_tensor(g) for g in gradients if g is not None]
    present = _all_reduce("SUM", present)
    # Of sums, so that all replicas decide alike.
    finite = tf.reduce_all(
        [tf.reduce_all(tf.math.is_finite(x)) for x in (loss, *present)]
    )
    present = iter(present)
    gradients = [None if g is None else next(present) for g in gradients]
    arguments = (model, finite, gradients, before)
    if tf.__internal__.distribute.strategy_supports_no_merge_call():
        _update_or_skip(tf.distribute.get_strategy(), *arguments)
    else:
        # An optimizer merges its replicas, which it cannot in a branch that
        # each replica takes by itself.
        tf.distribute.get_replica_context().merge_call(
            _update_or_skip, arguments
        )


def _update_or_skip(strategy, model, finite, gradients, before):
    """Takes one branch on all replicas, in the cross-replica context."""
    optimizer, counts = model.optimizer, model.counts
    apply, overflow = optimizer.apply, None
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # The parts of its `apply`, which would ask again what is finite.
        apply = optimizer._stateful_handle_finite_grads
        overflow = optimizer._stateful_handle_non_finite_grads
        optimizer = optimizer.inner_optimizer
    optimizer._all_reduce_sum_gradients = list

    def update():
        arguments = (gradients, model.trainable_variables)
        if tf.distribute.in_cross_replica_context():
            strategy.extended.call_for_each_replica(apply, arguments)
        else:
            apply(*arguments)
        counts.skipped_in_a_row.assign(0)

    def skip():
        if overflow is not None:
            overflow()
        for variable, value in zip(
            model.non_trainable_variables, before, strict=True
        ):
            strategy.extended.update(
                variable.value, lambda v, x: v.assign(x), (value,), group=False
            )
        counts.skipped.assign_add(1)
        counts.skipped_in_a_row.assign_add(1)

    tf.cond(_first(strategy, finite), update, skip)
    counts.steps.assign_add(1)


def _first(strategy, value):
    """Returns the value of the first replica of this process."""
    return strategy.experimental_local_results(value)[0]


def mean_over_replicas(loss):
    """Averages a scalar over the replicas, so that all log the same value."""
    return _all_reduce("MEAN", loss)


def _all_reduce(operation, values):
    if replica_count() == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(operation, values)


def step_function(model, step):
    """Makes of `data -> logs` the function `iterator -> logs` that Keras needs.

    Keras nests two `tf.function`s and optimizes both before the first step.
    One is enough when the batch is taken outside of it. (Inside, the end of
    the data would fail the step after it has made the updates that do not
    depend on the batch.) Keras also reduces the logs, which fails under
    `MultiWorkerMirroredStrategy`; steps here return the same logs on every
    replica, and the function returns those of the first.
    """
    strategy = model.distribute_strategy
    if model.jit_compile:
        step = tf.function(
            step, jit_compile=True, autograph=False, reduce_retracing=True
        )

    def on_replicas(data):
        logs = strategy.run(step, args=(data,))
        return tf.nest.map_structure(
            lambda value: _first(strategy, value), logs
        )

    if not model.run_eagerly:
        # Like Keras without AutoGraph, which would also wrap our errors.
        on_replicas = tf.function(
            on_replicas, autograph=False, reduce_retracing=True
        )
    if model.run_eagerly or model.steps_per_execution == 1:
        return lambda iterator: on_replicas(next(iterator))

    @tf.function(reduce_retracing=True)
    def several_steps(iterator):
        for _ in tf.range(model.steps_per_execution - 1):
            on_replicas(next(iterator))
        return on_replicas(next(iterator))

    return several_steps
