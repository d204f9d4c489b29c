"""How a step runs on the replicas, and how their gradients meet."""

import keras
import tensorflow as tf

from uniclip_keras.losses.replicas import replica_count
from uniclip_keras.models import gradient_cache


class ContrastiveModel(keras.Model):
    """The steps of a model whose loss joins the whole batch.

    A subclass embeds in `call`, says in `embedding_shapes` what comes out, and
    is built at construction. It has the attributes `objective`, a loss of
    `uniclip_keras.losses`, and `gradient_cache_size`, items to embed at a time
    or None for all.
    """

    def embedding_shapes(self, inputs):
        """Embeddings of one item: dict domain -> `(rows, dim)`."""
        raise NotImplementedError

    def batch_loss(self, data, training=False):
        """The objective on one replica's batch; see `ContrastiveLoss`."""
        size = self.gradient_cache_size
        if size is None:
            embeddings = self(data, training=training)
        else:
            embeddings = gradient_cache.embed(self, data, size, training)
        return self.objective_loss(embeddings, data)

    def objective_loss(self, embeddings, data):
        """The objective on embeddings of a batch, ordered as `call` does."""
        ids = {
            domain: tf.repeat(data["id"], rows)
            for domain, (rows, _) in self.embedding_shapes(data).items()
        }
        return self.objective(embeddings, ids=ids)

    def train_step(self, data):
        """One optimizer step on the global batch; returns the logs."""
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        loss, gradients = self._loss_and_gradients(data)
        expect_reduced_gradients(self.optimizer)
        self.optimizer.apply(
            reduce_gradients(gradients), self.trainable_variables
        )
        return {**self._track(loss), **self.objective.logs()}

    def _loss_and_gradients(self, data):
        size = self.gradient_cache_size
        if size is not None:
            return gradient_cache.loss_and_gradients(self, data, size)
        with tf.GradientTape() as tape:
            embeddings = self(data, training=True)
            # At once: replicas share this list and meet in the objective.
            penalties = self.losses
            loss = self.objective_loss(embeddings, data)
            scaled = self.scaled(loss, *penalties)
        return loss, tape.gradient(
            scaled, [variable.value for variable in self.trainable_variables]
        )

    def scaled(self, *losses):
        """The sum of a replica's losses as it is differentiated.

        Gradients are summed over replicas but the loss is their mean, and
        float16 gradients need the optimizer's loss scale.
        """
        total = tf.add_n([tf.cast(loss, tf.float32) for loss in losses])
        return self.optimizer.scale_loss(total / replica_count())

    def test_step(self, data):
        """The loss of a batch without an update; returns the logs."""
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self._track(self.batch_loss(data))

    def _track(self, loss):
        if replica_count() > 1:
            context = tf.distribute.get_replica_context()
            loss = context.all_reduce(tf.distribute.ReduceOp.MEAN, loss)
        self._loss_tracker.update_state(loss)
        return {"loss": self._loss_tracker.result()}

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
            self.train_function = step_function(self, self.train_step)

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = step_function(self, self.test_step)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built at construction; Keras' own way would reduce
        # one batch over the workers, which fails.
        pass


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
        step = tf.function(
            step, jit_compile=True, autograph=False, reduce_retracing=True
        )

    def on_replicas(data):
        logs = strategy.run(step, args=(data,))
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], logs
        )

    if model.run_eagerly:
        return lambda iterator: on_replicas(next(iterator))
    # As in Keras without AutoGraph, which would also rename our errors.
    on_replicas = tf.function(
        on_replicas, autograph=False, reduce_retracing=True
    )
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
