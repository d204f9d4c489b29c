"""Every format gives the same samples, by the same rules, in any order."""

import collections
import concurrent.futures
import gzip
import io
import itertools
import pathlib
import threading

import numpy as np
import pytest
import tensorflow as tf
from format_files import png
from format_files import write_source

from uniclip_keras import data
from uniclip_keras.data import BadSamples
from uniclip_keras.data.sources import file_source
from uniclip_keras.data.sources import stream as streams
from uniclip_keras.errors import InputError

KINDS = ("tar", "tfrecord", "tfds", ".csv", ".jsonl", ".parquet")
FIELDS = {"caption_field": "texts", "id_field": "id"}


def make_samples(count):
    return [
        {
            "image": png(number % 9),
            "texts": [f'The "{number}"st,\tone', f"die {number}te"],
            "id": 7 * number,
            "label": ("cat", "wild_dog")[number % 2],
        }
        for number in range(count)
    ]


SAMPLES = make_samples(5)


@pytest.fixture(scope="module", params=KINDS)
def source(request, tmp_path_factory):
    fields = {**FIELDS, "group_field": "id"}
    if request.param == "tfds":
        fields["caption_field"] = "captions/text"
    folder = tmp_path_factory.mktemp("source")
    return write_source(request.param, folder, SAMPLES, **fields)


def test_a_pass_holds_what_was_written(source):
    tally = BadSamples()
    found = list(source.samples(tally))
    assert len(found) == 5
    for row, sample in zip(found, SAMPLES, strict=True):
        texts = [" ".join(text.split()) for text in sample["texts"]]
        assert row["id"] == sample["id"] and row["image"] == sample["image"]
        # A cell of CSV holds one caption.
        assert row["text"].split("\n") in (texts, texts[:1])
        assert not row["is_name"] and row["problem"] == ""
        assert row["group"] == str(sample["id"])
    assert [row["number"] for row in found] == [0, 1, 2, 3, 4]
    assert tally.read == source.count() == 5 and not tally.counts
    assert len({row["key"] for row in found}) == 5
    assert source.class_names is None
    blind = source.samples(images=False)
    assert list(blind) == [{**row, "image": b""} for row in found]
    source.prepare()
    assert source.lost(4) == 0


@pytest.mark.parametrize("kind", ["folders", "tfds", "tfrecord", ".csv"])
def test_labels_are_what_was_written(kind, tmp_path):
    options = {} if kind == "folders" else {"label_field": "label"}
    source = write_source(kind, tmp_path, SAMPLES, **options)
    found = list(source.samples())
    assert {row["image"]: row["label"] for row in found} == {
        sample["image"]: sample["label"] for sample in SAMPLES
    }
    texts = collections.Counter(row["text"] for row in found)
    assert texts == {"cat": 3, "wild dog": 2}
    assert all(row["is_name"] for row in found)
    assert len({row["id"] for row in found}) == 2
    assert source.count() == 5
    known = kind in ("folders", "tfds")
    assert source.class_names == (("cat", "wild dog") if known else ())


def many(kind, folder, count=200):
    """A source of many samples in two files."""
    if kind == "part":
        fields = {"id_field": "id", "caption_field": "captions/text"}
        split = "train[10%:60%]"
        return write_source("tfds", folder, make_samples(count), split=split)
    if kind in ("tar.gz", "tfrecord.gz"):
        write_source(kind[:-3], folder, make_samples(count), **FIELDS)
        for path in list(pathlib.Path(folder).iterdir()):
            packed = gzip.compress(path.read_bytes(), 1)
            pathlib.Path(f"{path}.gz").write_bytes(packed)
            path.unlink()
        make = data.WebDataset if kind == "tar.gz" else data.TFRecords
        return make(f"{folder}/*.gz", **FIELDS)
    fields = {} if kind == "folders" else FIELDS
    return write_source(kind, folder, make_samples(count), **fields)


MANY = ("tar", "tfrecord", "tar.gz", "tfrecord.gz", "part", ".csv", "folders")


@pytest.fixture(scope="module", params=MANY)
def numbered(request, tmp_path_factory):
    """A source, and the samples of one pass over it."""
    source = many(request.param, tmp_path_factory.mktemp("many"))
    found = list(source.samples())
    assert len(found) == source.count()
    assert len(found) == (100 if request.param == "part" else 200)
    return source, found


