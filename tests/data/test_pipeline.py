import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data import BadSamples
from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import WebDataset
from uniclip_keras.data import augmentation
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import mix
from uniclip_keras.data import training_dataset
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.images.header import image_shape
from uniclip_keras.data.sources.texts import text_id
from uniclip_keras.errors import InputError

SIZE = 16
RECIPE = augmentation.recipe_from_config(["weak", "strong"])


@pytest.fixture(scope="module")
def tokenizer():
    captions = [f"caption {number} number{number}" for number in range(20)]
    captions += [
        f"class{number} a photo of kind{number}" for number in range(9)
    ]
    return SubwordTokenizer.train([*captions, "red heart\nrotes herz"], 200, 16)


@pytest.fixture
def source(write_tar, sample, tmp_path):
    """Nine good samples, ids 0 to 8, each with two captions of its own."""
    for shard in range(3):
        members = []
        for number in range(3 * shard, 3 * shard + 3):
            captions = (f"caption {number}", f"number{number}")
            members += sample(f"k{number}", number, captions)
        write_tar(f"s-{shard}.tar", members)
    return WebDataset(str(tmp_path / "s-*.tar"), "captions", "id")


def batches(source, tokenizer, count, seed=0, batch_size=6, **options):
    dataset = training_dataset(
        source, tokenizer, RECIPE, SIZE, batch_size, seed, **options
    )
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in dataset.take(count)
    ]


def assert_equal_batches(one, other):
    for first, second in zip(one, other, strict=True):
        assert first.keys() == second.keys()
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


def test_static_shapes_and_types(source, tokenizer):
    dataset = training_dataset(source, tokenizer, RECIPE, SIZE, 4, seed=0)
    assert dataset.element_spec == {
        "views": tf.TensorSpec([4, 2, SIZE, SIZE, 3], tf.float32),
        "augmentations": tf.TensorSpec([4, 2, 11], tf.float32),
        "tokens": tf.TensorSpec([4, 16], tf.int32),
        "id": tf.TensorSpec([4], tf.int64),
    }
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY


