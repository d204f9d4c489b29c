"""The base class of tokenizers, and how they are saved and loaded.

To add a kind, subclass `Tokenizer` with `kind`, `vocabulary_size`,
`fingerprint`, `_encode`, `detokenize`, `_write` and `_read`, and decorate the
class with `@register_tokenizer`, so that `load_tokenizer` finds it.
"""

import hashlib
import json
import posixpath

import tensorflow as tf

from uniclip_keras.errors import InputError

_CONFIG_FILE = "tokenizer.json"

_KINDS = {}


def register_tokenizer(tokenizer_class):
    """Class decorator that makes a `Tokenizer` known to `load_tokenizer`."""
    _KINDS[tokenizer_class.kind] = tokenizer_class
    return tokenizer_class


class Tokenizer(tf.Module):
    """Base class of tokenizers.

    A tokenizer is a `tf.Module`, which `ExportArchive.track` accepts.

    Attributes:
        kind: Name of the class in saved files.
        context_length: Ids per text, `L`.
        vocabulary_size: Number of ids. Every id is below it.
        fingerprint: Equal for tokenizers that give equal ids.

    Call arguments:
        texts: List, NumPy array or tensor of strings `[B]`, or of more
            dimensions such as `[B, K]` for K captions of each sample.

    Returns:
        int32 `[B, L]` or `[B, K, L]`: start, the text's ids, end, zeros. A
        text that is too long loses its tail, but keeps the end. The end has
        the largest id, which is how KerasHub's CLIP text encoder finds it.
    """

    kind = None

    def __init__(self, context_length):
        super().__init__(name=f"{self.kind}_tokenizer")
        if not isinstance(context_length, int) or context_length < 3:
            raise InputError(
                f"The context length {context_length!r} is too short: give a "
                "whole number of at least 3 ids, for start, text and end."
            )
        self.context_length = context_length
        # All callers share one traced function, and so get the same ids.
        self._traced = tf.function(
            self._encode, input_signature=[tf.TensorSpec([None], tf.string)]
        )

    def __call__(self, texts):
        texts = tf.convert_to_tensor(texts, tf.string)
        tokens = self._traced(tf.reshape(texts, [-1]))
        shape = tf.concat([tf.shape(texts), [self.context_length]], axis=0)
        return tf.ensure_shape(
            tf.reshape(tokens, shape), [*texts.shape, self.context_length]
        )

    def _encode(self, texts):
        """`[B]` string tensor to int32 `[B, L]`."""
        raise NotImplementedError

    def detokenize(self, tokens):
        """Converts ids `[B, L]` to a list of B readable strings."""
        raise NotImplementedError

    def save(self, folder):
        """Writes the tokenizer into `folder`, and creates it if needed."""
        tf.io.gfile.makedirs(folder)
        self._write(folder)
        config = {
            "tokenizer": self.kind,
            "context_length": self.context_length,
            "vocabulary_size": self.vocabulary_size,
            "fingerprint": self.fingerprint,
        }
        with tf.io.gfile.GFile(posixpath.join(folder, _CONFIG_FILE), "w") as f:
            f.write(json.dumps(config, indent=2) + "\n")


def load_tokenizer(folder):
    """Reads the tokenizer that `Tokenizer.save` wrote into `folder`.

    Raises:
        InputError: If it is missing or unknown, or its files do not belong
            together.
    """
    path = posixpath.join(folder, _CONFIG_FILE)
    text = read_file(path)
    try:
        config = json.loads(text)
        kind = config["tokenizer"]
    except (ValueError, TypeError, KeyError):
        raise InputError(
            f"The file '{path}' cannot be read as a tokenizer's description: "
            "restore it, or train again."
        ) from None
    if kind not in _KINDS:
        raise InputError(
            f"The tokenizer '{kind}' in '{path}' is unknown: allowed are "
            f"{', '.join(sorted(_KINDS))}."
        )
    tokenizer = _KINDS[kind]._read(folder, config)
    if tokenizer.fingerprint != config.get("fingerprint"):
        raise InputError(
            f"The vocabulary in '{folder}' is not the one that {_CONFIG_FILE} "
            "was written for: restore both files from the same run, or train "
            "again."
        )
    return tokenizer


def frame(pieces, start, end, context_length):
    """Makes rows of start, ids, end and zeros, and cuts off the tail.

    Args:
        pieces: Ragged int32 `[B, ids]`.
        start: Int. The id that begins a row.
        end: Int. The id that ends a text.
        context_length: Int. Ids per row, L.

    Returns:
        int32 `[B, L]`.
    """
    most = context_length - 2
    ends = 1 + tf.minimum(pieces.row_lengths(), most)
    # Joining ragged rows would take several times as long.
    tokens = pieces.to_tensor(shape=[None, most])
    tokens = tf.pad(tokens, [[0, 0], [1, 1]])
    positions = tf.range(context_length, dtype=tf.int64)
    tokens = tf.where(positions == 0, start, tokens)
    return tf.where(positions == ends[:, None], end, tokens)


def fingerprint(context_length, content):
    """Hashes what a tokenizer's ids depend on: 16 hexadecimal digits."""
    data = f"{context_length}\n".encode() + content
    return hashlib.sha256(data).hexdigest()[:16]


def read_file(path, mode="r"):
    """Reads a tokenizer's file.

    Raises:
        InputError: If there is no such file.
    """
    if not tf.io.gfile.exists(path) or tf.io.gfile.isdir(path):
        raise InputError(
            f"The file '{path}' does not exist: give the folder that a "
            "tokenizer was saved in, such as the workdir of a run, or the "
            "file to make one from."
        )
    with tf.io.gfile.GFile(path, mode) as file:
        return file.read()


def write_file(path, content):
    """Writes a tokenizer's file, a string or bytes."""
    mode = "wb" if isinstance(content, bytes) else "w"
    with tf.io.gfile.GFile(path, mode) as file:
        file.write(content)
