"""AdamW with linear warm-up and cosine decay."""

import keras

from uniclip_keras.errors import InputError
from uniclip_keras.training.freezing import find_names
from uniclip_keras.training.freezing import weight_names
from uniclip_keras.training.layer_rates import rate_factors
from uniclip_keras.training.muon import PerWeightMuon
from uniclip_keras.training.per_weight_adamw import PerWeightAdamW


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
    layer_decay=1.0,
    learning_rates=(),
    ema_momentum=0.0,
    frozen=(),
    unfreeze_at_step=0,
    muon=False,
):
    """Makes an AdamW with a learning rate that warms up and decays to 0.

    Weight matrices decay; position embeddings and everything of rank below 2
    (biases, normalization scales, temperatures, offsets) do not. Freeze weights
    for good (`freeze`) before.

    Args:
        model: The built model to train.
        learning_rate: float. Peak learning rate.
        steps: int. Steps of the whole training.
        warmup_steps: int. Steps of linear warm-up from 0, fewer than `steps`;
            a cosine follows them.
        weight_decay: float. Decay per step, multiplied by the learning rate.
        beta_1, beta_2, epsilon: float. As in `keras.optimizers.AdamW`.
        clip_norm: float or None. Norm to which the global gradient is clipped.
        layer_decay, learning_rates: See `rate_factors`.
        ema_momentum: float. Momentum of the averages of the weights, see
            `averaged_weights`; 0 keeps none.
        frozen: Sequence of names of `weight_names`, in which `*` stands for
            anything: weights that do not train at first.
        unfreeze_at_step: int. The number of updates before these train.
        muon: bool. Whether weight matrices, except those of embeddings, take
            the orthogonalized steps of `PerWeightMuon`.

    Returns:
        `PerWeightAdamW`, or its subclass `PerWeightMuon`.

    Raises:
        InputError: If the warm-up does not end before the training, a pattern
            is the name of nothing, or a layer cannot begin to train.
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
    factors = starts = None
    if layer_decay != 1 or learning_rates:
        factors = rate_factors(model, layer_decay, learning_rates)
    if frozen:
        starts = _starts(model, frozen, unfreeze_at_step)
    kind, options = PerWeightAdamW, {}
    if muon:
        kind = PerWeightMuon
        options["matrices"] = [
            len(v.shape) == 2 and "embedding" not in v.path
            for v in model.trainable_variables
        ]
    return kind(
        schedule,
        factors=factors,
        starts=starts,
        weight_decay=weight_decay,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        global_clipnorm=clip_norm,
        use_ema=bool(ema_momentum),
        ema_momentum=ema_momentum,
        **options,
    )


def _starts(model, patterns, step):
    """Returns the update from which on each trainable weight trains."""
    weights, late = weight_names(model), set()
    for pattern in patterns:
        for name in find_names(model, pattern):
            if not weights[name].trainable:
                raise InputError(
                    f"{name!r} is no gradient's to change, such as a moving "
                    "statistic, and cannot begin to train within a run: leave "
                    "its layer out of `frozen`, or begin a second run with "
                    "--init_from."
                )
            late.add(id(weights[name]))
    return [step if id(v) in late else 0 for v in model.trainable_variables]
