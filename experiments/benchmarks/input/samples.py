"""What the input benchmark measures on: photographs and captions."""

import io
import itertools
import pathlib

import numpy as np
from PIL import Image
from PIL import ImageOps

from experiments.corpora.writing import write_shards


def write_photos(photos, size, folder):
    """Saves photographs at `(width, height)`, as JPEG files and as a tar.

    Returns:
        `{"paths": [...], "tar": path, "bytes": mean size of a file}`.
    """
    paths = [f"{folder}/{number:03}.jpg" for number in range(len(photos))]
    for photo, path in zip(photos, paths, strict=True):
        image = Image.open(photo).convert("RGB")
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        image.save(path, quality=90, subsampling="4:2:0")
    folder = pathlib.Path(folder)
    files = [pathlib.Path(path).read_bytes() for path in paths]
    # A shorter tar would make the start and end of its passes count too much.
    count = max(96, len(files))
    samples = (
        (f"{n:06}", {"jpg": files[n % len(files)], "txt": b"a photo"})
        for n in range(count)
    )
    (tar,) = write_shards(folder, "photos", samples, shard_size=count)
    mean = float(np.mean([len(content) for content in files]))
    return {"paths": paths, "tar": str(folder / tar), "bytes": mean}


def draw_photos(count, size=(500, 375)):
    """Yields `(key, members)` of images with the detail and size of photos."""
    rng = np.random.default_rng(0)
    for number in range(count):
        scales = [
            Image.fromarray(rng.integers(0, 256, [n, n, 3], np.uint8))
            for n in (4, 32, 128)
        ]
        image = scales[0].resize(size, Image.Resampling.BICUBIC)
        for scale in scales[1:]:
            detail = scale.resize(size, Image.Resampling.BICUBIC)
            image = Image.blend(image, detail, 0.2)
        file = io.BytesIO()
        image.save(file, "JPEG", quality=90, subsampling="4:2:0")
        yield f"{number:06}", {"jpg": file.getvalue(), "txt": b"a photo"}


def captions():
    """Makes more than a thousand captions, all different."""
    parts = (
        ("a photo of", "A close-up:", "two sketches of", "The artist painted"),
        ("a small brown dog", "three red double-decker buses", "my neighbour",
         "an old lighthouse", "pizza with mushrooms", "the 1998 champion"),
        ("running", "waiting patiently", "glittering", "photographed by Anna",
         "that isn't finished", "seen from above"),
        ("on the beach at sunset.", "in New York City", "under a blue sky!",
         "beside a river in the Scottish Highlands", "near kilometre 42",
         "in the museum's great hall, 1920s", "on a wooden table"),
    )  # fmt: skip
    return [" ".join(words) for words in itertools.product(*parts)]
