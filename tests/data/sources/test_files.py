import itertools
import os

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
    tars = [f"{folder}/a-0000{number}.tar" for number in range(2)]
    assert files.find_files(f"{folder}{pattern}", ".tar") == tars
    # A list repeats no file.
    assert files.find_files([tars[1], folder], ".tar") == tars[::-1]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nowhere/train-*.tar", "nowhere' does not exist"),
        ("*.csv", "No file matches .*csv"),
        ("a-{00000..00002}.tar", "No file matches .*a-00002.tar"),
        ("", "holds no .png file"),
    ],
)
def test_a_pattern_without_a_match_is_named(folder, pattern, message):
    with pytest.raises(InputError, match=message) as error:
        files.find_files(str(folder / pattern), ".png")
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
    with pytest.raises(InputError, match="list of paths is empty"):
        files.find_files([], ".tar")


@pytest.fixture
def lines(tmp_path):
    """Three files of one, two and three lines."""
    paths = [tmp_path / f"{number}.txt" for number in range(1, 4)]
    for number, path in enumerate(paths, start=1):
        path.write_text("line\n" * number)
    return list(map(str, paths))


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


def test_unchanged_files_are_counted_once(lines, count_lines):
    assert files.count_samples(lines, count_lines) == 6
    assert sorted(count_lines.asked) == lines
    assert files.count_samples(lines, count_lines) == 6
    assert len(count_lines.asked) == 3
    # Other files have a count of their own.
    assert files.count_samples(lines[:2], count_lines) == 3
    assert len(count_lines.asked) == 5
    with open(lines[0], "a") as file:
        file.write("line\n")
    assert files.count_samples(lines, count_lines) == 7
    os.utime(lines[1], ns=(0, 0))
    assert files.count_samples(lines, count_lines) == 7
    assert len(count_lines.asked) == 11


def test_counting_without_a_cache(lines, count_lines, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", lines[0])
    assert files.count_samples(lines, count_lines) == 6
    assert files.count_samples(lines, count_lines) == 6
    assert len(count_lines.asked) == 6
    # A long count prints its progress.
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
