"""A `UniCLIP` of a few hundred weights, and batches for it."""

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras.models import UniCLIP

SIZE, LENGTH, VOCABULARY = 4, 5, 12


def make_image_encoder(width=8):
    """A dense layer on the pixels."""
    images = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Dense(width)(keras.layers.Flatten()(images))
    return keras.Model(images, features)


def make_text_encoder(width=8):
    """The mean embedding of the tokens."""
    tokens = keras.Input((LENGTH,), dtype="int32")
    states = keras.layers.Embedding(VOCABULARY, width)(tokens)
    features = keras.layers.GlobalAveragePooling1D()(states)
    return keras.Model(tokens, features)


def make_model(image_encoder=None, text_encoder=None, seed=0, **arguments):
    """A model compiled with SGD, its weights fixed by `seed`.

    Args:
        image_encoder: A Keras model; `make_image_encoder()` by default.
        text_encoder: A Keras model; `make_text_encoder()` by default.
        seed: The global seed that is set before weights are drawn.
        **arguments: Further arguments of `UniCLIP`.
    """
    keras.utils.set_random_seed(seed)
    arguments = {
        "embedding_dim": 7,
        "augmentation_units": (3,),
        "projection_blocks": 1,
        "view_units": (8, 5),
        **arguments,
    }
    model = UniCLIP(
        image_encoder or make_image_encoder(),
        text_encoder or make_text_encoder(),
        **arguments,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


def make_batch(items=8, views=2, texts=None, seed=0):
    """A batch of NumPy arrays in which each id belongs to two items.

    Args:
        items: Number of items.
        views: Views per item.
        texts: Texts per item; None gives tokens without an axis for them.
        seed: Seed of the values.
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
