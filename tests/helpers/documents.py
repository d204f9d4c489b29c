"""Runs the Python blocks of a document, in order, on a small corpus.

    python tests/helpers/documents.py README.md

It needs the package and the package's own dependencies, nothing else.
"""

import itertools
import json
import os
import pathlib
import re
import sys
import tempfile

import numpy as np
import tensorflow as tf
from samples import write_tar
from shapes import SHAPES
from shapes import draw

COLORS = {
    "red": ("roter", (220, 30, 30)),
    "green": ("grüner", (30, 200, 40)),
    "blue": ("blauer", (30, 40, 220)),
}
GERMAN_SHAPES = {"dot": "Punkt", "bar": "Balken", "frame": "Rahmen"}
STYLES = {"plain": 0, "bright": 25, "dark": -25}


def run_document(path, namespace):
    """Runs every Python block of a Markdown file in one namespace."""
    for line, code in python_blocks(path.read_text()):
        # Tracebacks name the document and its line.
        program = compile("\n" * line + code, str(path), "exec")
        exec(program, namespace)


def python_blocks(text):
    """Yields `(lines before the block, code)` of each Python block."""
    for block in re.finditer(r"```python\n(.*?)```", text, re.S):
        yield text[: block.start(1)].count("\n"), block.group(1)


def write_corpus(folder):
    """Writes `data/emoji` as `prepare_emoji` does, with nine items."""
    emoji = folder / "data/emoji"
    emoji.mkdir(parents=True)
    samples = list(make_samples())
    for number in range(2):
        members = [
            member
            for key, image, record in samples[number::2]
            for member in (
                (f"{key}.png", image),
                (f"{key}.txt", record["names"]["en"][0].encode()),
                (f"{key}.json", record),
            )
        ]
        write_tar(emoji / f"train-{number:05}.tar", members)
    items = {record["item"]: record for _, _, record in samples}
    lists = {
        "names": [
            (item, record["names"]["en"]) for item, record in items.items()
        ],
        "groups": [(color, [color]) for color in COLORS],
        "subgroups": [(shape, [shape]) for shape in SHAPES],
    }
    for name, classes in lists.items():
        entries = [{"label": label, "texts": texts} for label, texts in classes]
        (emoji / f"{name}.json").write_text(json.dumps(entries))
    (folder / "picture.png").write_bytes(samples[0][1])


def make_samples():
    """Yields `(key, encoded image, record)`."""
    items = enumerate(itertools.product(COLORS, SHAPES))
    for (number, (color, shape)), style in itertools.product(items, STYLES):
        adjective, pixel = COLORS[color]
        name = f"{color} {shape}"
        record = {
            "item": f"item-{number}",
            "id": number,
            "style": style,
            "group": color,
            "subgroup": shape,
            "names": {
                "en": [name],
                "de": [f"{adjective} {GERMAN_SHAPES[shape]}"],
            },
            "captions": [name, f"a {name}"],
        }
        pixels = draw(np.clip(np.add(pixel, STYLES[style]), 0, 255), shape)
        yield f"{number}-{style}", tf.io.encode_png(pixels).numpy(), record


def main(paths):
    import uniclip_keras

    print(
        f"uniclip_keras {uniclip_keras.__version__}: {uniclip_keras.__file__}"
    )
    paths = [pathlib.Path(path).resolve() for path in paths]
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            write_corpus(pathlib.Path(folder))
            os.chdir(folder)
            run_document(path, {"__name__": "document"})
        print(f"{path.name}: every Python block ran.")


if __name__ == "__main__":
    main(sys.argv[1:])
