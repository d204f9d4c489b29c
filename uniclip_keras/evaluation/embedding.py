"""Embeddings of many images and texts, batch by batch."""

import numpy as np
import tensorflow as tf


class Embedder:
    """Embeds arrays of any length with a model, a compiled batch at a time.

    Args:
        model: a `UniCLIP` model.
        tokenizer: its tokenizer, from strings to ids.
        batch_size: rows per call of the model.
    """

    def __init__(self, model, tokenizer, batch_size=256):
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self._encode_image = tf.function(model.encode_image)
        self._encode_text = tf.function(model.encode_text)

    def images(self, images):
        """float `[n, size, size, 3]` in [0, 1] -> float32 `[n, dim]`."""
        return self._in_batches(self._encode_image, images)

    def texts(self, texts):
        """List of n strings -> float32 `[n, dim]`."""
        return self._in_batches(
            lambda batch: self._encode_text(self.tokenizer(batch)), texts
        )

    def _in_batches(self, encode, rows):
        # The last batch is filled up: another shape would be traced anew.
        embedded = []
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            indices = np.resize(np.arange(len(batch)), self.batch_size)
            batch = np.asarray(batch)[indices]
            full = encode(tf.convert_to_tensor(batch)).numpy()
            embedded.append(full[: min(self.batch_size, len(rows) - start)])
        return np.concatenate(embedded)
