import types

import numpy as np
import pytest
from tiny_model import SIZE
from tiny_model import make_model

CLASSES = ["bee", "cat", "dog", "owl"]


@pytest.fixture(scope="session")
def drawings():
    """Images of four classes, and what a model makes of them.

    `model`, and for each split images `[n, 4, 4, 3]`, features `[n, 8]` of the
    image encoder, embeddings `[n, 7]` and labels `[n]`. Some of the training
    images are rare: classes have 8 to 14.
    """
    rng = np.random.default_rng(0)
    model = make_model()
    patterns = rng.random((len(CLASSES), SIZE, SIZE, 3))
    made = types.SimpleNamespace(model=model, patterns=patterns)
    for split, counts in (
        ("train", (8, 10, 12, 14)),
        ("validation", (5, 5, 6, 7)),
        ("test", (9, 12, 15, 3)),
    ):
        codes = rng.permutation(np.repeat(np.arange(len(CLASSES)), counts))
        noise = rng.random((len(codes), SIZE, SIZE, 3))
        images = (0.3 * patterns[codes] + 0.7 * noise).astype("float32")
        part = types.SimpleNamespace(
            images=images,
            features=model.image_encoder(images).numpy(),
            embeddings=model.encode_image(images).numpy(),
            labels=np.array(CLASSES)[codes],
        )
        part.pair = part.features, part.labels
        setattr(made, split, part)
    return made
