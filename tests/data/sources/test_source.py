"""Every format gives the same samples, by the same rules."""

import collections
import itertools

import pytest
from format_files import png
from format_files import write_source

from uniclip_keras.data import BadSamples

KINDS = ("tar", "tfrecord", "tfds", ".csv", ".jsonl", ".parquet")
FIELDS = {"caption_field": "texts", "id_field": "id"}

SAMPLES = [
    {
        "image": png(number),
        "texts": [f'The "{number}"st,\tone', f"die {number}te"],
        "id": 7 * number,
        "label": ("cat", "wild_dog")[number % 2],
    }
    for number in range(5)
]


def rows(source, **options):
    return list(source.dataset(**options).as_numpy_iterator())


@pytest.fixture(scope="module", params=KINDS)
def source(request, tmp_path_factory):
    fields = dict(FIELDS)
    if request.param == "tfds":
        fields["caption_field"] = "captions/text"
    folder = tmp_path_factory.mktemp("source")
    return write_source(request.param, folder, SAMPLES, **fields)


def test_a_pass_and_its_shards_hold_what_was_written(source):
    tally = BadSamples()
    found = rows(source, seed=3, shuffle=True, bad_samples=tally)
    order = [int(row["id"]) for row in found]
    everything = {sample["id"]: sample for sample in SAMPLES}
    assert sorted(order) == list(everything)
    for row in found:
        sample = everything[int(row["id"])]
        texts = [" ".join(text.split()) for text in sample["texts"]]
        assert row["image"] == sample["image"]
        # A cell of CSV holds one caption.
        assert row["text"].decode().split("\n") in (texts, texts[:1])
        assert not row["is_name"]
    assert tally.read == source.count() == 5 and not tally.counts
    assert len({row["key"] for row in found}) == 5
    assert source.class_names is None
    options = {"seed": 3, "shuffle": True, "num_shards": 2}
    first, second = (
        [int(row["id"]) for row in rows(source, shard_index=index, **options)]
        for index in range(2)
    )
    # The same order again, split by files or sample by sample.
    pairs = itertools.zip_longest(first, second)
    dealt = [number for pair in pairs for number in pair if number is not None]
    assert order in ([*first, *second], dealt) and first and second


@pytest.mark.parametrize("kind", ["folders", "tfds", "tfrecord", ".csv"])
def test_labels_are_what_was_written(kind, tmp_path):
    options = {} if kind == "folders" else {"label_field": "label"}
    source = write_source(kind, tmp_path, SAMPLES, **options)
    found = rows(source)
    assert {row["image"]: row["label"].decode() for row in found} == {
        sample["image"]: sample["label"] for sample in SAMPLES
    }
    texts = collections.Counter(row["text"] for row in found)
    assert texts == {b"cat": 3, b"wild dog": 2}
    assert all(row["is_name"] for row in found)
    assert len({int(row["id"]) for row in found}) == 2
    assert source.count() == 5
    known = kind in ("folders", "tfds")
    assert source.class_names == (("cat", "wild dog") if known else ())
