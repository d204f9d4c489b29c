"""The images, texts and classes of the evaluation tasks, embedded."""

import json

import tensorflow as tf

from experiments.run.data import build_part
from experiments.run.data import data_path
from uniclip_keras import evaluation
from uniclip_keras.data import BadSamples
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError


class TaskEmbedder:
    """Embeds what the evaluation tasks of a configuration name.

    Tasks that differ in their labels only share their image embeddings.
    `bad_samples` holds the samples skipped so far.
    """

    def __init__(self, config, embedder):
        self.bad_samples = BadSamples()
        self._config = config
        self._embedder = embedder
        self._embedded = {}

    def images(self, task):
        """Returns `(images [n, s, s, 3], embeddings [n, dim], labels)`."""
        options = dict(task.items())
        section = f"the evaluation task {options.pop('title')!r}"
        # The candidates, which the source does not read.
        del options["classes"]
        source = build_part(self._config, section, options)
        samples = list(source.samples(self.bad_samples))
        del options["label_field"]
        keys = [sample["key"] for sample in samples]
        same = (str(sorted(options.items())), *keys)
        if same not in self._embedded:
            images, kept = load_images(
                [sample["image"] for sample in samples],
                self._config.image_size,
                keys=keys,
                bad_samples=self.bad_samples,
                max_pixels=self._config.data.max_pixels,
            )
            embeddings = self._embedder.images(images)
            self._embedded[same] = images, embeddings, kept
        images, embeddings, kept = self._embedded[same]
        return images, embeddings, [samples[i]["label"] for i in kept]

    def texts(self, task):
        """Returns `(embeddings [n, dim], texts, labels)` of all its texts."""
        pairs = [
            (text, entry["label"])
            for entry in self._class_list(task)
            for text in entry["texts"]
        ]
        texts, labels = zip(*pairs, strict=True)
        return self._embedder.texts(list(texts)), texts, labels

    def classes(self, task):
        """Returns `(embeddings [classes, dim], labels)`, averaged prompts."""
        entries = self._class_list(task)
        embeddings = evaluation.class_embeddings(
            self._embedder.texts,
            [entry["texts"] for entry in entries],
            self._config.evaluation.prompts,
        )
        return embeddings, [entry["label"] for entry in entries]

    def _class_list(self, task):
        path = data_path(self._config, task.classes)
        if not tf.io.gfile.exists(path):
            raise InputError(
                f"the class list {path!r} does not exist: prepare the data, "
                "or correct `classes` of the task."
            )
        with tf.io.gfile.GFile(path) as file:
            return json.loads(file.read())
