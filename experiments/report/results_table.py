"""Results against chance, as HTML tables and as plain text.

The schema of `results` is described in `report`.
"""

from experiments.report.page import number
from experiments.report.page import percent
from experiments.report.page import text

DIRECTIONS = {
    "image_to_text": "image to text",
    "text_to_image": "text to image",
}


def format_table(results):
    """The plain table for the end of a run in a terminal.

    Args:
        results: dict, see `report`.

    Returns:
        str: a line per figure with task, metric, result, chance, n, under a
        heading. Empty without results.
    """
    rows = [
        (f"{split}, {DIRECTIONS[way]}", metric, *_cells(task, metric))
        for split, ways in results.get("retrieval", {}).items()
        for way, task in ways.items()
        for metric in task["chance"]
    ]
    rows += [
        (f"{name}, zero-shot", metric, *_cells(task, metric))
        for name, task in results.get("zero_shot", {}).items()
        for metric in task["chance"]
    ]
    if not rows:
        return ""
    rows.insert(0, ("task", "metric", "result", "chance", "n"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for previous, row in zip([None, *rows], rows, strict=False):
        # A task is named once, so that the eye finds where it begins.
        same = previous is not None and previous[0] == row[0]
        first = "" if same else row[0]
        cells = [first.ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [
            cell.rjust(width)
            for cell, width in zip(row[2:], widths[2:], strict=True)
        ]
        lines.append("  ".join(cells))
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def _cells(task, metric):
    value, chance = task[metric], task["chance"][metric]
    # A rank is a count from 1, everything else is a fraction.
    show = number if metric == "median_rank" else percent
    return show(value), show(chance), number(task["n"])


def results_html(results):
    """The tables of retrieval and zero-shot results.

    Args:
        results: dict, see `report`.

    Returns:
        HTML; empty without results.
    """
    titles = results.get("splits", {})
    parts = []
    for way, title in DIRECTIONS.items():
        tasks = {
            split: ways[way]
            for split, ways in results.get("retrieval", {}).items()
        }
        if tasks:
            parts.append(f"<h3>Retrieval, {title}</h3>")
            parts.append(_retrieval_table(tasks, titles))
    if results.get("zero_shot"):
        parts.append("<h3>Zero-shot classification</h3>")
        parts.append(_zero_shot_table(results["zero_shot"], titles))
        parts += [
            _per_class(titles.get(name, name), task)
            for name, task in results["zero_shot"].items()
            if task.get("per_class")
        ]
    return "\n".join(parts)


def _retrieval_table(tasks, titles):
    metrics = list(next(iter(tasks.values()))["chance"])
    rows = []
    for split, task in tasks.items():
        queries = number(task["n"])
        if task["excluded"]:
            queries += (
                f"<small>{number(task['excluded'])} without match</small>"
            )
        rows.append(
            [text(titles.get(split, split))]
            + [_figure(task, metric) for metric in metrics]
            + [queries, number(task["candidates"])]
        )
    names = [metric.replace("_", " ") for metric in metrics]
    return _table(["", *names, "queries", "candidates"], rows)


def _zero_shot_table(tasks, titles):
    metrics = list(next(iter(tasks.values()))["chance"])
    rows = [
        [text(titles.get(name, name))]
        + [_figure(task, metric, most_common=True) for metric in metrics]
        + [
            percent(task["mean_per_class"]),
            number(task["n"]),
            number(task["classes"]),
        ]
        for name, task in tasks.items()
    ]
    names = [f"top-{metric.removeprefix('top')}" for metric in metrics]
    return _table(["", *names, "mean per class", "images", "classes"], rows)


def _figure(task, metric, most_common=False):
    value, chance, _ = _cells(task, metric)
    below = f"<small>chance {chance}</small>"
    if most_common:
        usual = percent(task["majority"][metric])
        below += f"<small>most common {usual}</small>"
    return value + below


def _table(head, rows):
    # On a phone the heading goes and each cell shows its own label.
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{label}">{cell}</td>'
            for label, cell in zip(head, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    head = "".join(f"<th>{cell}</th>" for cell in head)
    return (
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _per_class(title, task):
    best_first = sorted(
        task["per_class"].items(), key=lambda item: -item[1]["top1"]
    )
    bars = "".join(
        f"<span>{text(label)} <small>{number(row['n'])}</small></span>"
        f'<div style="width:{100 * row["top1"]:.1f}%"></div>'
        f"<b>{percent(row['top1'])}</b>"
        for label, row in best_first
    )
    return (
        f'<details class="card"><summary>{text(title)}, class by class'
        f'</summary><div class="bars">{bars}</div></details>'
    )
