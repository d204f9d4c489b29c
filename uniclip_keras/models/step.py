"""One optimizer step: the gradients of a batch, summed over the replicas."""

import keras
import tensorflow as tf

from uniclip_keras.losses.replicas import replica_count


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


def apply_gradients(model, gradients):
    """Sums gradients over the replicas and updates the model's weights.

    By default Keras clips the gradient of each replica before the sum, and
    its loss scale looks for infinities on one replica only. Here the sum comes
    first, so both act on the gradient of the global batch.
    """
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    optimizer._all_reduce_sum_gradients = list
    # Dense, because a sparse gradient has a row for each occurrence of a
    # token, and the norm of these rows is not the norm of the gradient.
    present = [tf.convert_to_tensor(g) for g in gradients if g is not None]
    present = iter(_all_reduce("SUM", present))
    model.optimizer.apply(
        [None if g is None else next(present) for g in gradients],
        model.trainable_variables,
    )


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
            lambda value: strategy.experimental_local_results(value)[0], logs
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
