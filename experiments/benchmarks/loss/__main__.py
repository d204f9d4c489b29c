"""Time and memory of MP-NCE: the package's tiles against dense code.

    python -m experiments.benchmarks.loss --pairs=512,1024,2048 --threads=2

One forward and backward pass on the CPU, at several batch sizes of two views
and a text per pair: by the package (`tiled`), and by straightforward code with
a matrix of all logits in TensorFlow and, where it is installed, in PyTorch.
"dense" has a mask over all elements, "lean" gathers the positives. All must
give the same loss and gradient norm. Each case runs in its own process:

- seconds: the least and the median of the timed calls, after a first one that
  does not count. A case whose calls take more than a minute is timed once.
- extra MB (10^6 bytes): the highest resident memory during that first call,
  less the resident memory before it (libraries, inputs, the traced graph,
  kernels loaded by a call at a tiny size), less the gradients that it returns.
  TensorFlow optimizes the graph in that call; at small sizes this is nearly
  all of it.

Writes loss_benchmark.json and loss_benchmark.png, and prints the table.
"""

import importlib.util
import json
import math
import os
import pathlib

from absl import flags

from experiments.benchmarks.loss import cases
from experiments.benchmarks.loss.chart import write_chart
from experiments.benchmarks.measuring import call_in_process
from experiments.benchmarks.measuring import markdown_table
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

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


def define_flags(values=flags.FLAGS):
    """Adds the benchmark's flags."""
    options = {"flag_values": values}
    flags.DEFINE_list(
        "pairs", "512,1024,2048,4096,8192,32768", "Batch sizes.", **options
    )
    flags.DEFINE_integer(
        "dense_up_to", 4096, "Most pairs for dense code.", **options
    )
    flags.DEFINE_integer("dim", 256, "Embedding size.", 1, **options)
    flags.DEFINE_float(
        "temperature", 0.07, "Of every pair of domains.", 0.01, 100, **options
    )
    flags.DEFINE_integer(
        "repeats", 3, "Timed calls of each case.", 1, **options
    )
    flags.DEFINE_integer(
        "threads", os.cpu_count(), "Threads to compute with.", 1, **options
    )
    flags.DEFINE_string(
        "output_dir", "experiments/results", "Folder to write to.", **options
    )


def main(argv, values=flags.FLAGS):
    """Measures, prints and writes.

    Raises:
        InputError: A batch size is no integer of at least 2, the output
            folder cannot be written, or a case ran out of memory.
        RuntimeError: The methods do not agree.
    """
    del argv
    sizes = parse_pairs(values.pairs)
    output_dir = pathlib.Path(values.output_dir)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot write to {values.output_dir!r} ({error.strerror}): choose "
            "an --output_dir that you may write to."
        ) from None
    methods, packages = list(cases.METHODS), ["tensorflow", "torch"]
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed: it is left out.")
        methods = [name for name in methods if "PyTorch" not in name]
        packages.remove("torch")
    settings = {
        "dim": values.dim,
        "temperature": values.temperature,
        "repeats": values.repeats,
    }
    hardware = describe_hardware(values.threads, packages)
    results = {"hardware": hardware, "settings": settings, "cases": []}
    print(hardware)
    for size in sizes:
        reference = None
        for method in methods if size <= values.dense_up_to else [cases.TILED]:
            case = {"method": method, "pairs": size}
            case |= measure_in_process(case | settings, values.threads)
            reference = reference or case
            check_agreement(case, reference)
            case["ratio_to_tiled"] = (
                case["seconds_min"] / reference["seconds_min"]
            )
            results["cases"].append(case)
            print(
                f"{case['embeddings']:,} embeddings, {method}: "
                f"{case['seconds_min']:.3g} s, {case['extra_mb']:,.0f} MB, "
                f"loss {case['loss']:.6f}",
                flush=True,
            )
    text = json.dumps(results, indent=2)
    (output_dir / "loss_benchmark.json").write_text(text + "\n")
    write_chart(output_dir / "loss_benchmark.png", results)
    print(format_table(results))
    print(f"written: {output_dir / 'loss_benchmark.json'} and .png")


def parse_pairs(texts):
    """Batch sizes as integers, in rising order.

    Raises:
        InputError: One is no integer of at least 2, or there is none.
    """
    for text in texts:
        if not text.isdecimal() or int(text) < 2:
            raise InputError(
                f"--pairs holds {text!r}: give integers of at least 2, e.g. "
                "--pairs=512,1024."
            )
    if not texts:
        raise InputError("--pairs is empty: give e.g. --pairs=512,1024.")
    return sorted({int(text) for text in texts})


def measure_in_process(case, threads):
    """Calls `cases.measure` in a new process."""
    try:
        return call_in_process(f"{cases.__name__}:measure", threads, **case)
    except MemoryError as error:
        raise InputError(f"{error}: lower --pairs or --dense_up_to.") from None


def check_agreement(case, reference):
    """Checks the results of a case, because timing wrong code is worthless.

    Raises:
        RuntimeError: Loss or gradient norm differ from the reference's.
    """
    for key, tolerance in TOLERANCES.items():
        if not math.isclose(case[key], reference[key], rel_tol=tolerance):
            raise RuntimeError(
                f"{case}: {key} is {case[key]}, but {cases.TILED} has "
                f"{reference[key]}."
            )


def format_table(results):
    """The results of `main` as a Markdown table, a row per case."""
    return markdown_table(
        list(COLUMNS),
        [
            [cell.format(**case) for cell in COLUMNS.values()]
            for case in results["cases"]
        ],
    )


if __name__ == "__main__":
    define_flags()
    run(main)
