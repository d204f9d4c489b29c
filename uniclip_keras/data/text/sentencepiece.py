"""SentencePiece: models learned from raw text of any language."""

import hashlib
import io

import sentencepiece
import tensorflow as tf
import tensorflow_text as tf_text

from uniclip_keras.data.text.tokenizer import NO_TEXTS
from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import read_file
from uniclip_keras.data.text.tokenizer import register_tokenizer
from uniclip_keras.errors import InputError

# Padding comes before the model's ids, start and end after them.
_ADDED = 3


@register_tokenizer
class SentencePieceTokenizer(Tokenizer):
    """SentencePiece (Kudo and Richardson, 2018) from a `.model` file.

    The model determines how texts are normalized and cut. Its ids are moved
    up by one, because 0 is padding; start and end follow them. The model's own
    start and end are not used.

    Args:
        model: Path of the file, or its content (bytes).
        context_length: Int. Ids per text.

    Raises:
        InputError: If the file is missing or not a SentencePiece model.

    Example:

    ```python
    tokenizer = SentencePieceTokenizer.train(captions, 32_000)
    tokens = tokenizer(["red heart", "赤いハート"])  # int32 [2, 64]
    ```
    """

    kind = "sentencepiece"
    _file = "sentencepiece.model"

    def __init__(self, model, context_length=64):
        super().__init__(context_length)
        self.model, self._reader, _ = read_model(model)
        self._size = self._reader.vocab_size()

    @classmethod
    def train(cls, texts, vocabulary_size=32_000, context_length=64):
        """Learns a unigram model of normalized (NFKC), lower-cased texts.

        It is the same for the same set of captions.

        Args:
            texts: Iterable of strings of one or more captions, one a line.
            vocabulary_size: Int. Largest number of ids; a small corpus has
                fewer.
            context_length: Int. Ids per text.

        Raises:
            InputError: If there are no texts, or the vocabulary is too small
                for their characters.
        """
        lines = {line.strip() for text in texts for line in text.split("\n")}
        lines.discard("")
        if not lines:
            raise InputError(NO_TEXTS)
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(sorted(lines)),
                model_writer=model,
                vocab_size=max(vocabulary_size - _ADDED, 1),
                hard_vocab_limit=False,
                normalization_rule_name="nmt_nfkc_cf",
                bos_id=-1,
                eos_id=-1,
                minloglevel=2,
            )
        except RuntimeError as error:
            raise InputError(
                f"A vocabulary of {vocabulary_size} ids cannot be learned from "
                f"{len(lines)} captions ({error}): allow more ids."
            ) from None
        return cls(model.getvalue(), context_length)

    @property
    def vocabulary_size(self):
        return self._size + _ADDED

    @property
    def _content(self):
        return self.model

    def _encode(self, texts):
        ids = encode_pieces(self.model, texts) + 1
        return self._frame(ids, self.vocabulary_size - 2)

    def detokenize(self, tokens):
        rows = tf.convert_to_tensor(tokens).numpy().tolist()
        rows = [[i - 1 for i in row if 0 < i <= self._size] for row in rows]
        return self._reader.decode(rows)


def read_model(model):
    """Reads a model from a path or its bytes.

    Returns:
        `(content, reader, source)`: its bytes, a `SentencePieceProcessor` for
        all but the ids, which the graph makes, and what messages call it.

    Raises:
        InputError: If the file is missing or not a SentencePiece model.
    """
    source = "given as bytes"
    if not isinstance(model, bytes):
        source, model = f"'{model}'", read_file(str(model), "rb")
    try:
        reader = sentencepiece.SentencePieceProcessor(model_proto=model)
    except RuntimeError:
        raise InputError(
            f"The SentencePiece model {source} cannot be read: give the "
            ".model file that sentencepiece or `train` wrote."
        ) from None
    return model, reader, source


def encode_pieces(model, texts):
    """`[B]` strings to a model's ids, ragged `[B, ids]`, in a `tf.function`.

    The operation that holds the model owns it. An eager one would be freed
    with TensorFlow's kernel cache, which setting a seed clears; one in a graph
    lives as long as the graph. Operations of one name share their model in a
    SavedModel, so the name is derived from the model.
    """
    name = f"model_{hashlib.sha256(model).hexdigest()[:16]}"
    return tf_text.SentencepieceTokenizer(model, name=name).tokenize(texts)
