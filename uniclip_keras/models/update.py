"""The update of the weights: gradients summed, checked and applied."""

import keras
import tensorflow as tf

from uniclip_keras.losses import replicas


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
    present = replicas.sum_over_replicas(present)
    # Of sums, so that all replicas decide alike.
    finite = tf.reduce_all(
        [tf.reduce_all(tf.math.is_finite(x)) for x in (loss, *present)]
    )
    present = iter(present)
    gradients = [None if g is None else next(present) for g in gradients]
    arguments = (model, finite, gradients, before)
    strategy = tf.distribute.get_strategy()
    if merges_replicas(strategy):
        # An optimizer merges its replicas, which it cannot in a branch that
        # each replica takes by itself.
        tf.distribute.get_replica_context().merge_call(
            _update_or_skip, arguments
        )
    else:
        _update_or_skip(strategy, *arguments)


def merges_replicas(strategy):
    """Tells whether the replicas are threads that meet in `merge_call`.

    On TPUs they are one program, in which a merge is an ordinary call and a
    replica updates its own copies.
    """
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return False
    return strategy.extended._use_merge_call()


def _update_or_skip(strategy, model, finite, gradients, before):
    """Takes one branch on all replicas: on each, or for all that merge."""
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

    def put_back(variable, value):
        if tf.distribute.in_cross_replica_context():
            # Each replica's own value, not one for all.
            strategy.extended.update(
                variable, lambda v, x: v.assign(x), (value,), group=False
            )
        else:
            variable.assign(value)

    def skip():
        if overflow is not None:
            overflow()
        for variable, value in zip(
            model.non_trainable_variables, before, strict=True
        ):
            put_back(variable.value, value)
        counts.skipped.assign_add(1)
        counts.skipped_in_a_row.assign_add(1)

    finite = replicas.first_of_replicas(strategy, finite)
    tf.cond(finite, update, skip)
    # Not before there is a batch.
    with tf.control_dependencies([finite]):
        counts.steps.assign_add(1)
