"""From a configuration to sources, tokenizer and batches."""

import functools
import itertools
import posixpath

import tensorflow as tf

from experiments.run.building import check_choice
from experiments.run.building import check_kind
from experiments.run.workdir import CONFIG_FILE
from uniclip_keras import data
from uniclip_keras import training
from uniclip_keras.data.augmentation import recipe_from_config
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.data.text.tokenizer import tokenizer_from_bytes
from uniclip_keras.data.text.tokenizer import tokenizer_to_bytes
from uniclip_keras.errors import InputError
from uniclip_keras.models.text_backbones import find_text_backbone

SOURCES = {
    "folders": data.Folders,
    "table": data.Table,
    "tfds": data.TFDS,
    "tfrecord": data.TFRecords,
    "webdataset": data.WebDataset,
}
# Options that name files in the data directory of the configuration.
PATHS = ("path", "classes", "image_folder", "data_dir")
TOKENIZERS = {
    "clip": data.CLIPTokenizer,
    "keras_hub": data.KerasHubTokenizer,
    "sentencepiece": data.SentencePieceTokenizer,
    "siglip": data.SigLIPTokenizer,
    "subword": data.SubwordTokenizer,
}
# Kinds that learn no vocabulary, and the file that each needs.
_FILES = {
    "clip": "CLIP's bpe_simple_vocab_16e6.txt.gz",
    "siglip": "SigLIP's spiece.model",
}


def data_path(config, name):
    """Returns a file or pattern in the data directory of the configuration.

    An absolute path or an address such as `gs://bucket/name` stays the same.
    """
    if "://" in name:
        return name
    return posixpath.join(config.data.directory, name)


def build_source(config):
    """Builds the training source: a mixture of the parts in `data.train`."""
    sources, weights = [], []
    for name, entry in config.data.train.items():
        weights.append(entry.get("weight", 1.0))
        sources.append(
            build_part(
                config, f"data.train.{name}", part_options(config, entry)
            )
        )
    return data.mix(sources, weights)


def part_options(config, entry):
    """Returns the options of a source in `data.train`, without its weight.

    Captioned images have the fields of the section `data` by default.
    """
    options = dict(entry.items())
    options.pop("weight", None)
    # Labeled images have no captions.
    if not (options.get("label_field") or options.get("classes")):
        for field in ("id_field", "caption_field"):
            options.setdefault(field, config.data[field])
    return options


def build_part(config, section, options):
    """Builds one source of a `kind` of `SOURCES` and options of that class.

    `section` names it in messages. An empty option counts as not given.
    """
    kind, options = check_part(config, section, options)
    return SOURCES[kind](**options)


def check_part(config, section, options):
    """Returns `(kind, other options)` of a source, with its paths resolved."""
    options = {name: value for name, value in options.items() if value}
    options = {"kind": "webdataset", **options}
    for name in PATHS:
        if name in options:
            options[name] = data_path(config, options[name])
    needed = "name" if options["kind"] == "tfds" else "path"
    if needed not in options:
        raise InputError(f"{section}.{needed} is missing: name the data.")
    return check_kind(section, SOURCES, options)


def dataset_maker(config, source, tokenizer, **changes):
    """Returns the function of a batch size that makes the training dataset.

    `changes` are arguments of `training_dataset` that the configuration does
    not have, or that replace its own.
    """
    options = {
        "seed": config.seed,
        "templates": prompt_templates(config.data.prompts),
        "captions_per_image": config.data.captions_per_image,
        "shuffle_buffer": config.data.shuffle_buffer,
        "max_pixels": config.data.max_pixels,
        "threads": config.data.threads,
        "views_dtype": config.data.views_dtype,
        **changes,
    }
    recipe = recipe_from_config(config.data.views)
    return functools.partial(
        data.training_dataset,
        source,
        tokenizer,
        recipe,
        config.image_size,
        **options,
    )


def build_dataset(
    config, source, tokenizer, first_row=0, strategy=None, **changes
):
    """Builds the dataset for `fit` that the configuration describes.

    Its batches lie where the strategy trains; others read those of a
    `dataset_maker`. It begins after `first_row` samples; `changes` are those of
    `dataset_maker`.
    """
    return training.distribute_dataset(
        dataset_maker(config, source, tokenizer, **changes),
        config.batch_size,
        first_row,
        strategy,
    )


