"""Weights of KerasHub's transformers in the order and shapes of ours."""

import numpy as np

BLOCK = 16


def joined(weights):
    """Joins the weights of blocks: queries, keys and values in one array.

    Args:
        weights: List of arrays of one or more KerasHub blocks: norm; kernels
            and biases of queries, keys, values and output; norm; MLP.
    """
    ours = []
    for start in range(0, len(weights), BLOCK):
        block = weights[start : start + BLOCK]
        width = len(block[0])
        kernels = [kernel.reshape(width, width) for kernel in block[2:8:2]]
        biases = [bias.reshape(width) for bias in block[3:9:2]]
        ours += [
            *block[:2],
            np.concatenate(kernels, axis=1),
            np.concatenate(biases),
            block[8].reshape(width, width),
            *block[9:],
        ]
    return ours


def randomized(model, seed=0):
    """Returns new weights for all of the model's, none of them zero or one."""
    rng = np.random.default_rng(seed)
    return [
        (0.3 * rng.standard_normal(weight.shape)).astype("float32")
        for weight in model.weights
    ]
