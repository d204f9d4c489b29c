"""Small functions that XLA compiles by themselves, where it is at hand."""

import functools

import tensorflow as tf


@functools.cache
def compiled(function):
    """Compiles the function with XLA, if TensorFlow has it.

    XLA fuses element-wise operations into one pass over memory. It compiles
    anew for every shape, so this suits functions whose shapes repeat.
    """
    if not _has_xla():
        return function
    return tf.function(function, jit_compile=True, autograph=False)


@functools.cache
def _has_xla():
    with tf.init_scope():
        try:
            # On GPUs this takes a library that simpler functions do not.
            tf.function(tf.math.erf, jit_compile=True)(tf.zeros([]))
        except (tf.errors.OpError, ValueError):
            return False
    return True
