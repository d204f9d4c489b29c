"""Charts of a run that follow the page's light and dark colours."""

import io
import math
import numbers
import re

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.report.page import number
from experiments.report.page import percent
from experiments.report.page import text

# Matplotlib needs colours, the page has variables for light and dark: each
# stand-in is replaced by its variable in the finished SVG.
STAND_INS = {"#0000a0": "--muted", "#0000a1": "--line"} | {
    f"#0000b{i}": f"--series-{i}" for i in range(1, 7)
}
MUTED, LINE, *SERIES = STAND_INS
# A chart is this wide on the page, so a longer line shows nothing more.
MOST_POINTS = 400


def history_charts(history):
    """Charts of loss, learning rate, temperatures and offsets over steps.

    Args:
        history: list of dicts with "step"; see `report`. Keys may be missing
            anywhere; of rows with the same step the last one counts, as a
            resumed run repeats steps.

    Returns:
        list of HTML strings, one per chart that has values.
    """
    charts = [
        (
            "Loss",
            "Training objective per step, and a moving average.",
            {"loss": series(history, "loss")},
        ),
        (
            "Learning rate",
            "As the schedule gave it.",
            {"learning rate": series(history, "learning_rate")},
        ),
        (
            "Temperature",
            "Learned, one per pair of domains; lower is sharper.",
            _pairs(history, "temperature/"),
        ),
        (
            "Offset",
            "Learned, one per pair of domains; subtracted from the cosine.",
            _pairs(history, "offset/"),
        ),
    ]
    return [
        _chart(title, note, lines)
        for title, note, lines in charts
        if any(len(steps) for steps, _ in lines.values())
    ]


def augmentation_chart(check):
    """The loss with own and with shuffled augmentation vectors, as bars.

    Args:
        check: {"loss", "loss_shuffled", "n" images, optional}, or None.

    Returns:
        HTML that says in words what the bars show; empty without a check.
    """
    if not check:
        return ""
    right, shuffled = check["loss"], check["loss_shuffled"]
    change = (shuffled - right) / right if right else 0.0
    if change > 0:
        verdict = (
            f"Shuffling raises the loss by {percent(change)}: the model uses "
            "what it is told about the augmentations."
        )
    else:
        verdict = (
            f"Shuffling changes the loss by {percent(change)}: this model "
            "makes no use of what it is told about the augmentations."
        )
    if "n" in check:
        verdict += f" Measured on {number(check['n'])} images."
    bars = "".join(
        f'<span>{name}</span><div class="{kind}" '
        f'style="width:{100 * value / max(right, shuffled, 1e-9):.1f}%">'
        f"</div><b>{number(float(value))}</b>"
        for name, kind, value in (
            ("own vectors", "strong", right),
            ("shuffled", "", shuffled),
        )
    )
    return (
        f'<figure class="card"><figcaption><strong>Loss</strong>{verdict}'
        f'</figcaption><div class="bars">{bars}</div></figure>'
    )


def series(history, key):
    """Steps and finite values of one key.

    Returns:
        `(steps, values)`, float [n], sorted by step.
    """
    points = {
        row["step"]: row[key]
        for row in history
        if _finite(row.get("step")) and _finite(row.get(key))
    }
    steps = sorted(points)
    return (
        np.asarray(steps, float),
        np.asarray([points[step] for step in steps], float),
    )


def _finite(value):
    return isinstance(value, numbers.Real) and math.isfinite(value)


def _pairs(history, prefix):
    keys = {key for row in history for key in row if key.startswith(prefix)}
    lines = {
        key.removeprefix(prefix): series(history, key) for key in sorted(keys)
    }
    return {name: line for name, line in lines.items() if len(line[0])}


def _chart(title, note, lines):
    legend = "".join(
        f'<span><i style="background:var(--series-{i % len(SERIES) + 1})">'
        f"</i>{text(name)} <b>{values[-1]:.3g}</b></span>"
        for i, (name, (_, values)) in enumerate(lines.items())
    )
    return (
        f'<figure class="card"><figcaption><strong>{text(title)}</strong>'
        f'{text(note)}<div class="legend">{legend}</div></figcaption>'
        f"{line_svg(title, lines)}</figure>"
    )


def line_svg(title, lines):
    """A line chart as an SVG element.

    Args:
        title: plain text, read aloud in place of the picture.
        lines: {name: (steps [n], values [n])}.

    Returns:
        str. A noisy single line is drawn thin, with a moving average on top.
    """
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": title,
        "font.size": 11,
        "text.color": MUTED,
        "axes.edgecolor": LINE,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
    }
    with rc_context(style):
        # Inches of 72 points, so that a point is a pixel of the page.
        figure = Figure(figsize=(440 / 72, 240 / 72), layout="constrained")
        axes = figure.add_subplot()
        for i, (steps, values) in enumerate(lines.values()):
            colour = SERIES[i % len(SERIES)]
            _draw(axes, steps, values, colour, mean=len(lines) == 1)
        axes.locator_params(axis="y", nbins=6)
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:.4g}")
        axes.grid(axis="y", color=LINE, linewidth=1)
        axes.set_axisbelow(True)
        axes.spines[["left", "top", "right"]].set_visible(False)
        axes.tick_params(length=0, which="both", pad=6)
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None}
        )
    return _themed(buffer.getvalue(), title)


def _draw(axes, steps, values, colour, mean):
    steps, values = _thinned(steps), _thinned(values)
    if len(steps) == 1:
        axes.plot(steps, values, "o", color=colour)
        return
    # A schedule or a slow parameter is smooth already.
    if mean and len(values) >= 20 and _rough(values):
        axes.plot(steps, values, color=colour, linewidth=1, alpha=0.35)
        values = _smoothed(values)
    axes.plot(steps, values, color=colour, linewidth=2)


def _rough(values):
    turns = np.diff(np.sign(np.diff(values))) != 0
    return turns.mean() > 0.2


def _thinned(values):
    if len(values) <= MOST_POINTS:
        return values
    return np.array([b.mean() for b in np.array_split(values, MOST_POINTS)])


def _smoothed(values):
    # Centred, because a mean over the past alone lags behind a falling loss.
    width = max(2, len(values) // 40)
    offsets = np.arange(-3 * width, 3 * width + 1)
    kernel = np.exp(-0.5 * (offsets / width) ** 2)
    total = np.convolve(values, kernel)
    weight = np.convolve(np.ones(len(values)), kernel)
    return (total / weight)[3 * width : 3 * width + len(values)]


def _themed(svg, title):
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    opening, rest = svg.split(">", 1)
    view_box = re.search(r'viewBox="[^"]+"', opening).group()
    for stand_in, variable in STAND_INS.items():
        rest = rest.replace(stand_in, f"var({variable})")
    return (
        f'<svg {view_box} role="img" aria-label="{text(title)}" '
        'xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{rest}'
    )
