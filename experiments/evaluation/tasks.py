"""The tasks of an evaluation: embed, measure, keep, show."""

import numpy as np

from experiments.evaluation import pixels
from experiments.evaluation import storage
from experiments.evaluation.probes import probe
from experiments.report.gallery import make_gallery
from experiments.run.tasks import PARTS
from experiments.run.tasks import part_of
from uniclip_keras import evaluation


class TaskRunner:
    """Measures tasks and keeps their embeddings and scores in files.

    Args:
        embedder: A `TaskEmbedder`.
        model: The model that it embeds with.
        folder: Folder of the results.
        with_parquet: bool. Whether to write the embeddings as tables, too.
        seed: int. Of what a protocol draws.
    """

    def __init__(self, embedder, model, folder, with_parquet=False, seed=0):
        self._embedder = embedder
        self._model = model
        self._seed = seed
        self._folder = folder
        self._with_parquet = with_parquet

    def run(self, group, name, task):
        """Measures a task.

        Args:
            group: str. One of `TASK_GROUPS`.
            name: str. Name of the task.
            task: Its section of the configuration.

        Returns:
            `(result, show)`: what results.json holds of the task, and the
            function that makes its entries of the gallery, None without any.
        """
        measure = {
            "retrieval": self._retrieval,
            "zero_shot": self._zero_shot,
            "robustness": self._robustness,
            "probe": self._probe,
        }[group]
        source, images, kept = self._images(name, task)
        groups = images.groups if task.get("group_field") else None
        ways, arrays, show = measure(name, task, source, images, groups, kept)
        for way, (items, result) in ways.items():
            arrays |= storage.pack_scores(way, items, result.scores)
        storage.write(self._folder, name, kept | arrays)
        values = {way: _values(result) for way, (_, result) in ways.items()}
        return values.get("zero_shot", values), show

    def _images(self, name, task):
        """Returns the source, its `EmbeddedImages`, and the arrays kept."""
        kept = storage.read(self._folder, name)
        # Scores follow anew.
        kept = {n: x for n, x in kept.items() if not n.startswith("scores/")}
        source = self._embedder.source(task)
        images, arrays = self._embedder.images(task, source, kept)
        if self._with_parquet:
            storage.write_parquet(self._folder, name, images)
        # What was embedded is not lost if the rest cannot run.
        kept |= arrays
        storage.write(self._folder, name, kept)
        return source, images, kept

    def _zero_shot(self, name, task, source, images, groups, kept):
        classes, arrays = self._embedder.candidates(
            "zero_shot", task, source, images, kept
        )
        result = evaluation.zero_shot(
            images.embeddings,
            classes.embeddings,
            images.labels.tolist(),
            classes.labels.tolist(),
            groups=groups,
        )
        return {"zero_shot": (images.keys, result)}, arrays, None

    def _retrieval(self, name, task, source, images, groups, kept):
        texts, arrays = self._embedder.candidates(
            "retrieval", task, source, images, kept
        )
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

        def show():
            return make_gallery(
                name,
                lambda rows: self._embedder.squares(
                    source, images.numbers[rows]
                )[0],
                images.embeddings,
                images.labels.tolist(),
                texts.embeddings,
                texts.texts.tolist(),
                texts.labels.tolist(),
            )

        ways = {way: (items[way], result) for way, result in results.items()}
        return ways, arrays, show

    def _robustness(self, name, task, source, images, groups, kept):
        classes, arrays = self._embedder.candidates(
            "zero_shot", task, source, images, kept
        )
        result = pixels.robustness(
            self._embedder, self._model, task, source, images, classes, groups
        )
        return {"corrupted": (images.keys, result)}, arrays, None

    def _probe(self, name, task, source, images, groups, kept):
        parts = {
            part: self._images(f"{name}/{part}", part_of(task, part))[:2]
            for part in PARTS
        }
        train, validation = (parts[part][1] for part in PARTS)
        results = probe(train, validation, images, groups)
        if epochs := task.get("fine_tuning_epochs"):
            results["fine_tuned"] = pixels.fine_tuning(
                self._embedder,
                self._model,
                epochs,
                parts["train"],
                (source, images),
                results.get("linear_probe"),
                self._seed,
                groups,
            )
        ways = {way: (images.keys, result) for way, result in results.items()}
        return ways, {}, None


def _values(result):
    intervals = {
        metric: evaluation.confidence_interval(scores)
        for metric, scores in result.scores.items()
    }
    # A single group says nothing about others.
    known = {name: list(pair) for name, pair in intervals.items() if pair}
    return {**result.summary(), "intervals": known}
