"""Measures a trained model: zero-shot classes, retrieval, augmentations.

    python -m experiments.evaluate --workdir=runs/emoji [--checkpoint=best]

Writes results.json and report.html into the workdir and prints the table.
"""

import json

import tensorflow as tf
from absl import flags

from experiments.report.gallery import make_gallery
from experiments.report.results_table import format_table
from experiments.report.training_report import write_report
from experiments.run import data
from experiments.run import files
from experiments.run import hardware
from experiments.run.checkpoint import CHECKPOINT
from experiments.run.command import run
from experiments.run.tasks import TaskEmbedder
from experiments.run.workdir import HISTORY
from experiments.run.workdir import INDEX
from experiments.run.workdir import VALIDATION
from experiments.run.workdir import WORKDIR
from experiments.run.workdir import load_run
from uniclip_keras import evaluation
from uniclip_keras import training


def main(argv):
    del argv
    evaluate(WORKDIR.value, CHECKPOINT.value)


def evaluate(workdir, checkpoint="last"):
    """Measures and returns what `config.evaluation` of a run names.

    `checkpoint` is "last", "best" or a step.
    """
    config, tokenizer, model, step = load_run(workdir, checkpoint)
    history = training.read_history(files.join(workdir, HISTORY))
    validation = training.read_history(files.join(workdir, VALIDATION))
    embedder = TaskEmbedder(config, evaluation.Embedder(model, tokenizer))
    tasks = config.evaluation
    results = {
        "run": _describe_run(config, model, step, history),
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
    # The task that the report leads with comes first.
    for name in sorted(tasks.retrieval, key=lambda n: n != tasks.headline):
        task = tasks.retrieval[name]
        print(f"retrieval: {name}", flush=True)
        images, embeddings, labels = embedder.images(task)
        text_embeddings, texts, text_labels = embedder.texts(task)
        results["retrieval"][name] = evaluation.retrieval_metrics(
            embeddings, text_embeddings, labels, text_labels
        )
        shown = images, embeddings, labels
        gallery += make_gallery(
            name, *shown, text_embeddings, texts, text_labels
        )
    for name, task in tasks.zero_shot.items():
        print(f"zero-shot: {name}", flush=True)
        _, embeddings, labels = embedder.images(task)
        class_embeddings, class_labels = embedder.classes(task)
        results["zero_shot"][name] = evaluation.zero_shot_metrics(
            embeddings, class_embeddings, labels, class_labels
        )
    if model.augmentation_encoder is not None:
        print("augmentations: right and shuffled", flush=True)
        source = data.build_source(config)
        source.prepare(folder=files.join(workdir, INDEX))
        # Views and batches that the training has not drawn.
        make = data.dataset_maker(
            config, source, tokenizer, seed=config.seed + 1
        )
        results["augmentation_check"] = evaluation.augmentation_check(
            model, make(config.batch_size).take(8)
        )
    results["run"]["skipped samples"] = embedder.bad_samples.skipped
    text = json.dumps(results, indent=2, ensure_ascii=False)
    files.write_text(files.join(workdir, "results.json"), text + "\n")
    page = files.join(workdir, "report.html")
    rows = history + validation
    write_report(page, results, rows, config.to_dict(), gallery)
    print(embedder.bad_samples.summary())
    print(format_table(results))
    print(f"report: {page}")
    return results


def _describe_run(config, model, step, history):
    pairs = step * config.batch_size
    seconds = history[-1].get("seconds", 0.0) if history else 0.0
    views = len(config.data.views)
    loss = type(model.objective).__name__
    method = "UniCLIP" if loss == "MPNCE" else loss
    gpus = tf.config.list_physical_devices("GPU")
    return {
        "name": config.name,
        "description": (
            f"{method}, {config.batch_size} pairs x {views} "
            f"view{'s' if views > 1 else ''} per step."
        ),
        "seed": config.seed,
        "steps": step,
        "pairs": pairs,
        "seconds": seconds,
        "pairs_per_second": pairs / seconds if seconds else 0.0,
        "parameters": model.count_params(),
        "hardware": ", ".join(
            [hardware.describe_hardware(), *(gpu.name for gpu in gpus)]
        ),
        # The figures depend on these.
        "versions": hardware.versions(
            ("tensorflow", "keras", "keras-hub", "tensorflow-text")
        ),
    }


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir"])
    run(main)
