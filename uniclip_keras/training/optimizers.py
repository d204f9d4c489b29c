"""The optimizer of contrastive pre-training: AdamW, warm-up, cosine."""

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
    """AdamW whose learning rate warms up linearly and falls by a cosine to 0.

    Weight matrices decay; biases, normalisation scales, temperatures and
    offsets (everything of rank below 2) and position embeddings do not.

    Args:
        model: the built model that will be trained.
        learning_rate: peak learning rate.
        steps: number of steps of the whole training.
        warmup_steps: steps of linear warm-up from 0, fewer than `steps`.
        weight_decay: decoupled weight decay, times the learning rate.
        beta_1, beta_2, epsilon: Adam's moments.
        clip_norm: global norm to which the gradient of the global batch is
            clipped, or None.

    Returns:
        `keras.optimizers.AdamW`.

    Raises:
        InputError: for a warm-up that does not end before the training.
    """
    if not 0 <= warmup_steps < steps:
        raise InputError(
            f"warmup_steps={warmup_steps} must be at least 0 and less than "
            f"the {steps} training steps; lower it or train longer."
        )
    if warmup_steps:
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            warmup_target=learning_rate,
            warmup_steps=warmup_steps,
            decay_steps=steps - warmup_steps,
        )
    else:
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=weight_decay,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        global_clipnorm=clip_norm,
    )
    optimizer.exclude_from_weight_decay(
        var_list=[
            variable.value
            for variable in model.trainable_variables
            if len(variable.shape) < 2 or "position" in variable.path
        ]
    )
    return optimizer
