"""CLIP's embeddings here, beside those of transformers and of open_clip.

    pip install -e ".[weights]"
    python -m experiments.benchmarks.parity --python=PATH

PATH is an interpreter that has torch, transformers and open_clip_torch. There,
models with random weights are written as files, with the embeddings of a few
images and texts; here, `models.from_clip` reads the files and embeds the same.
Then `models.save_clip` writes them back, and transformers reads those. The
table shows the largest difference of a unit embedding.
"""

import sys
import tempfile

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from uniclip_keras import models

B_32 = {
    "image_size": 224,
    "patch_size": 32,
    "vocabulary": 49408,
    "context": 77,
    "dim": 512,
    "activation": "quick_gelu",
    "image": {"width": 768, "layers": 12, "heads": 12},
    "text": {"width": 512, "layers": 12, "heads": 8},
}
SHAPES = {
    "ViT-B/32": B_32,
    "ViT-L/14, 2 layers": B_32
    | {
        "patch_size": 14,
        "dim": 768,
        "activation": "gelu",
        "image": {"width": 1024, "layers": 2, "heads": 16},
        "text": {"width": 768, "layers": 2, "heads": 12},
    },
}
LIBRARIES = "transformers", "open_clip"
OPTIONS = {"python": (sys.executable, "Interpreter of the libraries.")}


def main(options):
    """Compares every shape with both libraries."""
    rows = []
    for shape_name, shape in SHAPES.items():
        for library in LIBRARIES:
            with tempfile.TemporaryDirectory() as folder:
                version = measuring.call_in_process(
                    f"{__package__}.peers:write",
                    threads=2,
                    python=options.python,
                    library=library,
                    folder=folder,
                    shape=shape,
                )
                found = differences(folder)
                back = written_back(folder, options.python)
            row = [shape_name, f"{library} {version}"]
            for values in (found, back):
                row += [f"{values[name]:.1e}" for name in ("image", "text")]
            rows.append(row)
    head = ["shape", "files of", "images", "texts"]
    head += ["images, written back", "texts, written back"]
    print(measuring.markdown_table(head, rows))


def differences(folder):
    """Returns the largest differences of unit embeddings to those in a folder.

    A dict of "image" and "text".
    """
    model = models.from_clip(folder)
    with np.load(f"{folder}/embeddings.npz") as expected:
        found = {
            "image": model.encode_image(expected["images"]),
            "text": model.encode_text(expected["tokens"]),
        }
        return {
            name: float(np.abs(found[name] - expected[name]).max())
            for name in found
        }


def written_back(folder, python):
    """Returns what `differences` does, of transformers on files from here."""
    models.save_clip(models.from_clip(folder), f"{folder}/ours")
    return measuring.call_in_process(
        f"{__package__}.peers:compare",
        threads=2,
        python=python,
        folder=f"{folder}/ours",
        expected=f"{folder}/embeddings.npz",
    )


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
