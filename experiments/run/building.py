"""From a configuration to the model, its loss and its optimizer."""

import inspect

import keras

from uniclip_keras import layers
from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras import training
from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

IMAGE_ENCODERS = {
    "backbone": models.image_backbone,
    "clip": models.clip_image_encoder,
    "clip_vit": models.clip_vit,
    "conv_stem_vit": models.conv_stem_vit,
    "siglip_vit": models.siglip_vit,
    "vit": models.vit,
}
TEXT_ENCODERS = {
    "backbone": models.text_backbone,
    "clip_text": models.clip_text,
    "siglip_text": models.siglip_text,
}
LOSSES = {
    "clip": losses.CLIP,
    "info_nce": losses.InfoNCE,
    "mil_nce": losses.MILNCE,
    "mp_nce": losses.MPNCE,
    "siglip": losses.SigLIP,
    "slip": losses.SLIP,
    "sup_con": losses.SupCon,
    "unicl": losses.UniCL,
}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def build_model(config, tokenizer):
    """Builds the `UniCLIP` model in the precision of the configuration."""
    keras.config.set_dtype_policy(config.precision)
    image_encoder = build_kind(
        "image_encoder",
        IMAGE_ENCODERS,
        config.image_encoder,
        image_size=config.image_size,
    )
    tokens = {
        "vocabulary_size": tokenizer.vocabulary_size,
        "context_length": config.tokenizer.context_length,
    }
    if config.text_encoder.get("kind") == "backbone":
        tokens["padding_id"] = tokenizer.padding_id
    text_encoder = build_kind(
        "text_encoder", TEXT_ENCODERS, config.text_encoder, **tokens
    )
    options = config.model.to_dict()
    options["gradient_cache_size"] = options["gradient_cache_size"] or None
    frozen, unfreeze = options.pop("frozen"), options.pop("unfreeze_at_step")
    model = models.UniCLIP(
        image_encoder,
        text_encoder,
        objective=build_loss(config.objective),
        **options,
    )
    if frozen and not unfreeze:
        training.freeze(model, frozen)
    return model


def build_loss(objective):
    """Builds the loss of the section `config.objective`.

    Options of the similarity, such as `temperature`, replace its defaults.
    """
    kind, options, similarity = _split_objective(objective)
    similarity = layers.DomainSimilarity(**similarity)
    return LOSSES[kind](**options, similarity=similarity)


def check_loss(objective):
    """Checks the names in `config.objective`; returns the loss' domains."""
    _, _, similarity = _split_objective(objective)
    return similarity.get("domains", ("image", "text"))


def _split_objective(objective):
    """Returns the kind, its options, and the arguments of its similarity."""
    options = objective.to_dict()
    check_choice("objective.kind", options.get("kind"), LOSSES)
    similarity = dict(LOSSES[options["kind"]].similarity_options)
    names = set(inspect.signature(layers.DomainSimilarity).parameters)
    names -= {"domains", "name", "kwargs"}
    similarity |= {n: options.pop(n) for n in names & options.keys()}
    kind, options = check_kind(
        "objective", LOSSES, options, ["similarity"], sorted(names)
    )
    return kind, options, similarity


def build_optimizer(config, model):
    late = config.model.frozen if config.model.unfreeze_at_step else ()
    return training.adamw(
        model,
        steps=config.steps,
        frozen=late,
        unfreeze_at_step=config.model.unfreeze_at_step,
        **config.optimizer,
    )


def build_kind(section, table, options, **arguments):
    """Calls the entry of `table` that `options["kind"]` names.

    Takes the other `options` from the section of the configuration that
    `section` names in messages, and `arguments` that it cannot give.

    Raises:
        InputError: The kind is unknown, or does not have an option.
    """
    kind, options = check_kind(section, table, options, arguments)
    return table[kind](**options, **arguments)


def check_kind(section, table, options, arguments=(), others=()):
    """Returns `(kind, other options)` of a section that names a kind.

    `arguments` are those that a section cannot give, `others` what it may
    have meant besides the arguments of its kind.

    Raises:
        InputError: The kind is unknown, or does not have an option.
    """
    options = dict(options.items())
    kind = options.pop("kind", None)
    check_choice(f"{section}.kind", kind, table)
    parameters = inspect.signature(table[kind]).parameters
    known = [name for name in parameters if name not in (*arguments, "kwargs")]
    # The name of a Keras object is no option; that of a data set is needed.
    if (
        "name" in known
        and parameters["name"].default is not inspect.Parameter.empty
    ):
        known.remove("name")
    for name in options:
        if name not in known:
            raise InputError(
                f"{section}.{name} does not exist for the kind {kind!r}"
                f"{suggest(name, [*known, *others])}."
            )
    return kind, options


def check_choice(name, value, allowed):
    """Raises `InputError` unless the value is one of those allowed."""
    if value not in allowed:
        raise InputError(
            f"{name}={value!r} is unknown{suggest(value, allowed)}."
        )
