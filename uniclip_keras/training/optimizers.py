"""AdamW with linear warm-up and cosine decay."""

import keras

from uniclip_keras.errors import InputError


def adamw(
    model,
    learning_rate,
    steps,
    warmup_steps=0,
    weight_decay=0.2,
    beta_1=0.9,
    beta_2=0.98,
    epsilon=1e-8,
    clip_norm=None,
):
    """Makes Keras' AdamW with a learning rate that warms up and decays to 0.

    Weight matrices decay; position embeddings and everything of rank below 2
    (biases, normalization scales, temperatures, offsets) do not.

    Args:
        model: The built model to train.
        learning_rate: float. Peak learning rate.
        steps: int. Steps of the whole training.
        warmup_steps: int. Steps of linear warm-up from 0, fewer than `steps`;
            a cosine follows them.
        weight_decay: float. Decay per step, multiplied by the learning rate.
        beta_1, beta_2, epsilon: float. As in `keras.optimizers.AdamW`.
        clip_norm: float or None. Norm to which the global gradient is clipped.

    Raises:
        InputError: If the warm-up does not end before the training.
    """
    if not 0 <= warmup_steps < steps:
        raise InputError(
            f"warmup_steps={warmup_steps} must be at least 0 and less than "
            f"the {steps} training steps; lower it or train longer."
        )
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        steps - warmup_steps,
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=weight_decay,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        global_clipnorm=clip_norm,
    )
    exempt = [
        variable.value
        for variable in model.trainable_variables
        if len(variable.shape) < 2 or "position" in variable.path
    ]
    optimizer.exclude_from_weight_decay(var_list=exempt)
    return optimizer
