"""What is evaluated: a checkpoint of a run, or a SavedModel."""

import dataclasses
import hashlib
import posixpath

import tensorflow as tf

from experiments.configs.base import base
from experiments.run import files
from experiments.run import hardware
from experiments.run.workdir import HISTORY
from experiments.run.workdir import VALIDATION
from experiments.run.workdir import load_run
from uniclip_keras import training
from uniclip_keras.export import ExportedModel

# The figures depend on these.
_PACKAGES = ("tensorflow", "keras", "keras-hub", "tensorflow-text")


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model with all that its evaluation needs.

    Attributes:
        model: Has `encode_image` and `encode_text`.
        tokenizer: From strings to what `encode_text` takes.
        config: The configuration of its run; defaults for a SavedModel.
        about: Dict that describes it in results and in the report. Its
            "weights" are a hash by which results of other weights are known.
        history: Rows of what the run reported and validated.
        settings: Dict of the run's configuration, empty for a SavedModel.
    """

    model: object
    tokenizer: object
    config: object
    about: dict
    history: list
    settings: dict


def load_checkpoint(workdir, checkpoint="last"):
    """Loads a checkpoint of a run: "last", "best" or a step."""
    gpus = tf.config.list_logical_devices("GPU")
    strategy = "mirrored" if len(gpus) > 1 else "one_device"
    with training.distribution_strategy(strategy).scope():
        config, tokenizer, model, step = load_run(workdir, checkpoint)
    history, validation = (
        training.read_history(files.join(workdir, name))
        for name in (HISTORY, VALIDATION)
    )
    about = _describe_run(config, model, step, history)
    about |= _describe_machine(
        weights.tobytes() for weights in model.get_weights()
    )
    rows, settings = history + validation, config.to_dict()
    return Subject(model, tokenizer, config, about, rows, settings)


def load_saved_model(path):
    """Loads a SavedModel that `experiments.export` has written."""
    model = ExportedModel(path)
    config = base()
    config.image_size = model.image_size
    config.evaluation.fit = model.fit
    # The places of images are those of the current folder.
    config.data.directory = ""
    names = sorted(
        files.join(folder, name)
        for folder, _, names in tf.io.gfile.walk(str(path))
        for name in names
    )
    about = {"name": posixpath.basename(str(path).rstrip("/"))}
    about["description"] = "A SavedModel."
    about |= _describe_machine(map(files.read_bytes, names))
    return Subject(model, tf.identity, config, about, [], {})


def _describe_run(config, model, step, history):
    pairs = step * config.batch_size
    seconds = history[-1].get("seconds", 0.0) if history else 0.0
    views = len(config.data.views)
    loss = type(model.objective).__name__
    method = "UniCLIP" if loss == "MPNCE" else loss
    return {
        "name": config.name,
        "description": (
            f"{method}, {config.batch_size} pairs x {views} "
            f"view{'s' if views > 1 else ''} per step."
        ),
        "seed": config.seed,
        "steps": step,
        "pairs": pairs,
        "seconds": seconds,
        "pairs_per_second": pairs / seconds if seconds else 0.0,
        "parameters": model.count_params(),
    }


def _describe_machine(contents):
    """Describes the machine, and the weights by a hash of their bytes."""
    digest = hashlib.blake2b(digest_size=8)
    for content in contents:
        digest.update(content)
    gpus = [gpu.name for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "weights": digest.hexdigest(),
        "hardware": ", ".join([hardware.describe_hardware(), *gpus]),
        "versions": hardware.versions(_PACKAGES),
    }
