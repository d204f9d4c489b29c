"""The chart of the loss benchmark."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

# The light colors of the report.
COLORS = ("#4a4fd8", "#d9622b", "#d99a2b", "#12805c", "#5bb98f")
PANELS = {
    "seconds_min": "Seconds, forward and backward",
    "extra_mb": "Extra memory at the peak, MB",
}


def write_chart(path, results):
    """Writes a PNG of time and memory over the number of embeddings."""
    cases = results["cases"]
    methods = dict.fromkeys(case["method"] for case in cases)
    sizes = sorted({case["embeddings"] for case in cases})
    figure = Figure(figsize=(11, 4.4), dpi=110, layout="constrained")
    figure.suptitle(
        f"MP-NCE over a batch's embeddings; {results['hardware']}", fontsize=10
    )
    panels = figure.subplots(1, 2)
    for axes, (key, title) in zip(panels, PANELS.items(), strict=True):
        for method, color in zip(methods, COLORS, strict=False):
            rows = [case for case in cases if case["method"] == method]
            x = [case["embeddings"] for case in rows]
            y = [case[key] for case in rows]
            # A tiny case may need no memory, which has no logarithm.
            axes.loglog(
                x, y, "o-", color=color, label=method, nonpositive="mask"
            )
        axes.set_title(title, loc="left", fontsize=12)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.10g}")
        axes.set_yticks([], minor=True)
        axes.grid(axis="y", color="#e3e6eb")
        axes.spines[["left", "top", "right"]].set_visible(False)
    figure.supxlabel("embeddings: two images and a text per pair", fontsize=10)
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside right center",
        frameon=False,
    )
    figure.savefig(path)
