"""Which square of an image that is none: squashed, cropped or padded.

    npm pack svg-country-flags && tar xzf svg-country-flags-*.tgz
    python -m experiments.benchmarks.fits --workdir=runs/uniclip \
        --flags=package/png250px

Real flags in their own proportions, most of them 3:2 or 2:1 (public domain,
`svg-country-flags`), are named by a run of the emoji corpus, whose flags were
drawn by others. Each fit of `uniclip_keras.data.evaluation_view` is compared
with "squash" on the same flags.
"""

import pathlib

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.report.page import interval
from experiments.report.page import p_value
from experiments.report.page import points
from experiments.report.page import points_interval
from experiments.report.page import score
from experiments.run.data import data_path
from experiments.run.workdir import WORKDIR
from experiments.run.workdir import load_run
from uniclip_keras import evaluation
from uniclip_keras.data.augmentation import FITS
from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.data.sources import texts
from uniclip_keras.errors import InputError

OPTIONS = {
    "flags": ("package/png250px", "Folder of flags such as fr.png."),
}
COLUMNS = [
    "fit", "metric", "result", "95 % interval", "less squash",
    "95 % interval", "p",
]  # fmt: skip
METRICS = "R@1", "R@5", "median_rank"


def main(options):
    """Names all flags, once for each fit."""
    config, tokenizer, model, _ = load_run(WORKDIR.value)
    embedder = evaluation.Embedder(model, tokenizer)
    names = texts.read_classes(data_path(config, "names.json"))
    flags = read_flags(options.flags, names)
    images = list(flags.values())
    ratios = [image.shape[1] / image.shape[0] for image in images]
    low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
    print(
        f"{len(images)} flags among {len(names):,} names, width to height "
        f"{low:.2f} to {high:.2f}, median {middle:.2f}"
    )
    embedded_names = embedder.texts([found[0] for found in names.values()])
    scores = {}
    for fit in FITS:
        views = [evaluation_view(x, config.image_size, fit) for x in images]
        squares, vectors = map(np.stack, zip(*views, strict=True))
        embedded = embedder.images(squares, vectors)
        ways = evaluation.retrieval(
            embedded, embedded_names, list(flags), list(names)
        )
        scores[fit] = ways["image_to_text"].scores
    print(measuring.markdown_table(COLUMNS, rows(scores)))


def read_flags(folder, labels):
    """Returns `{label: image}` of the flags that the corpus names.

    A label is the code points of the two letters, as in "1f1eb-1f1f7".

    Raises:
        InputError: If the folder holds none.
    """
    flags = {}
    for path in sorted(pathlib.Path(folder).glob("??.png")):
        # Regional indicator letters begin here.
        points = (f"{0x1F1E6 + ord(c) - ord('a'):x}" for c in path.stem)
        if (label := "-".join(points)) in labels:
            flags[label] = decode_image(path.read_bytes()).numpy()
    if not flags:
        raise InputError(
            f"--flags={folder} holds no flags named like fr.png; give the "
            "folder png250px of svg-country-flags."
        )
    return flags


def rows(scores):
    """Returns cells of a fit and a metric each, with paired differences."""
    base, cells = scores[FITS[0]], []
    for fit, found in scores.items():
        for metric in METRICS:
            own = found[metric]
            sure = evaluation.confidence_interval(own)
            row = [fit, metric, score(own.value(), metric)]
            row += [interval(sure, metric), "", "", ""]
            if fit != FITS[0] and own.statistic == "mean":
                paired = evaluation.paired_difference(own, base[metric])
                row[4:] = [
                    points(paired.value, metric),
                    points_interval(paired.interval, metric),
                    p_value(paired.p_value),
                ]
            cells.append(row)
    return cells


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
