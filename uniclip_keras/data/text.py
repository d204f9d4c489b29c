"""Tokenizers: texts to ids, the same eagerly, in `tf.data` and when served.

A further kind is a subclass of `Tokenizer` with `kind`, `vocabulary_size`,
`fingerprint`, `_encode`, `detokenize`, `_write` and `_read`, made known to
`load_tokenizer` by `@register_tokenizer`.
"""

import collections
import hashlib
import json
import posixpath

import keras_hub
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.tools.wordpiece_vocab import (
    wordpiece_tokenizer_learner_lib as learner,
)

from uniclip_keras.errors import InputError

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[START]", "[END]"

_CONFIG_FILE = "tokenizer.json"
_VOCABULARY_FILE = "vocabulary.txt"

# Punctuation, ASCII symbols and CJK characters are words of their own.
_SINGLE = (
    r"[!-/:-@\[-`{-~]|\p{P}|[\x{4E00}-\x{9FFF}]|[\x{3400}-\x{4DBF}]|"
    r"[\x{20000}-\x{2CEAF}]|[\x{F900}-\x{FAFF}]|[\x{2F800}-\x{2FA1F}]"
)
# Spaces, control and invisible characters end a word and vanish.
_BOUNDARY = r"\s|\p{Cc}|\p{Cf}|" + _SINGLE

_KINDS = {}


def register_tokenizer(tokenizer_class):
    """Makes `load_tokenizer` know a subclass of `Tokenizer`."""
    _KINDS[tokenizer_class.kind] = tokenizer_class
    return tokenizer_class


