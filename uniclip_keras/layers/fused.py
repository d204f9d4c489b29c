"""Activations and layer normalization in few passes over memory.

TensorFlow runs each operation of a formula as a pass over memory of its own.
On a CPU those of a transformer cost half as much as its matrix products. Here
a formula and its gradient are one compiled function each, and no intermediate
result is kept. Inference, whose shapes vary, runs the formulas uncompiled.
"""

import math

import tensorflow as tf

from uniclip_keras.xla import compiled


def biased_gelu(x, bias, training=False):
    """Computes the exact GELU of `x + bias` (Hendrycks and Gimpel, 2016).

    Args:
        x: Float tensor `[n, width]`.
        bias: Tensor `[width]` of the same dtype.
        training: bool. Whether shapes repeat, so that compiling pays.
    """
    return _biased(_gelu, _gelu_gradient, x, bias, training)


def biased_quick_gelu(x, bias, training=False):
    """Computes CLIP's `y * sigmoid(1.702 * y)` of `y = x + bias`."""
    return _biased(_quick_gelu, _quick_gelu_gradient, x, bias, training)


def biased_tanh_gelu(x, bias, training=False):
    """Computes the approximate GELU of `x + bias`, by a hyperbolic tangent."""
    return _biased(_tanh_gelu, _tanh_gelu_gradient, x, bias, training)


def layer_norm(x, scale, offset, epsilon, training=False):
    """Normalizes rows to zero mean and unit variance (Ba et al., 2016).

    Args:
        x: Float tensor `[n, width]`; the computation is in float32.
        scale: float32 tensor `[width]`.
        offset: float32 tensor `[width]`.
        epsilon: float. Is added to the variance.
        training: bool. Whether shapes repeat, so that compiling pays.

    Returns:
        Tensor `[n, width]` of the dtype of `x`.
    """
    forward, backward = _choose(training, _norm, _norm_gradient)

    @tf.custom_gradient
    def function(x, scale, offset):
        y, mean, inverse = forward(x, scale, offset, epsilon)

        def gradient(g):
            dx, dy_dscale = backward(x, mean, inverse, scale, g)
            doffset = _column_sums(tf.cast(g, tf.float32))
            return dx, _column_sums(dy_dscale), doffset

        return y, gradient

    return function(x, scale, offset)


def _biased(forward, backward, x, bias, training):
    forward, backward = _choose(training, forward, backward)

    @tf.custom_gradient
    def function(x, bias):
        def gradient(g):
            dx = backward(x, bias, g)
            return dx, _column_sums(dx)

        return forward(x, bias), gradient

    return function(x, bias)


def _choose(training, *functions):
    # On TPUs, XLA compiles the whole step.
    tpu = isinstance(tf.distribute.get_strategy(), tf.distribute.TPUStrategy)
    return [compiled(f) if training and not tpu else f for f in functions]


def _column_sums(x):
    # The kernel for biases takes a quarter of the time of `tf.reduce_sum`.
    return tf.raw_ops.BiasAddGrad(out_backprop=x)


def _gelu(x, bias):
    x = x + bias
    return 0.5 * x * (1.0 + tf.math.erf(x * math.sqrt(0.5)))


def _gelu_gradient(x, bias, g):
    x = x + bias
    density = math.sqrt(0.5 / math.pi) * tf.exp(-0.5 * x * x)
    return g * (0.5 * (1.0 + tf.math.erf(x * math.sqrt(0.5))) + x * density)


def _quick_gelu(x, bias):
    x = x + bias
    return x * tf.sigmoid(1.702 * x)


def _quick_gelu_gradient(x, bias, g):
    x = x + bias
    gate = tf.sigmoid(1.702 * x)
    return g * gate * (1.0 + 1.702 * x * (1.0 - gate))


def _tanh_gelu(x, bias):
    x = x + bias
    return 0.5 * x * (1.0 + _tanh_of_gelu(x))


def _tanh_gelu_gradient(x, bias, g):
    x = x + bias
    tanh = _tanh_of_gelu(x)
    slope = math.sqrt(2.0 / math.pi) * (1.0 + 3 * 0.044715 * x * x)
    return g * 0.5 * (1.0 + tanh + x * (1.0 - tanh * tanh) * slope)


def _tanh_of_gelu(x):
    return tf.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x))


def _norm(x, scale, offset, epsilon):
    """Returns the normalized rows, their means and inverse deviations."""
    dtype, x = x.dtype, tf.cast(x, tf.float32)
    mean = tf.reduce_mean(x, axis=1, keepdims=True)
    centered = x - mean
    variance = tf.reduce_mean(centered * centered, axis=1, keepdims=True)
    inverse = tf.math.rsqrt(variance + epsilon)
    return tf.cast(centered * inverse * scale + offset, dtype), mean, inverse


def _norm_gradient(x, mean, inverse, scale, g):
    """Returns the gradient of `x`, and the terms of that of `scale`."""
    normalized = (tf.cast(x, tf.float32) - mean) * inverse
    terms = tf.cast(g, tf.float32) * normalized
    scaled = tf.cast(g, tf.float32) * scale
    dx = inverse * (
        scaled
        - tf.reduce_mean(scaled, axis=1, keepdims=True)
        - normalized * tf.reduce_mean(terms * scale, axis=1, keepdims=True)
    )
    return tf.cast(dx, x.dtype), terms
