"""Fine-tuning: the image encoder and a linear head learn classes."""

import keras
import numpy as np

from uniclip_keras.data.augmentation import IDENTITY
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.classification import class_codes
from uniclip_keras.evaluation.classification import classification_result
from uniclip_keras.evaluation.linear_probe import LinearHead
from uniclip_keras.evaluation.ranking import rank_columns
from uniclip_keras.evaluation.vectors import check_labels


def fine_tune(
    encoder,
    train,
    test,
    head,
    epochs=10,
    batch_size=512,
    optimizer=None,
    top_k=(1, 5),
    groups=None,
):
    """Trains an encoder under a linear head, and measures it on test images.

    The head begins as a linear probe of the encoder's features
    (`fit_logistic`, with `model.image_encoder`), or as the zero-shot
    classifier (`zero_shot_head`, with `embedding_encoder(model)`). Training is
    that of Keras' `fit` on the cross-entropy; `keras.utils.set_random_seed`
    makes it repeatable. At the end the encoder has its old weights again.

    Args:
        encoder: `keras.Model`. Maps images in [0, 1] to features `[n, dim]`.
        train: `(images, labels)`: array `[n, h, w, 3]`, uint8 or float in
            [0, 1], and n labels.
        test: Likewise, to measure.
        head: A `LinearHead` with which to begin, of all classes.
        epochs: int. Passes over the training images.
        batch_size: int. Images per step.
        optimizer: A Keras optimizer. By default that of WiSE-FT (Wortsman et
            al. 2022): AdamW, weight decay 0.1, a learning rate that rises to
            3e-5 in at most 500 steps and falls as a cosine.
        top_k: Sequence of ints. The k of the accuracies.
        groups: A label for each test image of what is resampled together in an
            interval, or None.

    Returns:
        A `Result` as of `classification_result`, whose facts also hold
        `epochs` and `loss`, the mean training loss of each epoch.

    Raises:
        InputError: If images and labels do not fit together, a label is not
            among the head's classes, a class has no training image, the head
            does not fit the encoder, or the training diverges.
    """
    images, labels = (
        np.asarray(train[0]),
        check_labels(train[1], train[0], "training images"),
    )
    test_images = np.asarray(test[0])
    test_labels = check_labels(test[1], test_images, "test images")
    codes = class_codes(labels, head.classes, "training images")
    test_codes = class_codes(test_labels, head.classes, "test images")
    absent = np.bincount(codes, minlength=len(head.classes)) == 0
    if absent.any():
        raise InputError(
            f"The class {head.classes[absent.argmax()]!r} has no training "
            "image; add some, or leave it out of the head."
        )
    if encoder.output_shape[-1] != len(head.kernel):
        raise InputError(
            f"The head takes {len(head.kernel)} features and the encoder gives "
            f"{encoder.output_shape[-1]}; fit the head on its features."
        )
    classifier = _classifier(encoder, head, images)
    steps = epochs * -(-len(images) // batch_size)
    classifier.compile(
        optimizer or _default_optimizer(steps),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    before = encoder.get_weights()
    try:
        history = classifier.fit(
            images, codes, batch_size, epochs, verbose=0
        ).history
        logits = classifier.predict(test_images, batch_size, verbose=0)
    finally:
        encoder.set_weights(before)
    if not np.isfinite(logits).all():
        raise InputError(
            "The fine-tuned model gives NaN or infinity; give an optimizer "
            "with a lower learning rate."
        )
    ranks = rank_columns(logits, test_codes)
    result = classification_result(
        ranks, test_codes, head.classes, top_k, groups
    )
    result.facts.update(epochs=epochs, loss=history["loss"])
    return result


def zero_shot_head(class_embeddings, class_labels, temperature):
    """Makes the `LinearHead` whose logits are those of zero-shot classes.

    Args:
        class_embeddings: Float array `[classes, dim]` of unit length.
        class_labels: The labels of the classes.
        temperature: float. That between images and texts, with which the model
            was trained.
    """
    kernel = np.asarray(class_embeddings, np.float32).T / temperature
    return LinearHead(kernel, np.zeros(kernel.shape[1]), list(class_labels))


def embedding_encoder(model):
    """Returns a `keras.Model` from images to unit embeddings.

    It shares the layers of a `UniCLIP` model, takes images as untouched as
    `encode_image` does, and can be trained.
    """
    images = keras.Input(model.image_encoder.input_shape[1:])
    features = model.image_encoder(images)
    inputs = [features]
    if model.augmentation_encoder is not None:
        vectors = keras.ops.zeros_like(features[:, :1]) + np.array(IDENTITY)
        inputs.append(model.embed_augmentations(vectors))
    embedding = model.image_projection(*inputs)
    return keras.Model(images, keras.layers.UnitNormalization()(embedding))


def _classifier(encoder, head, images):
    inputs = keras.Input(images.shape[1:], dtype=images.dtype.name)
    pixels = inputs
    if images.dtype == np.uint8:
        pixels = keras.layers.Rescaling(1 / 255)(inputs)
    dense = keras.layers.Dense(len(head.classes), dtype="float32")
    classifier = keras.Model(inputs, dense(encoder(pixels)))
    dense.set_weights([head.kernel, head.bias])
    return classifier


def _default_optimizer(steps):
    warm_up = min(500, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else 3e-5,
        max(1, steps - warm_up),
        warmup_target=3e-5 if warm_up else None,
        warmup_steps=warm_up,
    )
    return keras.optimizers.AdamW(rate, weight_decay=0.1)
