"""Trains on many devices and processes, and compares with one device.

    python -m experiments.benchmarks.replicas --cases=MPNCE --topologies=1x4,2x1

Each case (every objective, and variants of the step) takes ten steps of 24
items on each topology, given as processes x logical CPU devices: one process
runs `MirroredStrategy`, several `MultiWorkerMirroredStrategy` over loopback.
The losses and all copies of the weights must be those of one device. Writes
replicas.json and replicas.md, with a table: of each case how far training has
moved a weight, and of each topology the largest relative difference of a loss
and the largest difference of a weight. The exit status is 1 where a difference
is above its tolerance.
"""

import json
import pathlib
import sys
import tempfile
import time

from experiments.benchmarks import benchmark
from experiments.benchmarks.replicas import topologies
from experiments.benchmarks.replicas.cases import CASES
from experiments.benchmarks.replicas.comparison import compare
from experiments.benchmarks.replicas.comparison import format_table
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

OPTIONS = {
    "cases": (list(CASES), "What to train."),
    "topologies": (
        ["1x1", "1x2", "1x3", "1x4", "2x1", "3x1", "2x2"],
        "Processes x logical devices.",
    ),
    "jobs": (2, "Topologies to train on at a time.", 1),
    "output_dir": ("experiments/results", "Folder to write to."),
}


def main(options):
    """Trains, compares, prints and writes."""
    cases = check_cases(options.cases)
    chosen = [topologies.parse(name) for name in options.topologies]
    output_dir = benchmark.make_output_dir(options.output_dir)
    hardware = describe_hardware(packages=["tensorflow", "keras"])
    print(hardware, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = train(
            [None, *chosen], cases, pathlib.Path(folder), options.jobs
        )
    results = {"hardware": hardware, "cases": {}}
    one = found.pop("one")
    for name in cases:
        (expected,) = one[name]
        tolerance = CASES[name].tolerance
        results["cases"][name] = {
            "moved": expected["moved"],
            "tolerance": tolerance,
            "topologies": {
                topology: compare(trained[name], expected, tolerance)
                for topology, trained in found.items()
            },
        }
    text, table = json.dumps(results, indent=2), format_table(results)
    (output_dir / "replicas.json").write_text(text + "\n")
    (output_dir / "replicas.md").write_text(table + "\n")
    print(f"{table}\nwritten: {output_dir / 'replicas.json'} and .md")
    unequal = [
        f"{name} on {topology}"
        for name, case in results["cases"].items()
        for topology, cell in case["topologies"].items()
        if not cell["equal"]
    ]
    if unequal:
        sys.exit(f"Not equal to one device: {', '.join(unequal)}.")


def check_cases(names):
    """Raises InputError unless all names are those of cases."""
    unknown = [name for name in names if name not in CASES]
    if unknown or not names:
        raise InputError(
            f"--cases={','.join(names)}: give some of {','.join(CASES)}."
        )
    return names


def train(chosen, cases, folder, jobs):
    """Trains cases on topologies; maps the name of each to its results."""
    # The slow ones first, so that none is left at the end.
    waiting = sorted(chosen, key=lambda t: t.replicas if t else 1)
    work = {str(t or "one"): t.replicas if t else 1 for t in chosen}
    total = sum(work.values()) * len(cases)
    start, done = time.monotonic(), 0
    running, results = [], {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(
                    topologies.Training(waiting.pop(), cases, folder)
                )
            time.sleep(0.2)
            for training in list(running):
                for case in training.news():
                    done += work[training.name]
                    seconds = time.monotonic() - start
                    left = seconds * (total - done) / done / 60
                    print(
                        f"{seconds / 60:5.1f} min, {training.name} {case}, "
                        f"about {left:.1f} min left",
                        flush=True,
                    )
                if training.has_ended():
                    results[training.name] = training.results()
                    running.remove(training)
    finally:
        for training in running:
            training.stop()
    return {str(t or "one"): results[str(t or "one")] for t in chosen}


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
