"""A tiny corpus in the layout of the emoji corpus, and its configuration."""

import json

import numpy as np
from samples import encode
from samples import write_tar

from experiments.configs import emoji

COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}
SHAPES = ("dot", "bar", "frame")


def draw(color, shape, size=24):
    """Draws a shape on white, uint8 `[size, size, 3]`."""
    pixels = np.full((size, size, 3), 255, np.uint8)
    inside = {
        "dot": (slice(8, 16), slice(8, 16)),
        "bar": (slice(10, 14), slice(2, 22)),
        "frame": (slice(2, 22), slice(2, 22)),
    }[shape]
    pixels[inside] = COLORS[color]
    if shape == "frame":
        pixels[6:18, 6:18] = 255
    return pixels


def write_corpus(folder):
    """Writes 9 samples, a corrupt image and an empty caption to train on.

    The test split has the 9 samples alone.
    """
    shards, names = [], []
    for color in COLORS:
        for shape in SHAPES:
            index, name = len(shards), f"{color} {shape}"
            record = {
                "item": f"item-{index}",
                "id": index,
                "group": shape,
                "captions": [name, f"a {name}"],
            }
            shards.append(
                [
                    (f"{index:02}.png", encode(draw(color, shape))),
                    (f"{index:02}.txt", name.encode()),
                    (f"{index:02}.json", record),
                ]
            )
            names.append({"label": f"item-{index}", "texts": [name]})
    bad_image = rename(shards[0], "bad")
    bad_image[0] = ("bad.png", bad_image[0][1][:40])
    no_caption = rename(shards[1], "dumb")
    no_caption[2] = ("dumb.json", {"id": 1, "item": "x", "captions": [""]})
    bad = [bad_image, no_caption]
    write_tar(folder / "train-0.tar", sum(shards[:5] + bad + shards[5:], []))
    write_tar(folder / "test-0.tar", sum(shards, []))
    groups = [{"label": shape, "texts": [shape]} for shape in SHAPES]
    (folder / "names.json").write_text(json.dumps(names))
    (folder / "groups.json").write_text(json.dumps(groups))
    return folder


def rename(members, key):
    return [(f"{key}.{n.partition('.')[2]}", value) for n, value in members]


def make_config(corpus, **changes):
    """Shrinks the emoji configuration to the tiny corpus."""
    config = emoji.get_config()
    config.unlock()
    config.update(
        {
            "image_size": 16,
            "batch_size": 6,
            "steps": 4,
            "log_every": 2,
            "checkpoint_every": 2,
            "data": {"directory": str(corpus), "shuffle_buffer": 16},
            "tokenizer": {"vocabulary_size": 100, "context_length": 8},
            "image_encoder": {
                "width": 16,
                "layers": 1,
                "heads": 2,
                "stem": (8, 16),
            },
            "text_encoder": {"width": 16, "layers": 1, "heads": 2},
            "model": {
                "embedding_dim": 12,
                "augmentation_units": (8, 8),
                "projection_blocks": 1,
            },
            "optimizer": {"warmup_steps": 1},
        }
    )
    config.data.train = {"all": {"path": "train-*.tar", "weight": 1.0}}
    task = {"path": "test-*.tar", "title": "Test"}
    config.evaluation.retrieval = {
        "test": task | {"label_field": "item", "classes": "names.json"}
    }
    config.evaluation.zero_shot = {
        "test/groups": task | {"label_field": "group", "classes": "groups.json"}
    }
    config.update(changes)
    return config.lock()
