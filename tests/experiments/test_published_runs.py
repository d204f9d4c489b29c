"""Figures of the documents are those of the runs kept beside them."""

import pathlib

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


def cells_by_row(folder, rival):
    """Returns what the recipe has, what a rival has, and the difference.

    A dict of `ROWS` to three cells of a table.
    """
    methods = group_methods(
        read_runs(
            [
                str(path)
                for name in (rival, "recipe")
                for path in sorted(KEPT.glob(f"{folder}/{name}/*"))
            ]
        )
    )
    measures = {
        f"{task.name} {task.way} {measure.metric}": measure
        for task in compare(methods)
        for measure in task.measures
    }
    rival, recipe = (method.label for method in methods)
    cells = {}
    for title, place in ROWS.items():
        measure = measures[place]
        found = measure.differences[recipe].found
        value, *interval = (
            f"{100 * x:+.1f}" for x in (found.value, *found.interval)
        )
        cells[title] = (
            f"{100 * measure.values[recipe].value:.1f} %",
            f"{100 * measure.values[rival].value:.1f} %",
            f"{value} ({interval[0]} to {interval[1]})",
        )
    return cells


def assert_row(title, cells, page="docs/results.md"):
    text = (ROOT / page).read_text()
    assert f"| {title} | {' | '.join(cells)} |" in text


def test_three_times_the_steps():
    for title, cells in cells_by_row("longer", "clip").items():
        assert_row(title, cells)


def test_seeds_of_every_rival():
    rivals = "clip", "clip, self", "slip", "unicl"
    found = [cells_by_row("rivals", rival) for rival in rivals]
    for title in ROWS:
        row = [found[0][title][0], *(cells[title][2] for cells in found)]
        assert_row(title, row)
        assert_row(title, row, page="README.md")
