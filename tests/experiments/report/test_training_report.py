import copy
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from pages import Page

from experiments.report.gallery import make_gallery
from experiments.report.results_table import format_table
from experiments.report.training_report import write_report
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.retrieval import retrieval_metrics
from uniclip_keras.evaluation.zero_shot import zero_shot_metrics


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=[30, 16])
    names = [f"name {i}" for i in range(30)]
    images = centers[:20] + rng.normal(size=[20, 16])
    candidates = centers, names[:20], names
    return {
        "run": {
            "name": "tiny <run>",
            "description": "Drawings & names.",
            "seed": 7,
            "steps": 1500,
            "pairs": 288000,
            "seconds": 576.0,
            "hardware": "2 CPU cores",
            "versions": {"keras": "3.15.1"},
        },
        "splits": {"style": "Unseen <style>"},
        "retrieval": {"style": retrieval_metrics(images, *candidates)},
        "zero_shot": {"novel/groups": zero_shot_metrics(images, *candidates)},
        "probe": {
            "pets": {
                "knn": {"top1": 0.75, "chance": {"top1": 0.5}, "n": 40}
                | {"intervals": {"top1": [0.6, 0.8512]}}
            }
        },
        "failed": {"zero-shot: gone": "it does not exist."},
        "augmentation_check": {"loss": 2.0, "loss_shuffled": 2.5, "n": 64},
        "notes": ["Art: CC-BY <4.0>."],
    }


def a_gallery():
    image = np.zeros([8, 8, 3], np.uint8)
    return [
        {"split": "style", "image": image, "label": 'cat "<b>"'}
        | {"predictions": [("dog", 0.91, False), ("cat", 0.52, True)]},
        {"split": "novel", "text": "owl & bee"}
        | {"images": [(image, 0.4, True), (image, 0.3, False)]},
    ]


def render(folder, results, history=(), config=None, gallery=()):
    path = folder / "report.html"
    write_report(path, results, history, config or {}, gallery)
    # No partial file is left.
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    keys = (
        "loss",
        "learning_rate",
        "temperature/image-text",
        "offset/image-text",
    )
    history = [
        {"step": step, **dict.fromkeys(keys, 1 / (1 + step))}
        for step in range(50)
    ]
    folder = tmp_path_factory.mktemp("report")
    return render(folder, results, history, {"a": {"b": 1}}, a_gallery())


def test_the_page_needs_no_other_file(page):
    for address in page.addresses:
        assert address.startswith(("#", "data:image/png;base64,"))
    assert "url(http" not in page.source and "@import" not in page.source
    assert "<script" not in page.source
    # Text is escaped.
    assert "<run>" not in page.source and "<4.0>" not in page.source


def test_the_charts_are_valid_and_follow_light_and_dark(page):
    charts = re.findall(r"<svg.*?</svg>", page.source, re.DOTALL)
    assert len(charts) == 4
    for svg in charts:
        ElementTree.fromstring(svg)
    assert not re.search("#0000[ab]", page.source)


def test_the_page_shows(page):
    for words in (
        "tiny <run>",
        "288,000 image–text pairs for 1,500 steps in 9 min 36 s on",
        "the right text comes first among 30 for",
        "chance is 3.3 %",
        "Unseen <style>",
        "Shuffling raises the loss by 25.0 %",
        "64 images",
        'cat "<b>"',
        "“owl & bee”",
        "a.b",
        "9 min 36 s",
        "Art: CC-BY <4.0>.",
        "image-text",
        "chance 3.3 %",
        "chance 15.5",
        "most common 5.0 %",
        "novel/groups, class by class",
        "name 19 1",
        "pets, learned from features",
        "knn top1 75.0 % 60.0 to 85.1 % 50.0 % 40",
        "zero-shot: gone could not run: it does not exist.",
    ):
        assert words in page.text


def test_the_gallery_marks_the_correct_matches(page):
    source = page.source
    assert len(re.findall(r"data:image/png;base64,([^\"]+)", source)) == 3
    assert re.findall(r'<li class="right"><span>(.*?)<', source) == ["✓ cat"]
    assert source.count('<figure class="hit right">') == 1


def test_perfect_embeddings_find_the_right_texts_and_images_first():
    eye = np.eye(8, dtype=np.float32)
    names = [f"name {i}" for i in range(8)]
    images = np.arange(8).reshape(-1, 1, 1, 1) / 255 * np.ones([1, 4, 4, 3])
    labels = [f"label {i}" for i in range(8)]
    gallery = make_gallery(
        "test", images.__getitem__, eye, labels, eye, names, labels
    )
    assert len(gallery) == 6 + 3
    assert all(entry["split"] == "test" for entry in gallery)
    for entry in gallery[:6]:
        index = int(entry["image"][0, 0, 0])
        assert entry["label"] == names[index]
        assert entry["predictions"][0] == (names[index], 1.0, True)
        others = entry["predictions"][1:]
        assert [correct for *_, correct in others] == [False] * 4
    for entry in gallery[6:]:
        image, score, correct = entry["images"][0]
        assert names[image[0, 0, 0]] == entry["text"]
        assert (score, correct) == (1.0, True)


def test_a_malformed_gallery_is_refused(tmp_path):
    entry = a_gallery()[0] | {"image": np.zeros([8, 8, 3])}
    with pytest.raises(InputError, match="float64"):
        write_report(tmp_path / "report.html", {}, [], {}, [entry])
    with pytest.raises(InputError, match="'predictions'"):
        write_report(tmp_path / "report.html", {}, [], {}, [{"split": "x"}])


def test_results_without_history_and_unused_augmentations(tmp_path):
    check = {"augmentation_check": {"loss": 2.0, "loss_shuffled": 2.0}}
    page = render(tmp_path, check)
    assert "the model does not use" in page.text
    assert "This run recorded no history" in page.text
    assert "<svg" not in page.source
    assert re.search(r'<p class="lead">\s*</p>', page.source)


def test_format_table_lines_up(results):
    results = copy.deepcopy(results)
    task = results["retrieval"]["style"]["image_to_text"]
    task |= {"R@1": 0.34125, "median_rank": 3.5, "n": 1612}
    task["intervals"] = {"R@1": [0.3187, 0.3651]}
    task["chance"]["R@1"] = 0.000513
    lines = format_table(results).splitlines()
    words = "task metric result 95 % interval chance n"
    assert " ".join(lines[0].split()) == words
    assert len({len(line) for line in lines}) == 1
    words = "style, image to text R@1 34.1 % 31.9 to 36.5 % 0.05 % 1,612"
    assert " ".join(lines[2].split()) == words
    assert lines[5].split() == ["median_rank", "3.5", "15.5", "1,612"]
    assert lines[12].startswith("novel/groups, zero-shot  top1")
    assert lines[14].startswith("pets, knn")
    assert len(lines) == 2 + 10 + 2 + 1
    assert format_table({"run": {}}) == ""
