"""Tasks that need the pixels again: corrupted images and fine-tuning."""

import keras
import numpy as np
import tensorflow as tf

from uniclip_keras import evaluation
from uniclip_keras.errors import InputError

# Images in memory at a time, beside those to fine-tune on.
_BATCH = 256


def robustness(embedder, model, task, source, images, classes, groups):
    """Measures zero-shot classes of corrupted images.

    Args:
        embedder: The `TaskEmbedder` that reads the images.
        model: Has `encode_image`.
        task: Section of the configuration, which may name `corruptions` and
            `severities`.
        source: The source of the images.
        images: Their `evaluation.EmbeddedImages`.
        classes: Their `Candidates`.
        groups: A label for each image of what is resampled together, or None.

    Returns:
        `evaluation.Result`.
    """
    encode, vectors = tf.function(model.encode_image), None

    def batches():
        nonlocal vectors
        for start in range(0, len(images.numbers), _BATCH):
            rows = images.numbers[start : start + _BATCH]
            pixels, vectors = embedder.squares(source, rows)
            yield pixels

    names = {"corruptions", "severities"}
    return evaluation.corruption_robustness(
        lambda batch: encode(batch, vectors).numpy(),
        batches(),
        images.labels.tolist(),
        classes.embeddings,
        classes.labels.tolist(),
        groups=groups,
        **{name: value for name, value in task.items() if name in names},
    )


def fine_tuning(embedder, model, epochs, train, test, probe, seed, groups):
    """Measures an image encoder that learns the classes of a probe.

    The head begins as the linear probe of the training images.

    Args:
        embedder: See `robustness`.
        model: Has `image_encoder`.
        epochs: int. Passes over the training images, which are in memory.
        train, test: `(source, EmbeddedImages)`.
        probe: `evaluation.Result` of the linear probe of the features, whose
            penalty the head takes; None for a SavedModel, which has none.
        seed: int. Of the order of the images.
        groups: See `robustness`.

    Returns:
        `evaluation.Result`.
    """
    if probe is None:
        raise InputError(
            "A SavedModel cannot be fine-tuned: evaluate the workdir, or "
            "leave out fine_tuning_epochs."
        )
    features = train[1].features, train[1].labels
    head, _ = evaluation.fit_logistic(*features, probe.facts["C"])
    keras.utils.set_random_seed(seed)
    return evaluation.fine_tune(
        model.image_encoder,
        *(
            (_eight_bit(embedder, source, images.numbers), images.labels)
            for source, images in (train, test)
        ),
        head,
        epochs=epochs,
        groups=groups,
    )


def _eight_bit(embedder, source, numbers):
    """Reads images: uint8 `[n, size, size, 3]`."""
    batches = [
        embedder.squares(source, numbers[start : start + _BATCH])[0]
        for start in range(0, len(numbers), _BATCH)
    ]
    return np.concatenate([np.rint(255 * x).astype(np.uint8) for x in batches])
