"""How a step runs on the replicas, and how their gradients meet."""

import keras
import tensorflow as tf


def step_function(model, step):
    """Makes `iterator -> logs` of a step, for `make_train_function`.

    Keras nests one `tf.function` in another, which is optimised twice before
    the first step; here one will do, as the batch is taken outside. (Taken
    inside, the end of the data would fail the step half-way: updates that do
    not depend on the batch would still happen.) Under
    MultiWorkerMirroredStrategy Keras' reduction of logs fails; the steps here
    return logs that are equal on every replica, so the first one's are taken.

    Args:
        model: a compiled `keras.Model`.
        step: `data -> logs`, run on every replica.
    """
    strategy = model.distribute_strategy
    if model.jit_compile:
        step = tf.function(step, jit_compile=True, reduce_retracing=True)

    def on_replicas(data):
        logs = strategy.run(step, args=(data,))
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], logs
        )

    if model.run_eagerly:
        return lambda iterator: on_replicas(next(iterator))
    on_replicas = tf.function(on_replicas, reduce_retracing=True)
    if model.steps_per_execution == 1:
        return lambda iterator: on_replicas(next(iterator))

    @tf.function(reduce_retracing=True)
    def several_steps(iterator):
        for _ in tf.range(model.steps_per_execution - 1):
            on_replicas(next(iterator))
        return on_replicas(next(iterator))

    return several_steps


def reduce_gradients(gradients):
    """Sums each gradient over the replicas.

    Sparse gradients become dense: the rows of one token stand in them once
    for each time it occurs, and their norm would not be the gradient's.
    """
    present = [tf.convert_to_tensor(g) for g in gradients if g is not None]
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        present = context.all_reduce(tf.distribute.ReduceOp.SUM, present)
    reduced = iter(present)
    return [None if g is None else next(reduced) for g in gradients]


def expect_reduced_gradients(optimizer):
    """Tells a Keras optimizer that it will be given reduced gradients.

    Keras clips each replica's own gradient and sums afterwards, and the loss
    scale's check for infinities sees one replica only. Given the reduced
    gradient, both act on the gradient of the global batch.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    optimizer._all_reduce_sum_gradients = list
