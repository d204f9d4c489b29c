"""SigLIP's tokenizer in TensorFlow operations."""

import tensorflow as tf

from uniclip_keras.data.text.sentencepiece import encode_pieces
from uniclip_keras.data.text.sentencepiece import read_model
from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import register_tokenizer
from uniclip_keras.errors import InputError

_END = "</s>"
# Of ASCII; `string.punctuation` of Python.
_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_SPACES = r"[\s\x{1c}-\x{1f}\x{85}\x{2581}\p{Z}]+"


@register_tokenizer
class SigLIPTokenizer(Tokenizer):
    """The tokenizer of SigLIP (Zhai et al., 2023) as transformers has it.

    Texts are lower-cased, ASCII punctuation is removed, and SentencePiece cuts
    them. The ids are the model's own: those of the text, and its end `</s>`,
    which is the padding, too. Every row ends with it, and there is no start.

    "</s>" within a text has no special meaning. open_clip makes spaces of
    underscores, where this class and transformers remove them.

    Args:
        model: Path of SigLIP's `spiece.model`, or its content (bytes).
        context_length: Int. Ids per text.

    Raises:
        InputError: If the file is missing, not a SentencePiece model, or has
            no end `</s>`.

    Example:

    ```python
    tokenizer = SigLIPTokenizer("spiece.model")
    tokens = tokenizer(["A photo of a cat."])  # int32 [1, 64]
    ```
    """

    kind = "siglip"
    _file = "spiece.model"

    def __init__(self, model, context_length=64):
        super().__init__(context_length)
        self.model, self._reader, source = read_model(model)
        self._end = self._reader.piece_to_id(_END)
        if not self._reader.is_control(self._end):
            raise InputError(
                f"The SentencePiece model {source} has no end {_END!r}: give "
                "SigLIP's spiece.model, or use SentencePieceTokenizer."
            )

    @property
    def vocabulary_size(self):
        return self._reader.vocab_size()

    @property
    def _content(self):
        return self.model

    def _encode(self, texts):
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        texts = tf.strings.lower(texts, "utf-8")
        texts = tf.strings.regex_replace(texts, _PUNCTUATION, "")
        texts = tf.strings.regex_replace(texts, _SPACES, " ")
        ids = encode_pieces(self.model, tf.strings.strip(texts))
        ids = ids.to_tensor(self._end, shape=[None, self.context_length - 1])
        return tf.pad(ids, [[0, 0], [0, 1]], constant_values=self._end)

    def detokenize(self, tokens):
        rows = tf.convert_to_tensor(tokens).numpy().tolist()
        return self._reader.decode(
            [[i for i in row if i != self._end] for row in rows]
        )
