"""WordPiece: a vocabulary of word pieces learned from the corpus."""

import collections
import posixpath

import keras_hub
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.tools.wordpiece_vocab import (
    wordpiece_tokenizer_learner_lib as learner,
)

from uniclip_keras.data.text.tokenizer import NO_TEXTS
from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import read_file
from uniclip_keras.data.text.tokenizer import register_tokenizer
from uniclip_keras.errors import InputError

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[START]", "[END]"

# Punctuation, ASCII symbols and CJK characters are words by themselves.
_SINGLE = (
    r"[!-/:-@\[-`{-~]|\p{P}|[\x{4E00}-\x{9FFF}]|[\x{3400}-\x{4DBF}]|"
    r"[\x{20000}-\x{2CEAF}]|[\x{F900}-\x{FAFF}]|[\x{2F800}-\x{2FA1F}]"
)
# Spaces, control and invisible characters end a word and are removed.
_BOUNDARY = r"\s|\p{Cc}|\p{Cf}|" + _SINGLE


@register_tokenizer
class SubwordTokenizer(Tokenizer):
    """WordPiece with a vocabulary learned from the corpus.

    Texts are lower-cased, split at spaces, punctuation and around each CJK
    character, and then into the longest pieces in the vocabulary.

    Args:
        vocabulary: Sequence of pieces in the order of their ids: `[PAD]`,
            `[UNK]` and `[START]` first, `[END]` last.
        context_length: Int. Ids per text.

    Raises:
        InputError: If the special pieces are not in these places.

    Example:

    ```python
    tokenizer = SubwordTokenizer.train(captions, 8192, context_length=16)
    tokens = tokenizer(["red heart", "rotes Herz"])  # int32 [2, 16]
    tokenizer.save(workdir)
    ```
    """

    kind = "subword"
    _file = "vocabulary.txt"

    def __init__(self, vocabulary, context_length=32):
        vocabulary = tuple(vocabulary)
        if vocabulary[:3] != (PAD, UNKNOWN, START) or vocabulary[-1] != END:
            raise InputError(
                f"A vocabulary of {len(vocabulary)} pieces does not begin "
                f"with {PAD}, {UNKNOWN}, {START} and end with {END}: make one "
                "with SubwordTokenizer.train."
            )
        super().__init__(context_length)
        self.vocabulary = vocabulary
        self._pieces = keras_hub.tokenizers.WordPieceTokenizer(
            list(vocabulary), split=False, oov_token=UNKNOWN
        )

    @classmethod
    def train(cls, texts, vocabulary_size=8192, context_length=32):
        """Learns the vocabulary, the same from the same set of captions.

        Args:
            texts: Iterable of strings of one or more captions, one a line.
            vocabulary_size: Int. Largest number of pieces; a small corpus
                has fewer.
            context_length: Int. Ids per text.

        Raises:
            InputError: If there is nothing to learn from.
        """
        captions = {line for text in texts for line in text.split("\n")}
        counts = collections.Counter()
        if captions:
            words = split_words(tf.constant(sorted(captions)))
            counts.update(words.flat_values.numpy().tolist())
        if not counts:
            raise InputError(NO_TEXTS)
        # KerasHub's compute_word_piece_vocabulary makes the same call. Its
        # bounds on how often a piece must occur, 10 and ten million, leave a
        # small corpus with few pieces and make the search three times slower.
        learned = learner.learn(
            {word.decode(): count for word, count in counts.items()},
            vocabulary_size,
            [PAD, UNKNOWN, START, END],
            lower_thresh=1,
            upper_thresh=max(1, 2 * counts.total() // vocabulary_size),
            max_unique_chars=max(1000, vocabulary_size // 4),
        )
        pieces = [piece for piece in learned if piece != END]
        return cls([*pieces[: vocabulary_size - 1], END], context_length)

    @property
    def vocabulary_size(self):
        return len(self.vocabulary)

    @property
    def _content(self):
        return "\n".join(self.vocabulary)

    def _encode(self, texts):
        pieces = self._pieces.tokenize(split_words(texts))
        return self._frame(pieces, self.vocabulary.index(START))

    def detokenize(self, tokens):
        texts = []
        for row in tf.convert_to_tensor(tokens).numpy():
            pieces = [self.vocabulary[i] for i in row]
            pieces = [p for p in pieces if p not in (PAD, START, END)]
            texts.append(" ".join(pieces).replace(" ##", ""))
        return texts

    @classmethod
    def _read(cls, folder, config):
        text = read_file(posixpath.join(folder, cls._file))
        return cls(text.split("\n")[:-1], config["context_length"])


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def split_words(texts):
    """Splits `[B]` strings into lower-case words, ragged `[B, words]`.

    The vocabulary is learned from the words that are looked up in it later.
    """
    words = tf_text.regex_split(texts, _BOUNDARY, _SINGLE)
    return tf_text.case_fold_utf8(words)
