import pytest

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
