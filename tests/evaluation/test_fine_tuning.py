"""Fine-tuning a tiny model from a probe and from the zero-shot classes."""

import keras
import numpy as np
import pytest
from tiny_model import make_model

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import LinearHead
from uniclip_keras.evaluation import embedding_encoder
from uniclip_keras.evaluation import fine_tune
from uniclip_keras.evaluation import zero_shot_head
from uniclip_keras.evaluation import zero_shot_metrics

CLASSES = ["bee", "cat", "dog", "owl"]


def pairs(drawings):
    parts = drawings.train, drawings.test
    return [(part.images, part.labels) for part in parts]


def test_learns_and_leaves_the_encoder_as_it_was(drawings):
    encoder = drawings.model.image_encoder
    before = encoder.get_weights()
    head = LinearHead(np.zeros([8, 4]), np.zeros(4), CLASSES)
    keras.utils.set_random_seed(0)
    result = fine_tune(
        encoder,
        *pairs(drawings),
        head,
        epochs=30,
        batch_size=16,
        optimizer=keras.optimizers.Adam(0.01),
    )
    loss = result.facts["loss"]
    assert len(loss) == 30 and loss[0] > 2 * loss[-1]
    assert result.scores["top1"].value() > 0.5
    assert result.facts["n"] == len(result.scores["top1"].values) == 39
    for old, new in zip(before, encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("units", [None, (3,)])
def test_begins_at_the_zero_shot_classes(drawings, units):
    model = make_model(augmentation_units=units)
    classes = model.encode_image(drawings.patterns.astype("float32")).numpy()
    encoder = embedding_encoder(model)
    train, (images, labels) = pairs(drawings)
    embeddings = model.encode_image(images).numpy()
    np.testing.assert_allclose(encoder(images), embeddings, atol=1e-6)
    head = zero_shot_head(classes, CLASSES, 0.07)
    counts = np.rint(255 * images).astype("uint8")
    result = fine_tune(
        encoder,
        (np.rint(255 * train[0]).astype("uint8"), train[1]),
        (counts, labels),
        head,
        epochs=1,
        optimizer=keras.optimizers.SGD(0.0),
    )
    expected = zero_shot_metrics(
        model.encode_image(counts).numpy(), classes, labels, CLASSES
    )
    for name in ("top1", "mean_per_class"):
        found = result.scores[name].value()
        assert found == pytest.approx(expected[name], abs=1e-6)


def test_what_does_not_fit_is_refused(drawings):
    encoder = drawings.model.image_encoder
    train, test = pairs(drawings)
    head = LinearHead(np.zeros([8, 4]), np.zeros(4), CLASSES)
    more = LinearHead(np.zeros([8, 5]), np.zeros(5), [*CLASSES, "eel"])
    narrow = LinearHead(np.zeros([7, 4]), np.zeros(4), CLASSES)
    for data, head_, words in (
        ((train, test), more, "'eel' has no training image"),
        ((train, test), narrow, "takes 7 features and the encoder gives 8"),
        (((train[0], train[1][1:]), test), head, "44 training images and 43"),
        ((train, (test[0], ["eel"] * 39)), head, "of test images, such as 'e"),
    ):
        with pytest.raises(InputError, match=words):
            fine_tune(encoder, *data, head_)
    before = encoder.get_weights()
    with pytest.raises(InputError, match="lower learning rate"):
        fine_tune(
            encoder,
            train,
            test,
            head,
            epochs=2,
            optimizer=keras.optimizers.SGD(np.nan),
        )
    np.testing.assert_array_equal(before[0], encoder.get_weights()[0])
