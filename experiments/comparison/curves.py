"""Charts of what several runs report and validate over their steps."""

import re

from experiments.report.charts import line_svg
from experiments.report.charts import series

# Chart -> its title and note. A name that ends with a slash stands for each
# key that begins so, such as those of the pairs of domains.
CURVES = {
    "loss": ("Training loss", "Noisy losses have a moving average on top."),
    "validation/": ("Validation", "Of held-out samples, during training."),
    "temperature/": ("Temperature", "Learned. Lower is sharper."),
    "offset/": ("Offset", "Learned, and subtracted from the cosine."),
}


def compare_curves(methods):
    """Draws a chart for each quantity, with a line for each run.

    Runs of one method share a color.

    Args:
        methods: List of `Method`.

    Returns:
        List of dicts of "title", "note", "svg" and "legend": dict label of a
        method -> mean last value of its runs.
    """
    histories = [run.history for method in methods for run in method.runs]
    names = {name for rows in histories for row in rows for name in row}
    charts = []
    for prefix, (title, note) in CURVES.items():
        for name in sorted(names):
            is_one = prefix[-1] == "/" and name.startswith(prefix)
            chart = _draw(name, methods) if is_one or name == prefix else None
            if chart is not None:
                rest = re.sub(r"_r(\d+)$", r", R@\1", name[len(prefix) :])
                rest = rest.replace("_", " ")
                chart["title"] = f"{title}: {rest}" if rest else title
                charts.append(chart | {"note": note})
    return charts


def _draw(name, methods):
    lines, colors, legend = {}, [], {}
    for number, method in enumerate(methods):
        last = []
        for run in method.runs:
            steps, values = series(run.history, name)
            if len(steps):
                lines[run.label] = steps, values
                colors.append(number)
                last.append(values[-1])
        if last:
            legend[method.label] = number, sum(last) / len(last)
    if not lines:
        return None
    return {"legend": legend, "svg": line_svg(name, lines, colors)}
