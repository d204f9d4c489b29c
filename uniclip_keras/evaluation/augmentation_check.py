"""Does the model use what it is told about the augmentations?"""

import numpy as np
import tensorflow as tf


def augmentation_check(model, batches, seed=0):
    """The loss with each view's own augmentation vector, and with another's.

    A head that ignored the vectors would lose nothing when they are shuffled
    among the views of the batch; the gap is what the metadata is worth.

    Args:
        model: a `UniCLIP` model.
        batches: iterable of batches as `fit` takes them.
        seed: of the shuffling.

    Returns:
        dict with the mean losses `"loss"` and `"loss_shuffled"`, and the
        number `"n"` of images they were measured on.
    """
    rng = np.random.default_rng(seed)
    loss = tf.function(model.batch_loss)
    right, shuffled, images = [], [], 0
    for batch in batches:
        vectors = np.asarray(batch["augmentations"])
        flat = vectors.reshape(-1, vectors.shape[-1])
        other = flat[rng.permutation(len(flat))].reshape(vectors.shape)
        right.append(float(loss(batch)))
        shuffled.append(float(loss({**batch, "augmentations": other})))
        images += len(vectors)
    return {
        "loss": float(np.mean(right)),
        "loss_shuffled": float(np.mean(shuffled)),
        "n": images,
    }
