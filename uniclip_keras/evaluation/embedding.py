"""Embeddings of many images and texts."""

import numpy as np
import tensorflow as tf


class Embedder:
    """Embeds any number of images or texts, one compiled batch at a time.

    Args:
        model: A `UniCLIP` model.
        tokenizer: The model's tokenizer, from strings to ids.
        batch_size: int. Rows per call of the model.
    """

    def __init__(self, model, tokenizer, batch_size=256):
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self._encode_image = tf.function(model.encode_image)
        self._encode_text = tf.function(model.encode_text)

    def images(self, images, augmentations=None):
        """Embeds float `[n, size, size, 3]` in [0, 1]: float32 `[n, dim]`.

        `augmentations` `[n, 11]` tell what made the images; by default they
        are untouched.
        """
        if augmentations is None:
            return self._in_batches(self._encode_image, images)
        return self._in_batches(self._encode_image, images, augmentations)

    def texts(self, texts):
        """Embeds a list of n strings: float32 `[n, dim]`."""
        return self._in_batches(
            lambda batch: self._encode_text(self.tokenizer(batch)), texts
        )

    def _in_batches(self, encode, *columns):
        embedded = []
        for start in range(0, len(columns[0]), self.batch_size):
            batch = [c[start : start + self.batch_size] for c in columns]
            count = len(batch[0])
            # Repeats rows of a short batch: a new shape would be traced anew.
            indices = np.resize(np.arange(count), self.batch_size)
            full = encode(
                *(tf.convert_to_tensor(np.asarray(c)[indices]) for c in batch)
            )
            embedded.append(full.numpy()[:count])
        return np.concatenate(embedded)
