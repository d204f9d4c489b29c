"""What the runs of a grid have found, measured and written as they end."""

import json

from experiments.compare import compare
from experiments.comparison.runs import read_runs
from experiments.evaluate import evaluate_subject
from experiments.evaluation.results import RESULTS
from experiments.evaluation.subject import load_checkpoint
from experiments.run import files
from experiments.run.tasks import TASK_GROUPS

ROWS, TABLE, PAGE = "results.jsonl", "table.txt", "compare.html"


def evaluate_run(run, sets=None):
    """Measures a trained run on what its results do not hold yet.

    Args:
        run: A `GridRun`.
        sets: A section like `config.evaluation`, beside the run's own.
    """
    subject = None
    for section in (None, sets):
        if _has_results(run, section or run.config.evaluation):
            continue
        subject = subject or load_checkpoint(run.workdir)
        evaluate_subject(subject, run.workdir, section).check()


def is_finished(run, sets=None):
    """Tells whether a run has taken all steps and has been measured."""
    return run.steps_done() >= run.config.steps and all(
        _has_results(run, section)
        for section in (run.config.evaluation, sets)
        if section is not None
    )


def _has_results(run, section):
    results = files.read_json(files.join(run.workdir, RESULTS)) or {}
    return all(
        name in results.get(group, {})
        for group in TASK_GROUPS
        for name in section[group]
    )


def write_results(runs, folder):
    """Writes the figures of finished runs, their table and their page.

    The first run is the baseline of the comparison.
    """
    workdirs = [run.workdir for run in runs]
    found = zip(runs, read_runs(workdirs), strict=True)
    rows = "".join(json.dumps(as_row(*pair)) + "\n" for pair in found)
    files.write_text(files.join(folder, ROWS), rows)
    table = compare(workdirs, files.join(folder, PAGE))
    files.write_text(files.join(folder, TABLE), table + "\n")


def as_row(run, results):
    """Returns the figures of a run as a flat dict.

    Args:
        run: A `GridRun`.
        results: Its `comparison.runs.Run`.
    """
    last = run.history()[-1]
    row = {"run": run.name, "steps": last["step"], "images": run.images_done()}
    for name in ("seconds", "processor_seconds"):
        row[name] = round(last.get(name, 0.0), 1)
    for place, values in results.measured().items():
        name = "/".join(dict.fromkeys(place))
        for metric in values.get("intervals", {}):
            row[f"{name}/{metric}"] = values[metric]
    return row
