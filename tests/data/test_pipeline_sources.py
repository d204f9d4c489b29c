"""Mixtures, labeled images and bad samples in the batches."""

import itertools
import json
import re

import pytest
import tensorflow as tf
import training_batches as tb
from samples import encode
from samples import sample_members
from samples import smooth_pixels
from samples import write_tar

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import mix
from uniclip_keras.data.sources.texts import text_id
from uniclip_keras.errors import InputError
from uniclip_keras.errors import input_error_in


@pytest.fixture(scope="module")
def source_and_labelled(tars, tmp_path_factory):
    """Nine samples as captions, and as classes of their own with two names."""
    classes = [
        {"label": n, "texts": [f"class{n}", f"kind{n}"]} for n in range(9)
    ]
    file = tmp_path_factory.mktemp("classes") / "classes.json"
    file.write_text(json.dumps(classes))
    return [
        WebDataset(tars, "captions", "id"),
        WebDataset(tars, label_field="id", classes=file),
    ]


def test_captions_and_class_names_in_one_batch(source_and_labelled, tokenizer):
    templates = ("{}", "a photo of {}", "number of {}")

    def some(count):
        options = {"batch_size": 18, "templates": templates}
        return tb.batches(mix(source_and_labelled), tokenizer, count, **options)

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
    tb.assert_equal_batches(drawn[:2], some(2))

    # Class names alone.
    mixture = mix(source_and_labelled, [0, 1])
    (batch,) = tb.batches(mixture, tokenizer, 1, templates=("a photo of {}",))
    texts = tokenizer.detokenize(batch["tokens"])
    assert all(text.startswith("a photo of") for text in texts)
    assert len(set(batch["id"])) == 6


def test_drawings_of_one_item_share_their_id(tmp_path):
    drawings = ("twemoji", 5), ("noto", 5), ("other", 6)
    members = itertools.starmap(sample_members, drawings)
    path = write_tar(tmp_path / "t.tar", itertools.chain(*members))
    by_id, by_caption = (
        [sample["id"] for sample in source.samples()]
        for source in (WebDataset(path, id_field="id"), WebDataset(path))
    )
    assert sorted(by_id) == [5, 5, 6] and len(set(by_caption)) == 1


def test_bad_samples_among_good_ones(tmp_path, tokenizer):
    def members(key, image, text=b"x"):
        content = {".png": image, ".txt": text, ".json": {"id": 9}}
        return [(key + ending, value) for ending, value in content.items()]

    good = [sample_members(f"k{number}", number) for number in range(6)]
    image = good[0][0][1]
    samples = [
        members("torn", image[:60]),
        *good[:3],
        members("blank", image, b""),
        members("wide", encode(smooth_pixels(0, size=48))),
        *good[3:],
        members("none", b""),
    ]
    path = write_tar(tmp_path / "t.tar", itertools.chain(*samples))
    tally = BadSamples()
    source = WebDataset(path, id_field="id")
    options = {"bad_samples": tally, "max_pixels": 24 * 24}
    (batch,) = tb.batches(source, tokenizer, 1, batch_size=10, **options)
    # Six good ones, and four others in place of the bad.
    assert {*batch["id"]} == set(range(6))
    counts = {bad.CORRUPT_IMAGE: 2, bad.EMPTY_CAPTION: 1, bad.OVERSIZE_IMAGE: 1}
    assert tally.counts.keys() == counts.keys()
    assert sorted(tally.examples[bad.CORRUPT_IMAGE]) == ["none", "torn"]
    assert tally.examples[bad.OVERSIZE_IMAGE] == ["wide"]


def test_source_without_a_good_image(tmp_path, tokenizer):
    members = [("a.png", b"no image"), ("a.txt", b"text")]
    source = WebDataset(write_tar(tmp_path / "broken.tar", members))
    with pytest.raises(InputError, match="None of the first 1 images .* 'a'"):
        tb.make_dataset(source, tokenizer)
    path = write_tar(tmp_path / "wide.tar", sample_members("wide"))
    with pytest.raises(InputError, match="of up to 575 pixels"):
        tb.make_dataset(WebDataset(path), tokenizer, max_pixels=575)


def test_too_many_bad_samples_stop_the_batches(
    tmp_path, tokenizer, monkeypatch
):
    monkeypatch.setattr(bad, "_FEWEST", 6)
    samples = [sample_members(f"k{number}", number) for number in range(4)]
    members = [*itertools.chain(*samples), ("torn.png", b"torn")]
    members.append(("torn.txt", b"x"))
    source = WebDataset(write_tar(tmp_path / "t.tar", members))
    tally = BadSamples(0.5)
    dataset = tb.make_dataset(
        source, tokenizer, batch_size=4, bad_samples=tally
    )
    tb.to_numpy(dataset, 3)
    tally.max_share = 0.05
    with pytest.raises(tf.errors.OpError) as caught:
        tb.to_numpy(dataset, 9)
    # What stands in TensorFlow's error is one sentence for the user.
    mistake = input_error_in(caught.value)
    assert isinstance(mistake, InputError)
    assert re.fullmatch("More than 5 %.*torn.*share.", str(mistake))
    assert input_error_in(tf.errors.InternalError(None, None, "x")) is None
