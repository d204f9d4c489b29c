"""Differences of trainings on replicas from the training on one device."""

import math

from experiments.benchmarks import measuring


def compare(processes, expected, tolerance):
    """Compares what processes found in a case with what one device found.

    Args:
        processes: The results of `training.train` on each process.
        expected: The result on one device.
        tolerance: `cases.Tolerance`.

    Returns:
        Dict of the largest difference of a `loss`, relative, and of a weight
        on any replica (`weights`), and whether all is `equal`: both within
        the tolerance, the counts of steps and the loss scale without any.
    """
    (weights,) = expected["weights"]
    loss = largest(
        abs(x - y) / abs(y)
        for found in processes
        for x, y in zip(found["losses"], expected["losses"], strict=True)
    )
    difference = largest(
        abs(x - y)
        for found in processes
        for replica in found["weights"]
        for name in weights | replica
        for x, y in zip(replica[name], weights[name], strict=True)
    )
    counts = all(found["counts"] == expected["counts"] for found in processes)
    return {
        "loss": loss,
        "weights": difference,
        "counts": counts,
        "equal": counts
        and loss <= tolerance.loss
        and difference <= tolerance.weights,
    }


def largest(differences):
    """Returns the maximum, infinity where one is not a number."""
    return max(math.inf if math.isnan(x) else x for x in differences)


def format_table(results):
    """Formats the results of `main` as a Markdown table."""
    topologies = list(next(iter(results["cases"].values()))["topologies"])
    header = ["case", "moved", "tolerance", *topologies]
    rows = []
    for name, case in results["cases"].items():
        row = [name, f"{case['moved']:.2g}", _pair(case["tolerance"])]
        for topology in topologies:
            found = case["topologies"][topology]
            cell = _pair((found["loss"], found["weights"]))
            if not found["counts"]:
                cell += ", counts differ"
            row.append(cell if found["equal"] else f"**{cell}**")
        rows.append(row)
    return measuring.markdown_table(header, rows)


def _pair(numbers):
    return " / ".join(f"{number:.1g}" for number in numbers)
