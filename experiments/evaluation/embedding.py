"""The images and candidates of evaluation tasks, embedded or read back."""

import dataclasses
import hashlib
import json

import numpy as np

from experiments.evaluation import storage
from experiments.evaluation.progress import Progress
from experiments.run import files
from experiments.run.data import build_part
from experiments.run.data import data_path
from experiments.run.tasks import source_options
from experiments.run.workdir import INDEX
from uniclip_keras import evaluation
from uniclip_keras.data import BadSamples
from uniclip_keras.data import load_images
from uniclip_keras.data.sources import texts
from uniclip_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The classes or the captions of a task.

    Attributes:
        embeddings: Float32 `[m, dim]`.
        labels: String `[m]`.
        texts: String `[m]`, the first name of a class.
    """

    embeddings: np.ndarray
    labels: np.ndarray
    texts: np.ndarray


class TaskEmbedder:
    """Embeds what tasks name, or takes what an earlier evaluation has kept.

    What is kept holds as long as weights, options and the number of images
    stay the same. Tasks that differ in labels or groups only share their
    embeddings.

    Args:
        subject: The `Subject`.
        config: Its configuration with the tasks to evaluate.
        folder: Folder of the results.
        batch_size: int. Images of the batch of all replicas.
        with_features: bool. Whether to keep the features before the head.

    Attributes:
        bad_samples: The samples that this evaluation has read and skipped.
    """

    def __init__(
        self, subject, config, folder, batch_size=64, with_features=False
    ):
        self.bad_samples = BadSamples()
        self._config, self._folder = config, folder
        self._with_features = with_features
        self._weights = subject.about["weights"]
        self._texts = evaluation.Embedder(subject.model, subject.tokenizer)
        self._images = evaluation.StreamingEmbedder(
            subject.model,
            config.image_size,
            fit=config.evaluation.fit,
            with_features=with_features,
            batch_size=batch_size,
            max_pixels=config.data.max_pixels,
            threads=config.data.threads,
        )
        # Options of the images -> their embeddings, and all numbers read.
        self._embedded = {}
        # Options of the images -> how many have no embedding.
        self._skipped = {}

    @property
    def skipped(self):
        """The number of images skipped, by earlier evaluations too."""
        return sum(self._skipped.values())

    def source(self, task):
        """Builds the source of a task's images."""
        section = f"the evaluation task {task.title!r}"
        source = build_part(self._config, section, source_options(task))
        source.prepare(folder=files.join(self._folder, INDEX))
        return source

    def images(self, task, source, kept):
        """Embeds the images of a task.

        Args:
            kept: Arrays that an earlier evaluation has kept, or none.

        Returns:
            `(images, arrays)`: `evaluation.EmbeddedImages`, and the arrays to
            keep.
        """
        options = {n: v for n, v in source_options(task).items() if v}
        square = self._config.image_size, self._config.evaluation.fit
        key = self._hash(square, options, source.count())
        images = _unpack(evaluation.EmbeddedImages, "images", kept, key)
        lacks_features = self._with_features and "images/features" not in kept
        for name in ("label_field", "group_field"):
            options.pop(name, None)
        options = str(sorted(options.items()))
        if images is None or lacks_features:
            images = self._share(options, source)
            images = images or self._embed(options, source)
        else:
            print("  embeddings of an earlier evaluation", flush=True)
        self._skipped[options] = source.count() - len(images.numbers)
        return images, _pack("images", images, key)

    def candidates(self, group, task, source, images, kept):
        """Embeds the candidates of a task, see `images`.

        Args:
            group: "zero_shot" averages the prompts of each class, "retrieval"
                takes each text.
        """
        classes = self._classes(task, source, images)
        prompts = self._config.evaluation.prompts
        key = self._hash(group, prompts, classes)
        candidates = _unpack(Candidates, "candidates", kept, key)
        if candidates is None and group == "zero_shot":
            embeddings = evaluation.class_embeddings(
                self._texts.texts, list(classes.values()), prompts
            )
            names = [names[0] for names in classes.values()]
            candidates = Candidates(
                embeddings, np.array([*classes]), np.array(names)
            )
        elif candidates is None:
            pairs = [
                (label, text)
                for label, captions in classes.items()
                for text in captions
            ]
            labels, captions = map(np.array, zip(*pairs, strict=True))
            embeddings = self._texts.texts(captions.tolist())
            candidates = Candidates(embeddings, labels, captions)
        return candidates, _pack("candidates", candidates, key)

    def squares(self, source, numbers):
        """Reads a few images again, as they were embedded.

        Returns:
            `(pixels, vectors)`: float32 `[n, size, size, 3]` in [0, 1], and
            their augmentation vectors `[n, 11]`.
        """
        samples = source.read(numbers)
        images, vectors, kept = load_images(
            [sample["image"] for sample in samples],
            self._config.image_size,
            fit=self._config.evaluation.fit,
            max_pixels=self._config.data.max_pixels,
        )
        if len(kept) < len(samples):
            raise InputError(
                "The images have changed since they were embedded: remove "
                f"{files.join(self._folder, storage.FOLDER)}, and evaluate "
                "again."
            )
        return images, vectors

    def _embed(self, options, source):
        numbers = set()

        def read():
            for sample in source.samples(self.bad_samples):
                numbers.add(sample["number"])
                yield sample

        progress = Progress(source.count())
        images = self._images.embed(read(), self.bad_samples, progress)
        self._embedded[options] = images, numbers
        return images

    def _share(self, options, source):
        """Returns embeddings of another task with labels of this one, or None.

        None if this one has images that the other did not read.
        """
        images, read = self._embedded.get(options, (None, ()))
        if images is None:
            return None
        found = {
            sample["number"]: (sample["label"], sample["group"])
            for sample in source.samples()
        }
        if not found.keys() <= read:
            return None
        rows = [i for i, n in enumerate(images.numbers) if n in found]
        labels, groups = zip(
            *(found[n] for n in images.numbers[rows]), strict=True
        )
        return evaluation.EmbeddedImages(
            images.embeddings[rows],
            None if images.features is None else images.features[rows],
            images.numbers[rows],
            images.keys[rows],
            np.array(labels),
            np.array(groups),
        )

    def _classes(self, task, source, images):
        """Returns `{label: texts}` of a task."""
        if not task.get("classes"):
            labels = np.unique(images.labels).tolist()
            return source.texts.classes or texts.names_from_labels(labels)
        classes = texts.read_classes(data_path(self._config, task.classes))
        return _named(classes, source.label_names)

    def _hash(self, *parts):
        text = json.dumps([self._weights, *parts], sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _named(classes, names):
    """Gives classes their names where a list numbers those of a data set."""

    def name(label):
        is_number = label not in names and label.isdecimal()
        is_number = is_number and int(label) < len(names)
        return names[int(label)] if is_number else label

    return {name(label): captions for label, captions in classes.items()}


def _pack(prefix, value, key):
    """Returns the fields of a dataclass as arrays to keep."""
    fields = {f"{prefix}/{n}": v for n, v in vars(value).items()}
    fields[f"{prefix}/key"] = np.array(key)
    return {name: v for name, v in fields.items() if v is not None}


def _unpack(kind, prefix, kept, key):
    """Returns a dataclass of what was kept, or None if it is another one."""
    if str(kept.get(f"{prefix}/key")) != key:
        return None
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: kept.get(f"{prefix}/{name}") for name in names})
