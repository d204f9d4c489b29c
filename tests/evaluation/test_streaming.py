"""Streamed embeddings against those of all images at once."""

import numpy as np
import pytest
import tensorflow as tf
from samples import encode
from samples import smooth_pixels
from tiny_model import SIZE
from tiny_model import make_model

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import load_images
from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import StreamingEmbedder


def make_samples(count):
    """Samples of which the second is corrupt and the fifth too large."""
    for number in range(count):
        size = 28 if number == 4 else 24
        image = encode(smooth_pixels(number, size=size))
        yield {
            "image": image[:50] if number == 1 else image,
            "number": 10 + number,
            "key": f"key {number}",
            "label": "odd" if number % 2 else "even",
            "group": "",
        }


def embed(model, count, batch_size, **options):
    tally, seen = BadSamples(), []
    found = StreamingEmbedder(
        model, SIZE, batch_size=batch_size, max_pixels=24 * 24, **options
    ).embed(make_samples(count), tally, seen.append)
    return found, tally, seen


@pytest.mark.parametrize("replicas", [1, 2])
def test_every_good_image_counts_once_on_any_number_of_replicas(
    replicas, two_replicas
):
    strategy = two_replicas if replicas == 2 else tf.distribute.get_strategy()
    with strategy.scope():
        model = make_model()
    # The last batch holds three images: neither full, nor even.
    found, tally, seen = embed(model, 41, 8, with_features=True)
    samples = list(make_samples(41))
    images, _, kept = load_images(
        [sample["image"] for sample in samples], SIZE, max_pixels=24 * 24
    )
    assert len(kept) == 39
    expected, features = model.encode_image(images, with_features=True)
    np.testing.assert_allclose(found.embeddings, expected, atol=1e-6)
    np.testing.assert_allclose(
        found.embeddings, model.encode_image(images), atol=1e-6
    )
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    assert found.numbers.tolist() == [10 + number for number in kept]
    assert found.keys.tolist() == [samples[i]["key"] for i in kept]
    assert found.labels.tolist() == [samples[i]["label"] for i in kept]
    named = {bad.CORRUPT_IMAGE: ["key 1"], bad.OVERSIZE_IMAGE: ["key 4"]}
    assert tally.examples == named
    assert seen[-1] == 41 and len(seen) == 5


@pytest.mark.parametrize("fit", ["crop", "clip"])
def test_crops_are_embedded_with_their_vectors(fit):
    model = make_model()
    pixels = [smooth_pixels(number, size=24)[:, :16] for number in range(3)]
    samples = [
        {**sample, "image": encode(image)}
        for sample, image in zip(make_samples(3), pixels, strict=True)
    ]
    found = StreamingEmbedder(model, SIZE, fit=fit, batch_size=2)
    views, vectors = zip(
        *(evaluation_view(image, SIZE, fit) for image in pixels), strict=True
    )
    expected = model.encode_image(np.array(views), np.array(vectors))
    embeddings = found.embed(samples).embeddings
    np.testing.assert_allclose(embeddings, expected, atol=1e-6)
    untouched = model.encode_image(np.array(views))
    assert np.abs(embeddings - untouched).max() > 1e-4


def test_what_the_source_raises_is_raised():
    def broken():
        yield from make_samples(9)
        raise InputError("the disk is gone")

    with pytest.raises(InputError, match="the disk is gone"):
        StreamingEmbedder(make_model(), SIZE).embed(broken())


def test_no_good_image_and_a_batch_that_replicas_cannot_share(two_replicas):
    samples = [s for s in make_samples(2) if s["number"] == 11]
    with pytest.raises(InputError, match="None of the 1 samples"):
        StreamingEmbedder(make_model(), SIZE).embed(samples)
    with two_replicas.scope():
        model = make_model()
    with pytest.raises(InputError, match="batch_size=7 cannot"):
        StreamingEmbedder(model, SIZE, batch_size=7)
