"""Time and memory of MP-NCE: the package's tiles against dense code.

    python -m experiments.benchmarks.loss --pairs=512,1024,2048 --threads=2

Forward and backward pass on the CPU, by the package (`tiled`) and by code with
a matrix of all logits in TensorFlow and, where it is installed, PyTorch, each
in its own process. All must give the same loss and gradient norm. Writes
loss_benchmark.json and .png; docs/benchmarks.md says what the figures include.

    python -m experiments.benchmarks.loss --pairs=4096 --tile_sizes=1024,4096

times the package alone, with tiles of these sizes, on a GPU if there is one.
"""

import importlib.util
import json
import math
import os
import pathlib

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.loss import cases
from experiments.benchmarks.loss import tile_sizes
from experiments.benchmarks.loss.chart import write_chart
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

OPTIONS = {
    "pairs": (["512", "1024", "2048", "4096", "8192", "32768"], "Batch sizes."),
    "dense_up_to": (4096, "Most pairs for dense code."),
    "dim": (256, "Embedding size.", 1),
    "temperature": (0.07, "Of every pair of domains.", 0.01, 100.0),
    "repeats": (3, "Timed calls of each case.", 1),
    "tile_sizes": ([], "Rows of tiles to compare, instead of all else."),
    "threads": (os.cpu_count(), "Threads to compute with.", 1),
    "output_dir": ("experiments/results", "Folder to write to."),
}
TOLERANCES = {"loss": 1e-4, "gradient_norm": 1e-3}
COLUMNS = {
    "embeddings": "{embeddings:,}",
    "method": "{method}",
    "calls": "{calls}",
    "seconds min": "{seconds_min:.3f}",
    "median": "{seconds_median:.3f}",
    "x tiled": "{ratio_to_tiled:.2f}",
    "extra MB": "{extra_mb:,.0f}",
    "loss": "{loss:.6f}",
}


def main(options):
    """Measures, prints and writes."""
    sizes = benchmark.parse_integers("pairs", options.pairs or [""], 2)
    settings = {
        "dim": options.dim,
        "temperature": options.temperature,
        "repeats": options.repeats,
    }
    if options.tile_sizes:
        print(describe_hardware(options.threads, ["tensorflow"]))
        tile_sizes.compare(options, sizes, settings)
        return
    output_dir = pathlib.Path(options.output_dir)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot write to {options.output_dir!r} ({error.strerror}): "
            "choose an --output_dir that you may write to."
        ) from None
    methods, packages = list(cases.METHODS), ["tensorflow", "torch"]
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed: it is left out.")
        methods = [name for name in methods if "PyTorch" not in name]
        packages.remove("torch")
    hardware = describe_hardware(options.threads, packages)
    print(hardware)
    results = {"hardware": hardware, "settings": settings, "cases": []}
    for size in sorted(set(sizes)):
        reference = None
        for method in methods if size <= options.dense_up_to else [cases.TILED]:
            case = {"method": method, "pairs": size}
            try:
                case |= measuring.call_in_process(
                    f"{cases.__name__}:measure",
                    options.threads,
                    **case,
                    **settings,
                )
            except MemoryError as error:
                raise InputError(
                    f"{error}: lower --pairs or --dense_up_to."
                ) from None
            reference = reference or case
            check_agreement(case, reference)
            seconds = case["seconds_min"]
            case["ratio_to_tiled"] = seconds / reference["seconds_min"]
            results["cases"].append(case)
            print(f"{size:,} pairs, {method}: {seconds:.3g} s", flush=True)
    text = json.dumps(results, indent=2)
    (output_dir / "loss_benchmark.json").write_text(text + "\n")
    write_chart(output_dir / "loss_benchmark.png", results)
    print(format_table(results))
    print(f"written: {output_dir / 'loss_benchmark.json'} and .png")


def check_agreement(case, reference):
    """Checks loss and gradient norm: timing wrong code is worthless."""
    for key, tolerance in TOLERANCES.items():
        if not math.isclose(case[key], reference[key], rel_tol=tolerance):
            raise RuntimeError(
                f"{case}: {key} is {case[key]}, but {cases.TILED} has "
                f"{reference[key]}."
            )


def format_table(results):
    """Formats `results["cases"]` as a Markdown table."""
    rows = [
        [cell.format(**case) for cell in COLUMNS.values()]
        for case in results["cases"]
    ]
    return measuring.markdown_table(list(COLUMNS), rows)


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
