"""The tasks of an evaluation: embed, measure, keep, show."""

import numpy as np

from experiments.evaluation import storage
from experiments.report.gallery import make_gallery
from uniclip_keras import evaluation


def run_task(group, name, task, embedder, folder, with_parquet=False):
    """Measures a task and keeps its embeddings and scores in a file.

    Args:
        group: "retrieval" or "zero_shot".
        name: str. Name of the task.
        task: Its section of the configuration.
        embedder: A `TaskEmbedder`.
        folder: Folder of the results.
        with_parquet: bool. Whether to write the embeddings as a table, too.

    Returns:
        `(result, show)`: what results.json holds of the task, and a function
        that makes its entries of the gallery.
    """
    kept = storage.read(folder, name)
    source = embedder.source(task)
    images, arrays = embedder.images(task, source, kept)
    candidates, more = embedder.candidates(group, task, source, images, kept)
    groups = images.groups if task.get("group_field") else None
    measure = {"retrieval": _retrieval, "zero_shot": _zero_shot}[group]
    ways = measure(images, candidates, groups)
    arrays |= more
    for way, (items, result) in ways.items():
        arrays |= storage.pack_scores(way, items, result.scores)
    storage.write(folder, name, arrays)
    if with_parquet:
        storage.write_parquet(folder, name, images)

    def show():
        return make_gallery(
            name,
            lambda rows: embedder.pixels(source, images.numbers[rows]),
            images.embeddings,
            images.labels.tolist(),
            candidates.embeddings,
            candidates.texts.tolist(),
            candidates.labels.tolist(),
        )

    values = {way: _values(result) for way, (_, result) in ways.items()}
    return values.get("zero_shot", values), show


def _values(result):
    intervals = {
        metric: list(evaluation.confidence_interval(scores))
        for metric, scores in result.scores.items()
    }
    return {**result.summary(), "intervals": intervals}


def _zero_shot(images, classes, groups):
    result = evaluation.zero_shot(
        images.embeddings,
        classes.embeddings,
        images.labels.tolist(),
        classes.labels.tolist(),
        groups=groups,
    )
    return {"zero_shot": (images.keys, result)}


def _retrieval(images, texts, groups):
    text_groups = None
    if groups is not None:
        # A text belongs to the group of its images.
        group_of = dict(zip(images.labels, groups, strict=True))
        text_groups = np.array([group_of.get(x, x) for x in texts.labels])
    results = evaluation.retrieval(
        images.embeddings,
        texts.embeddings,
        images.labels,
        texts.labels,
        image_groups=groups,
        text_groups=text_groups,
    )
    # Scores are those of the queries that have an answer.
    items = {
        "image_to_text": images.keys[np.isin(images.labels, texts.labels)],
        "text_to_image": texts.texts[np.isin(texts.labels, images.labels)],
    }
    return {way: (items[way], result) for way, result in results.items()}
