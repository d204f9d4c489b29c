"""Weights that do not train, by name."""

import fnmatch

from uniclip_keras.errors import InputError

# All that has weights in a `UniCLIP` model, but for its loss.
PARTS = (
    "image_encoder",
    "text_encoder",
    "augmentation_encoder",
    "image_projection",
    "text_projection",
    "view_projection",
)


def weight_names(model):
    """Returns `{name: variable}` of a `UniCLIP` model, without its loss.

    A name begins with the part of the model, as in
    "image_encoder/block_0/qkv_kernel".
    """
    return {
        f"{part}/{variable.path}": variable
        for part in PARTS
        if getattr(model, part) is not None
        for variable in getattr(model, part).weights
    }


def find_names(model, pattern):
    """Returns the names of `weight_names` that fit a pattern.

    Raises:
        InputError: If it is the name of nothing.
    """
    found = fnmatch.filter(weight_names(model), pattern)
    if not found:
        raise InputError(
            f"{pattern!r} is the name of no weight; names begin like "
            f"{', '.join(f'{s}/' for s in PARTS if getattr(model, s))}"
            ", and * stands for anything."
        )
    return found


def freeze(model, patterns):
    """Keeps weights as they are: locked-image tuning, and less than that.

    `freeze(model, ["image_encoder/*"])` trains all but the image tower (LiT,
    Zhai et al. 2022). Layers of which every weight is kept also keep their
    moving statistics. Call it before `compile` and before the optimizer is
    made; `freeze(model, [])` lets all weights train again.

    Args:
        model: `UniCLIP`.
        patterns: Sequence of names of `weight_names`, in which `*` stands for
            anything.

    Returns:
        The number of single weights that are kept.

    Raises:
        InputError: If a pattern is the name of nothing.
    """
    names = weight_names(model)
    kept = {name for pattern in patterns for name in find_names(model, pattern)}
    for layer in _layers(model):
        # Keras takes no notice of a value that is there already, and would
        # leave single weights as they are.
        layer.trainable = False
        layer.trainable = True
    frozen = {id(names[name]) for name in kept}
    for layer in _layers(model):
        if layer.weights and all(id(w) in frozen for w in layer.weights):
            layer.trainable = False
    for name in kept:
        names[name].trainable = False
    return sum(names[name].value.shape.num_elements() for name in kept)


def _layers(model):
    """The parts of a model and the layers within, the outer ones first."""
    for part in PARTS:
        layer = getattr(model, part)
        if layer is not None:
            yield from layer._flatten_layers()
