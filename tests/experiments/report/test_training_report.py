import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from experiments.report.results_table import format_table
from experiments.report.training_report import flatten
from experiments.report.training_report import summary
from experiments.report.training_report import write_report
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.retrieval import retrieval_metrics
from uniclip_keras.evaluation.zero_shot import zero_shot_metrics

VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Checks that elements nest, and collects text and addresses."""

    def __init__(self, source):
        super().__init__()
        self.open, self.addresses, self.texts = [], [], []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def results():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=[30, 16])
    names = [f"name {i}" for i in range(30)]
    images = centres[:20] + rng.normal(size=[20, 16])
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
        "retrieval": {
            "style": retrieval_metrics(images, centres, names[:20], names)
        },
        "zero_shot": {
            "novel/groups": zero_shot_metrics(
                images, centres, names[:20], names
            )
        },
        "augmentation_check": {"loss": 2.0, "loss_shuffled": 2.5, "n": 64},
        "notes": ["Art: CC-BY <4.0>."],
    }


def history(steps):
    return [
        {
            "step": step,
            "loss": 5 / (1 + step),
            "learning_rate": 1e-3,
            "temperature/image-text": 0.07 - step * 1e-4,
            "offset/image-text": step * 1e-4,
        }
        for step in steps
    ]


def gallery(size=8):
    image = np.zeros([size, size, 3], np.uint8)
    image[0, 0] = 255, 128, 7
    return [
        {
            "split": "style",
            "image": image,
            "label": 'cat "<b>"',
            "predictions": [("dog", 0.91, False), ("cat", 0.52, True)],
        },
        {
            "split": "novel",
            "text": "owl & bee",
            "images": [(image, 0.4, True), (image, 0.3, False)],
        },
    ]


def written(tmp_path, *arguments):
    path = tmp_path / "report.html"
    write_report(path, *arguments)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    source = path.read_text(encoding="utf-8")
    return source, Checker(source)


def test_page_is_whole_and_needs_nothing_else(tmp_path):
    source, page = written(
        tmp_path, results(), history(range(50)), {"a": {"b": 1}}, gallery()
    )
    for address in page.addresses:
        assert address.startswith(("#", "data:image/png;base64,"))
    assert "url(http" not in source and "@import" not in source
    assert "<script" not in source
    for svg in re.findall(r"<svg.*?</svg>", source, re.DOTALL):
        ElementTree.fromstring(svg)
    # No stand-in colour is left: the charts follow light and dark.
    assert not re.search("#0000[ab]", source)
    for words in (
        "tiny <run>",
        "Unseen <style>",
        "Shuffling raises the loss by 25.0 %",
        'cat "<b>"',
        "“owl & bee”",
        "a.b",
        "9 min 36 s",
        "Art: CC-BY <4.0>.",
        "image-text",
    ):
        assert words in page.text, words
    assert "<run>" not in source and "<4.0>" not in source


def test_gallery_shows_the_pixels_and_marks_the_right_ones(tmp_path):
    source, page = written(tmp_path, {}, [], {}, gallery())
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", source)
    assert len(pictures) == 3
    shown = Image.open(io.BytesIO(base64.b64decode(pictures[0])))
    np.testing.assert_array_equal(np.asarray(shown), gallery()[0]["image"])
    assert re.findall(r'<li class="right"><span>(.*?)<', source) == ["✓ cat"]
    assert source.count('<figure class="hit right">') == 1
    assert source.count('class="pixels"') == 3
    large = written(tmp_path, {}, [], {}, gallery(size=600))[0]
    picture = re.search(r"data:image/png;base64,([^\"]+)", large).group(1)
    shown = Image.open(io.BytesIO(base64.b64decode(picture)))
    assert max(shown.size) <= 192 and 'class="pixels"' not in large


def test_bad_gallery_is_refused(tmp_path):
    entry = gallery()[0] | {"image": np.zeros([8, 8, 3])}
    with pytest.raises(InputError, match="float64"):
        write_report(tmp_path / "report.html", {}, [], {}, [entry])
    with pytest.raises(InputError, match="'predictions'"):
        write_report(tmp_path / "report.html", {}, [], {}, [{"split": "x"}])


@pytest.mark.parametrize(
    "rows, charts",
    [
        ([], 0),
        ([{"loss": 1.0}], 0),
        ([{"step": 1, "loss": float("nan")}], 0),
        ([{"step": 1, "loss": 1.0}], 1),
        ([{"step": 1, "loss": 1.0}, {"step": 2, "learning_rate": 0.1}], 2),
        (history(range(3000)), 4),
    ],
)
def test_short_long_and_broken_histories(tmp_path, rows, charts):
    source, page = written(tmp_path, {}, rows, {}, [])
    assert source.count("<svg") == charts
    assert ("No history was recorded" in page.text) == (charts == 0)
    assert len(source) < 200_000


def test_unused_augmentations_are_said_to_be_unused(tmp_path):
    check = {"augmentation_check": {"loss": 2.0, "loss_shuffled": 2.0}}
    _, page = written(tmp_path, check, [], {}, [])
    assert "makes no use" in page.text


def test_summary_names_result_and_chance():
    words = summary(results())
    assert "288,000 image–text pairs for 1,500 steps (9 min 36 s on" in words
    assert "among 30 for" in words and "chance is 3.3 %" in words
    assert summary({}) == ""


def test_format_table_lines_up():
    given = results()
    given["retrieval"]["style"]["image_to_text"] |= {
        "R@1": 0.34125,
        "median_rank": 3.5,
        "n": 1612,
    }
    given["retrieval"]["style"]["image_to_text"]["chance"]["R@1"] = 0.000513
    lines = format_table(given).splitlines()
    assert lines[0].split() == ["task", "metric", "result", "chance", "n"]
    assert len({len(line) for line in lines}) == 1
    words = "style, image to text R@1 34.1 % 0.05 % 1,612"
    assert " ".join(lines[2].split()) == words
    assert lines[5].split() == ["median_rank", "3.5", "15.5", "1,612"]
    assert lines[10].startswith("novel/groups, zero-shot  top1")
    assert len(lines) == 2 + 8 + 2
    assert format_table({"run": {}}) == ""


def test_flatten_names_settings_as_the_command_line_does():
    config = {
        "seed": 0,
        "image": {"size": 32},
        "views": [{"crop": (0.6, 1.0)}, {}],
    }
    assert flatten(config) == {
        "seed": "0",
        "image.size": "32",
        "views.0.crop": "0.6, 1.0",
        "views.1": "{}",
    }
