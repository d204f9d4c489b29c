"""Pairs per second and time to the first step: ours, plain Keras, PyTorch.

    python -m experiments.benchmarks.step --python=PATH

The same CLIP, a ViT and a text transformer, trains on one ready batch: by this
package, by a plain Keras model with stock `fit`, and by PyTorch in eager mode,
in the interpreter `--python`, whose environment holds torch and numpy. The
sides take turns, each in its own process, and medians count. All start from the
same weights and must have the same losses in the first two steps. Processor
time, with --threads=1, is comparable on a busy machine, too.
"""

import json
import math
import os
import pathlib
import statistics
import sys
import tempfile
import time

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.step import sides
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

SIZES = {
    "batch": (64, "Pairs per step.", 2),
    "image_size": (64, "Side of the images in pixels.", 1),
    "patch_size": (8, "Side of the patches in pixels.", 1),
    "width": (192, "Of both towers.", 1),
    "heads": (3, "Attention heads of both towers.", 1),
    "layers": (6, "Of the image tower.", 1),
    "text_layers": (4, "Of the text tower.", 1),
    "vocabulary": (8000, "Token ids.", 3),
    "context": (32, "Tokens per text.", 1),
}
OPTIONS = SIZES | {
    "steps": (10, "Timed steps per turn, after three that are not.", 1),
    "repeats": (5, "Turns of each side.", 1),
    "threads": (os.cpu_count(), "Threads to compute with.", 1),
    "gpus": ("yes", "Whether to use GPUs, if there are any: yes or no."),
    "python": (sys.executable, "Interpreter of PyTorch."),
    "output": ("", "JSON file to write, if any."),
}
# Of the losses of the first and of the second step.
TOLERANCES = 1e-4, 1e-3


def main(options):
    """Measures, prints and writes."""
    if options.gpus not in ("yes", "no"):
        raise InputError(f"--gpus={options.gpus}: choose yes or no.")
    sizes = {name: options[name].value for name in SIZES}
    hardware = describe_hardware(options.threads, ["tensorflow", "keras"])
    print(hardware)
    with tempfile.TemporaryDirectory() as folder:
        start = f"{folder}/start.npz"
        call("keras_sides:write_start", options, path=start, sizes=sizes)
        order = {"start": start, "sizes": sizes}
        turns = take_turns(order, options)
        parts = call(
            "parts:measure_parts",
            options,
            repeats=options.steps,
            **order,
        )
    print(format_table(turns))
    print(format_parts(parts))
    if options.output:
        results = {"hardware": hardware, "sizes": sizes}
        results |= {"turns": turns, "parts": parts}
        text = json.dumps(results, indent=2)
        pathlib.Path(options.output).write_text(text + "\n")


def call(function, options, python=sys.executable, **args):
    """Calls a function of this package in a new process."""
    return measuring.call_in_process(
        f"{__package__}.{function}",
        options.threads,
        python=python,
        hide_gpus=options.gpus == "no",
        **args,
    )


def take_turns(order, options):
    """Returns side -> list of what `sides.measure` returned in each turn."""
    turns, begin = {}, time.monotonic()
    for turn in range(options.repeats):
        for side in list(turns) if turn else sides.SIDES:
            python = options.python if side == sides.TORCH else sys.executable
            found = call(
                "sides:measure",
                options,
                python,
                side=side,
                steps=options.steps,
                **order,
            )
            if "missing" in found:
                print(f"{side} is left out: {found['missing']}.")
                continue
            turns.setdefault(side, []).append(found)
            check_losses(side, found["losses"], turns[sides.OURS][0]["losses"])
        passed = (time.monotonic() - begin) / 60
        left = passed / (turn + 1) * (options.repeats - turn - 1)
        speeds = ", ".join(
            f"{side} {found[-1]['pairs_per_second']:.0f}"
            for side, found in turns.items()
        )
        print(
            f"Turn {turn + 1} of {options.repeats}: {speeds} pairs/s; "
            f"about {left:.1f} min left",
            flush=True,
        )
    return turns


def check_losses(side, losses, expected):
    """Checks the losses: timing wrong code is worthless."""
    for loss, right, tolerance in zip(
        losses, expected, TOLERANCES, strict=True
    ):
        if not math.isclose(loss, right, rel_tol=tolerance):
            raise RuntimeError(
                f"{side} has the losses {losses}, but {sides.OURS} {expected}."
            )


def format_table(turns):
    """Formats medians and ranges; ratios are medians over the turns."""
    ours = turns[sides.OURS]
    header = ["side"]
    for name in ("pairs/s", "processor s/step", "first step, s"):
        header += [name, "ours to it"]
    rows = []
    for side, found in turns.items():
        cells = [side]
        for key, digits in (
            ("pairs_per_second", 0),
            ("processor", 2),
            ("first_step", 1),
        ):
            values = [one[key] for one in found]
            ratios = [a[key] / b[key] for a, b in zip(ours, found, strict=True)]
            low, high = min(values), max(values)
            cells += [
                f"{statistics.median(values):.{digits}f} "
                f"({low:.{digits}f}-{high:.{digits}f})",
                f"{statistics.median(ratios):.2f}",
            ]
        rows.append(cells)
    return measuring.markdown_table(header, rows)


def format_parts(parts):
    """Formats where our step spends its time."""
    rows = [
        [name, f"{seconds:.3f}", f"{seconds / parts['step']:.0%}"]
        for name, seconds in parts.items()
    ]
    return measuring.markdown_table(["our step", "seconds", "share"], rows)


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
