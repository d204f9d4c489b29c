import itertools
import os
import pathlib

import pytest
from samples import sample_members
from samples import write_tar

from uniclip_keras.data import WebDataset
from uniclip_keras.data.sources import files
from uniclip_keras.errors import InputError


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("{x,y}-{0..1}", ["x-0", "x-1", "y-0", "y-1"]),
        # Braces and backslashes that mean nothing are part of the name.
        ("a{.tar", ["a{.tar"]),
        ("a\\{0..1}", ["a\\0", "a\\1"]),
    ],
)
def test_braces(pattern, paths):
    assert files.expand_braces(pattern) == paths


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name in ("a-00000.tar", "a-00001.tar", "b.txt"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    "pattern", ["", "/a-*.tar", "/a-{00000..00001}.tar", "/a-0000[01].tar"]
)
def test_folders_globs_and_braces_name_the_same_files(folder, pattern):
    found = files.find_files(f"{folder}{pattern}", ".tar")
    assert found == [f"{folder}/a-0000{number}.tar" for number in range(2)]


def test_a_list_of_paths_repeats_no_file(folder):
    found = files.find_files([folder / "a-00001.tar", folder], ".tar")
    assert [pathlib.Path(path).name for path in found] == [
        "a-00001.tar",
        "a-00000.tar",
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nowhere/train-*.tar", "nowhere' of .* does not exist"),
        ("*.csv", "No file matches .*csv"),
        ("a-{00000..00002}.tar", "No file matches .*a-00002.tar"),
        ("", "holds no .png file"),
    ],
)
def test_a_pattern_without_a_match_is_named(folder, pattern, message):
    with pytest.raises(InputError, match=message) as error:
        files.find_files(str(folder / pattern), ".png")
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_no_patterns():
    with pytest.raises(InputError, match="list of paths is empty"):
        files.find_files([], ".tar")


@pytest.fixture
def lines(tmp_path):
    """Three files of one, two and three lines."""
    for number in range(1, 4):
        (tmp_path / f"{number}.txt").write_text("line\n" * number)
    return [str(tmp_path / f"{number}.txt") for number in range(1, 4)]


@pytest.fixture
def count_lines(monkeypatch, tmp_path):
    """Counts the lines of a file, and lists the files that it counted."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def count(path):
        count.asked.append(path)
        with open(path) as file:
            return len(file.readlines())

    count.asked = []
    return count


def test_files_are_counted_once(lines, count_lines):
    assert files.count_samples(lines, count_lines) == 6
    assert sorted(count_lines.asked) == lines
    assert files.count_samples(lines, count_lines) == 6
    assert len(count_lines.asked) == 3
    # Other files have a count of their own.
    assert files.count_samples(lines[:2], count_lines) == 3
    assert len(count_lines.asked) == 5


def test_changed_files_are_counted_again(lines, count_lines):
    files.count_samples(lines, count_lines)
    with open(lines[0], "a") as file:
        file.write("line\n")
    assert files.count_samples(lines, count_lines) == 7
    os.utime(lines[1], ns=(0, 0))
    assert files.count_samples(lines, count_lines) == 7
    assert len(count_lines.asked) == 9


def test_files_are_counted_again_without_a_cache(
    lines, count_lines, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", lines[0])
    assert files.count_samples(lines, count_lines) == 6
    assert files.count_samples(lines, count_lines) == 6
    assert len(count_lines.asked) == 6


def test_a_long_count_prints_its_progress(
    lines, count_lines, monkeypatch, capsys
):
    clock = itertools.count(0, 4)
    monkeypatch.setattr(files.time, "monotonic", lambda: next(clock))
    files.count_samples(lines, count_lines)
    assert capsys.readouterr().out == (
        "Counting samples: 3 of 3 files, 6 samples, 0 s left\n"
    )


def test_a_declared_number_is_not_counted(tmp_path):
    path = write_tar(tmp_path / "t.tar", sample_members("a"))
    assert WebDataset(path, samples=10**7).count() == 10**7
    assert WebDataset(path).count() == 1
