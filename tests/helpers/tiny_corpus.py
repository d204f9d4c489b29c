"""A tiny corpus in the layout of the emoji one, and its configuration."""

import io
import json
import tarfile

import numpy as np
from PIL import Image

from experiments.configs import emoji

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}
SHAPES = ("dot", "bar", "frame")


def draw(colour, shape, size=24):
    pixels = np.full((size, size, 3), 255, np.uint8)
    inside = {
        "dot": (slice(8, 16), slice(8, 16)),
        "bar": (slice(10, 14), slice(2, 22)),
        "frame": (slice(2, 22), slice(2, 22)),
    }[shape]
    pixels[inside] = COLOURS[colour]
    if shape == "frame":
        pixels[6:18, 6:18] = 255
    return pixels


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_tar(path, samples):
    """Samples are `(key, {suffix: bytes})`."""
    with tarfile.open(path, "w") as tar:
        for key, members in samples:
            for suffix, content in members.items():
                info = tarfile.TarInfo(f"{key}.{suffix}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def make_samples():
    for index, (colour, shape) in enumerate(
        (c, s) for c in COLOURS for s in SHAPES
    ):
        name = f"{colour} {shape}"
        metadata = {
            "item": f"item-{index}",
            "id": index,
            "group": shape,
            "captions": [name, f"a {name}"],
        }
        yield (
            f"{index:02}",
            {
                "png": png(draw(colour, shape)),
                "txt": name.encode(),
                "json": json.dumps(metadata).encode(),
            },
        )


def make_config(corpus, **changes):
    """The emoji configuration, shrunk to the tiny corpus."""
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
