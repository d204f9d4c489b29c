"""A check of whether the model uses the augmentation vectors."""

import numpy as np
import tensorflow as tf


def augmentation_check(model, batches, seed=0):
    """Compares the loss with true and with shuffled augmentation vectors.

    Shuffling the vectors among the views of a batch costs nothing if the image
    head ignores them. The gap between the losses is what they are worth.

    Args:
        model: A `UniCLIP` model.
        batches: Iterable of batches such as `fit` takes.
        seed: int. Seed of the shuffling.

    Returns:
        Dict of the mean losses `loss` and `loss_shuffled`, and `n` images.
    """
    rng = np.random.default_rng(seed)
    batch_loss = tf.function(model.batch_loss)
    losses, losses_shuffled, images = [], [], 0
    for batch in batches:
        vectors = np.asarray(batch["augmentations"])
        rows = vectors.reshape(-1, vectors.shape[-1])
        shuffled = rows[rng.permutation(len(rows))].reshape(vectors.shape)
        other = {**batch, "augmentations": shuffled}
        losses.append(float(batch_loss(batch)))
        losses_shuffled.append(float(batch_loss(other)))
        images += len(vectors)
    return {
        "loss": float(np.mean(losses)),
        "loss_shuffled": float(np.mean(losses_shuffled)),
        "n": images,
    }