def test_samples_are_read_by_number_in_any_order(numbered):
    source, found = numbered
    rng = np.random.default_rng(0)
    for order in (rng.permutation(len(found)), rng.integers(0, 99, 150)):
        assert source.read(order) == [found[number] for number in order]
    for number in rng.permutation(len(found))[:60]:
        assert source.read([number]) == [found[number]]
    assert source.read([]) == []
    for number in (-1, len(found)):
        with pytest.raises(IndexError):
            source.read([number])


def test_chunks_cut_a_pass_into_runs(numbered):
    source, found = numbered
    borders = source.chunks()
    assert borders.dtype == np.int64
    assert borders[0] == 0 and borders[-1] == len(found)
    sizes = np.diff(borders)
    assert sizes.min() > 0
    runs = zip(borders[:-1], borders[1:], strict=True)
    read = [
        one for start, end in runs for one in source.read(range(start, end))
    ]
    assert read == found


def test_threads_read_at_once(numbered):
    source, found = numbered
    rng = np.random.default_rng(1)
    orders = [rng.integers(0, len(found), 40) for _ in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for order, read in zip(
            orders, pool.map(source.read, orders), strict=True
        ):
            assert read == [found[number] for number in order]


@pytest.mark.parametrize("kind", ["tar", "tfrecord", "tar.gz"])
def test_a_run_opens_a_file_once(kind, tmp_path, monkeypatch):
    source = many(kind, tmp_path)
    source.count()
    opened = []
    stream = file_source.Stream

    def listed(path):
        opened.append(path)
        return stream(path)

    monkeypatch.setattr(file_source, "Stream", listed)
    for start in range(0, 200, 10):
        source.read(range(start, start + 10))
    # Of two files.
    assert len(opened) == 2
    # Compressed files are read again for what lies behind.
    source.read([190])
    assert len(opened) == 3
    monkeypatch.setattr(file_source, "_OPEN_READERS", 1)
    for number in (5, 70, 150, 6):
        source.read([number])
    assert len(source._readers._waiting) <= 4


@pytest.mark.parametrize("kind", ["tar", "tfrecord", "tar.gz", "folders"])
def test_storage_that_fails_for_a_moment_costs_nothing(
    kind, tmp_path, monkeypatch
):
    source = many(kind, tmp_path)
    found = list(source.samples())
    monkeypatch.setattr(streams, "WAITS", (0, 0, 0))
    # Two of three reads of each thread fail, and later all.
    calls = collections.defaultdict(itertools.count)
    fails = [lambda call: call % 3]

    class Failing(io.FileIO):
        def read(self, size=-1):
            if fails[0](next(calls[threading.get_ident()])):
                raise tf.errors.UnavailableError(None, None, "busy")
            return super().read(size)

    monkeypatch.setattr(streams, "open_file", Failing)
    assert list(source.samples()) == found
    assert source.read(range(200)) == found
    # For good: the end of a run, not of a file.
    fails[0] = lambda call: True
    for use in (lambda: source.read([150]), lambda: list(source.samples())):
        with pytest.raises(InputError, match="cannot be read in 4 attempts"):
            use()


def test_a_mistake_in_a_reader_is_not_swallowed(tmp_path, monkeypatch):
    source = many("tar", tmp_path, 5)
    source.count()

    def fail(*arguments):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(source, "_raw_sample", fail)
    for use in (lambda: source.read([0]), lambda: list(source.samples())):
        with pytest.raises(ZeroDivisionError):
            use()


@pytest.mark.parametrize("kind", ["tar", "tfrecord"])
def test_files_cut_after_they_were_counted_lose_what_is_lost(kind, tmp_path):
    source = many(kind, tmp_path)
    found = list(source.samples())
    assert source.count() == 200
    path = pathlib.Path(source.files[1])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    read = source.read(range(200))
    problems = [sample["problem"] for sample in read]
    good = problems.index("truncated file")
    assert 80 < good < 120
    assert read[:good] == found[:good]
    assert problems[good:] == ["truncated file"] * (200 - good)
