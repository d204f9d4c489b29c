"""The chart of differences to a baseline."""

import io

import pytest
from PIL import Image

from experiments.comparison.metrics import Paired
from experiments.comparison.metrics import Value
from experiments.comparison.tasks import Measure
from experiments.comparison.tasks import Task
from experiments.report.differences_chart import draw_differences
from experiments.report.differences_chart import write_differences
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Difference

CLEAR = Paired(Difference(-0.1, (-0.15, -0.05), 0.01, 0.03))
UNCLEAR = Paired(Difference(0.02, (-0.01, 0.05), 0.2, 0.03))
UNKNOWN = Paired(reason="its items are unlike")


def task(title, metric="R@1", **differences):
    values = {label: Value(0.5, None, {}) for label in ("base", *differences)}
    ranks = Measure("median_rank", values, {"a": CLEAR}, None)
    measure = Measure(metric, values, differences, None)
    return Task("retrieval", "t", "image_to_text", title, [ranks, measure], [])


def test_a_mark_for_each_difference_that_is_known():
    tasks = [
        task("first", a=CLEAR, b=UNCLEAR),
        task("second", a=UNKNOWN, b=CLEAR),
        task("third", a=UNKNOWN, b=UNKNOWN),
    ]
    figure = draw_differences(tasks, "base")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "first\nimage to text, R@1; base 50.0 %",
        "second\nimage to text, R@1; base 50.0 %",
    ]
    marks = [
        (line.get_xdata()[0], round(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == "o" and len(line.get_xdata())
    ]
    assert marks == [(-10, 0), (2, 0), (-10, 1)]
    ends = [
        [x for x, _ in bar.get_segments()[0]]
        for bar in axes.collections
        if len(bar.get_segments())
    ]
    assert ends == [
        pytest.approx([-15, -5]),
        pytest.approx([-1, 5]),
        pytest.approx([-15, -5]),
    ]
    hollow = [
        line.get_markerfacecolor() == "white"
        for line in axes.lines
        if line.get_marker() == "o" and len(line.get_xdata())
    ]
    assert hollow == [False, True, False]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == ["base", "a", "b"]


def test_the_picture_and_its_folder(tmp_path):
    path = str(tmp_path / "new/differences.png")
    write_differences(path, [task("first", a=CLEAR)], "base")
    with open(path, "rb") as file:
        picture = Image.open(io.BytesIO(file.read()))
    assert picture.format == "PNG" and picture.width == 1100


def test_nothing_to_show():
    with pytest.raises(InputError, match="none is known; give runs of other"):
        draw_differences([task("first", a=UNKNOWN)], "base")
