"""Embeddings of the images of a source, of which no image is kept."""

import dataclasses

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.augmentation import check_fit
from uniclip_keras.data.augmentation.fitting import CROPS
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.streaming import evaluation_batches
from uniclip_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class EmbeddedImages:
    """What an evaluation keeps of n images.

    Attributes:
        embeddings: Float32 `[n, dim]`, of unit length.
        features: Float32 `[n, width]` before the head, or None.
        numbers: Int64 `[n]`, the places in the source, see `Source.read`.
        keys: String `[n]`, the names in the source.
        labels: String `[n]`.
        groups: String `[n]`, empty strings for a source without groups.
    """

    embeddings: np.ndarray
    features: np.ndarray | None
    numbers: np.ndarray
    keys: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


class StreamingEmbedder:
    """Embeds the images of samples, read and decoded batch by batch.

    Under a `tf.distribute` strategy the replicas of this process share each
    batch. A batch that is not full is filled up, and what was added is left
    out again, so every image counts once.

    Args:
        model: A `UniCLIP` model, or anything with its `encode_image`.
        image_size: int. Pixels of the square input of the model.
        fit: How images become square, see
            `data.augmentation.evaluation_view`.
        with_features: bool. Whether to keep the features before the head.
        batch_size: int. Images of the batch of all replicas.
        max_pixels: int. Images of more pixels are not decoded.
        threads: int. Threads that decode.

    Raises:
        InputError: If the replicas do not divide the batch, or `fit` is
            another one.
    """

    def __init__(
        self,
        model,
        image_size,
        *,
        fit="squash",
        with_features=False,
        batch_size=64,
        max_pixels=MAX_PIXELS,
        threads=2,
    ):
        check_fit(fit)
        self.image_size = image_size
        self.fit = fit
        self.batch_size = batch_size
        self.max_pixels = max_pixels
        self.threads = threads
        strategy = tf.distribute.get_strategy()
        self._strategy = getattr(model, "distribute_strategy", strategy)
        self._replicas = self._strategy.num_replicas_in_sync
        if batch_size % self._replicas:
            raise InputError(
                f"batch_size={batch_size} cannot be divided by "
                f"{self._replicas} replicas: give a multiple of "
                f"{self._replicas}."
            )

        def encode(views, vectors):
            # Others are identities, which a model assumes by itself.
            options = {"augmentations": vectors} if fit in CROPS else {}
            if with_features:
                return model.encode_image(views, with_features=True, **options)
            return (model.encode_image(views, **options),)

        @tf.function(autograph=False)
        def encode_all(views, vectors):
            return self._strategy.run(encode, args=(views, vectors))

        self._encode_all = encode_all

    def embed(self, samples, bad_samples=None, progress=None):
        """Embeds the images of samples.

        Args:
            samples: Iterable of samples, such as `source.samples(bad_samples)`.
            bad_samples: A `BadSamples` that counts the images that cannot be
                decoded, or None. Their source counts those read.
            progress: Function of the number of images read so far, or None.
                It is called after each batch.

        Returns:
            `EmbeddedImages` of those that could be decoded, in order.

        Raises:
            InputError: If there is no good image.
        """
        columns = {"number": [], "key": [], "label": [], "group": []}

        def read():
            for sample in samples:
                for name, column in columns.items():
                    column.append(sample[name])
                yield sample["image"]

        kept, outputs, problems = [], [], {}
        for index, problem, *views in evaluation_batches(
            read(),
            self.image_size,
            self.batch_size,
            fit=self.fit,
            max_pixels=self.max_pixels,
            threads=self.threads,
        ):
            index, problem = index.numpy(), problem.numpy()
            good = (index >= 0) & (problem == b"")
            problems |= zip(index.tolist(), problem.astype(str), strict=True)
            outputs.append([rows[good] for rows in self._encode(*views)])
            kept.append(index[good])
            if progress is not None:
                progress(int(index.max()) + 1)
        kept = np.concatenate([np.zeros([0], np.int64), *kept])
        if bad_samples is not None:
            for index in np.setdiff1d(np.arange(len(columns["key"])), kept):
                kind = problems.get(int(index), bad.CORRUPT_IMAGE)
                bad_samples.record(str(kind), columns["key"][index])
        if not len(kept):
            raise InputError(
                f"None of the {len(columns['key'])} samples has an image that "
                "can be decoded: give PNG, JPEG, WebP, GIF or BMP."
            )
        embeddings, *features = map(np.concatenate, zip(*outputs, strict=True))
        columns = {name: np.array(c)[kept] for name, c in columns.items()}
        return EmbeddedImages(
            embeddings,
            features[0] if features else None,
            columns["number"],
            columns["key"],
            columns["label"],
            columns["group"],
        )

    def _encode(self, views, vectors):
        """Returns the outputs, a list of NumPy arrays `[B, ...]`."""
        views, vectors = map(self._deal, (views, vectors))
        return [
            np.concatenate(
                [
                    tf.cast(part, tf.float32).numpy()
                    for part in self._strategy.experimental_local_results(out)
                ]
            )
            for out in self._encode_all(views, vectors)
        ]

    def _deal(self, rows):
        """Gives each replica its part of a tensor `[B, ...]`."""
        parts = tf.split(rows, self._replicas)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group]
        )
