"""Figures of docs/results.md are those of the runs kept beside them."""

import pathlib

import pytest

from experiments.comparison.runs import group_methods
from experiments.comparison.runs import read_runs
from experiments.comparison.tasks import compare

ROOT = pathlib.Path(__file__).parents[2]
KEPT = ROOT / "experiments/results/runs"
# Title of a row -> task, way and metric.
ROWS = {
    "unseen style, image to name, R@1": "val_style image_to_text R@1",
    "unseen style, name to image, R@1": "val_style text_to_image R@1",
    "unseen style, 10 groups, top-1": "val_style/groups zero_shot top1",
    "unseen style, 101 subgroups, top-1": "val_style/subgroups zero_shot top1",
    "novel concepts, 10 groups, top-1": "val_novel/groups zero_shot top1",
    "novel concepts, 101 subgroups, top-5": (
        "val_novel/subgroups zero_shot top5"
    ),
}


@pytest.mark.parametrize("folder", ["longer", "ladder"])
def test_tables_are_what_the_kept_runs_say(folder):
    # The recipe's differences to the baseline, its rival.
    workdirs = sorted(map(str, KEPT.glob(f"{folder}/*/*")))
    methods = group_methods(read_runs(workdirs))
    rival, recipe = (method.label for method in methods)
    measures = {
        f"{task.name} {task.way} {measure.metric}": measure
        for task in compare(methods)
        for measure in task.measures
    }
    text = (ROOT / "docs/results.md").read_text()
    for title, place in ROWS.items():
        measure = measures[place]
        found = measure.differences[recipe].found
        value, *interval = (
            f"{100 * x:+.1f}" for x in (found.value, *found.interval)
        )
        difference = f"{value} ({interval[0]} to {interval[1]})"
        cells = [f"{100 * measure.values[recipe].value:.1f} %", difference]
        if folder == "longer":
            cells.insert(1, f"{100 * measure.values[rival].value:.1f} %")
        assert f"| {title} | {' | '.join(cells)} |" in text