def test_other_seed_other_views(source, tokenizer):
    one, other = (batches(source, tokenizer, 4, seed=seed) for seed in (7, 8))
    assert any(
        (first["augmentations"] != second["augmentations"]).any()
        for first, second in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("cache", [False, True])
def test_going_on_equals_never_stopping(source, tokenizer, cache):
    whole = batches(source, tokenizer, 5, cache=cache)
    rest = batches(source, tokenizer, 2, cache=cache, first_batch=3)
    assert_equal_batches(whole[3:], rest)


@pytest.mark.parametrize("cache", [False, True])
def test_each_pass_holds_every_sample_once(source, tokenizer, cache):
    passes = batches(source, tokenizer, 4, batch_size=9, cache=cache)
    orders = [batch["id"].tolist() for batch in passes]
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_views_are_what_their_vectors_say(source, tokenizer, pixels):
    for batch in batches(source, tokenizer, 3):
        assert batch["views"].min() >= 0 and batch["views"].max() <= 1 + 1e-6
        for number, views, vectors in zip(
            batch["id"], batch["views"], batch["augmentations"], strict=True
        ):
            again = augmentation.replay(pixels(number), vectors, SIZE)
            np.testing.assert_allclose(views, again, atol=1e-3)
    vectors = batch["augmentations"].reshape(-1, 11)
    assert len(np.unique(vectors, axis=0)) == len(vectors)


def test_views_of_photographs_are_what_their_vectors_say(
    write_tar, encode_image, pixels, tokenizer
):
    """JPEGs that are decoded at a half or a quarter, in views of 64 px."""
    photos = [
        encode_image(pixels(number, size=size), "JPEG", quality=90)
        for number, size in enumerate((520, 300, 140))
    ]
    members = []
    for number, photo in enumerate(photos):
        members += [(f"{number}.jpg", photo), (f"{number}.txt", b"red heart")]
    dataset = training_dataset(
        WebDataset(write_tar("photos.tar", members)),
        tokenizer,
        augmentation.recipe_from_config(["weak", "strong"]),
        64,
        6,
        seed=0,
        with_keys=True,
    )
    reductions = set()
    batch = next(iter(dataset))
    for key, views, vectors in zip(
        batch["key"].numpy(),
        batch["views"].numpy(),
        batch["augmentations"],
        strict=True,
    ):
        encoded = tf.constant(photos[int(key)])
        reduction = augmentation.reduction(vectors, *image_shape(encoded), 64)
        source = decode_image(encoded, reduction)
        again = augmentation.replay(source, vectors, 64)
        np.testing.assert_allclose(views, again, atol=1e-5)
        reductions.add(int(reduction))
    assert len(reductions) > 1


def test_a_caption_of_its_own_goes_with_each_image(source, tokenizer):
    drawn = {}
    for batch in batches(source, tokenizer, 12):
        texts = tokenizer.detokenize(batch["tokens"])
        for number, text in zip(batch["id"], texts, strict=True):
            assert text in (f"caption {number}", f"number{number}")
            drawn.setdefault(number, set()).add(text)
    # Over eight passes both captions are drawn for nearly all.
    assert sum(len(texts) == 2 for texts in drawn.values()) >= 7


def test_drawings_of_one_item_share_their_id(write_tar, sample, tokenizer):
    path = write_tar(
        "t.tar", sample("twemoji", 5) + sample("noto", 5) + sample("other", 6)
    )
    source = WebDataset(path, id_field="id")
    (batch,) = batches(source, tokenizer, 1, batch_size=3)
    assert sorted(batch["id"]) == [5, 5, 6]
    by_caption = WebDataset(path)
    (batch,) = batches(by_caption, tokenizer, 1, batch_size=3)
    assert len(set(batch["id"])) == 1


@pytest.fixture
def labelled(source, tmp_path):
    """The same nine samples, each of a class of its own with two names."""
    classes = [
        {"label": number, "texts": [f"class{number}", f"kind{number}"]}
        for number in range(9)
    ]
    (tmp_path / "classes.json").write_text(json.dumps(classes))
    return WebDataset(
        str(tmp_path / "s-*.tar"),
        label_field="id",
        classes=tmp_path / "classes.json",
    )


def test_captions_and_class_names_in_one_batch(source, labelled, tokenizer):
    templates = ("{}", "a photo of {}", "number of {}")

    def some(count):
        options = {"batch_size": 18, "templates": templates}
        return batches(mix([source, labelled]), tokenizer, count, **options)

    number_of = {text_id(f"class{number}"): number for number in range(9)}
    orders = [], []
    prompts = set()
    drawn = some(6)
    for batch in drawn:
        texts = tokenizer.detokenize(batch["tokens"])
        for sample_id, text in zip(batch["id"].tolist(), texts, strict=True):
            if sample_id < 9:
                assert text in (f"caption {sample_id}", f"number{sample_id}")
                orders[0].append(sample_id)
                continue
            number = number_of[sample_id]
            orders[1].append(number)
            names = f"class{number}", f"kind{number}"
            (name,) = (name for name in names if name in text)
            prompts.add((text.replace(name, "{}"), names.index(name)))
    # Each template with each of the two names.
    assert prompts == set(itertools.product(templates, (0, 1)))
    # Half and half, 54 +- 5.2 each, and in different orders.
    assert 30 < len(orders[0]) < 78
    assert orders[0][:9] != orders[1][:9]
    assert_equal_batches(drawn[:2], some(2))


def test_class_names_alone_in_a_batch(source, labelled, tokenizer):
    mixture = mix([source, labelled], [0, 1])
    (batch,) = batches(mixture, tokenizer, 1, templates=("a photo of {}",))
    texts = tokenizer.detokenize(batch["tokens"])
    assert all(text.startswith("a photo of") for text in texts)
    assert len(set(batch["id"])) == 6


def test_templates_that_are_none(source, tokenizer):
    with pytest.raises(InputError, match="'photo' .* exactly one"):
        batches(source, tokenizer, 1, templates=["{}", "photo"])


@pytest.mark.parametrize("cache", [False, True])
def test_bad_samples_among_good_ones(write_tar, sample, tokenizer, cache):
    good = [sample(f"k{number}", number) for number in range(6)]
    image = good[0][0][1]
    path = write_tar(
        "t.tar",
        [("torn.png", image[:60]), ("torn.txt", b"x"), ("torn.json", {"id": 9})]
        + [m for members in good[:3] for m in members]
        + [("blank.png", image), ("blank.txt", b""), ("blank.json", {"id": 9})]
        + [m for members in good[3:] for m in members]
        + [("none.png", b""), ("none.txt", b"x"), ("none.json", {"id": 9})],
    )
    tally = BadSamples()
    source = WebDataset(path, id_field="id")
    passes = batches(
        source, tokenizer, 3, batch_size=6, cache=cache, bad_samples=tally
    )
    for batch in passes:
        assert sorted(batch["id"]) == list(range(6))
    assert set(tally.counts) == {bad.CORRUPT_IMAGE, bad.EMPTY_CAPTION}
    assert sorted(tally.examples[bad.CORRUPT_IMAGE]) == ["none", "torn"]
    if cache:
        assert tally.counts == {bad.CORRUPT_IMAGE: 2, bad.EMPTY_CAPTION: 1}
        assert tally.summary().startswith("Read 9 samples and skipped 3")


def test_source_without_a_good_image(write_tar, tokenizer):
    path = write_tar("t.tar", [("a.png", b"no image"), ("a.txt", b"text")])
    with pytest.raises(InputError, match="None of the first 1 images .* 'a'"):
        training_dataset(WebDataset(path), tokenizer, RECIPE, SIZE, 2, seed=0)


def test_too_many_bad_samples_stop_the_batches(
    write_tar, sample, tokenizer, monkeypatch
):
    monkeypatch.setattr(bad, "_FEWEST", 6)
    members = [m for number in range(4) for m in sample(f"k{number}", number)]
    members += [("torn.png", b"torn"), ("torn.txt", b"x")]
    source = WebDataset(write_tar("t.tar", members))
    options = {"batch_size": 4}
    batches(source, tokenizer, 3, bad_samples=BadSamples(0.5), **options)
    with pytest.raises(tf.errors.OpError, match="More than 5 %.*torn"):
        batches(source, tokenizer, 9, bad_samples=BadSamples(0.05), **options)


def test_images_beyond_the_pixel_limit(
    write_tar, sample, encode_image, pixels, tokenizer
):
    members = sample("small") + [
        ("wide.png", encode_image(pixels(0, size=48))),
        ("wide.txt", b"red heart"),
    ]
    source = WebDataset(write_tar("t.tar", members))
    tally = BadSamples()
    (batch,) = batches(
        source,
        tokenizer,
        1,
        batch_size=2,
        bad_samples=tally,
        max_pixels=24 * 24,
        with_keys=True,
    )
    assert batch["key"].tolist() == [b"small"] * 2
    assert tally.examples == {bad.OVERSIZE_IMAGE: ["wide"]}
    with pytest.raises(InputError, match="of up to 575 pixels"):
        batches(source, tokenizer, 1, max_pixels=575)


def test_all_captions_as_positives_with_what_they_belong_to(source, tokenizer):
    options = {"captions_per_image": 2, "with_keys": True, "batch_size": 9}
    (batch,) = batches(source, tokenizer, 1, **options)
    assert batch["tokens"].shape == (9, 2, 16)
    assert batch["text"].shape == (9, 2)
    for number, key, texts, tokens in zip(
        batch["id"], batch["key"], batch["text"], batch["tokens"], strict=True
    ):
        assert key.decode() == f"k{number}"
        assert {*texts} == {
            f"caption {number}".encode(),
            f"number{number}".encode(),
        }
        np.testing.assert_array_equal(tokens, tokenizer(texts))
    assert batch["source"].tolist() == [0] * 9


@pytest.mark.parametrize("option", ["batch_size", "captions_per_image"])
def test_numbers_out_of_range(source, tokenizer, option):
    with pytest.raises(InputError, match=f"{option}=0 is not allowed"):
        batches(source, tokenizer, 1, **{option: 0})


def test_mixture_draws_by_weight(write_tar, sample, tokenizer):
    sources = []
    for number in (0, 1):
        path = write_tar(f"{number}.tar", sample("k", number))
        sources.append(WebDataset(path, id_field="id"))
    mixture = mix(sources, [5, 1])
    drawn = batches(mixture, tokenizer, 10, batch_size=30)
    ids = np.concatenate([batch["id"] for batch in drawn])
    # 250 +- 6.5 of 300.
    assert 225 < (ids == 0).sum() < 275
    again = batches(mixture, tokenizer, 2, batch_size=30)
    assert_equal_batches(drawn[:2], again)


def test_strategy_splits_the_global_batch(source, tokenizer, two_replicas):
    (whole,) = batches(source, tokenizer, 1)
    dataset = training_dataset(source, tokenizer, RECIPE, SIZE, 6, seed=0)
    split = next(iter(two_replicas.experimental_distribute_dataset(dataset)))
    for name, value in split.items():
        parts = two_replicas.experimental_local_results(value)
        assert [part.shape[0] for part in parts] == [3, 3]
        np.testing.assert_array_equal(tf.concat(parts, 0), whole[name])


def test_source_count_makes_epochs(source, tokenizer):
    steps = source.count() // 3
    ids = [b["id"] for b in batches(source, tokenizer, steps, batch_size=3)]
    assert sorted(itertools.chain(*ids)) == list(range(9))
