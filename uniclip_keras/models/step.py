"""The loss of a batch and its gradients on one replica."""

import tensorflow as tf

from uniclip_keras.losses.replicas import replica_count


def loss_and_gradients(model, data):
    """Returns the objective of a replica's batch, and gradients.

    The gradients are those of `scaled_sum(model, objective, *penalties)` with
    respect to the trainable variables; None where it does not depend on one.
    """
    weights = [variable.value for variable in model.trainable_variables]
    # By itself the tape also follows frozen weights, for nothing.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        embeddings = model(data, training=True)
        # Read before the objective: the replicas share this list, and each
        # waits for the others inside the objective.
        penalties = model.losses
        loss = objective_loss(model, embeddings, data)
        scaled = scaled_sum(model, loss, *penalties)
    return loss, tape.gradient(scaled, weights)


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
