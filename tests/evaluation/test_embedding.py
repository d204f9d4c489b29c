"""What the model's own calls give, through the embedder and the check."""

import numpy as np
import pytest
from tiny_model import make_batch
from tiny_model import make_model

from uniclip_keras.evaluation import Embedder
from uniclip_keras.evaluation import augmentation_check


def test_batches_of_one_shape_give_every_row_once():
    model, batch = make_model(), make_batch(5)
    tokens = {f"text {i}": row for i, row in enumerate(batch["tokens"])}
    embedder = Embedder(
        model,
        lambda texts: np.stack([tokens[t.decode()] for t in texts.numpy()]),
        batch_size=2,
    )
    images, texts = batch["views"][:, 0], list(tokens)
    for found, expected in (
        (embedder.images(images), model.encode_image(images)),
        (embedder.texts(texts), model.encode_text(batch["tokens"])),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_only_an_augmentation_aware_head_loses_by_shuffled_vectors():
    batches = [make_batch(6), make_batch(6, seed=1)]
    aware = make_model()
    found = augmentation_check(aware, batches)
    losses = [float(aware.batch_loss(batch)) for batch in batches]
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert found["loss"] != found["loss_shuffled"]
    assert found["n"] == 12
    blind = augmentation_check(make_model(augmentation_units=None), batches)
    assert blind["loss"] == blind["loss_shuffled"]
