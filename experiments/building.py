"""From a configuration to the objects it describes."""

import difflib
import inspect
import itertools
import posixpath

import keras

from uniclip_keras import evaluation
from uniclip_keras import layers
from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras import training
from uniclip_keras.data import LabelledWebDataset
from uniclip_keras.data import WebDataset
from uniclip_keras.data import mix
from uniclip_keras.data.text import SubwordTokenizer
from uniclip_keras.errors import InputError

IMAGE_ENCODERS = {
    "clip_vit": models.clip_vit,
    "conv_stem_vit": models.conv_stem_vit,
    "vit": models.vit,
}
TEXT_ENCODERS = {"clip_text": models.clip_text}
OBJECTIVES = {
    "clip": losses.CLIP,
    "info_nce": losses.InfoNCE,
    "mil_nce": losses.MILNCE,
    "mp_nce": losses.MPNCE,
    "siglip": losses.SigLIP,
    "slip": losses.SLIP,
    "sup_con": losses.SupCon,
    "unicl": losses.UniCL,
}
# What an entry of `config.data.train` may say beside its shards and weight.
PAIR_OPTIONS = ("id_field", "caption_field", "id_space")
LABEL_OPTIONS = ("classes", "label_field")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def data_path(config, name):
    """A file or pattern in the configuration's data directory.

    An absolute path or an address such as `gs://bucket/name` stays as it is.
    """
    if "://" in name:
        return name
    return posixpath.join(config.data.directory, name)


def build_source(config):
    """The training source, a mixture of what `config.data.train` names.

    Raises:
        InputError: for an entry that says too little, too much or something
            unknown, or whose data cannot be used.
    """
    parts = config.data.train
    sources = [build_part(config, name, parts[name]) for name in parts]
    return mix(sources, [part.get("weight", 1.0) for part in parts.values()])


def build_part(config, name, entry):
    """The source of one entry of `config.data.train`."""
    what = f"data.train.{name}"
    known = ("shards", "weight", *PAIR_OPTIONS, *LABEL_OPTIONS)
    for key in entry:
        if key not in known:
            raise InputError(
                f"{what}.{key} does not exist{nearest(key, known)}."
            )
    if not entry.get("shards"):
        raise InputError(f"{what}.shards is missing: name its tars.")
    shards = data_path(config, entry.shards)
    pairs = {key: entry[key] or None for key in PAIR_OPTIONS if key in entry}
    labels = {key: entry[key] or None for key in LABEL_OPTIONS if key in entry}
    if pairs and labels:
        raise InputError(
            f"{what} has both {', '.join(pairs)} and {', '.join(labels)}: its "
            "texts are captions or class names; keep the options of one."
        )
    if not labels:
        defaults = {
            "id_field": config.data.id_field or None,
            "caption_field": config.data.caption_field or None,
        }
        return WebDataset(shards, **(defaults | pairs))
    if not labels.get("classes"):
        raise InputError(
            f"{what}.label_field needs a class list: name its file as "
            f"{what}.classes."
        )
    labels["classes"] = data_path(config, labels["classes"])
    return LabelledWebDataset(shards, **labels)


def training_templates(config):
    """The templates that class names of labelled images are put into."""
    return evaluation.prompt_templates(config.data.prompts)


def train_tokenizer(config, source):
    """Learns the vocabulary from what the training source has to say.

    That is the captions of its image-text parts, and every class name of its
    labelled parts in every template.
    """
    labelled, pairs = [], []
    for part in source.sources:
        is_labelled = isinstance(part, LabelledWebDataset)
        (labelled if is_labelled else pairs).append(part)
    prompts = (
        template.replace("{}", name)
        for part in labelled
        for names in part.classes.values()
        for name in names
        for template in training_templates(config)
    )
    captions = (sample["text"] for part in pairs for sample in part.samples())
    return SubwordTokenizer.train(
        itertools.chain(
            prompts,
            itertools.islice(captions, config.tokenizer.training_texts),
        ),
        vocabulary_size=config.tokenizer.vocabulary_size,
        context_length=config.tokenizer.context_length,
    )


def build_model(config, vocabulary_size):
    """The UniCLIP model, in the configuration's precision."""
    check_choice("precision", config.precision, PRECISIONS)
    keras.config.set_dtype_policy(config.precision)
    image_encoder = build_kind(
        "image_encoder",
        IMAGE_ENCODERS,
        config.image_encoder,
        image_size=config.image_size,
    )
    text_encoder = build_kind(
        "text_encoder",
        TEXT_ENCODERS,
        config.text_encoder,
        vocabulary_size=vocabulary_size,
        context_length=config.tokenizer.context_length,
    )
    options = config.model.to_dict()
    options["gradient_cache_size"] = options["gradient_cache_size"] or None
    return models.UniCLIP(
        image_encoder,
        text_encoder,
        objective=build_objective(config.objective),
        **options,
    )


def build_objective(objective):
    """The loss with its similarity: the usual one but for what is given."""
    options = objective.to_dict()
    check_choice("objective.kind", options.get("kind"), OBJECTIVES)
    usual = OBJECTIVES[options["kind"]].usual_similarity()
    given = {
        name: options.pop(name) for name in usual.arguments if name in options
    }
    similarity = layers.DomainSimilarity(
        usual.domains, **{**usual.arguments, **given}
    )
    return build_kind("objective", OBJECTIVES, options, similarity=similarity)


def build_optimizer(config, model):
    """AdamW with the configuration's schedule."""
    return training.adamw(
        model, steps=config.steps, **config.optimizer.to_dict()
    )


def build_kind(what, table, options, **arguments):
    """Calls the entry of `table` that `options["kind"]` names.

    Raises:
        InputError: for an unknown kind, or an option it does not have.
    """
    options = dict(options.items())
    kind = options.pop("kind", None)
    check_choice(f"{what}.kind", kind, table)
    known = [
        name
        for name in inspect.signature(table[kind]).parameters
        if name not in arguments and name not in ("kwargs", "name")
    ]
    for name in options:
        if name not in known:
            raise InputError(
                f"{what}.{name} does not exist for the kind {kind!r}"
                f"{nearest(name, known)}."
            )
    return table[kind](**options, **arguments)


def check_choice(what, value, allowed):
    """Raises InputError unless the value is one of those allowed."""
    if value not in allowed:
        raise InputError(
            f"{what}={value!r} is unknown{nearest(value, allowed)}."
        )


def nearest(name, known):
    """The end of an error sentence: what may have been meant."""
    close = difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f"; did you mean {close[0]!r}"
    return f"; choose from {', '.join(map(str, known))}"
