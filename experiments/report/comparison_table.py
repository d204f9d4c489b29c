"""Results of several methods and their differences, for the terminal."""

from experiments.report.page import interval
from experiments.report.page import p_value
from experiments.report.page import points
from experiments.report.page import points_interval
from experiments.report.page import score
from experiments.report.results_table import align

HEAD = (
    "task", "metric", "method", "result", "95 % interval", "difference",
    "95 % interval", "p", "detectable",
)  # fmt: skip


def format_comparison(tasks):
    """Formats a line for each task, metric and method; * marks the best.

    Notes follow.

    Args:
        tasks: List of `comparison.tasks.Task`.
    """
    rows, notes = [HEAD], []
    for task in tasks:
        name = f"{task.name}, {task.way.replace('_', ' ')}"
        notes += [f"{name}: {note}" for note in task.notes]
        for measure in task.measures:
            metric = measure.metric
            names = name, metric
            for label, found in measure.values.items():
                mark = "*" if label == measure.best else " "
                result = score(found.value, metric) + mark
                sure = interval(found.interval, metric)
                paired = measure.differences.get(label)
                rows.append(
                    (*names, label, result, sure, *_cells(paired, metric))
                )
                # Naming a task only once shows where its lines begin.
                name, names = "", ("", "")
    return "\n".join([align(rows, left=3), *notes])


def _cells(paired, metric):
    if paired is None or paired.found is None:
        return [""] * 4
    found = paired.found
    return (
        points(found.value, metric),
        points_interval(found.interval, metric),
        p_value(found.p_value),
        points(found.detectable, metric, signed=False),
    )
