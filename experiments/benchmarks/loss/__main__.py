"""Time and memory of MP-NCE: the package's tiles against dense code.

    python -m experiments.benchmarks.loss --pairs=512,1024,2048 --threads=2

One forward and backward pass on the CPU, at several batch sizes of two views
and a text per pair: by the package (`tiled`), and by straightforward code with
a matrix of all logits in TensorFlow and, where it is installed, in PyTorch.
All must give the same loss and gradient norm. Each case has its own process:

- seconds: the least and the median of the timed calls, after a first one that
  does not count; of calls beyond a minute one is timed.
- extra MB (10^6 bytes): the highest resident memory during that first call,
  less what was resident just before it (libraries, inputs, the traced graph,
  kernels loaded by a call at a tiny size), less the gradients that it returns.
  TensorFlow optimises the graph in that call; at small sizes this is nearly
  all of it.

Writes loss_benchmark.json and loss_benchmark.png, and prints the table.
"""

import importlib.util
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

from absl import flags

from experiments.benchmarks.loss import cases as loss_cases
from experiments.benchmarks.loss.cases import DENSE_PYTORCH
from experiments.benchmarks.loss.cases import DENSE_TENSORFLOW
from experiments.benchmarks.loss.cases import LEAN_PYTORCH
from experiments.benchmarks.loss.cases import LEAN_TENSORFLOW
from experiments.benchmarks.loss.cases import TILED
from experiments.benchmarks.loss.report import format_table
from experiments.benchmarks.loss.report import write_chart
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3


def define_flags(values=flags.FLAGS):
    """Adds the script's flags; other scripts have some of the same names."""
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
    """Measures what the flags name."""
    del argv
    methods = [TILED, DENSE_TENSORFLOW, LEAN_TENSORFLOW]
    if importlib.util.find_spec("torch"):
        methods += [DENSE_PYTORCH, LEAN_PYTORCH]
    else:
        print("PyTorch is not installed: it is left out.")
    benchmark(
        parse_pairs(values.pairs),
        values.output_dir,
        methods,
        dense_up_to=values.dense_up_to,
        threads=values.threads,
        dim=values.dim,
        temperature=values.temperature,
        repeats=values.repeats,
    )


def parse_pairs(texts):
    """Batch sizes as integers, in rising order.

    Raises:
        InputError: one is no integer of 2 or more, or there is none.
    """
    for text in texts:
        if not text.isdecimal() or int(text) < 2:
            raise InputError(
                f"--pairs holds {text!r}: give whole numbers of at least 2, "
                "e.g. --pairs=512,1024."
            )
    if not texts:
        raise InputError("--pairs is empty: give e.g. --pairs=512,1024.")
    return sorted({int(text) for text in texts})


def benchmark(pairs, output_dir, methods, dense_up_to, threads, **settings):
    """Measures, prints and writes.

    Args:
        pairs: batch sizes.
        output_dir: folder, made where missing.
        methods: names of `loss_cases`, `TILED` first.
        dense_up_to: most pairs for the other methods.
        threads: threads of each case.
        **settings: "dim", "temperature" and "repeats" of each case.

    Returns:
        dict as written: "hardware", "settings" and "cases".

    Raises:
        InputError: the folder cannot be written, or memory did not suffice.
        RuntimeError: the methods do not agree.
    """
    output_dir = pathlib.Path(output_dir)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot write to {str(output_dir)!r} ({error.strerror}): choose "
            "an --output_dir that you may write."
        ) from None
    results = {
        "hardware": describe_hardware(
            threads,
            ["tensorflow"] + ["torch"] * (DENSE_PYTORCH in methods),
        ),
        "settings": settings,
        "cases": [],
    }
    print(results["hardware"])
    for size in pairs:
        reference = None
        for method in methods if size <= dense_up_to else [TILED]:
            case = {"method": method, "pairs": size}
            measured = measure_in_process(case | settings, threads)
            reference = reference or measured
            check_agreement(case, measured, reference)
            row = case | summary(measured, reference)
            results["cases"].append(row)
            print(
                f"{row['embeddings']:,} embeddings, {method}: "
                f"{row['seconds_min']:.3g} s, {row['extra_mb']:,.0f} MB, "
                f"loss {row['loss']:.6f}",
                flush=True,
            )
    text = json.dumps(results, indent=2)
    (output_dir / "loss_benchmark.json").write_text(text + "\n")
    write_chart(output_dir / "loss_benchmark.png", results)
    print(format_table(results))
    print(f"written: {output_dir / 'loss_benchmark.json'} and .png")
    return results


def measure_in_process(case, threads):
    """`loss_cases.measure` in a new process with that many threads."""
    process = subprocess.run(
        [sys.executable, "-m", loss_cases.__name__, json.dumps(case)],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": str(threads),
            "TF_NUM_INTEROP_THREADS": str(threads),
            "TF_NUM_INTRAOP_THREADS": str(threads),
        },
    )
    what = f"{case['method']} with {case['pairs']:,} pairs"
    if process.returncode < 0:
        raise InputError(
            f"{what} was ended by signal {-process.returncode}, most likely "
            "for want of memory: lower --pairs or --dense_up_to."
        )
    if process.returncode:
        raise RuntimeError(f"{what} failed:\n{process.stderr}")
    return json.loads(process.stdout)


def check_agreement(case, measured, reference):
    """Raises RuntimeError unless loss and gradients are the reference's.

    A benchmark of wrong code would be worth nothing.
    """
    for key, tolerance in (
        ("loss", LOSS_TOLERANCE),
        ("gradient_norm", GRADIENT_TOLERANCE),
    ):
        if not math.isclose(measured[key], reference[key], rel_tol=tolerance):
            raise RuntimeError(
                f"{case}: {key} is {measured[key]}, but {TILED} has "
                f"{reference[key]}."
            )


def summary(measured, reference):
    """What the table and the chart show of a case."""
    seconds = measured["seconds"]
    return {
        "embeddings": measured["embeddings"],
        "calls": len(seconds),
        "seconds_min": min(seconds),
        "seconds_median": statistics.median(seconds),
        "ratio_to_tiled": min(seconds) / min(reference["seconds"]),
        "extra_mb": measured["extra_bytes"] / 1e6,
        "loss": measured["loss"],
    }


if __name__ == "__main__":
    define_flags()
    run(main)
