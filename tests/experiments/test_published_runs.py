"""Figures of the documents are those of the runs kept beside them."""

import pathlib

import pytest

from experiments.comparison.runs import group_methods
from experiments.comparison.runs import read_runs
from experiments.comparison.tasks import compare

ROOT = pathlib.Path(__file__).parents[2]
KEPT = ROOT / "experiments/results/runs"
# Title of a row -> task, way and metric.
EMOJI = {
    "unseen style, image to name, R@1": "val_style image_to_text R@1",
    "unseen style, name to image, R@1": "val_style text_to_image R@1",
    "unseen style, 10 groups, top-1": "val_style/groups zero_shot top1",
    "unseen style, 101 subgroups, top-1": "val_style/subgroups zero_shot top1",
    "novel concepts, 10 groups, top-1": "val_novel/groups zero_shot top1",
    "novel concepts, 101 subgroups, top-5": (
        "val_novel/subgroups zero_shot top5"
    ),
}
FEATURES = {
    "linear probe, top-1": "fashion linear_probe top1",
    "20 nearest neighbors, top-1": "fashion knn top1",
    "16 images of each class, top-1": "fashion few_shot top1_16_shot",
    "1 image of each class, top-1": "fashion few_shot top1_1_shot",
}


def read_measures(folder, names):
    """Returns `Measure` by place, and the labels; the first is the baseline."""
    workdirs = [
        str(path)
        for name in names
        for path in sorted(KEPT.glob(f"{folder}/{name}/*"))
    ]
    methods = group_methods(read_runs(workdirs))
    measures = {
        f"{task.name} {task.way} {measure.metric}": measure
        for task in compare(methods)
        for measure in task.measures
    }
    return measures, [method.label for method in methods]


def percent(value):
    return f"{100 * value.value:.1f} %"


def lead(paired):
    """Formats what the baseline has more than another method, in points."""
    low, high = paired.found.interval
    value, *interval = (
        f"{-100 * x:+.1f}" for x in (paired.found.value, high, low)
    )
    return f"{value} ({interval[0]} to {interval[1]})"


def assert_row(title, cells, page="docs/results.md"):
    text = (ROOT / page).read_text()
    assert f"| {title} | {' | '.join(cells)} |" in text


def test_three_times_the_steps():
    measures, labels = read_measures("longer", ["recipe", "clip"])
    for title, place in EMOJI.items():
        measure = measures[place]
        cells = [percent(measure.values[label]) for label in labels]
        assert_row(title, [*cells, lead(measure.differences[labels[1]])])


@pytest.mark.parametrize(
    ("folder", "rivals", "rows", "pages"),
    [
        (
            "rivals",
            ["clip", "clip, self", "slip", "unicl"],
            EMOJI,
            ["docs/results.md", "README.md"],
        ),
        ("features", ["clip", "slip", "unicl"], FEATURES, ["docs/results.md"]),
    ],
)
def test_leads_over_rivals(folder, rivals, rows, pages):
    measures, labels = read_measures(folder, ["recipe", *rivals])
    assert labels == ["recipe", *rivals]
    for title, place in rows.items():
        measure = measures[place]
        leads = [lead(measure.differences[rival]) for rival in rivals]
        for page in pages:
            row = [percent(measure.values["recipe"]), *leads]
            assert_row(title, row, page)
