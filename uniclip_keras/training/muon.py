"""Muon: orthogonalized steps of weight matrices, and AdamW for the rest."""

import math

import keras
import tensorflow as tf
from keras import ops

from uniclip_keras.errors import InputError
from uniclip_keras.training.per_weight_adamw import PerWeightAdamW

# Five of these quintic iterations take singular values to about 1 (Jordan et
# al., 2024).
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


@keras.saving.register_keras_serializable("uniclip_keras")
class PerWeightMuon(PerWeightAdamW):
    """`PerWeightAdamW` that moves some matrices by Muon (Jordan et al., 2024).

    The step of a matrix is its momentum with all singular values near 1, so
    that directions with small gradients learn as fast as others. Its size is
    about that of AdamW's steps (Liu et al., 2025, arXiv 2502.16982): the same
    learning rate and weight decay suit both.

    Args:
        learning_rate: float or `LearningRateSchedule`.
        matrices: Sequence of bools: which trainable weights, in their order,
            are such matrices. All of rank 2 are if it is None.
        momentum: float. Momentum of their gradients, after Nesterov.
        kwargs: Other arguments of `PerWeightAdamW`.

    Raises (when it is built):
        InputError: If the model does not train as many weights, or a matrix
            does not have rank 2.
    """

    def __init__(
        self, learning_rate=1e-3, matrices=None, momentum=0.95, **kwargs
    ):
        super().__init__(learning_rate, **kwargs)
        self.matrices = matrices and tuple(matrices)
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        ranks = [len(v.shape) for v in variables]
        if self.matrices is None:
            self.matrices = tuple(rank == 2 for rank in ranks)
        for variable, rank in zip(variables, ranks, strict=True):
            if rank != 2 and self.matrices[self._get_variable_index(variable)]:
                raise InputError(
                    f"matrices names {variable.path!r}, which has rank {rank}: "
                    "Muon moves weights of rank 2 alone."
                )

    def _settings(self):
        return [*super()._settings(), self.matrices]

    def _move(self, gradient, variable, learning_rate, start):
        index = self._get_variable_index(variable)
        if not self.matrices[index]:
            super()._move(gradient, variable, learning_rate, start)
            return
        average = self._momentums[index]
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(average, (gradient - average) * (1 - self.momentum))
        ahead = gradient + self.momentum * (average - gradient)
        # The root mean square of a step of AdamW is about 0.2.
        size = 0.2 * math.sqrt(max(variable.shape))
        rate = ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, rate * size * orthogonalize(ahead))

    def get_config(self):
        return {
            **super().get_config(),
            "matrices": self.matrices and list(self.matrices),
            "momentum": self.momentum,
        }


def orthogonalize(matrix):
    """Returns a matrix `[n, m]` with all singular values near 1 (0.7 to 1.2).

    The singular vectors stay, by the Newton-Schulz iteration of Muon.
    """
    first, third, fifth = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    # The products of the shorter side cost less.
    x = tf.transpose(matrix) if is_tall else matrix
    x /= tf.norm(x) + 1e-7
    for _ in range(ITERATIONS):
        square = tf.matmul(x, x, transpose_b=True)
        factor = third * square + fifth * tf.matmul(square, square)
        x = first * x + tf.matmul(factor, x)
    return tf.transpose(x) if is_tall else x
