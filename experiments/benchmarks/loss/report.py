"""The loss benchmark as a table and as a picture."""

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

# The light colours of the report.
COLOURS = ("#4a4fd8", "#d9622b", "#d99a2b", "#12805c", "#5bb98f")
MUTED, LINE = "#626b7a", "#e3e6eb"

PANELS = (
    ("seconds_min", "Seconds, forward and backward"),
    ("extra_mb", "Extra memory at the peak, MB"),
)
LABEL_HEIGHT = 14  # points


def format_table(results):
    """The plain table, a line per case.

    Args:
        results: as `loss.benchmark` returns them.
    """
    columns = {
        "embeddings": lambda row: f"{row['embeddings']:,}",
        "method": lambda row: row["method"],
        "calls": lambda row: f"{row['calls']}",
        "seconds min": lambda row: f"{row['seconds_min']:.3f}",
        "median": lambda row: f"{row['seconds_median']:.3f}",
        "x tiled": lambda row: f"{row['ratio_to_tiled']:.2f}",
        "extra MB": lambda row: f"{row['extra_mb']:,.0f}",
        "loss": lambda row: f"{row['loss']:.6f}",
    }
    lines = [list(columns)] + [
        [show(row) for show in columns.values()] for row in results["cases"]
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.rjust, line, widths)) for line in lines)


def write_chart(path, results):
    """Writes two panels, logarithmic in both directions.

    Args:
        path: PNG file.
        results: as `loss.benchmark` returns them.
    """
    style = {
        "font.size": 11,
        "text.color": MUTED,
        "axes.edgecolor": LINE,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
    }
    with rc_context(style):
        figure = Figure(figsize=(11, 4.4), dpi=110, layout="constrained")
        figure.suptitle(
            f"MP-NCE over a batch's embeddings; {results['hardware']}",
            fontsize=10,
        )
        for axes, (key, title) in zip(
            figure.subplots(1, 2), PANELS, strict=True
        ):
            _draw_panel(axes, results["cases"], key, title)
        figure.supxlabel(
            "embeddings: two images and a text per pair", fontsize=10
        )
        figure.savefig(path)


def _draw_panel(axes, cases, key, title):
    axes.set_title(title, loc="left", fontsize=12)
    sizes = sorted({case["embeddings"] for case in cases})
    ends = []
    for method, colour in zip(
        dict.fromkeys(case["method"] for case in cases), COLOURS, strict=False
    ):
        # A tiny case may need no memory at all, which has no logarithm.
        points = [
            (case["embeddings"], case[key])
            for case in cases
            if case["method"] == method and case[key] > 0
        ]
        if points:
            axes.plot(*zip(*points, strict=True), "o-", color=colour)
            ends.append((*points[-1], method, colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.05, 0.2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.10g}")
    axes.set_yticks([], minor=True)
    axes.grid(axis="y", color=LINE, linewidth=1)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.tick_params(length=0, which="both")
    if ends:
        # Room for the names, which stand one above the other.
        bottom, top = axes.get_ylim()
        axes.set_ylim(top=top * (top / bottom) ** (0.08 * len(ends)))
    _label(axes, ends)


def _label(axes, ends):
    """Names the lines at their ends, above the highest that ends there.

    Lines rise to the right, so that the place is free. The names are in the
    order of the lines, and have their colours.
    """
    highest, rank = {}, {}
    for x, y, _, _ in ends:
        highest[x] = max(y, highest.get(x, 0))
    for x, _, method, colour in sorted(ends, key=lambda end: end[1]):
        rank[x] = rank.get(x, -1) + 1
        axes.annotate(
            method,
            (x, highest[x]),
            (4, 8 + rank[x] * LABEL_HEIGHT),
            textcoords="offset points",
            color=colour,
            ha="right",
        )
