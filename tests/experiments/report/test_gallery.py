import numpy as np

from experiments.report.gallery import make_gallery


def test_perfect_embeddings_find_the_right_texts_and_images_first():
    eye = np.eye(8, dtype=np.float32)
    names = [f"name {i}" for i in range(8)]
    images = np.broadcast_to(
        np.arange(8).reshape(-1, 1, 1, 1) / 255, [8, 4, 4, 3]
    )
    labels = [f"label {i}" for i in range(8)]
    gallery = make_gallery("test", images, eye, labels, eye, names, labels)
    assert len(gallery) == 6 + 3
    assert all(entry["split"] == "test" for entry in gallery)
    for entry in gallery[:6]:
        index = int(entry["image"][0, 0, 0])
        assert entry["label"] == names[index]
        assert entry["predictions"][0] == (names[index], 1.0, True)
        assert [correct for *_, correct in entry["predictions"][1:]] == [
            False
        ] * 4
    for entry in gallery[6:]:
        image, score, correct = entry["images"][0]
        assert names[image[0, 0, 0]] == entry["text"]
        assert (score, correct) == (1.0, True)
