"""What a step of each run of a grid costs, by runs of a few steps."""

import pathlib
import statistics

from experiments.ablation.grid import GridRun
from experiments.ablation.grid import vary
from experiments.report.results_table import align


def pilots(runs, folder, steps):
    """Returns short runs of the first seed, without validation."""
    changes = {
        "steps": steps,
        "optimizer.warmup_steps": 0,
        "steps_per_execution": 1,
        "log_every": max(1, steps // 8),
        "validation.every": 0,
    }
    first = runs[0].config.seed
    return [
        GridRun(
            run.name,
            str(pathlib.Path(folder, "pilot", run.name)),
            vary(run.config, changes),
        )
        for run in runs
        if run.config.seed == first
    ]


def format_costs(pilots, steps):
    """Formats the processor time of a step, and the steps for equal time.

    Args:
        pilots: List of `GridRun` that have been trained, the first of which is
            the one to compare with.
        steps: int. Steps that the first one takes in earnest.
    """
    rows = [("run", "processor s/step", "to the first", "steps in equal time")]
    first = None
    for pilot in pilots:
        if cost := _step_cost(pilot.history()):
            first = first or cost
            ratio = cost / first
            equal = f"{steps / ratio:,.0f}"
            rows.append((pilot.name, f"{cost:.3f}", f"{ratio:.2f}", equal))
    return align(rows, left=1)


def _step_cost(history):
    """The median over the reports, of which the first holds the start."""
    pairs = zip(history, history[1:], strict=False)
    costs = [
        (after["processor_seconds"] - before["processor_seconds"])
        / (after["step"] - before["step"])
        for before, after in pairs
    ]
    return statistics.median(costs) if costs else None
