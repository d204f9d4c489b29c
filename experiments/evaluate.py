"""Measures a trained model: zero-shot classes, retrieval, augmentations.

    python -m experiments.evaluate --workdir=runs/emoji

Writes results.json and report.html into the workdir and prints the table.
"""

import json
import os
import pathlib
import platform
from importlib.metadata import version

import numpy as np
import tensorflow as tf
from absl import flags

from experiments.report.results_table import format_table
from experiments.report.training_report import write_report
from experiments.run import training_data
from experiments.run.command import run
from experiments.run.splits import Splits
from experiments.run.workdir import WORKDIR
from experiments.run.workdir import load_run
from uniclip_keras import evaluation
from uniclip_keras import training

# The numbers depend on their versions.
PACKAGES = ("tensorflow", "keras", "keras-hub", "tensorflow-text")

GALLERY_IMAGES = 6
GALLERY_TEXTS = 3
CHECK_BATCHES = 8


def main(argv):
    del argv
    evaluate(WORKDIR.value)


def evaluate(workdir):
    """Measures what the run's configuration names under `evaluation`.

    Returns:
        the results, as written to results.json.
    """
    workdir = pathlib.Path(workdir)
    config, tokenizer, model, step = load_run(workdir)
    splits = Splits(config, evaluation.Embedder(model, tokenizer))
    tasks = config.evaluation
    results = {
        "run": describe_run(config, workdir, model, step),
        "splits": {
            name: task.title
            for group in (tasks.retrieval, tasks.zero_shot)
            for name, task in group.items()
        },
        "retrieval": {},
        "zero_shot": {},
        "notes": list(tasks.notes),
    }
    gallery = []
    for name, task in in_order(tasks.retrieval, tasks.headline):
        print(f"retrieval: {name}", flush=True)
        images, embeddings, labels = splits.images(task)
        text_embeddings, texts, text_labels = splits.texts(task)
        results["retrieval"][name] = evaluation.retrieval_metrics(
            embeddings, text_embeddings, labels, text_labels
        )
        gallery += make_gallery(
            name,
            images,
            embeddings,
            labels,
            text_embeddings,
            texts,
            text_labels,
        )
    for name, task in tasks.zero_shot.items():
        print(f"zero-shot: {name}", flush=True)
        _, embeddings, labels = splits.images(task)
        class_embeddings, class_labels = splits.classes(task)
        results["zero_shot"][name] = evaluation.zero_shot_metrics(
            embeddings, class_embeddings, labels, class_labels
        )
    if model.augmentation_encoder is not None:
        print("augmentations: right and shuffled", flush=True)
        results["augmentation_check"] = check_augmentations(
            config, model, tokenizer
        )
    results["run"]["skipped samples"] = splits.bad_samples.skipped
    text = json.dumps(results, indent=2, ensure_ascii=False)
    (workdir / "results.json").write_text(text + "\n")
    write_report(
        workdir / "report.html",
        results,
        training.read_history(workdir / "history.jsonl"),
        config.to_dict(),
        gallery,
    )
    print(splits.bad_samples.summary())
    print(format_table(results))
    print(f"report: {workdir / 'report.html'}")
    return results


def in_order(tasks, headline):
    """`(name, task)` pairs, the headline's first."""
    return sorted(tasks.items(), key=lambda item: item[0] != headline)


def make_gallery(
    split, images, embeddings, labels, text_embeddings, texts, text_labels
):
    """A few images with their nearest texts, and texts with their images."""
    rng = np.random.default_rng(0)
    names = dict(zip(reversed(text_labels), reversed(texts), strict=True))
    pixels = np.round(images * 255).astype(np.uint8)
    rows = rng.permutation(len(images))[:GALLERY_IMAGES]
    entries = []
    found, scores = evaluation.nearest(embeddings[rows], text_embeddings, 5)
    for row, indices, row_scores in zip(rows, found, scores, strict=True):
        entries.append(
            {
                "split": split,
                "image": pixels[row],
                "label": names.get(labels[row], labels[row]),
                "predictions": [
                    (texts[i], float(score), text_labels[i] == labels[row])
                    for i, score in zip(indices, row_scores, strict=True)
                ],
            }
        )
    present = [i for i, label in enumerate(text_labels) if label in set(labels)]
    rows = rng.permutation(present)[:GALLERY_TEXTS]
    found, scores = evaluation.nearest(text_embeddings[rows], embeddings, 5)
    for row, indices, row_scores in zip(rows, found, scores, strict=True):
        entries.append(
            {
                "split": split,
                "text": texts[row],
                "images": [
                    (pixels[i], float(score), labels[i] == text_labels[row])
                    for i, score in zip(indices, row_scores, strict=True)
                ],
            }
        )
    return entries


def check_augmentations(config, model, tokenizer):
    """The training loss with right and with shuffled augmentations."""
    batches = training_data.build_dataset(
        config,
        training_data.build_source(config),
        tokenizer,
        # Views and batches that the training did not draw.
        seed=config.seed + 1,
        cache=False,
    )
    return evaluation.augmentation_check(model, batches.take(CHECK_BATCHES))


def describe_run(config, workdir, model, step):
    """What the report says about the run."""
    history = training.read_history(workdir / "history.jsonl")
    last = history[-1] if history else {}
    pairs = step * config.batch_size
    seconds = last.get("seconds", 0.0)
    return {
        "name": config.name,
        "description": (
            f"UniCLIP ({config.objective.kind}), {config.batch_size} pairs x "
            f"{len(config.data.views)} views per step."
        ),
        "seed": config.seed,
        "steps": step,
        "pairs": pairs,
        "seconds": seconds,
        "pairs_per_second": pairs / seconds if seconds else 0.0,
        "parameters": model.count_params(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores"
        + "".join(
            f", {d.name}" for d in tf.config.list_physical_devices("GPU")
        ),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in PACKAGES},
    }


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir"])
    run(main)
