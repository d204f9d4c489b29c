"""Images, texts and classes of the evaluation tasks, embedded."""

import json

import tensorflow as tf

from experiments.run import training_data
from uniclip_keras import evaluation
from uniclip_keras.data import BadSamples
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError

# What a task says that its source does not take.
_NOT_OF_THE_SOURCE = ("title", "classes")


class Splits:
    """Images and class lists of the evaluation tasks, embedded once each."""

    def __init__(self, config, embedder):
        self.config = config
        self.embedder = embedder
        self.bad_samples = BadSamples()
        self._embedded = {}

    def images(self, task):
        """`(images [n, s, s, 3], embeddings [n, dim], labels)` of a task."""
        options = {
            name: value
            for name, value in task.items()
            if name not in _NOT_OF_THE_SOURCE
        }
        what = f"the evaluation task {task.title!r}"
        source = training_data.build_part(self.config, what, options)
        samples = list(source.samples(self.bad_samples))
        # Tasks that differ in their labels share what they embed.
        del options["label_field"]
        keys = [sample["key"] for sample in samples]
        same = (str(sorted(options.items())), *keys)
        if same not in self._embedded:
            images, kept = load_images(
                [sample["image"] for sample in samples],
                self.config.image_size,
                keys=keys,
                bad_samples=self.bad_samples,
                max_pixels=self.config.data.max_pixels,
            )
            embeddings = self.embedder.images(images)
            self._embedded[same] = images, embeddings, kept
        images, embeddings, kept = self._embedded[same]
        return images, embeddings, [samples[i]["label"] for i in kept]

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

    def _class_list(self, task):
        path = training_data.data_path(self.config, task.classes)
        if not tf.io.gfile.exists(path):
            raise InputError(
                f"the class list {path!r} does not exist; prepare the data, "
                "or correct `classes` of the task."
            )
        with tf.io.gfile.GFile(path) as file:
            return json.loads(file.read())