def find_tokenizer(config, workdir, source):
    """Loads the tokenizer of a run that has begun, or builds a new one."""
    if workdir and tf.io.gfile.exists(posixpath.join(workdir, CONFIG_FILE)):
        return data.load_tokenizer(str(workdir))
    return build_tokenizer(config, source)


def share_tokenizer(config, workdir, source, share, start=None):
    """Returns the tokenizer of a run, the same on every worker.

    A run that has begun keeps its own, and one that begins from another run
    has that one's. Else the chief learns it and shares it with the others.

    Raises:
        InputError: If the configuration asks for another one.
    """

    def make_bytes():
        tokenizer = start and start.tokenizer
        return tokenizer_to_bytes(
            tokenizer or find_tokenizer(config, workdir, source)
        )

    tokenizer = tokenizer_from_bytes(share(make_bytes))
    for name in ("kind", "context_length"):
        wanted, found = config.tokenizer[name], getattr(tokenizer, name)
        if wanted != found:
            raise InputError(
                f"tokenizer.{name}={wanted!r} is not that of the run's "
                f"tokenizer, {found!r}, which cannot change; give {found!r}."
            )
    return tokenizer


def build_tokenizer(config, source):
    """Builds the tokenizer of `config.tokenizer.kind`.

    "subword" learns its vocabulary from the training source, "clip" and
    "siglip" read the file that `config.tokenizer.file` names, "sentencepiece"
    does either, and "keras_hub" reads a preset.
    """
    check_tokenizer(config)
    options = config.tokenizer
    if options.kind == "keras_hub":
        preset = _find_preset(config)
        return data.KerasHubTokenizer(preset, options.context_length)
    if options.file:
        return TOKENIZERS[options.kind](options.file, options.context_length)
    print("Learning the vocabulary ...", flush=True)
    return TOKENIZERS[options.kind].train(
        training_texts(config, source),
        vocabulary_size=options.vocabulary_size,
        context_length=options.context_length,
    )


def check_tokenizer(config):
    """Raises `InputError` unless `config.tokenizer` has what its kind needs."""
    kind, file = config.tokenizer.kind, config.tokenizer.file
    check_choice("tokenizer.kind", kind, TOKENIZERS)
    if file and kind == "subword":
        raise InputError(
            f"tokenizer.file={file!r} does not fit the kind {kind!r}: leave "
            "it empty, or choose the kind 'clip', 'siglip' or 'sentencepiece'."
        )
    if kind in _FILES and not file:
        raise InputError(
            f"tokenizer.file is empty: name {_FILES[kind]} or choose the kind "
            "'subword' to learn a vocabulary."
        )
    if kind == "keras_hub":
        _find_preset(config)


def _find_preset(config):
    """The preset of the tokenizer "keras_hub", by default the text encoder's.

    It is not read.
    """
    section, name = "text_encoder", config.text_encoder.get("backbone")
    if config.tokenizer.file:
        section, name = "tokenizer.file", f"keras_hub:{config.tokenizer.file}"
    try:
        preset = name and find_text_backbone(name)[1]
    except InputError as error:
        raise InputError(f"{section}: {error}") from None
    if not preset:
        raise InputError(
            f"{section}: {name!r} names no preset, which the tokenizer "
            "'keras_hub' needs; name one, or its folder, in tokenizer.file."
        )
    return preset


def training_texts(config, source):
    """Yields the texts that a vocabulary is learned from.

    First every class name in every template, then the captions of at most
    `config.tokenizer.training_texts` samples. Parts of weight 0 take part.
    No image is read.
    """
    templates = prompt_templates(config.data.prompts)
    captions = []
    for part in source.sources:
        if part.class_names is None:
            captions.append(part)
            continue
        names = part.class_names or dict.fromkeys(
            name
            for sample in part.samples(images=False)
            for name in sample["text"].split("\n")
        )
        yield from (t.replace("{}", name) for name in names for t in templates)
    samples = (
        sample["text"]
        for part in captions
        for sample in part.samples(images=False)
    )
    yield from itertools.islice(samples, config.tokenizer.training_texts)
