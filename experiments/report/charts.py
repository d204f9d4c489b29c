"""Line charts of a run's history, as SVG in the page's own colors."""

import io
import math
import numbers

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

# Matplotlib takes fixed colors only. Each of these stands for a variable of
# the style sheet, which has a light and a dark value, and is replaced by it
# in the finished SVG.
MUTED, LINE = "#0000a0", "#0000a1"
SERIES = [f"#0000b{i}" for i in range(1, 9)]
VARIABLES = {MUTED: "--muted", LINE: "--line"} | {
    color: f"--series-{i}" for i, color in enumerate(SERIES, 1)
}
STYLE = {
    "svg.fonttype": "none",
    "axes.unicode_minus": False,
    "font.size": 11,
    "text.color": MUTED,
    "axes.edgecolor": LINE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
# A date would make every page differ.
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
# Chart -> its lines, key -> label. A chart whose name ends with a slash has a
# line for each key that begins so, such as those of the pairs of domains.
CHARTS = {
    "loss": {"loss": "training", "validation/loss": "validation"},
    "retrieval": {
        f"validation/{way}_r{k}": f"{way.replace('_', ' ')}, R@{k}"
        for way in ("image_to_text", "text_to_image")
        for k in (1, 5)
    },
    "learning_rate": {"learning_rate": "learning rate"},
    "temperature/": {},
    "offset/": {},
}
# About the width of a chart on the page in pixels.
MAX_POINTS = 400


def history_charts(history):
    """Draws what a run reports and validates over its steps.

    A resumed run repeats steps: the last row of a step counts. Returns a dict
    of "legend" (line -> last value) and "svg" for each of `CHARTS` with values.
    """
    names = sorted({name for row in history for name in row})
    charts = {}
    for chart, labels in CHARTS.items():
        if chart[-1] == "/":
            keys = [name for name in names if name.startswith(chart)]
            labels = {key: key.removeprefix(chart) for key in keys}
        lines = {label: series(history, key) for key, label in labels.items()}
        lines = {label: line for label, line in lines.items() if len(line[0])}
        if lines:
            charts[chart] = {
                "legend": {label: y[-1] for label, (_, y) in lines.items()},
                "svg": line_svg(chart, lines),
            }
    return charts


def series(history, key):
    """Returns the steps and the finite values of a key, sorted by step."""
    points = {
        row["step"]: row[key]
        for row in history
        if _is_finite(row.get("step")) and _is_finite(row.get(key))
    }
    points = np.asarray(sorted(points.items()), float).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def _is_finite(value):
    return isinstance(value, numbers.Real) and math.isfinite(value)


def line_svg(name, lines, colors=None):
    """Draws a chart of `{name: (steps, values)}` as Markup of an `svg`.

    `colors` are the numbers of the lines' colors, from 0; else each line has
    its own.

    A single noisy line, or those of a loss, are drawn thin, with a moving
    average on top. `name`, which no other chart of the page has, makes the ids
    of elements differ.
    """
    with rc_context(STYLE | {"svg.hashsalt": name}):
        # Inches of 72 points: a point of the chart is a pixel of the page.
        figure = Figure(figsize=(440 / 72, 240 / 72), layout="constrained")
        axes = figure.add_subplot()
        colors = colors or range(len(lines))
        for i, (steps, values) in zip(colors, lines.values(), strict=True):
            steps, values = _thin_out(steps), _thin_out(values)
            style = {"color": SERIES[i % len(SERIES)]}
            if (len(lines) == 1 or name == "loss") and _is_noisy(values):
                axes.plot(steps, values, linewidth=1, alpha=0.35, **style)
                values = _smooth(values)
            marker = "o" if len(steps) == 1 else None
            axes.plot(steps, values, linewidth=2, marker=marker, **style)
        axes.locator_params(nbins=6)
        axes.locator_params(axis="x", integer=True)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:.4g}")
        axes.grid(axis="y", color=LINE, linewidth=1)
        axes.set_axisbelow(True)
        axes.spines[["left", "top", "right"]].set_visible(False)
        axes.tick_params(length=0, which="both", pad=6)
        file = io.StringIO()
        figure.savefig(
            file, format="svg", transparent=True, metadata=NO_METADATA
        )
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    return Markup(svg)


def _thin_out(values):
    if len(values) <= MAX_POINTS:
        return values
    return np.array([b.mean() for b in np.array_split(values, MAX_POINTS)])


def _is_noisy(values):
    # A schedule and a slowly learned parameter rarely change direction.
    turns = np.diff(np.sign(np.diff(values))) != 0
    return len(values) >= 20 and turns.mean() > 0.2


def _smooth(values):
    # Centered, because a mean of past values lags behind a falling loss.
    width = max(2, len(values) // 40)
    offsets = np.arange(-3 * width, 3 * width + 1)
    kernel = np.exp(-0.5 * (offsets / width) ** 2)
    weights = np.convolve(np.ones(len(values)), kernel, mode="same")
    return np.convolve(values, kernel, mode="same") / weights
