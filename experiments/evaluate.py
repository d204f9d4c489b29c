"""Measures a trained model: zero-shot classes, retrieval, augmentations.

    python -m experiments.evaluate --workdir=runs/emoji

Writes results.json and report.html into the workdir and prints the table.
"""

import functools
import json
import os
import pathlib
import platform

import numpy as np
import tensorflow as tf
from absl import flags

from experiments import building
from experiments.runner import run
from experiments.workdir import WORKDIR
from experiments.workdir import load_run
from uniclip_keras import evaluation
from uniclip_keras import training
from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import load_images
from uniclip_keras.data import training_dataset
from uniclip_keras.data.augmentation import recipe_from_config
from uniclip_keras.errors import InputError

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
    for name, task in tasks.retrieval.items():
        print(f"retrieval: {name}", flush=True)
        images, embeddings, labels = splits.images(task)
        text_embeddings, texts, text_labels = splits.texts(task)
        results["retrieval"][name] = evaluation.retrieval(
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
        results["zero_shot"][name] = evaluation.classify(
            embeddings, class_embeddings, labels, class_labels
        )
    print("augmentations: right and shuffled", flush=True)
    results["augmentation_check"] = check_augmentations(
        config, model, tokenizer
    )
    results["run"]["skipped samples"] = splits.bad_samples.skipped
    text = json.dumps(results, indent=2, ensure_ascii=False)
    (workdir / "results.json").write_text(text + "\n")
    evaluation.write_report(
        workdir / "report.html",
        results,
        training.read_history(workdir / "history.jsonl"),
        config.to_dict(),
        gallery,
    )
    print(splits.bad_samples.summary())
    print(evaluation.format_table(results))
    print(f"report: {workdir / 'report.html'}")
    return results


class Splits:
    """Images and class lists of the evaluation tasks, embedded once each."""

    def __init__(self, config, embedder):
        self.config = config
        self.embedder = embedder
        self.bad_samples = BadSamples()
        self._read = functools.cache(self._read_shards)

    def images(self, task):
        """`(images [n, s, s, 3], embeddings [n, dim], labels)` of a task."""
        images, embeddings, metadata = self._read(task.shards)
        labels = [self._label(task, each) for each in metadata]
        return images, embeddings, labels

    def texts(self, task):
        """Every text of the class list: `(embeddings, texts, labels)`."""
        pairs = [
            (text, entry["label"])
            for entry in self._class_list(task)
            for text in entry["texts"]
        ]
        texts, labels = zip(*pairs, strict=True)
        return self.embedder.texts(list(texts)), texts, labels

    def classes(self, task):
        """One prompt-ensemble embedding per class, and the labels."""
        entries = self._class_list(task)
        embeddings = evaluation.class_embeddings(
            self.embedder.texts,
            [entry["texts"] for entry in entries],
            self.config.evaluation.prompts,
        )
        return embeddings, [entry["label"] for entry in entries]

    def _read_shards(self, shards):
        source = WebDataset(building.data_path(self.config, shards))
        samples = list(source.samples(self.bad_samples))
        images, kept = load_images(
            [sample["image"] for sample in samples],
            self.config.image_size,
            bad_samples=self.bad_samples,
        )
        metadata = [samples[index]["metadata"] for index in kept]
        return images, self.embedder.images(images), metadata

    def _label(self, task, metadata):
        if task.label_field not in metadata:
            raise InputError(
                f"the images of {task.shards!r} have no JSON field "
                f"{task.label_field!r} (label_field): their fields are "
                f"{', '.join(sorted(metadata))}; name one of them."
            )
        return str(metadata[task.label_field])

    def _class_list(self, task):
        path = building.data_path(self.config, task.classes)
        if not tf.io.gfile.exists(path):
            raise InputError(
                f"the class list {path!r} does not exist; prepare the data, "
                "or correct `classes` of the task."
            )
        with tf.io.gfile.GFile(path) as file:
            return json.loads(file.read())


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
    batches = training_dataset(
        building.build_source(config),
        tokenizer,
        recipe_from_config(config.data.views),
        config.image_size,
        config.batch_size,
        # Views and batches that the training did not draw.
        seed=config.seed + 1,
        shuffle_buffer=config.data.shuffle_buffer,
        threads=config.data.threads,
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
            f"{config.objective.kind} on {config.batch_size} pairs x "
            f"{len(config.data.views)} views per step"
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
        "versions": evaluation_versions(),
    }


def evaluation_versions():
    """Versions of what the numbers depend on."""
    from importlib.metadata import version

    packages = ("tensorflow", "keras", "keras-hub", "tensorflow-text")
    return {"python": platform.python_version()} | {
        package: version(package) for package in packages
    }


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir"])
    run(main)
