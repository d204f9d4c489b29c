import itertools
import os

import pytest

from uniclip_keras.data import WebDataset
from uniclip_keras.data.sources import files as files_module


@pytest.fixture
def files(tmp_path):
    """Three files of one, two and three lines."""
    for number in range(1, 4):
        (tmp_path / f"{number}.txt").write_text("line\n" * number)
    return [str(tmp_path / f"{number}.txt") for number in range(1, 4)]


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """A function that counts lines, with a list of what it was asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def count_lines(path):
        count_lines.asked.append(path)
        with open(path) as file:
            return len(file.readlines())

    count_lines.asked = []
    return count_lines


def test_files_are_counted_once(files, counted):
    assert files_module.count_samples(files, counted) == 6
    assert sorted(counted.asked) == files
    assert files_module.count_samples(files, counted) == 6
    assert len(counted.asked) == 3
    # Other files are another count.
    assert files_module.count_samples(files[:2], counted) == 3
    assert len(counted.asked) == 5


def test_changed_files_are_counted_again(files, counted):
    files_module.count_samples(files, counted)
    with open(files[0], "a") as file:
        file.write("line\n")
    assert files_module.count_samples(files, counted) == 7
    os.utime(files[1], ns=(0, 0))
    assert files_module.count_samples(files, counted) == 7
    assert len(counted.asked) == 9


def test_what_cannot_be_remembered_is_counted(files, counted, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", files[0])
    assert files_module.count_samples(files, counted) == 6
    assert files_module.count_samples(files, counted) == 6
    assert len(counted.asked) == 6


def test_a_long_count_says_how_far_it_is(files, counted, monkeypatch, capsys):
    clock = itertools.count(0, 4)
    monkeypatch.setattr(files_module.time, "monotonic", lambda: next(clock))
    files_module.count_samples(files, counted)
    assert capsys.readouterr().out == (
        "Counting samples: 3 of 3 files, 6 samples, 0 s left\n"
    )


def test_a_declared_number_is_not_counted(write_tar, sample):
    path = write_tar("t.tar", sample("a"))
    assert WebDataset(path, samples=10**7).count() == 10**7
    assert WebDataset(path).count() == 1
