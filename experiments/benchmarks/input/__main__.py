"""Views and tokens per second of one core: the package beside its peers.

    apt-get install mate-backgrounds
    python -m experiments.benchmarks.input --python=PATH

Each side decodes photographs and makes SLIP's three views of them, and CLIP's
tokens of captions. The peers run in the interpreter `--python`, whose
environment holds torch, torchvision, albumentations, opencv-python-headless and
open_clip_torch; a missing one is left out. The sides take turns on one core,
each in its own process, and the least processor time counts: other work
disturbs it least. docs/benchmarks.md says more.
"""

import glob
import json
import pathlib
import re
import sys
import tempfile

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.input import sides
from experiments.benchmarks.input.samples import captions
from experiments.benchmarks.input.samples import write_photos
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError

OPTIONS = {
    "photos": (
        "/usr/share/backgrounds/mate/nature/*.jpg",
        "Photographs; the default is Debian's package mate-backgrounds.",
    ),
    "sizes": (["500x375", "2000x1500"], "Width x height in pixels."),
    "samples": (48, "Photos per round.", 1),
    "rounds": (4, "Turns of each side.", 1),
    "core": (0, "The core to run on.", 0),
    "python": (sys.executable, "Interpreter of the peers."),
    "output": ("", "JSON file to write, if any."),
}


def main(options):
    """Measures views of each size, then tokens, and prints tables."""
    photos = sorted(glob.glob(options.photos))
    if not photos:
        raise InputError(
            f"--photos={options.photos} matches no file: name some JPEG or PNG "
            "photographs, or install Debian's package mate-backgrounds."
        )
    sizes = [parse_size(text) for text in options.sizes]
    results = {"hardware": describe_hardware(1, ["tensorflow"]), "views": {}}
    print(results["hardware"])
    names = list(sides.SIDES["views"])
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            order = write_photos(photos, size, folder)
            title = f"{len(photos)} photos of {size[0]} x {size[1]} pixels, "
            title += f"{order.pop('bytes') / 1e3:,.0f} kB"
            order["samples"] = options.samples
            least = take_turns("views", names, order, options)
        results["views"][title] = least
        print(format_table(title, "views", least), flush=True)
        # A missing side is reported once.
        names = list(least)
    found = call("open_clip_merges", options.python, options.core)
    if "missing" in found:
        print(f"open_clip is left out: {found['missing']}.")
    else:
        order = found | {"captions": captions()}
        names = list(sides.SIDES["tokens"])
        results["tokens"] = take_turns("tokens", names, order, options)
        title = f"{len(order['captions']):,} captions"
        print(format_table(title, "tokens", results["tokens"]))
    if options.output:
        text = json.dumps(results, indent=2)
        pathlib.Path(options.output).write_text(text + "\n")


def parse_size(text):
    """Turns "500x375" into `(500, 375)`."""
    size = re.fullmatch("([1-9][0-9]*)x([1-9][0-9]*)", text)
    if not size:
        raise InputError(
            f"--sizes holds {text!r}: give width x height in pixels, e.g. "
            "--sizes=500x375."
        )
    return int(size[1]), int(size[2])


def call(function, python, core, **args):
    """Calls a function of `sides` in a new process with one thread."""
    function = f"{sides.__name__}:{function}"
    return measuring.call_in_process(
        function, 1, core=core, python=python, **args
    )


def take_turns(what, names, order, options):
    """Returns name -> `{"cpu", "wall"}`, the least seconds per view or token.

    The sides take turns on `order`. Prints which ones are missing.
    """
    least = {}
    for turn in range(options.rounds):
        for name in list(least) if turn else names:
            python = sys.executable if name == sides.OURS else options.python
            case = {"what": what, "side": name, "order": order}
            spent = call("measure", python, options.core, **case)
            if "missing" in spent:
                print(f"{name} is left out: {spent['missing']}.")
                continue
            before = least.get(name, spent)
            least[name] = {key: min(before[key], spent[key]) for key in spent}
    return least


def format_table(title, what, least):
    """Formats the result of `take_turns`; ratios are of processor time."""
    ours = least[sides.OURS]["cpu"]
    header = [title, f"{what}/s of processor time", f"{what}/s by the clock"]
    rows = [
        [side, *(f"{1 / times[key]:,.0f}" for key in ("cpu", "wall"))]
        + [f"{times['cpu'] / ours:.2f}"]
        for side, times in least.items()
    ]
    header.append(f"{sides.OURS} is faster by")
    return "\n" + measuring.markdown_table(header, rows)


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
