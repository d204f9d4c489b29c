"""This package's step and the plain Keras model of the step benchmark."""

import time

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from experiments.benchmarks.step import sides
from uniclip_keras import losses
from uniclip_keras import models


class PlainCLIP(keras.Model):
    """CLIP as a user of Keras writes it: towers, heads, `compute_loss`."""

    def __init__(self, image_encoder, text_encoder, width):
        super().__init__()
        self.image_encoder, self.text_encoder = image_encoder, text_encoder
        self.log_temperature = self.add_weight(
            name="log_temperature", shape=(), initializer="zeros"
        )
        self.image_norm = keras.layers.LayerNormalization()
        self.image_head = keras.layers.Dense(width, use_bias=False)
        self.text_head = keras.layers.Dense(width, use_bias=False)

    def call(self, inputs, training=False):
        images = self.image_encoder(inputs["images"], training=training)
        tokens = inputs["tokens"]
        states = self.text_encoder({"token_ids": tokens}, training=training)
        end = keras.ops.argmax(tokens, axis=-1)[:, None, None]
        texts = keras.ops.take_along_axis(states, end, axis=1)[:, 0]
        return (
            keras.ops.normalize(self.image_head(self.image_norm(images))),
            keras.ops.normalize(self.text_head(texts)),
        )

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        images, texts = y_pred
        logits = keras.ops.matmul(images, keras.ops.transpose(texts))
        logits = logits * keras.ops.exp(-self.log_temperature)
        labels = keras.ops.arange(keras.ops.shape(logits)[0])

        def entropy(rows):
            return keras.ops.mean(
                keras.losses.sparse_categorical_crossentropy(
                    labels, rows, from_logits=True
                )
            )

        return (entropy(logits) + entropy(keras.ops.transpose(logits))) / 2


class _Clock(keras.callbacks.Callback):
    """Notes the times at the end of each step, and the first two losses."""

    def __init__(self):
        super().__init__()
        self.begin, self.ends, self.means = time.perf_counter(), [], []

    def on_train_batch_end(self, batch, logs=None):
        wall = time.perf_counter() - self.begin
        self.ends.append((wall, time.process_time()))
        self.means.append(float(logs["loss"]))

    def losses(self):
        """The losses of two steps; Keras reports the mean since the start."""
        first, mean = self.means[:2]
        return [first, 2 * mean - first]


def write_start(path, sizes):
    """Writes initial weights, in our model's order, and a batch."""
    keras.utils.set_random_seed(0)
    weights = [np.asarray(weight) for weight in build(sizes).weights]
    rng = np.random.default_rng(0)
    size, pairs = sizes["image_size"], sizes["batch"]
    images = rng.random((pairs, size, size, 3), "float32")
    tokens = rng.integers(1, sizes["vocabulary"], (pairs, sizes["context"]))
    arrays = {f"weight_{i}": value for i, value in enumerate(weights)}
    np.savez(path, images=images, tokens=tokens.astype("int32"), **arrays)


def build(sizes):
    """Builds this package's CLIP."""
    width, heads = sizes["width"], sizes["heads"]
    return models.UniCLIP(
        models.vit(
            sizes["image_size"],
            sizes["patch_size"],
            width,
            sizes["layers"],
            heads,
        ),
        models.clip_text(
            sizes["vocabulary"],
            sizes["context"],
            width,
            sizes["text_layers"],
            heads,
        ),
        objective=losses.CLIP(),
        embedding_dim=width,
        augmentation_units=None,
        projection_blocks=0,
    )


def train_ours(start, sizes, steps):
    """`fit` of our model, set up as `experiments.pretrain` does it."""
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    return train_ours_with_grappler(start, sizes, steps)


def train_ours_with_grappler(start, sizes, steps):
    model, batch = load(start, sizes)
    return fit(model, batch, steps, jit_compile=False)


def train_plain(start, sizes, steps):
    """Stock `fit` of KerasHub's towers, with the same weights."""
    ours, batch = load(start, sizes)
    model = PlainCLIP(*plain_encoders(ours, sizes), sizes["width"])
    inputs = {"images": batch["views"][:, 0], "tokens": batch["tokens"]}
    model(inputs)
    model.log_temperature.assign(
        ours.objective.similarity.log_temperature[
            ours.objective.similarity.pair_index("image", "text")
        ]
    )
    model.image_norm.set_weights(ours.image_projection.norm.get_weights())
    for head, projection in (
        (model.image_head, ours.image_projection.projection),
        (model.text_head, ours.text_projection.projection),
    ):
        head.set_weights(projection.get_weights())
    return fit(model, inputs, steps)


def plain_encoders(ours, sizes):
    """KerasHub's towers with the weights of ours."""
    size, width, heads = sizes["image_size"], sizes["width"], sizes["heads"]
    vit = keras_hub.models.ViTBackbone(
        image_shape=(size, size, 3),
        patch_size=sizes["patch_size"],
        num_layers=sizes["layers"],
        num_heads=heads,
        hidden_dim=width,
        mlp_dim=4 * width,
    )
    weights = ours.image_encoder.get_weights()
    *patches, token, positions = weights[:4]
    blocks = _apart(weights[4:-2], heads)
    vit.set_weights([token, *patches, positions, *blocks, *weights[-2:]])
    text = keras_hub.models.CLIPTextEncoder(
        sizes["vocabulary"],
        width,
        width,
        sizes["text_layers"],
        heads,
        4 * width,
        max_sequence_length=sizes["context"],
    )
    weights = ours.text_encoder.get_weights()
    blocks = _apart(weights[2:-2], heads)
    text.set_weights([*weights[:2], *blocks, *weights[-2:]])
    return models.from_backbone(vit, size, pooling="first"), text


def _apart(weights, heads):
    """Cuts the weights of our blocks into those of KerasHub's."""
    theirs = []
    for start in range(0, len(weights), 12):
        *norm, kernels, biases, out, out_bias = weights[start : start + 6]
        width = len(out)
        theirs += norm
        for kernel, bias in zip(
            np.split(kernels, 3, axis=1), np.split(biases, 3), strict=True
        ):
            theirs += [kernel.reshape(width, heads, -1)]
            theirs += [bias.reshape(heads, -1)]
        theirs += [out.reshape(heads, -1, width), out_bias]
        theirs += weights[start + 6 : start + 12]
    return theirs


def load(start, sizes):
    """Returns our model with the weights of a file, and the file's batch."""
    model = build(sizes)
    with np.load(start) as file:
        model.set_weights(
            [file[f"weight_{i}"] for i in range(len(model.weights))]
        )
        views = tf.constant(file["images"][:, None])
        tokens = tf.constant(file["tokens"])
    return model, {
        "views": views,
        "augmentations": tf.zeros([len(views), 1, 11]),
        "tokens": tokens,
        "id": tf.range(len(views), dtype=tf.int64),
    }


def fit(model, batch, steps, **compile_options):
    """Fits on one batch again and again; returns ends of steps and losses."""
    model.compile(optimizer=make_optimizer(), **compile_options)
    data = tf.data.Dataset.from_tensors(batch).repeat()
    clock = _Clock()
    model.fit(
        data, steps_per_epoch=steps, epochs=1, verbose=0, callbacks=[clock]
    )
    return clock.ends, clock.losses()


def make_optimizer():
    return keras.optimizers.AdamW(
        sides.LEARNING_RATE,
        weight_decay=sides.WEIGHT_DECAY,
        epsilon=sides.EPSILON,
    )
