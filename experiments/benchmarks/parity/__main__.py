"""Embeddings of CLIP and SigLIP here, and in transformers and open_clip.

    pip install -e ".[weights]"
    python -m experiments.benchmarks.parity --python=PATH

PATH is an interpreter that has torch, transformers, open_clip_torch, timm,
sentencepiece and protobuf. There, models with random weights are written as
files, with the embeddings of a few images and texts; here, `models.from_clip`
reads the files and embeds the same. Each side prepares images itself, small
ones of the model's size and a photo, and for SigLIP cuts texts by its own
tokenizer. Then `models.save_clip` writes CLIPs back, and transformers reads
those. The table shows the largest difference of a unit embedding.
"""

import itertools
import sys
import tempfile

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from uniclip_keras import data
from uniclip_keras import models
from uniclip_keras.data.augmentation import evaluation_view

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
# How each one's own preprocessing makes a square.
FITS = {"peers": "clip", "siglip_peers": "siglip"}
OPTIONS = {
    "python": (sys.executable, "Interpreter of the libraries."),
    "photo": ("tests/fixtures/grace_hopper.jpg", "An image of any size."),
}


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
                    photo=options.photo,
                )
                found = differences(folder, FITS[peers])
                if shapes is SHAPES:
                    back = written_back(folder, options.python)
                    found |= {f"{name}, back": x for name, x in back.items()}
            names = "image", "photo", "text", "image, back", "text, back"
            cells = [f"{found[n]:.1e}" if n in found else "-" for n in names]
            rows.append([name, f"{library} {version}", *cells])
    head = ["shape", "files of", "images", "a photo", "texts"]
    head += ["images, written back", "texts, written back"]
    print(measuring.markdown_table(head, rows))


def differences(folder, fit):
    """Returns the largest differences of unit embeddings to those in a folder.

    A dict of "image" and "text", and "photo" if the folder has one; `fit` is
    that of the photo.
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
        if "photo" in expected:
            size = model.image_encoder.input_shape[1]
            view, _ = evaluation_view(expected["photo_pixels"], size, fit)
            found["photo"] = model.encode_image(view[None])
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
