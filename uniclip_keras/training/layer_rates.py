"""Factors of the learning rate, by layer and by name."""

import fnmatch
import re

from uniclip_keras.errors import InputError
from uniclip_keras.training.freezing import find_names
from uniclip_keras.training.freezing import weight_names

TOWERS = ("image_encoder", "text_encoder")


def rate_factors(model, layer_decay=1.0, learning_rates=()):
    """Returns the factor of the learning rate of each trainable weight.

    Args:
        model: `UniCLIP`.
        layer_decay: float. Factor from one transformer block of a tower to the
            one below it, as in the fine-tuning of BEiT (Bao et al., 2021).
            What comes after the last block has the factor 1, and what comes
            before the first block that of one more block.
        learning_rates: Sequence of pairs `(pattern, factor)`: names of
            `weight_names`, in which `*` stands for anything. Of several that
            fit a weight the first one counts, beside `layer_decay`.

    Returns:
        List of floats, in the order of `model.trainable_variables`.

    Raises:
        InputError: If a pattern is the name of nothing, or a tower that trains
            has no blocks.
    """
    factors = {}
    if layer_decay != 1:
        for tower in TOWERS:
            depths = _depths(model, tower)
            factors |= {n: layer_decay**depth for n, depth in depths.items()}
    for pattern, _ in learning_rates:
        find_names(model, pattern)
    by_weight = {}
    for name, variable in weight_names(model).items():
        fitting = (f for p, f in learning_rates if fnmatch.fnmatch(name, p))
        by_weight[id(variable)] = factors.get(name, 1.0) * next(fitting, 1.0)
    return [by_weight.get(id(v), 1.0) for v in model.trainable_variables]


def _depths(model, tower):
    """Counts blocks from the end of a tower: dict name -> int, from 0."""
    weights = {
        name: variable
        for name, variable in weight_names(model).items()
        if name.startswith(f"{tower}/")
    }
    blocks = {name: re.match(r".*?block_\d+/", name) for name in weights}
    order = list(dict.fromkeys(b[0] for b in blocks.values() if b))
    if not order and any(v.trainable for v in weights.values()):
        raise InputError(
            f"layer_decay needs transformer blocks, and the {tower} has no "
            'weight named "block_0/..."; give learning_rates by pattern.'
        )
    depths, begun = {}, 0
    for name, block in blocks.items():
        if block:
            begun = order.index(block[0]) + 1
        is_after = block is None and begun == len(order)
        depths[name] = 0 if is_after else len(order) + 1 - begun
    return depths
