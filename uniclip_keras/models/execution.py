"""From a step on a batch to the function that `fit` calls."""

import tensorflow as tf

from uniclip_keras.losses.replicas import first_of_replicas


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
            lambda value: first_of_replicas(strategy, value), logs
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
