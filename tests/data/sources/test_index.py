"""The index of files: made once, kept, shared, and made again if broken."""

import itertools
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from format_files import example
from format_files import png
from format_files import write_records

from uniclip_keras.data import BadSamples
from uniclip_keras.data import TFRecords
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import mix
from uniclip_keras.data.sources import index
from uniclip_keras.data.sources.record_reader import RecordReader
from uniclip_keras.data.sources.stream import Stream

COUNTS = (1, 63, 64, 65, 128)


def record(number):
    return example(txt=b"%d" % number, jpg=png(0))


@pytest.fixture
def cache(monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "uniclip_keras"


@pytest.fixture
def paths(tmp_path):
    numbers = itertools.count()
    folder = tmp_path / "files"
    folder.mkdir()
    return [
        write_records(
            folder / f"{file}.tfrecord",
            [record(number) for number in itertools.islice(numbers, count)],
        )
        for file, count in enumerate(COUNTS)
    ]


@pytest.fixture
def scanned(monkeypatch):
    """The paths of the files that are scanned."""
    found = []
    scan = index._scan_file

    def listed(reader):
        found.append(reader.stream.path)
        return scan(reader)

    monkeypatch.setattr(index, "_scan_file", listed)
    return found


def test_unchanged_files_are_scanned_once(paths, cache, scanned):
    assert TFRecords(paths).count() == sum(COUNTS)
    assert sorted(scanned) == paths
    source = TFRecords(paths)
    assert source.count() == sum(COUNTS) and len(scanned) == 5
    starts = np.cumsum([0, *COUNTS])
    borders = {*starts, *(starts[4] + 64 * np.arange(2)), starts[3] + 64}
    assert source.chunks().tolist() == sorted(borders)
    # Other files have an index of their own.
    assert TFRecords(paths[:2]).count() == 64
    assert len(scanned) == 7
    os.utime(paths[0], ns=(0, 0))
    assert TFRecords(paths[:2]).count() == 64
    assert len(scanned) == 9
    write_records(paths[1], [record(0)] * 3)
    assert TFRecords(paths[:2]).count() == 4


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_broken_entry_is_made_again(paths, cache, scanned, content):
    TFRecords(paths).prepare()
    (entry,) = cache.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert TFRecords(paths).count() == sum(COUNTS)
    assert len(scanned) == 10
    assert TFRecords(paths).count() == sum(COUNTS)
    assert len(scanned) == 10 and list(cache.iterdir()) == [entry]


def test_without_a_cache_each_source_scans(paths, monkeypatch, scanned):
    monkeypatch.setenv("XDG_CACHE_HOME", paths[0])
    for times in (1, 2):
        assert TFRecords(paths).count() == sum(COUNTS)
        assert len(scanned) == 5 * times


@pytest.mark.parametrize("kind", ["local", "ram"])
def test_a_folder_keeps_the_index_too(paths, cache, scanned, tmp_path, kind):
    folder = {"local": str(tmp_path / "run"), "ram": "ram://run/x"}[kind]
    TFRecords(paths).prepare(folder)
    assert len(scanned) == 5
    # On another machine, without the cache of this one.
    (entry,) = cache.iterdir()
    entry.unlink()
    source = TFRecords(paths)
    source.prepare(folder)
    assert source.count() == sum(COUNTS) and len(scanned) == 5
    assert tf.io.gfile.listdir(folder) == [entry.name] and entry.exists()


def test_workers_take_the_index_of_the_chief(paths, cache, scanned):
    shared = []

    def chief(make_bytes):
        shared.append(make_bytes())
        return shared[-1]

    def worker(make_bytes):
        return shared[-1]

    one, other = TFRecords(paths), TFRecords(paths)
    one.prepare(share=chief)
    for path in paths:
        pathlib.Path(path).rename(path + ".moved")
    other.prepare(share=worker)
    assert len(shared) == 1 and len(scanned) == 5
    assert other.count() == one.count() == sum(COUNTS)
    np.testing.assert_array_equal(one.chunks(), other.chunks())


def test_a_long_scan_prints_its_progress(paths, cache, monkeypatch, capsys):
    clock = itertools.count(0, 3)
    monkeypatch.setattr(index.time, "monotonic", lambda: next(clock))
    assert TFRecords(paths).count() == sum(COUNTS)
    assert capsys.readouterr().out == (
        "Counting samples: 4 of 5 files, 193 samples, 3 s left\n"
    )


def test_lost_samples_are_estimated_from_the_bytes(tmp_path, cache):
    """Broken lengths in the middle, at the beginning, and a cut."""
    for name in "abcd":
        write_records(tmp_path / f"{name}.tfrecord", [record(10)] * 100)
    size = (tmp_path / "a.tfrecord").stat().st_size // 100

    def damage(name, place):
        path = tmp_path / f"{name}.tfrecord"
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        return path

    damage("b", 40 * size)
    damage("c", 0)
    cut = tmp_path / "d.tfrecord"
    cut.write_bytes(cut.read_bytes()[:-1])
    source = TFRecords(tmp_path)
    assert source.count() == 100 + 40 + 0 + 99
    lost = {139: 60 + 100, 238: 1}
    for number in range(source.count()):
        assert source.lost(number) == lost.get(number, 0)
    tally = BadSamples(max_share=0.2)
    assert len(list(source.samples(tally))) == 239
    assert tally.counts == {bad.TRUNCATED_FILE: 161}
    assert (tally.read, tally.good) == (400, 239)
    assert len(list(mix([source]).samples())) == 239


def test_every_64th_place_is_known(paths):
    content = index.load_index(
        paths, "test", lambda path: RecordReader(Stream(path))
    )
    found = index.read_index(content)
    assert found.counts.tolist() == list(COUNTS) and not found.lost.any()
    for file, count in enumerate(COUNTS):
        reader = RecordReader(Stream(paths[file]))
        for number in range(count):
            if number % 64 == 0:
                assert found.place(file, number // 64) == reader.position
            reader.read()
