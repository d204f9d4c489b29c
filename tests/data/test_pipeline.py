"""What is in the batches, and in which order."""

import numpy as np
import pytest
import tensorflow as tf
import training_batches as tb
from samples import encode
from samples import smooth_pixels
from samples import write_tar

from uniclip_keras.data import WebDataset
from uniclip_keras.data import augmentation
from uniclip_keras.data import training_dataset
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def source(tars):
    return WebDataset(tars, "captions", "id")


@pytest.fixture(scope="module")
def dataset(source, tokenizer):
    return tb.make_dataset(source, tokenizer)


@pytest.fixture(scope="module")
def eight_passes(dataset):
    return tb.to_numpy(dataset, 12)


def test_static_shapes_and_types(dataset):
    assert dataset.element_spec == {
        "views": tf.TensorSpec([6, 2, tb.SIZE, tb.SIZE, 3], tf.float32),
        "augmentations": tf.TensorSpec([6, 2, 11], tf.float32),
        "tokens": tf.TensorSpec([6, 16], tf.int32),
        "id": tf.TensorSpec([6], tf.int64),
    }
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY


def test_other_seed_other_views(source, tokenizer, eight_passes):
    other = tb.batches(source, tokenizer, 4, seed=8)
    assert any(
        (first["augmentations"] != second["augmentations"]).any()
        for first, second in zip(eight_passes[:4], other, strict=True)
    )


def test_passes_hold_every_sample_once(eight_passes):
    ids = np.concatenate([batch["id"] for batch in eight_passes])
    orders = ids.reshape(-1, 9).tolist()
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len(set(map(tuple, orders))) > 1


def test_views_are_what_their_vectors_say(eight_passes):
    for batch in eight_passes[:3]:
        assert batch["views"].min() >= 0 and batch["views"].max() <= 1 + 1e-6
        columns = batch["id"], batch["views"], batch["augmentations"]
        for number, views, vectors in zip(*columns, strict=True):
            again = augmentation.replay(smooth_pixels(number), vectors, tb.SIZE)
            np.testing.assert_allclose(views, again, atol=1e-3)
        vectors = batch["augmentations"].reshape(-1, 11)
        assert len(np.unique(vectors, axis=0)) == len(vectors)


def test_views_of_8_bits_are_the_views_rounded(source, tokenizer, eight_passes):
    options = {"views_dtype": "uint8"}
    for batch, expected in zip(
        tb.batches(source, tokenizer, 2, **options), eight_passes, strict=False
    ):
        views = batch.pop("views")
        assert views.dtype == np.uint8
        error = views / 255 - expected["views"]
        assert 0.4 / 255 < np.abs(error).max() < 0.5 / 255 + 1e-6
        for name, value in batch.items():
            np.testing.assert_array_equal(value, expected[name])


def test_views_of_photographs_are_what_their_vectors_say(tmp_path, tokenizer):
    """JPEGs that are decoded at a half or a quarter, in views of 64 px."""
    photos, members = [], []
    for number, size in enumerate((520, 300, 140)):
        pixels = smooth_pixels(number, size=size)
        photos.append(encode(pixels, "JPEG", quality=90))
        members.append((f"{number}.jpg", photos[-1]))
        members.append((f"{number}.txt", b"red heart"))
    source = WebDataset(write_tar(tmp_path / "photos.tar", members))
    dataset = training_dataset(
        source, tokenizer, tb.RECIPE, 64, 6, seed=0, with_keys=True
    )
    reductions = set()
    (batch,) = tb.to_numpy(dataset, 1)
    columns = batch["key"], batch["views"], batch["augmentations"]
    for key, views, vectors in zip(*columns, strict=True):
        encoded = tf.constant(photos[int(key)])
        reduction = augmentation.reduction(vectors, *image_shape(encoded), 64)
        image = decode_image(encoded, reduction)
        again = augmentation.replay(image, vectors, 64)
        np.testing.assert_allclose(views, again, atol=1e-5)
        reductions.add(int(reduction))
    assert len(reductions) > 1


@pytest.mark.parametrize("size", [32, 64])
def test_decoded_encoded_and_broken_images_in_one_chunk(
    tmp_path, tokenizer, size
):
    """Small images are in memory decoded, large ones are not."""
    images = {
        str(number): smooth_pixels(number, size=24 if number % 2 else 150)
        for number in range(8)
    }
    members = [("broken.png", b"no image"), ("broken.txt", b"red heart")]
    for key, pixels in images.items():
        members += [(f"{key}.png", encode(pixels)), (f"{key}.txt", b"heart")]
    source = WebDataset(write_tar(tmp_path / "mixed.tar", members))
    options = {"seed": 0, "with_keys": True, "views_dtype": "uint8"}
    dataset = training_dataset(source, tokenizer, tb.RECIPE, size, 9, **options)
    for batch in tb.to_numpy(dataset, 2):
        assert batch["row"].tolist() == sorted(batch["row"])
        keys = [key.decode() for key in batch["key"]]
        # Another one takes the place of the broken one.
        assert set(keys) == set(images)
        columns = keys, batch["views"], batch["augmentations"]
        for key, views, vectors in zip(*columns, strict=True):
            again = augmentation.replay(images[key], vectors, size)
            error = views / 255 - again
            assert np.abs(error).max() < 0.5 / 255 + 1e-4


def test_a_caption_of_its_own_goes_with_each_image(eight_passes, tokenizer):
    drawn = {}
    for batch in eight_passes:
        texts = tokenizer.detokenize(batch["tokens"])
        for number, text in zip(batch["id"], texts, strict=True):
            assert text in (f"caption {number}", f"number{number}")
            drawn.setdefault(number, set()).add(text)
    # Over eight passes both captions are drawn for nearly all.
    assert sum(len(texts) == 2 for texts in drawn.values()) >= 7


def test_all_captions_as_positives_with_what_they_belong_to(source, tokenizer):
    options = {"captions_per_image": 2, "with_keys": True, "batch_size": 9}
    (batch,) = tb.batches(source, tokenizer, 1, **options)
    # `source.count() // batch_size` batches are a pass.
    assert source.count() // 9 == 1
    assert sorted(batch["id"]) == list(range(9))
    assert batch["tokens"].shape == (9, 2, 16)
    assert batch["text"].shape == (9, 2)
    columns = (batch[name] for name in ("id", "key", "text", "tokens"))
    for number, key, texts, tokens in zip(*columns, strict=True):
        assert key.decode() == f"k{number}"
        captions = f"caption {number}", f"number{number}"
        assert {*texts} == {caption.encode() for caption in captions}
        np.testing.assert_array_equal(tokens, tokenizer(texts))
    assert batch["source"].tolist() == [0] * 9


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("batch_size", 0, "batch_size=0 is not allowed"),
        ("captions_per_image", 0, "captions_per_image=0 is not allowed"),
        ("replicas", 0, "replicas=0 is not allowed"),
        ("views_dtype", "uint16", "'uint16' is not allowed.*'uint8'"),
        ("templates", ["{}", "photo"], "'photo' .* exactly one"),
    ],
)
def test_bad_options(source, tokenizer, option, value, message):
    with pytest.raises(InputError, match=message):
        tb.make_dataset(source, tokenizer, **{option: value})
