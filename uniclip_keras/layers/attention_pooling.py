"""Pooling of tokens by attention from a learned query."""

import keras
import tensorflow as tf

from uniclip_keras.layers.transformer import TransformerBlock
from uniclip_keras.layers.transformer import dense


@keras.saving.register_keras_serializable("uniclip_keras")
class AttentionPooling(TransformerBlock):
    """Attention pooling of normalized tokens (Lee et al., 2019; SigLIP).

    A transformer block with a single query, which is learned and the same for
    all items: `z = attention(probe, norm(x))`, then `z + mlp(norm(z))`.

    Args:
        heads: int. Attention heads; they share the width evenly.
        mlp_width: int. Hidden width of the MLP.
        activation: str. See `TransformerBlock`.
        epsilon: float. Is added to variances by layer normalization.

    Call arguments:
        x: Float tensor `[b, t, width]`, t and the width static.
        training: bool. Whether the shapes of calls repeat.

    Returns:
        Tensor `[b, width]`.

    Example:

    ```python
    pooling = AttentionPooling(heads=2, mlp_width=64)
    pooling(tf.zeros([3, 5, 16])).shape  # (3, 16)
    ```
    """

    def __init__(
        self, heads, mlp_width, activation="gelu", epsilon=1e-6, **kwargs
    ):
        super().__init__(
            heads, mlp_width, activation, epsilon=epsilon, **kwargs
        )

    def build(self, input_shape):
        super().build(input_shape)
        self.probe = self.add_weight(
            name="probe",
            shape=(1, 1, input_shape[-1]),
            initializer="glorot_uniform",
        )

    def call(self, x, training=False):
        tokens, width = x.shape[1:]
        normed = self._norm(self.norm_1, tf.reshape(x, [-1, width]), training)
        kernel, bias = self.qkv
        kv = dense(normed, kernel[:, width:], bias[width:])
        key, value = self._split_heads(kv, tokens, 2)
        probe = tf.reshape(self.probe, [1, width])
        query = dense(probe, kernel[:, :width], bias[:width])
        [query] = self._split_heads(query, 1, 1)  # [1, heads, 1, depth]
        x = dense(self._attend(query, key, value), *self.out)
        # One row of each item is quickly done, sooner than compiled.
        return self._add_mlp(x, training=False)

    def compute_output_spec(self, x, training=False):
        return keras.KerasTensor((x.shape[0], x.shape[2]), self.compute_dtype)

    def get_config(self):
        config = super().get_config()
        del config["causal"]
        return config
