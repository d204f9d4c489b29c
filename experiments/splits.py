"""Images, texts and classes of the evaluation tasks, embedded."""

import functools
import json

import tensorflow as tf

from experiments import building
from uniclip_keras import evaluation
from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError


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
            keys=[sample["key"] for sample in samples],
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