class Tokenizer(tf.Module):
    """What every tokenizer does.

    It is a `tf.Module`, so that `ExportArchive.track` takes it.

    Attributes:
        kind: The name it is saved under.
        context_length: Ids per text, `L`.
        vocabulary_size: Number of ids; every id is below it.
        fingerprint: Equal for tokenizers that give equal ids.

    Call arguments:
        texts: `[B]` strings: a list, a NumPy array or a tensor.

    Returns:
        int32 `[B, L]`: start, the text's ids, end, zeros. A text that is too
        long loses its tail, never the end. The end has the largest id of all,
        which is how KerasHub's CLIP text tower finds it.
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
        # One traced function for every caller: run eagerly, KerasHub would
        # take a path of its own in Python.
        self._traced = tf.function(
            self._encode, input_signature=[tf.TensorSpec([None], tf.string)]
        )

    def __call__(self, texts):
        texts = tf.convert_to_tensor(texts, tf.string)
        tokens = self._traced(texts)
        return tf.ensure_shape(tokens, [texts.shape[0], self.context_length])

    def _encode(self, texts):
        """`[B]` string tensor to int32 `[B, L]`."""
        raise NotImplementedError

    def detokenize(self, tokens):
        """`[B, L]` ids to a list of B strings, for people to read."""
        raise NotImplementedError

    def save(self, folder):
        """Writes the tokenizer into `folder`, which is made if need be."""
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
    """Reads the tokenizer that `save` wrote into `folder`.

    Raises:
        InputError: It is missing, unknown, or its files do not belong
            together.
    """
    path = posixpath.join(folder, _CONFIG_FILE)
    text = _read_file(path)
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


@register_tokenizer
class SubwordTokenizer(Tokenizer):
    """WordPiece over a vocabulary learned from the corpus' own texts.

    Texts are lower-cased, split at spaces, punctuation and around every CJK
    character, and then into the longest pieces that the vocabulary has.

    Args:
        vocabulary: Pieces, the id of each its place: `[PAD]`, `[UNK]` and
            `[START]` first, `[END]` last.
        context_length: Ids per text.

    Example:

    ```python
    tokenizer = SubwordTokenizer.train(captions, 8192, context_length=16)
    tokens = tokenizer(["red heart", "rotes Herz"])  # int32 [2, 16]
    tokenizer.save(workdir)
    ```
    """

    kind = "subword"

    def __init__(self, vocabulary, context_length=32):
        vocabulary = tuple(vocabulary)
        if vocabulary[:3] != (PAD, UNKNOWN, START) or vocabulary[-1] != END:
            raise InputError(
                f"A vocabulary of {len(vocabulary)} pieces does not begin "
                f"with {PAD}, {UNKNOWN}, {START} and end with {END}: take one "
                "that SubwordTokenizer.train made."
            )
        super().__init__(context_length)
        self.vocabulary = vocabulary
        self._pieces = keras_hub.tokenizers.WordPieceTokenizer(
            list(vocabulary), split=False, oov_token=UNKNOWN
        )

    @classmethod
    def train(cls, texts, vocabulary_size=8192, context_length=32):
        """Learns the vocabulary.

        Args:
            texts: Strings; each may hold several captions, one a line.
                Repeated captions count once.
            vocabulary_size: Largest number of pieces; a small corpus has
                fewer.
            context_length: Ids per text.

        Returns:
            A `SubwordTokenizer`, the same for the same set of captions.
        """
        captions = {line for text in texts for line in text.split("\n")}
        counts = collections.Counter()
        if captions:
            words = split_words(tf.constant(sorted(captions)))
            counts.update(words.flat_values.numpy().tolist())
        if not counts:
            raise InputError(
                "There are no texts to learn a vocabulary from: give at least "
                "one caption that is not empty."
            )
        # This is what compute_word_piece_vocabulary of KerasHub calls. Its
        # bounds for how often a piece must occur, 10 and ten million, leave a
        # small corpus with few pieces and make the search three times longer.
        learned = learner.learn(
            {word.decode(): count for word, count in counts.items()},
            vocabulary_size,
            [PAD, UNKNOWN, START, END],
            lower_thresh=2,
            upper_thresh=max(2, 2 * counts.total() // vocabulary_size),
            max_unique_chars=max(1000, vocabulary_size // 4),
        )
        pieces = [piece for piece in learned if piece != END]
        return cls([*pieces[: vocabulary_size - 1], END], context_length)

    @property
    def vocabulary_size(self):
        return len(self.vocabulary)

    @property
    def fingerprint(self):
        text = "\n".join([str(self.context_length), *self.vocabulary])
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]

    def _encode(self, texts):
        pieces = self._pieces.tokenize(split_words(texts))[
            :, : self.context_length - 2
        ]
        column = tf.ones([tf.shape(texts)[0], 1], tf.int32)
        start = column * self.vocabulary.index(START)
        end = column * self.vocabulary.index(END)
        tokens = tf.concat([start, pieces, end], axis=1)
        return tokens.to_tensor(shape=[None, self.context_length])

    def detokenize(self, tokens):
        special = {PAD, START, END}
        return [
            " ".join(
                piece
                for i in row
                if (piece := self.vocabulary[i]) not in special
            ).replace(" ##", "")
            for row in tf.convert_to_tensor(tokens).numpy()
        ]

    def _write(self, folder):
        path = posixpath.join(folder, _VOCABULARY_FILE)
        with tf.io.gfile.GFile(path, "w") as file:
            file.write("".join(f"{piece}\n" for piece in self.vocabulary))

    @classmethod
    def _read(cls, folder, config):
        text = _read_file(posixpath.join(folder, _VOCABULARY_FILE))
        return cls(text.split("\n")[:-1], config["context_length"])


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def split_words(texts):
    """`[B]` strings to a ragged `[B, words]`, lower-cased.

    The vocabulary is learned from the same words that are looked up in it.
    """
    words = tf_text.regex_split(texts, _BOUNDARY, _SINGLE)
    return tf_text.case_fold_utf8(words)


def _read_file(path):
    if not tf.io.gfile.exists(path):
        raise InputError(
            f"The file '{path}' does not exist: name the folder that a "
            "tokenizer was saved in, such as the workdir of a run."
        )
    with tf.io.gfile.GFile(path, "r") as file:
        return file.read()
