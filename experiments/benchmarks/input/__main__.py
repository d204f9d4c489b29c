"""Views and tokens per second of one core: the package beside its peers.

    apt-get install mate-backgrounds
    python -m experiments.benchmarks.input --python=PATH

Photographs are cut to the sizes asked for once, and saved as JPEG (quality 90,
4:2:0). Each side decodes one and makes three views of 224 pixels by SLIP's
recipe, one weak and two strong: `data.training_dataset` with one thread, from
a tar to finished batches; torchvision on Pillow, with its own blur and with
Pillow's, which SLIP's code uses; albumentations on OpenCV. Captions go through
`data.CLIPTokenizer` and open_clip's `SimpleTokenizer`.

The others run in the interpreter `--python`, whose environment holds torch,
torchvision, albumentations, opencv-python-headless and open_clip_torch; what
is missing there is left out. Every side is a process of its own, all on one
core and taking turns; of several rounds the least processor time counts, which
other work on the machine disturbs least. Prints tables.
"""

import contextlib
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from absl import flags

from experiments.benchmarks.input import ours as input_pipeline_ours
from experiments.benchmarks.input import peers as input_pipeline_peers
from experiments.benchmarks.input.samples import captions
from experiments.benchmarks.input.samples import write_photos
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

OURS = "uniclip_keras"
PEERS = ("torchvision", "torchvision, Pillow's blur", "albumentations")


def define_flags(values=flags.FLAGS):
    """Adds the script's flags."""
    options = {"flag_values": values}
    flags.DEFINE_string(
        "photos",
        "/usr/share/backgrounds/mate/nature/*.jpg",
        "Photographs; the default is Debian's package mate-backgrounds.",
        **options,
    )
    flags.DEFINE_list(
        "sizes", "500x375,2000x1500", "Width x height in pixels.", **options
    )
    flags.DEFINE_integer("samples", 48, "Photos a round.", 1, **options)
    flags.DEFINE_integer("rounds", 4, "Turns of each side.", 1, **options)
    flags.DEFINE_integer("core", 0, "The core to run on.", 0, **options)
    flags.DEFINE_string(
        "python", sys.executable, "Interpreter of the others.", **options
    )
    flags.DEFINE_string("output", "", "JSON file to write, if any.", **options)


def main(argv, values=flags.FLAGS):
    """Measures what the flags name."""
    del argv
    photos = sorted(glob.glob(values.photos))
    if not photos:
        raise InputError(
            f"--photos={values.photos} matches no file: name some JPEG or PNG "
            "photographs, or install Debian's package mate-backgrounds."
        )
    results = {"hardware": describe_hardware(1, ["tensorflow"]), "views": {}}
    print(results["hardware"])
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as on:
        start = _starter(on, values.core, values.python)
        sides = {OURS: start("views")} | {peer: start(peer) for peer in PEERS}
        for size in map(_parse_size, values.sizes):
            order = write_photos(photos, size, folder) | {
                "samples": values.samples,
                "size": input_pipeline_peers.SIZE,
            }
            name = f"{len(photos)} photos of {size[0]} x {size[1]} pixels"
            name += f", {order.pop('bytes') / 1e3:,.0f} kB"
            results["views"][name] = measure(sides, order, values.rounds)
            print(format_table(name, "views", results["views"][name]))
        clip = start("open_clip")
        if clip:
            order = {"captions": captions(), "merges": clip.ready["merges"]}
            sides = {OURS: start("tokens"), "open_clip": clip}
            results["tokens"] = measure(sides, order, values.rounds)
            name = f"{len(order['captions']):,} captions"
            print(format_table(name, "tokens", results["tokens"]))
    if values.output:
        text = json.dumps(results, indent=2)
        pathlib.Path(values.output).write_text(text + "\n")


class Side:
    """A process that answers orders, see `input_pipeline_peers.serve`.

    Args:
        command: of the process.

    Attributes:
        ready: what it says when it is ready; `{"missing": reason}` if it
            cannot be.
    """

    def __init__(self, command):
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        )
        self._command = command
        self.ready = self._answer()

    def __call__(self, order):
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"{' '.join(self._command)} ended with status "
                f"{self._process.wait()}: run it by hand to see why."
            )
        return json.loads(line)

    def close(self):
        """Ends the process."""
        self._process.communicate()


def _starter(on, core, python):
    """A function that starts the side of a name; None if it is missing."""

    def start(name):
        module = ["-m", input_pipeline_ours.__name__]
        ours = name in ("views", "tokens")
        command = (
            [sys.executable, *module]
            if ours
            else [python, input_pipeline_peers.__file__]
        )
        side = Side([*command, name, str(core)])
        on.callback(side.close)
        if "missing" in side.ready:
            print(f"{name} is left out: {side.ready['missing']}.")
            return None
        return side

    return start


def _parse_size(text):
    width, _, height = text.partition("x")
    if not (
        width.isdecimal()
        and height.isdecimal()
        and min(int(width), int(height)) > 0
    ):
        raise InputError(
            f"--sizes holds {text!r}: give width x height in pixels, e.g. "
            "--sizes=500x375."
        )
    return int(width), int(height)


def measure(sides, order, rounds):
    """Lets the sides take turns.

    Args:
        sides: name to `Side`, or None for one that is left out.
        order: what each is told to do.
        rounds: turns of each.

    Returns:
        Name to `{"cpu": seconds, "wall": seconds}`, both per view or token
        and the least of the rounds.
    """
    sides = {name: side for name, side in sides.items() if side}
    spent = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            answer = side(order)
            spent[name].append(
                [answer[clock] / answer["count"] for clock in ("cpu", "wall")]
            )
    return {
        name: dict(zip(("cpu", "wall"), np.min(turns, axis=0), strict=True))
        for name, turns in spent.items()
    }


def format_table(name, what, least):
    """The measurements as a Markdown table, this package's first."""
    lines = [
        f"\n| {name} | {what}/s of processor time | {what}/s by the clock "
        f"| {OURS} is faster by |",
        "| --- | --- | --- | --- |",
    ]
    for side, times in least.items():
        ratio = times["cpu"] / least[OURS]["cpu"]
        lines.append(
            f"| {side} | {1 / times['cpu']:,.0f} | {1 / times['wall']:,.0f} "
            f"| {ratio:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    define_flags()
    run(main)
