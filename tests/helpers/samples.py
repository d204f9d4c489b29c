"""Encoded images, and tars of samples, for tests to write and read."""

import io
import json
import tarfile

import numpy as np


def encode(pixels, image_format="PNG", mode="RGB", **options):
    """Encodes uint8 `[H, W, 3 or 4]` after converting it to `mode`."""
    # An extra of the package, which not everyone who writes tars has.
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, image_format, **options)
    return file.getvalue()


def smooth_pixels(seed, size=24, channels=3):
    """An image of flat squares, uint8 `[size, size, channels]`."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, [size // 4, size // 4, channels])
    return np.kron(coarse, np.ones([4, 4, 1])).astype(np.uint8)


def write_tar(path, members):
    """Writes `[(name, bytes or JSON value)]` as a tar; returns its path."""
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            if not isinstance(content, bytes):
                content = json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path)


def sample_members(key, number=0, captions=("red heart", "rotes herz")):
    """The members of a good sample: image, caption, id and captions."""
    return [
        (f"{key}.png", encode(smooth_pixels(number))),
        (f"{key}.txt", captions[0].encode()),
        (f"{key}.json", {"id": number, "captions": list(captions)}),
    ]
