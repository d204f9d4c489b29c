"""What `input_pipeline` measures on: real photographs, made-up captions."""

import itertools
import pathlib
import tarfile

import numpy as np
from PIL import Image
from PIL import ImageOps

# A pass over a tar shorter than this would measure its beginning and end.
_SAMPLES_PER_TAR = 96


def write_photos(photos, size, folder):
    """Saves photographs at a size, as files and as a WebDataset tar.

    Args:
        photos: paths.
        size: `(width, height)` in pixels.
        folder: to write to.

    Returns:
        `{"paths": [], "tar": path, "bytes": the mean of a file}`.
    """
    folder = pathlib.Path(folder) / f"{size[0]}x{size[1]}"
    folder.mkdir()
    paths = []
    for number, photo in enumerate(photos):
        image = Image.open(photo).convert("RGB")
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        paths.append(folder / f"{number:03}.jpg")
        image.save(paths[-1], quality=90, subsampling="4:2:0")
    caption = folder / "caption.txt"
    caption.write_text("a photo")
    with tarfile.open(folder / "photos.tar", "w") as tar:
        for number in range(max(_SAMPLES_PER_TAR, len(paths))):
            tar.add(paths[number % len(paths)], f"{number:06}.jpg")
            tar.add(caption, f"{number:06}.txt")
    return {
        "paths": [str(path) for path in paths],
        "tar": str(folder / "photos.tar"),
        "bytes": float(np.mean([path.stat().st_size for path in paths])),
    }


def captions():
    """Some thousand captions, each once."""
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
