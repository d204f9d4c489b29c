import json

import pytest
from format_files import png

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.folders import Folders
from uniclip_keras.errors import InputError


@pytest.fixture
def write(tmp_path):
    def write_files(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path

    return write_files


def test_only_images_below_class_folders_are_found(write):
    files = {
        "wild_cat/deep/er/1.JPEG": png(1),
        "wild_cat/0.png": png(0),
        "dog/2.bmp": png(2),
        "dog/notes.txt": b"x",
        "dog/.hidden.png": png(3),
        "dog/.cache/4.png": png(4),
        "empty/notes.txt": b"x",
        "stray.png": png(5),
    }
    root = write(files)
    source = Folders(root)
    expected = [
        ("dog/2.bmp", "dog", "dog"),
        ("wild_cat/0.png", "wild_cat", "wild cat"),
        ("wild_cat/deep/er/1.JPEG", "wild_cat", "wild cat"),
    ]
    for row, (name, *texts) in zip(source.samples(), expected, strict=True):
        assert row["key"] == str(root / name) and row["image"] == files[name]
        assert [row["label"], row["text"]] == texts
    assert source.class_names == ("dog", "wild cat")
    assert source.count() == 3


def test_a_class_list_names_the_folders(write):
    classes = [
        {"label": "n01", "texts": ["tench", "Tinca tinca"]},
        {"label": "n02", "texts": ["goldfish"]},
    ]
    files = {"n01/0.png": png(0), "n01/1.png": b"", "n03/2.png": png(2)}
    root = write({"classes.json": json.dumps(classes).encode(), **files})
    source = Folders(root, classes=root / "classes.json")
    tally = BadSamples()
    (row,) = source.samples(tally)
    assert row["text"] == "tench\nTinca tinca" and row["label"] == "n01"
    assert source.class_names == ("tench", "Tinca tinca", "goldfish")
    assert tally.examples == {
        bad.MISSING_IMAGE: [str(root / "n01/1.png")],
        bad.UNKNOWN_LABEL: [str(root / "n03/2.png")],
    }
    assert tally.read == source.count() == 3


def test_errors_say_what_is_wrong(write, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        Folders(tmp_path / "none")
    root = write({"stray.png": png(0)})
    with pytest.raises(InputError, match="no class folders with images"):
        Folders(root)
    write({"a/1.png": b""})
    with pytest.raises(InputError, match="beginning with '.*a/1.png'"):
        Folders(root)
    classes = json.dumps([{"label": "b", "texts": ["b"]}]).encode()
    write({"a/1.png": png(1), "classes.json": classes})
    with pytest.raises(InputError, match="labels such as 'a'"):
        Folders(root, classes=root / "classes.json")
