"""Fashion-MNIST as labeled WebDataset shards.

The set: 70,000 gray photographs of clothes, 28 x 28 pixels, MIT license.
"""

import gzip
import io
import math
import pathlib
import zlib

import numpy as np
from PIL import Image

from experiments.corpora import writing
from uniclip_keras.errors import InputError

# In the order of the labels 0 to 9: the name in the set, then everyday words.
CLASSES = {
    "T-shirt/top": ("t-shirt", "top"),
    "Trouser": ("trousers", "pants"),
    "Pullover": ("pullover", "sweater"),
    "Dress": ("dress",),
    "Coat": ("coat",),
    "Sandal": ("sandal",),
    "Shirt": ("shirt",),
    "Sneaker": ("sneaker", "sports shoe"),
    "Bag": ("bag", "handbag"),
    "Ankle boot": ("ankle boot", "boot"),
}
# Split -> the first word of its original files.
SPLITS = {"train": "train", "test": "t10k"}


def prepare(source_dir, output_dir):
    """Writes `train-*.tar`, `test-*.tar` and `classes.json`.

    Equal originals and versions of Pillow give equal bytes. `output_dir` is
    replaced if it holds the set already. Returns `{split: number of images}`.

    Raises:
        InputError: An original is missing or damaged, or `output_dir` cannot
            be written or holds something else.
    """
    target = pathlib.Path(output_dir).absolute()
    writing.read_summary(target, "classes.json", _is_ours, "Fashion-MNIST")
    splits = {
        split: _read_split(pathlib.Path(source_dir), word)
        for split, word in SPLITS.items()
    }
    classes = [
        {"label": label, "texts": texts} for label, texts in CLASSES.items()
    ]
    with writing.replaced(target) as folder:
        for split, (images, labels) in splits.items():
            samples = writing.with_progress(
                _samples(split, images, labels), f"{split} images", len(labels)
            )
            writing.write_shards(folder, split, samples)
        (folder / "classes.json").write_bytes(writing.to_json(classes))
    counts = {split: len(labels) for split, (_, labels) in splits.items()}
    print(
        f"Wrote {output_dir}: "
        + ", ".join(f"{n:,} {split} images" for split, n in counts.items())
        + f" of {len(CLASSES)} classes."
    )
    return counts


def _read_split(folder, word):
    """Reads images `[n, 28, 28]` and labels `[n]` of one split, uint8."""
    images = _read_idx(folder / f"{word}-images-idx3-ubyte.gz", (28, 28))
    labels = _read_idx(folder / f"{word}-labels-idx1-ubyte.gz", ())
    if len(images) != len(labels):
        raise InputError(
            f"The {word} files in '{folder}' hold {len(images)} images and "
            f"{len(labels)} labels: take both from one source."
        )
    if labels.max(initial=0) >= len(CLASSES):
        raise InputError(
            f"The {word} labels in '{folder}' go up to {labels.max()}, not "
            f"{len(CLASSES) - 1}: this is another set."
        )
    return images, labels


def _read_idx(path, item_shape):
    """Reads a gzipped idx file of unsigned bytes, uint8 `[n, *item_shape]`."""
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"'{path}' does not exist: install Debian's package "
            "dataset-fashion-mnist, or name its folder as --source_dir."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"'{path}' cannot be read as a gzip file ({error}): install or "
            "download it again."
        ) from None
    # A type and the number of dimensions, then each dimension.
    dimensions = 1 + len(item_shape)
    start = 4 * (1 + dimensions)
    header = np.frombuffer(content[:start].ljust(start, b"\0"), ">u4")
    magic, count, *shape = header.tolist()
    expected = [0x800 + dimensions, *item_shape]
    if len(content) < start or [magic, *shape] != expected:
        raise InputError(
            f"'{path}' does not begin as {dimensions}-dimensional idx bytes of "
            f"items of shape {item_shape}: it is another file."
        )
    values = np.frombuffer(content[start:], np.uint8)
    if len(values) != count * math.prod(item_shape):
        raise InputError(
            f"'{path}' says that it holds {count} items and has "
            f"{len(values):,} bytes of them: install or download it again."
        )
    return values.reshape(count, *item_shape)


def _samples(split, images, labels):
    classes = list(CLASSES.items())
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        name, texts = classes[label]
        png = io.BytesIO()
        Image.fromarray(image).save(png, "png")
        key = f"{split}-{index:05d}"
        yield writing.to_sample(key, png.getvalue(), texts[0], {"label": name})


def _is_ours(summary):
    return [entry["label"] for entry in summary] == list(CLASSES)
