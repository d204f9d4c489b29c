"""From a configuration to sources, tokenizer and batches."""

import functools
import itertools
import pathlib
import posixpath

from experiments.run.building import build_kind
from experiments.run.building import check_choice
from experiments.run.workdir import CONFIG_FILE
from uniclip_keras import data
from uniclip_keras import training
from uniclip_keras.data.augmentation import recipe_from_config
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError

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
    "sentencepiece": data.SentencePieceTokenizer,
    "subword": data.SubwordTokenizer,
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
        options = dict(entry.items())
        weights.append(options.pop("weight", 1.0))
        # Labeled images have no captions.
        if not (options.get("label_field") or options.get("classes")):
            for field in ("id_field", "caption_field"):
                options.setdefault(field, config.data[field])
        sources.append(build_part(config, f"data.train.{name}", options))
    return data.mix(sources, weights)


def build_part(config, section, options):
    """Builds one source of a `kind` of `SOURCES` and options of that class.

    `section` names it in messages. An empty option counts as not given.
    """
    options = {name: value for name, value in options.items() if value}
    options = {"kind": "webdataset", **options}
    for name in PATHS:
        if name in options:
            options[name] = data_path(config, options[name])
    needed = "name" if options["kind"] == "tfds" else "path"
    if needed not in options:
        raise InputError(f"{section}.{needed} is missing: name the data.")
    return build_kind(section, SOURCES, options)


def build_dataset(
    config, source, tokenizer, first_step=0, strategy=None, **changes
):
    """Builds the dataset for `fit` that the configuration describes.

    `changes` are arguments of `training_dataset` that the configuration does
    not have, or that replace its own.
    """
    options = {
        "seed": config.seed,
        "templates": prompt_templates(config.data.prompts),
        "captions_per_image": config.data.captions_per_image,
        "shuffle_buffer": config.data.shuffle_buffer,
        "cache": config.data.cache,
        "max_pixels": config.data.max_pixels,
        "threads": config.data.threads,
        **changes,
    }
    make = functools.partial(
        data.training_dataset,
        source,
        tokenizer,
        recipe_from_config(config.data.views),
        config.image_size,
        **options,
    )
    return training.distribute_dataset(
        make, config.batch_size, first_step, strategy
    )


def find_tokenizer(config, workdir, source):
    """Loads the tokenizer of a run that has begun, or builds a new one."""
    if workdir and (pathlib.Path(workdir) / CONFIG_FILE).exists():
        return data.load_tokenizer(str(workdir))
    return build_tokenizer(config, source)


def build_tokenizer(config, source):
    """Builds the tokenizer of `config.tokenizer.kind`.

    "subword" learns its vocabulary from the training source, "clip" reads the
    merges that `config.tokenizer.file` names, "sentencepiece" does either.
    """
    options = config.tokenizer
    kind, file = options.get("kind", "subword"), options.get("file", "")
    check_choice("tokenizer.kind", kind, TOKENIZERS)
    if file and kind == "subword":
        raise InputError(
            f"tokenizer.file={file!r} does not fit the kind {kind!r}: leave "
            "it empty, or choose the kind 'clip' or 'sentencepiece'."
        )
    if file:
        return TOKENIZERS[kind](file, options.context_length)
    if kind == "clip":
        raise InputError(
            "tokenizer.file is empty: name CLIP's bpe_simple_vocab_16e6.txt.gz "
            "or choose the kind 'subword' to learn a vocabulary."
        )
    print("Learning the vocabulary ...", flush=True)
    return TOKENIZERS[kind].train(
        training_texts(config, source),
        vocabulary_size=options.vocabulary_size,
        context_length=options.context_length,
    )


def training_texts(config, source):
    """Yields the texts that a vocabulary is learned from.

    First every class name in every template, then the captions of at most
    `config.tokenizer.training_texts` samples. Parts of weight 0 take part.
    """
    templates = prompt_templates(config.data.prompts)
    captions = []
    for part in source.sources:
        if part.class_names is None:
            captions.append(part)
            continue
        names = part.class_names or dict.fromkeys(
            name
            for sample in part.samples()
            for name in sample["text"].split("\n")
        )
        yield from (t.replace("{}", name) for name in names for t in templates)
    samples = (sample["text"] for part in captions for sample in part.samples())
    yield from itertools.islice(samples, config.tokenizer.training_texts)
