"""A chart of the differences to a baseline, with their intervals."""

import io

from matplotlib.figure import Figure

from experiments.report.page import score
from experiments.run import files
from uniclip_keras.errors import InputError

# The light colors of the report, the baseline's first.
COLORS = (
    "#4a4fd8", "#d9622b", "#12805c", "#b3307f",
    "#8a6d00", "#0b7a99", "#5f6a7d", "#7a4a21",
)  # fmt: skip


def write_differences(path, tasks, baseline):
    """Writes the chart of `draw_differences` as a PNG."""
    file = io.BytesIO()
    draw_differences(tasks, baseline).savefig(file, format="png")
    files.write_bytes(path, file.getvalue())


def draw_differences(tasks, baseline):
    """Draws how far each method is from the baseline, as a figure.

    It shows one share of each task, the first that the task reports: R@1 of
    retrieval, top-1 of classification. A difference whose interval holds 0 is
    hollow.

    Args:
        tasks: List of `comparison.tasks.Task`.
        baseline: str. The label of the baseline.

    Raises:
        InputError: If no difference is known.
    """
    rows = [(task, _first_known(task)) for task in tasks]
    rows = [(task, measure) for task, measure in rows if measure]
    labels = dict.fromkeys(
        label for _, measure in rows for label in measure.differences
    )
    if not labels:
        raise InputError(
            "--picture shows differences to the first workdir, and none is "
            "known; give runs of other methods, measured on the same sets."
        )
    height = 1 + 0.16 * len(rows) * (len(labels) + 1)
    figure = Figure(figsize=(10, height), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=COLORS[0], linewidth=2, label=baseline)
    step = 0.8 / len(labels)
    for number, label in enumerate(labels):
        color = COLORS[1 + number % (len(COLORS) - 1)]
        marks = axes.errorbar([], [], xerr=[], fmt="o", color=color)
        marks.set_label(label)
        for row, (_, measure) in enumerate(rows):
            paired = measure.differences.get(label)
            if paired is None or paired.found is None:
                continue
            found = paired.found
            low, high = found.interval
            axes.errorbar(
                100 * found.value,
                row + step * (number - (len(labels) - 1) / 2),
                xerr=[
                    [100 * (found.value - low)],
                    [100 * (high - found.value)],
                ],
                fmt="o",
                color=color,
                markerfacecolor=color if paired.is_clear else "white",
            )
    axes.set_yticks(range(len(rows)), [_title(*row, baseline) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(
        f"difference to {baseline} in points, with its 95 % interval; "
        "hollow where that holds 0"
    )
    axes.grid(axis="x", color="#e3e6eb")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=6, frameon=False)
    return figure


def _first_known(task):
    for measure in task.measures:
        if measure.metric != "median_rank" and any(
            paired.found for paired in measure.differences.values()
        ):
            return measure
    return None


def _title(task, measure, baseline):
    way = task.way.replace("_", " ")
    value = score(measure.values[baseline].value, measure.metric)
    return f"{task.title}\n{way}, {measure.metric}; {baseline} {value}"
