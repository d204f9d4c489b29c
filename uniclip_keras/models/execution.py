"""From a step on a batch to the function that `fit` calls."""

import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.errors import input_error_in
from uniclip_keras.losses.replicas import first_of_replicas
from uniclip_keras.models.rows import check_rows


def step_function(model, step, steps=1):
    """Makes of `data -> logs` the function `iterator -> logs` that Keras needs.

    Keras nests two `tf.function`s and optimizes both before the first step.
    One is enough when the batch is taken outside of it, or when no update runs
    before there is a batch: the end of the data must not fail a step half-way.
    Keras also reduces the logs, which fails under
    `MultiWorkerMirroredStrategy`; steps here return the same logs on every
    replica, and the function returns those of the first.

    Args:
        model: The compiled model.
        step: Function of a replica's batch that returns float32 tensors.
        steps: int. Steps of a call, which returns the logs of the last one.
            Several run in a loop within one `tf.function`, so that the device
            need not wait for Python in between.

    Raises:
        InputError: If the model shall be compiled by XLA on several replicas.
            The function raises those of the dataset, too, and one for a batch
            that the replicas do not divide.
    """
    strategy = model.distribute_strategy
    if model.jit_compile:
        if strategy.num_replicas_in_sync > 1:
            raise InputError(
                "jit_compile=True does not work on "
                f"{strategy.num_replicas_in_sync} replicas, whose sums XLA "
                "does not compile; leave it out. (TPUs compile always.)"
            )
        step = tf.function(
            step, jit_compile=True, autograph=False, reduce_retracing=True
        )

    def on_replicas(data):
        def on_replica(data):
            # `train_on_batch` passes None for labels and weights.
            present = [x for x in tf.nest.flatten(data) if x is not None]
            # Dropout's seeds, for one, do not depend on the batch.
            with tf.control_dependencies(present):
                return step(data)

        logs = strategy.run(on_replica, args=(data,))
        return tf.nest.map_structure(
            lambda value: first_of_replicas(strategy, value), logs
        )

    if not model.run_eagerly:
        # Like Keras without AutoGraph, which would also wrap our errors.
        on_replicas = tf.function(
            on_replicas, autograph=False, reduce_retracing=True
        )

    def one_by_one(iterator):
        for _ in range(steps):
            data = next(iterator)
            check_rows(strategy, data)
            logs = on_replicas(data)
        return logs

    in_python = model.run_eagerly or steps == 1
    take = one_by_one if in_python else _loop(strategy, on_replicas, steps)

    def take_or_explain(iterator):
        try:
            return take(iterator)
        except tf.errors.OpError as error:
            if mistake := input_error_in(error):
                raise mistake from None
            raise

    return take_or_explain


def _loop(strategy, on_replicas, steps):
    """Makes the `tf.function` of several steps."""

    @tf.function(autograph=False, reduce_retracing=True)
    def in_graph(iterator):
        # The logs begin as zeros of their shapes, so that the graph holds the
        # step once, in the loop, and not again before or after it.
        traced = on_replicas.get_concrete_function(iterator.element_spec)
        logs = tf.nest.map_structure(
            lambda spec: tf.zeros(spec.shape, spec.dtype),
            traced.structured_outputs,
        )

        def body(count, _):
            data = next(iterator)
            check_rows(strategy, data)
            return count + 1, on_replicas(data)

        return tf.while_loop(
            lambda count, _: count < steps,
            body,
            (tf.constant(0), logs),
            parallel_iterations=1,
        )[1]

    return in_graph
