"""The transformer block of the encoders."""

import math

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers import fused

ACTIVATIONS = {
    "gelu": fused.biased_gelu,
    "gelu_tanh": fused.biased_tanh_gelu,
    "quick_gelu": fused.biased_quick_gelu,
}


@keras.saving.register_keras_serializable("uniclip_keras")
class TransformerBlock(keras.layers.Layer):
    """Pre-norm transformer block (Vaswani et al., 2017; ViT; CLIP).

    `x + attention(norm(x))`, followed by `x + mlp(norm(x))`. Its weights start
    as those of KerasHub's blocks and it computes what they compute, by flat
    matrix products and fused passes over the rest.

    Args:
        heads: int. Attention heads; they share the width evenly.
        mlp_width: int. Hidden width of the MLP.
        activation: str. "gelu", CLIP's "quick_gelu", or "gelu_tanh", the
            approximation of "gelu" that SigLIP has.
        causal: bool. Whether a token attends only to itself and those before.
        epsilon: float. Is added to variances by layer normalization.

    Call arguments:
        x: Float tensor `[b, t, width]`, t and the width static.
        positions: int tensor `[b]`, or an int for all rows: the one token of
            each row whose output is asked for. Only keys and values are then
            computed of the others. None asks for all tokens.
        training: bool. Whether the shapes of calls repeat.

    Returns:
        Tensor `[b, t, width]`, or `[b, width]` at `positions`.

    Example:

    ```python
    block = TransformerBlock(heads=2, mlp_width=64)
    block(tf.zeros([3, 5, 16])).shape  # (3, 5, 16)
    block(tf.zeros([3, 5, 16]), positions=0).shape  # (3, 16)
    ```
    """

    def __init__(
        self,
        heads,
        mlp_width,
        activation="gelu",
        causal=False,
        epsilon=1e-6,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise InputError(
                f"activation={activation!r} is unknown; choose from "
                f"{sorted(ACTIVATIONS)}."
            )
        self.heads, self.mlp_width = heads, mlp_width
        self.activation, self.causal = activation, causal
        self.epsilon = epsilon

    def build(self, input_shape):
        width = input_shape[-1]
        if width % self.heads:
            raise InputError(
                f"heads={self.heads} does not divide the width {width} of the "
                "tokens; choose a divisor of it."
            )
        self.norm_1 = self._add_norm("norm_1", width)
        self.qkv = self._add_dense("qkv", width, width, kernels=3)
        self.out = self._add_dense("out", width, width)
        self.norm_2 = self._add_norm("norm_2", width)
        self.expand = self._add_dense("expand", width, self.mlp_width)
        self.contract = self._add_dense("contract", self.mlp_width, width)
        self.built = True

    def _add_norm(self, name, width):
        return [
            self.add_weight(
                name=f"{name}_{part}",
                shape=(width,),
                initializer=initializer,
                autocast=False,
            )
            for part, initializer in (("scale", "ones"), ("offset", "zeros"))
        ]

    def _add_dense(self, name, inputs, units, kernels=1):
        # Glorot and Bengio's rule for each of the kernels side by side.
        limit = math.sqrt(6 / (inputs + units))
        return [
            self.add_weight(
                name=f"{name}_kernel",
                shape=(inputs, kernels * units),
                initializer=keras.initializers.RandomUniform(-limit, limit),
            ),
            self.add_weight(
                name=f"{name}_bias",
                shape=(kernels * units,),
                initializer="zeros",
            ),
        ]

    def call(self, x, positions=None, training=False):
        tokens, width = x.shape[1:]
        x = tf.reshape(x, [-1, width])
        normed = self._norm(self.norm_1, x, training)
        kernel, bias = self.qkv
        if positions is None:
            qkv = dense(normed, kernel, bias)
            query, key, value = self._split_heads(qkv, tokens, 3)
            positions, every = tf.range(tokens)[None], True  # [1, t]
        else:
            kv = dense(normed, kernel[:, width:], bias[width:])
            key, value = self._split_heads(kv, tokens, 2)
            first = tokens * tf.range(tf.shape(key)[0])
            x, normed = (tf.gather(z, first + positions) for z in (x, normed))
            query = dense(normed, kernel[:, :width], bias[:width])
            [query] = self._split_heads(query, 1, 1)
            positions, every = tf.reshape(positions, [-1, 1]), False  # [b, 1]
        x += dense(self._attend(query, key, value, positions), *self.out)
        # One row of each item is quickly done, sooner than compiled.
        x = self._add_mlp(x, training and every)
        return tf.reshape(x, [-1, tokens, width]) if every else x

    def _add_mlp(self, x, training):
        hidden = self._norm(self.norm_2, x, training)
        kernel, bias = map(tf.convert_to_tensor, self.expand)
        activate = ACTIVATIONS[self.activation]
        hidden = activate(tf.matmul(hidden, kernel), bias, training)
        return x + dense(hidden, *self.contract)

    def _norm(self, weights, x, training):
        scale, offset = (tf.cast(weight, tf.float32) for weight in weights)
        return fused.layer_norm(x, scale, offset, self.epsilon, training)

    def _split_heads(self, x, tokens, parts):
        """`[b * t, parts * width]` -> parts of `[b, heads, t, depth]`."""
        depth = x.shape[-1] // parts // self.heads
        x = tf.reshape(x, [-1, tokens, parts, self.heads, depth])
        return tf.unstack(tf.transpose(x, [2, 0, 3, 1, 4]))

    def _attend(self, query, key, value, positions=None):
        """Attends from queries `[b, heads, q, depth]` at `positions` `[., q]`.

        Only causal attention needs the positions.

        Returns:
            Tensor `[b * q, width]`.
        """
        tokens, depth = key.shape[2:]
        query *= 1 / math.sqrt(depth)
        logits = tf.matmul(query, key, transpose_b=True)  # [b, heads, q, t]
        if self.causal:
            later = tf.range(tokens) > positions[:, None, :, None]
            infinity = tf.constant(-math.inf, logits.dtype)
            logits += tf.where(later, infinity, tf.zeros_like(infinity))
        attended = tf.matmul(tf.nn.softmax(logits), value)
        attended = tf.transpose(attended, [0, 2, 1, 3])
        return tf.reshape(attended, [-1, self.heads * depth])

    def compute_output_spec(self, x, positions=None, training=False):
        shape = x.shape if positions is None else (x.shape[0], x.shape[2])
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "mlp_width": self.mlp_width,
            "activation": self.activation,
            "causal": self.causal,
            "epsilon": self.epsilon,
        }


def dense(x, kernel, bias):
    """Computes `x @ kernel + bias` for `x` of `[n, width]`."""
    return tf.nn.bias_add(tf.matmul(x, kernel), bias)
