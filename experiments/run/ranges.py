"""The ranges of the numbers of a configuration."""

import functools
import math

from uniclip_keras.errors import InputError

# Whole numbers and the smallest allowed.
WHOLE = {
    "image_size": 1,
    "batch_size": 1,
    "steps": 1,
    "steps_per_execution": 1,
    "log_every": 1,
    "checkpoint_every": 1,
    "data.shuffle_buffer": 1,
    "data.captions_per_image": 1,
    "data.max_pixels": 1,
    "data.threads": 1,
    "tokenizer.vocabulary_size": 1,
    "tokenizer.context_length": 3,
    "tokenizer.training_texts": 1,
    "model.embedding_dim": 1,
    "model.projection_blocks": 0,
    "model.gradient_cache_size": 0,
    "model.unfreeze_at_step": 0,
    "optimizer.warmup_steps": 0,
    "validation.every": 0,
    "validation.batches": 1,
    "validation.samples": 2,
}
# Those of the configuration of a tower.
WHOLE_OF_TOWERS = {
    "width": 1,
    "layers": 0,
    "heads": 1,
    "patch_size": 1,
    "mlp_ratio": 1,
}
# Numbers, the smallest and the largest allowed, and those just not allowed.
NUMBERS = {
    "data.max_bad_share": (0, 1, ()),
    "optimizer.learning_rate": (0, math.inf, (0,)),
    "optimizer.weight_decay": (0, math.inf, ()),
    "optimizer.beta_1": (0, 1, (1,)),
    "optimizer.beta_2": (0, 1, (1,)),
    "optimizer.epsilon": (0, math.inf, (0,)),
    "optimizer.layer_decay": (0, 1, (0,)),
    "optimizer.ema_momentum": (0, 1, (1,)),
}


def number_checks():
    """Yields a function of the configuration for each number in it.

    Each raises `InputError` for a number out of range.
    """
    for name, smallest in WHOLE.items():
        yield functools.partial(check_whole, name, smallest)
    for name, limits in NUMBERS.items():
        yield functools.partial(_check_number, name, limits)
    yield _check_clip_norm
    yield _check_learning_rates


def _get(config, name):
    for key in name.split("."):
        config = config[key]
    return config


def is_number(value, types=(int, float)):
    """Whether a value is a finite number, which a bool is not."""
    is_number = isinstance(value, types) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def check_whole(name, smallest, config):
    """Raises `InputError` unless an option is whole and not too small."""
    value = _get(config, name)
    if not is_number(value, int) or value < smallest:
        raise InputError(
            f"{name}={value!r} is not allowed; give a whole number from "
            f"{smallest}."
        )


def _check_number(name, limits, config):
    value, (low, high, excluded) = _get(config, name), limits
    in_range = is_number(value) and low <= value <= high
    if not in_range or value in excluded:
        allowed = f"above {low}" if low in excluded else f"from {low}"
        if high < math.inf:
            allowed += (
                f" to below {high}" if high in excluded else f" to {high}"
            )
        raise InputError(
            f"{name}={value!r} is not allowed; give a number {allowed}."
        )


def _check_clip_norm(config):
    value = config.optimizer.clip_norm
    if value is not None and not (is_number(value) and value > 0):
        raise InputError(
            f"optimizer.clip_norm={value!r} is not allowed; give a number "
            "above 0, or None to clip no gradients."
        )


def _check_learning_rates(config):
    for entry in config.optimizer.learning_rates:
        is_pair = isinstance(entry, (tuple, list)) and len(entry) == 2
        if not (is_pair and is_number(entry[1]) and entry[1] >= 0):
            raise InputError(
                f"optimizer.learning_rates has {entry!r}; give pairs of a name "
                'and a number from 0, as in (("image_encoder/*", 0.1),).'
            )
