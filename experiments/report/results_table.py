"""Results, intervals and chance as a plain table for the terminal."""

from experiments.report.page import interval
from experiments.report.page import number
from experiments.report.page import score


def format_table(results):
    """Formats results as a line for each metric; empty without results."""
    tasks = [
        (f"{split}, {way.replace('_', ' ')}", task)
        for split, ways in results.get("retrieval", {}).items()
        for way, task in ways.items()
    ]
    for name, task in results.get("zero_shot", {}).items():
        tasks.append((f"{name}, zero-shot", task))
    for group in ("probe", "robustness"):
        for name, ways in results.get(group, {}).items():
            for way, task in ways.items():
                tasks.append((f"{name}, {way.replace('_', ' ')}", task))
    if not tasks:
        return ""
    rows = [("task", "metric", "result", "95 % interval", "chance", "n")]
    for name, task in tasks:
        for metric, chance in task["chance"].items():
            result = score(task[metric], metric)
            sure = interval(task.get("intervals", {}).get(metric), metric)
            chance = score(chance, metric)
            row = name, metric, result, sure, chance, number(task["n"])
            rows.append(row)
            # Naming a task only once shows where its lines begin.
            name = ""
    return align(rows, left=2)


def align(rows, left):
    """Lines up rows of cells, of which the first `left` begin their columns.

    The first row is the head.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = map(str.ljust, row[:left], widths)
        figures = map(str.rjust, row[left:], widths[left:])
        lines.append("  ".join([*cells, *figures]))
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)
