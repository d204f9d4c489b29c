"""The base class of tokenizers, and how they are saved and loaded.

To add a kind, subclass `Tokenizer` with `kind`, `vocabulary_size`, `_encode`,
`detokenize`, and `_file` and `_content` (or `fingerprint`, `_write` and `_read`
if one file is not enough), and decorate the class with `@register_tokenizer`,
so that `load_tokenizer` finds it.
"""

import hashlib
import json
import posixpath
import uuid

import tensorflow as tf

from uniclip_keras.errors import InputError

_CONFIG_FILE = "tokenizer.json"

NO_TEXTS = (
    "There are no texts to learn a vocabulary from: give at least one caption "
    "that is not empty."
)

_KINDS = {}


def register_tokenizer(tokenizer_class):
    """Class decorator that makes a `Tokenizer` known to `load_tokenizer`."""
    _KINDS[tokenizer_class.kind] = tokenizer_class
    return tokenizer_class


class Tokenizer(tf.Module):
    """Base class: a `tf.Module`, which `ExportArchive.track` accepts.

    Attributes:
        kind: Name of the class in saved files.
        context_length: Ids per text, `L`.
        vocabulary_size: Number of ids. Every id is below it.
        padding_id: Id behind the end of a short text.
        fingerprint: Equal for tokenizers that give equal ids.

    Call arguments:
        texts: List, NumPy array or tensor of strings `[B]`, or of more
            dimensions such as `[B, K]` for K captions of each sample.

    Returns:
        int32 `[B, L]` or `[B, K, L]`: start, the text's ids, end, padding. A
        text that is too long loses its tail, but keeps the end. But for
        `KerasHubTokenizer` and `SigLIPTokenizer`, padding is 0, and the end
        has the largest id, which is how CLIP's text encoder finds it.
    """

    kind = None
    padding_id = 0
    _file = None  # name of the file that `_content` is saved in

    def __init__(self, context_length):
        super().__init__(name=f"{self.kind}_tokenizer")
        if not isinstance(context_length, int) or context_length < 3:
            raise InputError(
                f"The context length {context_length!r} is too short: give "
                "at least 3 ids, for start, text and end."
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

    def _frame(self, ids, start, end=None):
        """Ragged ids to rows `[B, L]` of start, ids, end and padding.

        The end is the largest id by default.
        """
        end = self.vocabulary_size - 1 if end is None else end
        most = self.context_length - 2
        ends = 1 + tf.minimum(ids.row_lengths(), most)
        # Joining ragged rows would take several times as long.
        ids = ids.to_tensor(self.padding_id, shape=[None, most])
        tokens = tf.pad(ids, [[0, 0], [1, 1]], constant_values=self.padding_id)
        positions = tf.range(self.context_length, dtype=tf.int64)
        tokens = tf.where(positions == 0, start, tokens)
        return tf.where(positions == ends[:, None], end, tokens)

    def detokenize(self, tokens):
        """Converts ids `[B, L]` to a list of B readable strings."""
        raise NotImplementedError

    @property
    def _content(self):
        """What the ids depend on: bytes, or a string of lines."""
        raise NotImplementedError

    @property
    def fingerprint(self):
        content = self._content
        content = content.encode() if isinstance(content, str) else content
        data = f"{self.context_length}\n".encode() + content
        return hashlib.sha256(data).hexdigest()[:16]

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
        _write_file(folder, _CONFIG_FILE, json.dumps(config, indent=2))

    def _write(self, folder):
        _write_file(folder, self._file, self._content)

    @classmethod
    def _read(cls, folder, config):
        path = posixpath.join(folder, cls._file)
        return cls(path, config["context_length"])


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
        is_whole = kind not in _KINDS or "context_length" in config
    except (ValueError, TypeError, KeyError):
        is_whole = False
    if not is_whole:
        raise InputError(
            f"The file '{path}' does not describe a tokenizer and cannot be "
            "read: restore it, or train again."
        )
    if kind not in _KINDS:
        raise InputError(
            f"The tokenizer '{kind}' in '{path}' is unknown: allowed are "
            f"{', '.join(sorted(_KINDS))}."
        )
    tokenizer = _KINDS[kind]._read(folder, config)
    if tokenizer.fingerprint != config.get("fingerprint"):
        raise InputError(
            f"The vocabulary in '{folder}' is not the one that {_CONFIG_FILE} "
            "describes: restore both files from one run, or train again."
        )
    return tokenizer


def tokenizer_to_bytes(tokenizer):
    """Returns the files of a tokenizer as bytes, to send to other workers."""
    folder = _new_folder()
    tokenizer.save(folder)
    content = {}
    for name in tf.io.gfile.listdir(folder):
        with tf.io.gfile.GFile(posixpath.join(folder, name), "rb") as file:
            # Every byte is a character of this encoding.
            content[name] = file.read().decode("latin-1")
    tf.io.gfile.rmtree(folder)
    return json.dumps(content).encode()


def tokenizer_from_bytes(content):
    """Returns the tokenizer of `tokenizer_to_bytes`."""
    folder = _new_folder()
    for name, text in json.loads(content).items():
        _write_file(folder, name, text.encode("latin-1"))
    tokenizer = load_tokenizer(folder)
    tf.io.gfile.rmtree(folder)
    return tokenizer


def _new_folder():
    folder = f"ram://tokenizer-{uuid.uuid4().hex}"
    tf.io.gfile.makedirs(folder)
    return folder


def read_file(path, mode="r"):
    """Reads a tokenizer's file, or raises `InputError` if there is none."""
    if not tf.io.gfile.exists(path) or tf.io.gfile.isdir(path):
        raise InputError(
            f"The file '{path}' does not exist: give the folder that a "
            "tokenizer was saved in, or the file to make one from."
        )
    with tf.io.gfile.GFile(path, mode) as file:
        return file.read()


def _write_file(folder, name, content):
    """Writes bytes, or a string and the end of its last line, at once."""
    is_text = isinstance(content, str)
    path = posixpath.join(folder, name)
    with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
        file.write(f"{content}\n".encode() if is_text else content)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
