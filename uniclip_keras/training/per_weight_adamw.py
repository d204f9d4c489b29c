"""AdamW whose learning rate, start and decay differ from weight to weight."""

import keras
import tensorflow as tf
from keras import ops

from uniclip_keras.errors import InputError


@keras.saving.register_keras_serializable("uniclip_keras")
class PerWeightAdamW(keras.optimizers.AdamW):
    """AdamW with settings for single weights, which `.keras` files keep.

    Weight matrices decay; position embeddings and everything of rank below 2
    (biases, normalization scales, temperatures, offsets) do not. Decay is
    multiplied by a weight's own learning rate, as in the parameter groups of
    PyTorch. Gradients are clipped before the rates are scaled.

    Before its start a weight is frozen: it does not change, has no moments,
    and its gradient counts in no norm. From then on AdamW treats it as in a
    run of its own.

    With `use_ema`, averages follow all weights: `average += (1 - momentum) *
    (weight - average)` after each update, which leaves a frozen weight as it
    is. `fit` does not overwrite the weights at its end, as Keras would, so
    that a run can go on; see `averaged_weights`.

    Args:
        learning_rate: float or `LearningRateSchedule`.
        factors: Sequence of floats: factors of the learning rate of each
            trainable weight, in their order. None multiplies by 1.
        starts: Sequence of ints: the number of updates before each of them
            trains. None trains all from the first.
        kwargs: Other arguments of `keras.optimizers.AdamW`.

    Raises (when it is built):
        InputError: If the model does not train as many weights.
    """

    def __init__(self, learning_rate=1e-3, factors=None, starts=None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.factors = factors and tuple(factors)
        self.starts = starts and tuple(starts)

    def build(self, variables):
        if self.built:
            return
        for settings in self._settings():
            if settings is not None and len(settings) != len(variables):
                raise InputError(
                    f"the optimizer knows {len(settings)} weights, and the "
                    f"model trains {len(variables)}: freeze weights before "
                    "making the optimizer, and load a model of which single "
                    "weights were frozen with compile=False."
                )
        self._decays = tuple(
            len(v.shape) >= 2 and "position" not in v.path for v in variables
        )
        super().build(variables)
        if self.use_ema:
            # Before the first update there is nothing else to average.
            for average, variable in self._averages():
                average.assign(variable.value)

    def _settings(self):
        """Returns what is given weight by weight; None for the same of all."""
        return [self.factors, self.starts]

    def _use_weight_decay(self, variable):
        decays = self._decays[self._get_variable_index(variable)]
        return decays and super()._use_weight_decay(variable)

    def _apply_weight_decay(self, variables):
        """Does nothing: `update_step` knows the learning rate of a weight."""

    def _backend_apply_gradients(self, grads, trainable_variables):
        if self.starts is not None:
            # Before they are clipped, as the norm is of what trains.
            grads = [
                gradient * ops.cast(self._has_started(start), gradient.dtype)
                if start
                else gradient
                for gradient, start in (
                    (g, self.starts[self._get_variable_index(v)])
                    for g, v in zip(grads, trainable_variables, strict=True)
                )
            ]
        super()._backend_apply_gradients(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        start = self.starts[index] if self.starts else 0
        if self.factors is not None:
            learning_rate = learning_rate * self.factors[index]
        if start:
            started = ops.cast(self._has_started(start), "float32")
            learning_rate = learning_rate * started
        if self._use_weight_decay(variable):
            decay, rate = (
                ops.cast(x, variable.dtype)
                for x in (self.weight_decay, learning_rate)
            )
            self.assign_sub(variable, variable * decay * rate)
        self._move(gradient, variable, learning_rate, start)

    def _move(self, gradient, variable, learning_rate, start):
        """Moves a weight, which trains from the update `start` on."""
        if start:
            # Keras corrects for moments that began at the first update.
            step = ops.maximum(self.iterations - start, 0) + 1
            learning_rate = learning_rate * (
                self._bias_correction(step)
                / self._bias_correction(self.iterations + 1)
            )
        super().update_step(gradient, variable, learning_rate)

    def _has_started(self, start):
        return self.iterations >= start

    def _bias_correction(self, step):
        step = ops.cast(step, "float32")
        return ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)

    def _averages(self):
        """Returns pairs of an average and the weight that it follows."""
        return zip(
            self._model_variables_moving_average,
            self._trainable_variables,
            strict=True,
        )

    def _update_model_variables_moving_average(self, trainable_variables):
        """Moves the averages on all replicas; the first update sets them."""
        first = ops.cast(ops.equal(self.iterations, 0), "float32")
        share = ops.maximum(first, 1 - self.ema_momentum)

        def move(average, variable, share):
            change = share * tf.cast(variable - average, "float32")
            average.assign_add(tf.cast(change, average.dtype))

        def move_all(strategy, share):
            for average, variable in self._averages():
                strategy.extended.update(
                    average.value, move, (variable.value, share), group=False
                )

        tf.__internal__.distribute.interim.maybe_merge_call(
            move_all, self._distribution_strategy, share
        )

    def finalize_variable_values(self, var_list):
        """Leaves the weights as they are, for the run to go on."""

    def get_config(self):
        return {
            **super().get_config(),
            "factors": self.factors and list(self.factors),
            "starts": self.starts and list(self.starts),
        }
