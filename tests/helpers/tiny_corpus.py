"""A tiny corpus in the layout of the emoji corpus, and its configuration."""

import itertools
import json

import numpy as np
from samples import encode
from samples import write_tar
from shapes import SHAPES
from shapes import draw

from experiments.configs import emoji

COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}


def write_corpus(folder):
    """Writes 9 samples, a corrupt image and an empty caption to train on.

    The test split has the 9 samples alone.
    """
    members, names = [], []
    for index, (color, shape) in enumerate(itertools.product(COLORS, SHAPES)):
        name = f"{color} {shape}"
        record = {
            "item": f"item-{index}",
            "id": index,
            "group": shape,
            "captions": [name, f"a {name}"],
        }
        members += [
            (f"{index:02}.png", encode(draw(COLORS[color], shape))),
            (f"{index:02}.txt", name.encode()),
            (f"{index:02}.json", record),
        ]
        names.append({"label": f"item-{index}", "texts": [name]})
    bad = [
        ("bad.png", members[0][1][:40]),
        ("bad.txt", members[1][1]),
        ("bad.json", members[2][1]),
        ("dumb.png", members[3][1]),
        ("dumb.txt", members[4][1]),
        ("dumb.json", {"id": 1, "item": "x", "captions": [""]}),
    ]
    write_tar(folder / "train-0.tar", members[:15] + bad + members[15:])
    write_tar(folder / "test-0.tar", members)
    groups = [{"label": shape, "texts": [shape]} for shape in SHAPES]
    (folder / "names.json").write_text(json.dumps(names))
    (folder / "groups.json").write_text(json.dumps(groups))
    return folder


def make_config(corpus, **changes):
    """Shrinks the emoji configuration to the tiny corpus."""
    config = emoji.get_config()
    config.unlock()
    small = {"width": 16, "layers": 1, "heads": 2}
    config.update(
        {
            "image_size": 16,
            "batch_size": 6,
            "steps": 4,
            "log_every": 2,
            "checkpoint_every": 2,
            "data": {"directory": str(corpus), "shuffle_buffer": 16},
            "tokenizer": {"vocabulary_size": 100, "context_length": 8},
            "image_encoder": {**small, "stem": (8, 16)},
            "text_encoder": small,
            "model": {
                "embedding_dim": 12,
                "augmentation_units": (8, 8),
                "projection_blocks": 1,
            },
            "optimizer": {"warmup_steps": 1},
            "validation": {"every": 2, "batches": 2, "samples": 9},
        }
    )
    config.data.train = {"all": {"path": "train-*.tar", "weight": 1.0}}
    config.validation.source = {"path": "test-*.tar"}
    task = {"path": "test-*.tar", "title": "Test"}
    config.evaluation.retrieval = {
        "test": task | {"label_field": "item", "classes": "names.json"}
    }
    config.evaluation.zero_shot = {
        "test/groups": task | {"label_field": "group", "classes": "groups.json"}
    }
    config.update(changes)
    return config.lock()


def folder_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def idx(values):
    """The idx format, written independently of its reader."""
    header = bytes([0, 0, 8, values.ndim])
    for size in values.shape:
        header += int(size).to_bytes(4, "big")
    return header + values.astype(np.uint8).tobytes()
