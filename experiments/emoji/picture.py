"""Draws the drawings nearest to texts, of concepts that were never trained on.

    python -m experiments.emoji.picture --workdir=runs/emoji \
        --output=experiments/results/retrieval.png

Only Noto (Apache-2.0) and Twemoji (CC-BY 4.0) are shown, so that the picture
may be published. Texts are drawn by a seed, not chosen.
"""

import json

import matplotlib
import numpy as np
from absl import flags

from experiments import building
from experiments.runner import run
from experiments.workdir import WORKDIR
from experiments.workdir import load_run
from uniclip_keras import evaluation
from uniclip_keras.data import WebDataset
from uniclip_keras.data import load_images

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

_OUTPUT = flags.DEFINE_string("output", None, "PNG file to write.")

STYLES = ("noto", "twemoji")
ROWS, COLUMNS = 8, 6


def main(argv):
    del argv
    config, tokenizer, model, _ = load_run(WORKDIR.value)
    embedder = evaluation.Embedder(model, tokenizer)
    source = WebDataset(building.data_path(config, "novel-*.tar"))
    samples = [
        sample
        for sample in source.samples()
        if sample["metadata"]["style"] in STYLES
    ]
    encoded = [sample["image"] for sample in samples]
    small, _ = load_images(encoded, config.image_size)
    large, _ = load_images(encoded, 72)
    items = [sample["metadata"]["item"] for sample in samples]
    with open(building.data_path(config, "names.json")) as file:
        names = [e for e in json.load(file) if e["label"] in set(items)]
    chosen = np.random.default_rng(config.seed).permutation(len(names))[:ROWS]
    texts = [names[i]["texts"][0] for i in chosen]
    found, _ = evaluation.nearest(
        embedder.texts(texts), embedder.images(small), COLUMNS
    )
    right = [
        [items[image] == names[i]["label"] for image in row]
        for i, row in zip(chosen, found, strict=True)
    ]
    draw(_OUTPUT.value, texts, large[found], right)


def draw(path, texts, images, right):
    """Writes the grid.

    Args:
        path: PNG file.
        texts: one per row.
        images: float `[rows, columns, h, w, 3]`.
        right: bool, `[rows][columns]`; these get a frame.
    """
    rows, columns = images.shape[:2]
    figure, axes = plt.subplots(
        rows,
        columns + 1,
        figsize=(columns + 3, rows),
        width_ratios=[3] + [1] * columns,
    )
    for row in range(rows):
        label = axes[row][0]
        label.axis("off")
        label.text(1, 0.5, texts[row], ha="right", va="center", fontsize=11)
        for column in range(columns):
            cell = axes[row][column + 1]
            cell.imshow(images[row, column])
            cell.set_xticks([])
            cell.set_yticks([])
            for spine in cell.spines.values():
                spine.set_visible(right[row][column])
                spine.set_color("#1a9850")
                spine.set_linewidth(3)
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir", "output"])
    run(main)
