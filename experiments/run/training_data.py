"""From a configuration to the sources and batches that it describes."""

import functools
import posixpath

from experiments.run.building import build_kind
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
# Options that name files, in the configuration's data directory.
PATHS = ("path", "classes", "image_folder", "data_dir")
# Options of a source of labelled images, which has no captions.
LABELS = ("label_field", "classes")


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
    sources, weights = [], []
    for name, entry in config.data.train.items():
        options = dict(entry.items())
        weights.append(options.pop("weight", 1.0))
        if not any(options.get(label) for label in LABELS):
            for field in ("id_field", "caption_field"):
                options.setdefault(field, config.data[field])
        sources.append(build_part(config, f"data.train.{name}", options))
    return data.mix(sources, weights)


def build_part(config, what, options):
    """One source.

    Args:
        config: the configuration.
        what: where the options stand in it, for messages.
        options: dict of a `kind` of `SOURCES` ("webdataset" by default) and
            the options of that class; an empty one is none.
    """
    options = {name: value for name, value in options.items() if value}
    options = {"kind": "webdataset", **options}
    for name in PATHS:
        if name in options:
            options[name] = data_path(config, options[name])
    needed = "name" if options["kind"] == "tfds" else "path"
    if needed not in options:
        raise InputError(f"{what}.{needed} is missing: name the data.")
    return build_kind(what, SOURCES, options)


def training_templates(config):
    """The templates that class names of labelled images are put into."""
    return prompt_templates(config.data.prompts)


def build_dataset(
    config, source, tokenizer, first_step=0, strategy=None, **changes
):
    """The batches that the configuration describes, for `fit`.

    Args:
        config: the configuration.
        source: its source.
        tokenizer: its tokenizer.
        first_step: step to begin with.
        strategy: the `tf.distribute.Strategy` that trains, or None.
        **changes: arguments of `training_dataset` that the configuration
            does not have, or that differ from it.
    """
    options = {
        "seed": config.seed,
        "templates": training_templates(config),
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
