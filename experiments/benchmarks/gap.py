"""How far images and texts lie apart in the spaces of evaluated runs.

    python -m experiments.benchmarks.gap --task=val_style \
        --runs="runs/components/recipe/*,runs/components/shared/*"

Each image of a task of retrieval, and its first text, as `evaluate` has
embedded them: the modality gap of `uniclip_keras.evaluation.modality_gap`.
"""

import glob

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.evaluation import storage
from uniclip_keras import evaluation
from uniclip_keras.errors import InputError

OPTIONS = {
    "runs": (["runs/emoji"], "Workdirs of runs, or patterns of them."),
    "task": ("val_style", "A task of retrieval."),
}
COLUMNS = ["run", "distance", "cosine of pairs", "told apart"]


def main(options):
    """Prints a row for each run."""
    folders = [
        x for pattern in options.runs for x in sorted(glob.glob(pattern))
    ]
    if not folders:
        raise InputError(
            f"--runs={','.join(options.runs)} names no folder; give workdirs "
            "of evaluated runs."
        )
    rows = []
    for folder in folders:
        gap = evaluation.modality_gap(*read_pairs(folder, options.task))
        rows.append(
            [
                folder,
                f"{gap.distance:.3f}",
                f"{gap.pair_cosine:.3f}",
                f"{100 * gap.separable:.1f} %",
            ]
        )
    print(measuring.markdown_table(COLUMNS, rows))


def read_pairs(folder, task):
    """Returns embeddings `(images, texts)` of a task, a text for each image.

    Raises:
        InputError: If none are kept.
    """
    kept = storage.read(folder, task)
    if "images/embeddings" not in kept or "candidates/embeddings" not in kept:
        raise InputError(
            f"{folder} keeps no embeddings of {task!r}; measure it by `python "
            "-m experiments.evaluate`, or give another --task."
        )
    labels, first = np.unique(kept["candidates/labels"], return_index=True)
    own = first[np.searchsorted(labels, kept["images/labels"])]
    return kept["images/embeddings"], kept["candidates/embeddings"][own]


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
