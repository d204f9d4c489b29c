"""Views and tokens per second of one core: the package beside its peers.

    apt-get install mate-backgrounds
    python -m experiments.benchmarks.input --python=PATH

Photographs are cut to the given sizes once, and saved as JPEG (quality 90,
4:2:0). Each side decodes one and makes three views of 224 pixels by SLIP's
recipe, one weak and two strong: `data.training_dataset` with one thread, from
a tar to finished batches; torchvision on Pillow, with its own blur and with
Pillow's, which SLIP's code uses; albumentations on OpenCV. Captions go through
`data.CLIPTokenizer` and open_clip's `SimpleTokenizer`.

The peers run in the interpreter `--python`, whose environment holds torch,
torchvision, albumentations, opencv-python-headless and open_clip_torch; a
missing one is left out. The sides take turns on one core, each turn in its own
process after a round that does not count. The least processor time of several
turns counts, which other work on the machine disturbs least. Prints tables.
"""

import glob
import json
import pathlib
import re
import sys
import tempfile

from absl import flags

from experiments.benchmarks.input import sides
from experiments.benchmarks.input.samples import captions
from experiments.benchmarks.input.samples import write_photos
from experiments.benchmarks.measuring import call_in_process
from experiments.benchmarks.measuring import markdown_table
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.errors import InputError


def define_flags(values=flags.FLAGS):
    """Adds the benchmark's flags."""
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
    flags.DEFINE_integer("samples", 48, "Photos per round.", 1, **options)
    flags.DEFINE_integer("rounds", 4, "Turns of each side.", 1, **options)
    flags.DEFINE_integer("core", 0, "The core to run on.", 0, **options)
    flags.DEFINE_string(
        "python", sys.executable, "Interpreter of the peers.", **options
    )
    flags.DEFINE_string("output", "", "JSON file to write, if any.", **options)


def main(argv, values=flags.FLAGS):
    """Measures views of each size, then tokens.

    Raises:
        InputError: There are no photos, or a size is malformed.
    """
    del argv
    photos = sorted(glob.glob(values.photos))
    if not photos:
        raise InputError(
            f"--photos={values.photos} matches no file: name some JPEG or PNG "
            "photographs, or install Debian's package mate-backgrounds."
        )
    sizes = [parse_size(text) for text in values.sizes]
    results = {"hardware": describe_hardware(1, ["tensorflow"]), "views": {}}
    print(results["hardware"])
    names = list(sides.SIDES["views"])
    for width, height in sizes:
        with tempfile.TemporaryDirectory() as folder:
            order = write_photos(photos, (width, height), folder)
            mean = order.pop("bytes") / 1e3
            order["samples"] = values.samples
            least = take_turns("views", names, order, values)
        title = f"{len(photos)} photos of {width} x {height} pixels"
        title += f", {mean:,.0f} kB"
        results["views"][title] = least
        print(format_table(title, "views", least), flush=True)
        # A missing side is reported once.
        names = list(least)
    found = call("open_clip_merges", values.python, values.core)
    if "missing" in found:
        print(f"open_clip is left out: {found['missing']}.")
    else:
        order = found | {"captions": captions()}
        least = take_turns("tokens", list(sides.SIDES["tokens"]), order, values)
        results["tokens"] = least
        title = f"{len(order['captions']):,} captions"
        print(format_table(title, "tokens", least))
    if values.output:
        text = json.dumps(results, indent=2)
        pathlib.Path(values.output).write_text(text + "\n")


def parse_size(text):
    """`"500x375"` as `(500, 375)`.

    Raises:
        InputError: The text is not of this form.
    """
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
    return call_in_process(function, 1, core=core, python=python, **args)


def take_turns(what, names, order, values):
    """Lets the sides take turns, and prints which ones are missing.

    Args:
        what: "views" or "tokens".
        names: Names of the sides.
        order: Dict of the sides' arguments.
        values: Flags with `rounds`, `python` and `core`.

    Returns:
        Name to `{"cpu", "wall"}`, both in seconds per view or token and the
        least of the rounds.
    """
    least = {}
    for turn in range(values.rounds):
        for name in list(least) if turn else names:
            python = sys.executable if name == sides.OURS else values.python
            case = {"what": what, "side": name, "order": order}
            spent = call("measure", python, values.core, **case)
            if "missing" in spent:
                print(f"{name} is left out: {spent['missing']}.")
                continue
            before = least.get(name, spent)
            least[name] = {key: min(before[key], spent[key]) for key in spent}
    return least


def format_table(title, what, least):
    """The measurements as a Markdown table.

    Args:
        title: Header of the first column.
        what: "views" or "tokens".
        least: Result of `take_turns`; the ratios are those of processor time.
    """
    header = [title, f"{what}/s of processor time", f"{what}/s by the clock"]
    ours = least[sides.OURS]["cpu"]
    return "\n" + markdown_table(
        [*header, f"{sides.OURS} is faster by"],
        [
            [
                side,
                f"{1 / times['cpu']:,.0f}",
                f"{1 / times['wall']:,.0f}",
                f"{times['cpu'] / ours:.2f}",
            ]
            for side, times in least.items()
        ],
    )


if __name__ == "__main__":
    define_flags()
    run(main)
