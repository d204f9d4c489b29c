"""Embeddings of CLIP and SigLIP here, and in transformers and open_clip.

    pip install -e ".[weights]"
    python -m experiments.benchmarks.parity --python=PATH

PATH is an interpreter that has torch, transformers, open_clip_torch, timm,
sentencepiece and protobuf. There, models with random weights are written as
files, with the embeddings of a few images and texts; here, `models.from_clip`
reads the files and embeds the same. Each side prepares images itself, and for
SigLIP cuts texts by its own tokenizer. Then `models.save_clip` writes CLIPs
back, and transformers reads those. The table shows the largest difference of a
unit embedding.
"""

import itertools
import sys
import tempfile

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from uniclip_keras import data
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
SIGLIP_SHAPES = {
    "SigLIP ViT-B/16, 2 layers": {
        "image_size": 224,
        "patch_size": 16,
        "vocabulary": 32000,
        "context": 64,
        "image": {"width": 768, "layers": 2, "heads": 12},
        "text": {"width": 768, "layers": 2, "heads": 12},
    }
}
LIBRARIES = "transformers", "open_clip"
OPTIONS = {"python": (sys.executable, "Interpreter of the libraries.")}


def main(options):
    """Compares every shape with both libraries."""
    rows = []
    for peers, shapes in (("peers", SHAPES), ("siglip_peers", SIGLIP_SHAPES)):
        for (name, shape), library in itertools.product(
            shapes.items(), LIBRARIES
        ):
            with tempfile.TemporaryDirectory() as folder:
                version = measuring.call_in_process(
                    f"{__package__}.{peers}:write",
                    threads=2,
                    python=options.python,
                    library=library,
                    folder=folder,
                    shape=shape,
                )
                differing = [differences(folder)]
                if shapes is SHAPES:
                    differing.append(written_back(folder, options.python))
            row = [name, f"{library} {version}", *4 * ["-"]]
            for column, found in enumerate(differing):
                row[2 + 2 * column : 4 + 2 * column] = [
                    f"{found[tower]:.1e}" for tower in ("image", "text")
                ]
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
        tokens = expected["tokens"]
        if "texts" in expected:
            tokenizer = data.SigLIPTokenizer(
                f"{folder}/spiece.model", tokens.shape[1]
            )
            tokens = tokenizer(expected["texts"].tolist())
        found = {
            "image": model.encode_image(expected["images"]),
            "text": model.encode_text(tokens),
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
