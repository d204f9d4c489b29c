"""A `UniCLIP` of a few hundred weights, and batches for it."""

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras import models
from uniclip_keras.losses import CLIP
from uniclip_keras.models import UniCLIP

SIZE, LENGTH, VOCABULARY = 4, 5, 12


def make_image_encoder(width=8):
    """A dense layer on the pixels."""
    images = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Dense(width)(keras.layers.Flatten()(images))
    return keras.Model(images, features)


def make_normalized_encoder():
    """A dense layer on the pixels, and batch normalization."""
    encoder = make_image_encoder()
    norm = keras.layers.BatchNormalization(synchronized=True)
    return keras.Model(encoder.input, norm(encoder.output))


def make_text_encoder(width=8, vocabulary_size=VOCABULARY):
    """The mean embedding of the tokens."""
    tokens = keras.Input((LENGTH,), dtype="int32")
    states = keras.layers.Embedding(vocabulary_size, width)(tokens)
    features = keras.layers.GlobalAveragePooling1D()(states)
    return keras.Model(tokens, features)


def make_model(
    make_image=make_image_encoder,
    make_text=make_text_encoder,
    seed=0,
    **arguments,
):
    """A model compiled with SGD, its weights fixed by `seed`.

    Its loss is `CLIP`, which has the smallest graph; `arguments` are those of
    `UniCLIP`.
    """
    keras.utils.set_random_seed(seed)
    defaults = dict(
        objective=CLIP(),
        embedding_dim=7,
        augmentation_units=(3,),
        projection_blocks=1,
        view_units=(8, 5),
    )
    model = UniCLIP(make_image(), make_text(), **{**defaults, **arguments})
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


def make_batch(items=8, views=2, texts=None, seed=0):
    """A batch of NumPy arrays in which each id belongs to two items.

    Tokens have an axis for the texts of an item unless `texts` is None.
    """
    rng = np.random.default_rng(seed)
    rows = (items,) if texts is None else (items, texts)
    tokens = rng.integers(1, VOCABULARY, (*rows, LENGTH))
    return {
        "views": rng.random((items, views, SIZE, SIZE, 3), "float32"),
        "augmentations": rng.random((items, views, 11), "float32"),
        "tokens": tokens.astype("int32"),
        "id": np.arange(items, dtype="int64") // 2,
    }


def dataset(batches):
    """A `tf.data.Dataset` of batches of one shape, which the graph knows."""
    options = tf.data.Options()
    # An autotuned iterator over replicas takes up to a minute to go away.
    options.autotune.enabled = False
    stacked = tf.nest.map_structure(lambda *x: np.stack(x), *batches)
    return tf.data.Dataset.from_tensor_slices(stacked).with_options(options)


def spoiled(batch):
    """The batch with one NaN, in the rows of the first replica."""
    views = batch["views"].copy()
    views[0, 0, 0, 0, 0] = np.nan
    return {**batch, "views": views}


def fit_one(model, batch):
    """Takes one step with `fit` and returns its loss."""
    return model.fit(dataset([batch]), verbose=0).history["loss"][0]


def step_on_replicas(strategy, model, batch):
    """Takes one step with an equal part of the batch on each replica."""
    replicas = strategy.num_replicas_in_sync

    def own_rows(context):
        index = context.replica_id_in_sync_group
        return {n: np.split(x, replicas)[index] for n, x in batch.items()}

    values = strategy.experimental_distribute_values_from_function(own_rows)
    model.make_train_function()
    # A list, because an iterator over replicas takes seconds to go away.
    return float(model.train_function(iter([values]))["loss"])


def values(variables):
    return [variable.numpy() for variable in variables]


def state(model):
    """All that a step may change, as each replica has it: name -> array.

    These are the variables of model and optimizer without metrics and without
    the loss scale.
    """
    variables = [*model.variables, *model.optimizer.variables]
    metrics = {id(variable) for variable in model.metrics_variables}
    strategy = model.distribute_strategy
    return {
        f"{index} {variable.path} {replica}": copy.numpy()
        for index, variable in enumerate(variables)
        if id(variable) not in metrics and "scale" not in variable.path
        for replica, copy in enumerate(
            strategy.experimental_local_results(variable.value)
        )
    }


def counts(model):
    """Returns `[steps, skipped, skipped_in_a_row]`."""
    counts = model.counts
    return [
        int(tf.identity(variable))
        for variable in (counts.steps, counts.skipped, counts.skipped_in_a_row)
    ]


def assert_weights_equal(model, expected, atol=1e-5):
    """Compares all weights with arrays."""
    for weight, value in zip(model.weights, expected, strict=True):
        np.testing.assert_allclose(
            weight, value, 1e-7 if atol else 0, atol, err_msg=weight.path
        )


def make_transformers(**options):
    """A model of transformers, whose stem has moving statistics."""
    return models.UniCLIP(
        models.conv_stem_vit(8, width=8, layers=1, heads=2, stem=(8, 8)),
        models.clip_text(20, 5, width=8, layers=1, heads=2),
        embedding_dim=8,
        augmentation_units=(4,),
        projection_blocks=1,
        **options,
    )
