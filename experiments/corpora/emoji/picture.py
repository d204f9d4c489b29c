"""Draws class words beside the nearest drawings of novel concepts.

    python -m experiments.corpora.emoji.picture --workdir=runs/emoji \
        --output=experiments/results/retrieval.png

Shows Noto (Apache-2.0) and Twemoji (CC-BY 4.0) only, so that the picture may
be published. The classes are those with most drawings, not chosen by hand.
"""

import json
from collections import Counter

import matplotlib
from absl import flags

from experiments.run import workdir
from experiments.run.command import run
from experiments.run.data import data_path
from uniclip_keras import evaluation
from uniclip_keras.data import WebDataset
from uniclip_keras.data import load_images

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

_OUTPUT = flags.DEFINE_string("output", None, "PNG file to write.")

STYLES = ("noto", "twemoji")
ROWS, COLUMNS = 8, 8


def main(argv):
    del argv
    config, tokenizer, model, _ = workdir.load_run(workdir.WORKDIR.value)
    embedder = evaluation.Embedder(model, tokenizer)
    shards = data_path(config, "novel-*.tar")
    source = WebDataset(shards, label_field="subgroup")
    samples = [s for s in source.samples() if s["key"].endswith(STYLES)]
    encoded = [sample["image"] for sample in samples]
    small, _, _ = load_images(encoded, config.image_size)
    large, _, _ = load_images(encoded, 72)
    groups = [sample["label"] for sample in samples]
    with open(data_path(config, "subgroups.json")) as file:
        texts = {entry["label"]: entry["texts"] for entry in json.load(file)}
    chosen = [group for group, _ in Counter(groups).most_common(ROWS)]
    found, _ = evaluation.nearest(
        evaluation.class_embeddings(
            embedder.texts,
            [texts[group] for group in chosen],
            config.evaluation.prompts,
        ),
        embedder.images(small),
        COLUMNS,
    )
    right = [
        [groups[image] == group for image in row]
        for group, row in zip(chosen, found, strict=True)
    ]
    labels = [texts[group][0] for group in chosen]
    _draw(_OUTPUT.value, labels, large[found], right)


def _draw(path, texts, images, right):
    """Writes images `[rows, columns, h, w, 3]` as PNG; frames the right."""
    rows, columns = images.shape[:2]
    figure, axes = plt.subplots(
        rows,
        columns + 1,
        figsize=(columns + 3, rows),
        width_ratios=[3] + [1] * columns,
    )
    for row, (label, *cells) in enumerate(axes):
        label.axis("off")
        label.text(1, 0.5, texts[row], ha="right", va="center", fontsize=11)
        for column, cell in enumerate(cells):
            cell.imshow(images[row, column])
            cell.set(xticks=[], yticks=[])
            for spine in cell.spines.values():
                spine.set(
                    visible=right[row][column], color="#1a9850", linewidth=3
                )
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir", "output"])
    run(main)
