import numpy as np
import pytest

from experiments.report.gallery import group_by_split
from experiments.report.gallery import make_gallery
from uniclip_keras.errors import InputError


def test_perfect_embeddings_find_the_right_texts_and_images_first():
    eye = np.eye(8, dtype=np.float32)
    names = [f"name {i}" for i in range(8)]
    images = np.broadcast_to(
        np.arange(8).reshape(-1, 1, 1, 1) / 255, [8, 4, 4, 3]
    )
    labels = [f"label {i}" for i in range(8)]
    gallery = make_gallery("test", images, eye, labels, eye, names, labels)
    entries = group_by_split(gallery)["test"]
    assert len(entries["images"]) == 6 and len(entries["texts"]) == 3
    for entry in entries["images"]:
        index = int(entry["image"][0, 0, 0])
        assert entry["label"] == names[index]
        assert entry["predictions"][0] == (names[index], 1.0, True)
        assert [correct for *_, correct in entry["predictions"][1:]] == [
            False
        ] * 4
    for entry in entries["texts"]:
        image, score, correct = entry["images"][0]
        assert names[image[0, 0, 0]] == entry["text"]
        assert (score, correct) == (1.0, True)


def test_an_entry_of_neither_kind_is_refused():
    with pytest.raises(InputError, match="'predictions'"):
        group_by_split([{"split": "x"}])
