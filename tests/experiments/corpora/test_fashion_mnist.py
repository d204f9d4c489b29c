"""Fashion-MNIST as shards, and originals that are not the set."""

import gzip

import numpy as np
import pytest
from tiny_corpus import folder_bytes
from tiny_corpus import idx

from experiments.corpora.fashion_mnist import CLASSES
from experiments.corpora.fashion_mnist import prepare
from uniclip_keras.data import WebDataset
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError


def test_shards_hold_every_image_under_its_class(originals, tmp_path, capsys):
    out = tmp_path / "made" / "fashion"
    assert prepare(originals, out) == {"train": 12, "test": 3}
    assert "12 / 12 train images" in capsys.readouterr().err
    tars = {"test-00000.tar", "train-00000.tar"}
    assert folder_bytes(out).keys() == {"classes.json"} | tars
    source = WebDataset(
        str(out / "train-*.tar"),
        label_field="label",
        classes=out / "classes.json",
    )
    assert list(source.texts.classes) == list(CLASSES)
    names = [name for texts in CLASSES.values() for name in texts]
    assert len(CLASSES) == 10 and len(set(names)) == len(names)
    samples = list(source.samples())
    assert [s["label"] for s in samples] == [
        list(CLASSES)[number % 10] for number in range(12)
    ]
    assert samples[9]["text"] == "ankle boot\nboot"
    # As captions the names give the same ids.
    pairs = WebDataset(str(out / "train-*.tar"))
    assert [s["id"] for s in pairs.samples()] == [s["id"] for s in samples]
    # Gray becomes three equal channels; the first row holds the label.
    images, _, kept = load_images([s["image"] for s in samples], 28)
    assert images.shape == (12, 28, 28, 3) and len(kept) == 12
    np.testing.assert_array_equal(images[..., 0], images[..., 2])
    labels = np.round(images[:, 0, 0, 0] * 255)
    np.testing.assert_array_equal(labels, np.arange(12) % 10)
    assert load_images([samples[0]["image"]], 32)[0].shape == (1, 32, 32, 3)


def test_equal_bytes_and_nothing_of_an_older_run(originals, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    prepare(originals, one)
    before = folder_bytes(one)
    (one / "train-00001.tar").write_bytes(b"left over")
    prepare(originals, one)
    prepare(originals, other)
    assert folder_bytes(one) == folder_bytes(other) == before
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train-images-idx3", None, "does not exist.*dataset-fashion-mnist"),
        ("train-images-idx3", b"junk", "another file"),
        ("train-images-idx3", idx(np.zeros([12, 32, 32])), "another file"),
        ("train-labels-idx1", idx(np.zeros([12, 1])), "another file"),
        ("train-images-idx3", idx(np.zeros([12, 28, 28]))[:-1], "9,407 bytes"),
        ("t10k-labels-idx1", idx(np.zeros(3))[:6], "another file"),
        ("t10k-labels-idx1", idx(np.zeros(2)), "3 images and 2 labels"),
        ("t10k-labels-idx1", idx(np.array([1, 2, 10])), "up to 10"),
    ],
)
def test_files_that_are_not_the_set(originals, tmp_path, name, content, words):
    path = originals / f"{name}-ubyte.gz"
    path.unlink()
    if content is not None:
        path.write_bytes(gzip.compress(content))
    with pytest.raises(InputError, match=words):
        prepare(originals, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_gzip(originals, tmp_path):
    path = originals / "train-images-idx3-ubyte.gz"
    for content in (b"no gzip", path.read_bytes()[:-20]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as a gzip"):
            prepare(originals, tmp_path / "out")
