"""Embeddings of training batches, from a run or from a file."""

import keras
import numpy as np
import tensorflow as tf

from experiments.run import data
from experiments.run import files
from experiments.run.building import build_model
from experiments.run.workdir import INDEX
from experiments.run.workdir import load_run
from uniclip_keras.errors import InputError
from uniclip_keras.layers.domain_similarity import unit_length


def embed(workdir, rows, weights):
    """Embeds training batches with other views than those trained on.

    Args:
        workdir: Directory of the run.
        rows: int. Least number of embeddings, of all domains together.
        weights: "trained", or "random" for those of a new model.

    Returns:
        Dict of arrays: `image` and `text`, float32 `[n, dim]` of unit length;
        their ids `image_ids` and `text_ids`, int64 `[n]`; and the model's
        `temperature` and `offset` of each pair of domains, float32 `[pairs]`.
    """
    config, tokenizer, model, _ = load_run(workdir)
    if weights == "random":
        keras.utils.set_random_seed(config.seed)
        model = build_model(config, tokenizer)
    source = data.build_source(config)
    source.prepare(folder=files.join(workdir, INDEX))
    batches = data.build_dataset(
        config, source, tokenizer, seed=config.seed + 1
    )
    forward = tf.function(lambda batch: model(batch, training=False))
    parts = {}
    count = 0
    for batch in batches:
        for domain, z in forward(batch).items():
            ids = np.repeat(batch["id"], len(z) // len(batch["id"]))
            parts.setdefault(domain, []).append(unit_length(z).numpy())
            parts.setdefault(f"{domain}_ids", []).append(ids)
            count += len(z)
        if count >= rows:
            break
    inverse, offset = model.objective.similarity.parameters()
    arrays = {name: np.concatenate(part) for name, part in parts.items()}
    return arrays | {
        "temperature": 1.0 / inverse.numpy(),
        "offset": offset.numpy(),
    }


def load(path):
    """Loads what `embed` returns from an .npz file."""
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--embeddings={path!r} cannot be read ({error}): give an .npz "
            "file that --save has written."
        ) from None
