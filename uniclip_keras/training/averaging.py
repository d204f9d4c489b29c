"""The averages of a model's weights, which its optimizer keeps."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def averaged_weights(model):
    """Gives a model the averages of its weights, and then its weights back.

    Within `with averaged_weights(model):` it is evaluated, exported or saved
    with the averages that an optimizer with `use_ema` keeps (`adamw(...,
    ema_momentum=0.999)`). Without such an optimizer nothing changes. Training
    within is not meant.

    Args:
        model: A compiled `keras.Model`.
    """
    pairs = average_pairs(getattr(model, "optimizer", None))
    kept = [tf.identity(weight) for _, weight in pairs]
    for average, weight in pairs:
        weight.assign(tf.identity(average))
    try:
        yield
    finally:
        for value, (_, weight) in zip(kept, pairs, strict=True):
            weight.assign(value)


def average_pairs(optimizer):
    """Returns `(average, weight)` of each averaged weight, `tf.Variable`s."""
    # What float16 wraps into its loss scale.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer is None or not (optimizer.use_ema and optimizer.built):
        return []
    return [
        (average.value, weight.value)
        for average, weight in zip(
            optimizer._model_variables_moving_average,
            optimizer._trainable_variables,
            strict=True,
        )
    ]
