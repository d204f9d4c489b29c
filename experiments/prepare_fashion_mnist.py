"""Writes Fashion-MNIST as labelled WebDataset shards.

    apt-get install dataset-fashion-mnist
    python -m experiments.prepare_fashion_mnist --output_dir=data/fashion_mnist

The four files of Fashion-MNIST (MIT licence, 70,000 photographs of clothes)
come with Debian's package, or from github.com/zalandoresearch/fashion-mnist.
"""

import gzip
import io
import json
import math
import pathlib
import shutil
import sys
import zlib

import numpy as np
from absl import flags
from PIL import Image

from experiments.corpora import shards
from experiments.run import command as runner
from uniclip_keras.errors import InputError

_SOURCE_DIR = flags.DEFINE_string(
    "source_dir",
    "/usr/share/datasets/fashion-mnist",
    "Folder with the four .gz files; that of Debian's package "
    "dataset-fashion-mnist by default.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    "data/fashion_mnist",
    "Folder to write, or to write anew.",
    # One process may import both scripts that prepare data.
    allow_override=True,
)

# In the order of the labels 0 to 9: the set's own name, then how people say it.
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
# Split -> the first word of its files.
SPLITS = {"train": "train", "test": "t10k"}
_IMAGE_SHAPE = (28, 28)


def main(argv):
    """Prepares what the flags name."""
    del argv
    prepare(_SOURCE_DIR.value, _OUTPUT_DIR.value)


def prepare(source_dir, output_dir):
    """Writes `train-*.tar`, `test-*.tar` and `classes.json`.

    Files go to a sibling folder first, which takes the place of `output_dir`
    at the end: an interrupted run leaves nothing half-made. Equal files and
    versions of Pillow give equal bytes.

    Args:
        source_dir: folder with the four files.
        output_dir: folder to write.

    Returns:
        {split: number of images}.

    Raises:
        InputError: a file is missing or not what its name says, or
            `output_dir` cannot be written or holds something else.
    """
    source = pathlib.Path(source_dir)
    target = pathlib.Path(output_dir).absolute()
    classes = shards.to_json(
        [
            {"label": label, "texts": list(texts)}
            for label, texts in CLASSES.items()
        ]
    )
    _check_target(target)
    splits = {split: read_split(source, word) for split, word in SPLITS.items()}
    partial = target.with_name(f"{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"Cannot write {output_dir!r} ({error.strerror}): choose an "
            "--output_dir in a folder that you may write."
        ) from None
    try:
        for split, (images, labels) in splits.items():
            samples = make_samples(split, images, labels)
            shards.write_shards(partial, split, samples)
        (partial / "classes.json").write_bytes(classes)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    counts = {split: len(labels) for split, (_, labels) in splits.items()}
    print(
        f"Wrote {output_dir}: "
        + ", ".join(f"{n:,} {split} images" for split, n in counts.items())
        + f" of {len(CLASSES)} classes."
    )
    return counts


def make_samples(split, images, labels):
    """Yields (key, {extension: bytes}), and prints how far it is."""
    classes = list(CLASSES.items())
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        name, texts = classes[label]
        png = io.BytesIO()
        Image.fromarray(image).save(png, "png")
        yield (
            f"{split}-{index:05d}",
            {
                "png": png.getvalue(),
                "txt": texts[0].encode(),
                "json": shards.to_json({"label": name}),
            },
        )
        done = index + 1
        if done % 1_000 == 0 or done == len(labels):
            print(
                f"\r{split}: {done:6,d} / {len(labels):,d} images",
                end="\n" if done == len(labels) else "",
                file=sys.stderr,
                flush=True,
            )


def read_split(folder, word):
    """Reads the images and labels of one split.

    Args:
        folder: `pathlib.Path` of the folder with the files.
        word: the first word of their names, "train" or "t10k".

    Returns:
        uint8 [n, 28, 28] and uint8 [n].

    Raises:
        InputError: a file is missing or damaged, or the two do not fit.
    """
    images = read_idx(folder / f"{word}-images-idx3-ubyte.gz", _IMAGE_SHAPE)
    labels = read_idx(folder / f"{word}-labels-idx1-ubyte.gz", ())
    if len(images) != len(labels):
        raise InputError(
            f"The {word} files in '{folder}' hold {len(images)} images and "
            f"{len(labels)} labels: they do not belong together; take both "
            "from one source."
        )
    if labels.max(initial=0) >= len(CLASSES):
        raise InputError(
            f"The {word} labels in '{folder}' go up to {labels.max()}, and "
            f"Fashion-MNIST has {len(CLASSES)} classes: this is another set."
        )
    return images, labels


def read_idx(path, item_shape):
    """Reads one idx file of bytes, as MNIST defined the format.

    Args:
        path: `pathlib.Path` of the gzipped file.
        item_shape: height and width of an image, or () for labels.

    Returns:
        uint8 [n, *item_shape].

    Raises:
        InputError: it is missing, no such file, or not of its stated size.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"'{path}' does not exist: install Debian's package "
            "dataset-fashion-mnist, or name the folder with the four .gz "
            "files as --source_dir."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"'{path}' cannot be read as a gzip file ({error}): install or "
            "download it again."
        ) from None
    # Two zeros, the type (8: unsigned bytes), the number of dimensions, and
    # then each of them in four bytes, the first byte the highest.
    dimensions = 1 + len(item_shape)
    start = 4 + 4 * dimensions
    magic = bytes((0, 0, 8, dimensions))
    shape = tuple(
        int.from_bytes(content[place : place + 4], "big")
        for place in range(4, start, 4)
    )
    short = len(content) < start
    if short or content[:4] != magic or shape[1:] != item_shape:
        raise InputError(
            f"'{path}' does not begin as {dimensions}-dimensional idx bytes of "
            f"items of shape {item_shape}: it is another file."
        )
    values = np.frombuffer(content[start:], np.uint8)
    if len(values) != shape[0] * math.prod(item_shape):
        raise InputError(
            f"'{path}' says that it holds {shape[0]} items and has "
            f"{len(values):,} bytes of them: install or download it again."
        )
    return values.reshape(shape[0], *item_shape)


def _check_target(target):
    """Raises InputError unless the folder may be written or written anew."""
    if not target.exists():
        return
    try:
        entries = json.loads((target / "classes.json").read_bytes())
        if [entry["label"] for entry in entries] == list(CLASSES):
            return
    except (OSError, ValueError, TypeError, KeyError):
        pass
    if not target.is_dir() or any(target.iterdir()):
        raise InputError(
            f"--output_dir={target} is a file or holds something else than "
            "Fashion-MNIST: name an empty or new folder."
        )


if __name__ == "__main__":
    runner.run(main)
