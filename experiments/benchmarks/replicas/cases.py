"""What is trained on each topology: a tiny model, its batches, the variants."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras import losses
from uniclip_keras import models

ITEMS, STEPS = 24, 10  # 24 items can be dealt to 1, 2, 3, 4 or 6 replicas.
SIZE, LENGTH, VOCABULARY, WIDTH = 4, 5, 12, 8


class Tolerance(NamedTuple):
    """Largest differences from one device."""

    loss: float  # Of a step, relative
    weights: float


# Sums over replicas round in another order than on one device.
FLOAT32 = Tolerance(1e-5, 1e-5)
# The gradient of a weight is summed in half precision over a replica's rows,
# which keeps three digits, and then over the replicas.
FLOAT16 = Tolerance(1e-4, 5e-4)


class Case(NamedTuple):
    """One training."""

    objective: str  # Name in `uniclip_keras.losses`
    optimizer: dict  # `class_name` and `config`, for Keras
    tile_size: int | None = None
    cache_size: int | None = None
    views: int = 2
    texts: int = 1
    labels: int | None = None  # Number of different ids; None for all unique
    batch_norm: bool = False
    transformers: bool = False
    policy: str = "float32"
    tolerance: Tolerance = FLOAT32


def optimizer(name="SGD", **config):
    """The configuration of an optimizer.

    SGD's step is linear in the gradient, so differences of the weights are
    those of the gradients. AdamW divides by the size of each gradient, which
    makes noise of gradients near 0 as large as a step.
    """
    sgd = {"learning_rate": 0.02, "momentum": 0.9} if name == "SGD" else {}
    return {"class_name": name, "config": sgd | config}


SGD = optimizer()
CASES = {
    "MPNCE": Case("MPNCE", SGD),
    "InfoNCE": Case("InfoNCE", SGD),
    "SupCon": Case("SupCon", SGD),
    "MILNCE": Case("MILNCE", SGD),
    "CLIP": Case("CLIP", SGD),
    "SLIP": Case("SLIP", SGD, views=3),
    "UniCL": Case("UniCL", SGD),
    "SigLIP": Case("SigLIP", SGD),
    "clipped": Case("CLIP", optimizer(global_clipnorm=0.05)),
    # 5 divides no replica's share: the last chunk is smaller.
    "cached": Case("CLIP", SGD, cache_size=5),
    "labels": Case("UniCL", SGD, labels=5),
    "uneven": Case("SupCon", SGD, 5, views=3, texts=2, labels=11),
    "batch_norm": Case("CLIP", SGD, batch_norm=True),
    "transformers": Case("MPNCE", SGD, transformers=True),
    "adamw": Case("CLIP", optimizer("AdamW")),
    "float16": Case("CLIP", SGD, policy="mixed_float16", tolerance=FLOAT16),
}


def make_model(case):
    """Makes a compiled `UniCLIP` of a few hundred weights, the same each time.

    The dtype policy must be the case's until the model is trained.
    """
    keras.utils.set_random_seed(0)
    if case.transformers:
        encoders = (
            models.vit(SIZE, SIZE // 2, WIDTH, layers=2, heads=2),
            models.clip_text(VOCABULARY, LENGTH, WIDTH, layers=2, heads=2),
        )
    else:
        encoders = make_image_encoder(case.batch_norm), make_text_encoder()
    model = models.UniCLIP(
        *encoders,
        objective=getattr(losses, case.objective)(tile_size=case.tile_size),
        embedding_dim=7,
        augmentation_units=(3,),
        projection_blocks=1,
        view_units=(8, 5),
        gradient_cache_size=case.cache_size,
    )
    model.compile(optimizer=keras.optimizers.deserialize(case.optimizer))
    return model


def make_image_encoder(batch_norm):
    """A dense layer on the pixels."""
    images = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Dense(WIDTH)(keras.layers.Flatten()(images))
    if batch_norm:
        norm = keras.layers.BatchNormalization(synchronized=True)
        features = norm(features)
    return keras.Model(images, features)


def make_text_encoder():
    """The mean embedding of the tokens."""
    tokens = keras.Input((LENGTH,), dtype="int32")
    states = keras.layers.Embedding(VOCABULARY, WIDTH)(tokens)
    features = keras.layers.GlobalAveragePooling1D()(states)
    return keras.Model(tokens, features)


def make_dataset(
    case, batch_size, first_row, shard_index, num_shards, replicas
):
    """Makes what `training.distribute_dataset` asks for, as NumPy draws it."""
    own = batch_size // num_shards
    first = shard_index * own
    batches = [make_batch(case, batch_size, step) for step in range(STEPS)]
    parts = {
        name: np.concatenate([x[name][first : first + own] for x in batches])
        for name in batches[0]
    }
    # [steps * replicas, rows of a replica, ...]
    stacked = {
        name: x.reshape([STEPS * replicas, own // replicas, *x.shape[1:]])
        for name, x in parts.items()
    }
    options = tf.data.Options()
    # An autotuned iterator over replicas takes up to a minute to go away.
    options.autotune.enabled = False
    return tf.data.Dataset.from_tensor_slices(stacked).with_options(options)


def make_batch(case, items, step):
    """Makes the global batch of a step; each item is unlike the others."""
    rng = np.random.default_rng(step)
    tokens = rng.integers(1, VOCABULARY, (items, case.texts, LENGTH))
    if case.labels is None:
        ids = rng.permutation(items)
    else:
        # Each replica has some of the others' labels.
        ids = rng.integers(0, case.labels, items)
    return {
        "views": rng.random((items, case.views, SIZE, SIZE, 3), "float32"),
        "augmentations": rng.random((items, case.views, 11), "float32"),
        "tokens": tokens.astype("int32"),
        "id": spread(ids),
    }


def spread(ids):
    """Maps small ids to 64 bits, some equal in the lower or upper 32 alone."""
    low, high = ids // 2 - 3, ids % 2 - 1
    return high.astype("int64") * 2**40 + low
