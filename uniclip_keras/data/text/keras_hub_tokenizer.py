"""The tokenizers of KerasHub's text backbones."""

import json
import pathlib
import posixpath
import tempfile

import keras
import keras_hub
import tensorflow as tf

from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import read_file
from uniclip_keras.data.text.tokenizer import register_tokenizer
from uniclip_keras.errors import InputError


@register_tokenizer
class KerasHubTokenizer(Tokenizer):
    """A tokenizer of KerasHub, such as BERT's, for the backbone it belongs to.

    Texts are framed as the backbone's preprocessor frames one segment: `[CLS]`
    and `[SEP]` for BERT, `<s>` and `</s>` for RoBERTa, then its padding, whose
    id may be another than 0. The end need not be the largest id: the text
    encoder is a `models.text_backbone`.

    Eagerly, KerasHub 0.32 does not cut texts into words before byte pairs are
    merged. Here it always works in a graph, where it does.

    Args:
        tokenizer: str, a preset of KerasHub by name or local folder; or a
            tokenizer of KerasHub; or the content of a saved file (bytes).
        context_length: Int. Ids per text.

    Raises:
        InputError: If there is no such preset, or its tokenizer has no start
            or end.

    Example:

    ```python
    tokenizer = KerasHubTokenizer("bert_tiny_en_uncased", context_length=32)
    tokens = tokenizer(["red heart"])  # int32 [1, 32]
    ```
    """

    kind = "keras_hub"
    _file = "keras_hub_tokenizer.json"

    def __init__(self, tokenizer, context_length=77):
        super().__init__(context_length)
        if isinstance(tokenizer, str) or hasattr(tokenizer, "__fspath__"):
            tokenizer = _from_preset(str(tokenizer))
        if not isinstance(tokenizer, bytes):
            tokenizer = _to_bytes(tokenizer)
        self._saved = tokenizer
        # What runs is what another program would read.
        self._layer = _from_bytes(tokenizer)
        self._start = getattr(self._layer, "start_token_id", None)
        self._end = getattr(self._layer, "end_token_id", None)
        if self._start is None or self._end is None:
            raise InputError(
                f"The tokenizer {type(self._layer).__name__} has no start or "
                "no end of texts: choose that of an encoder, such as BERT's."
            )
        self.padding_id = getattr(self._layer, "pad_token_id", None) or 0

    @property
    def vocabulary_size(self):
        return self._layer.vocabulary_size()

    @property
    def _content(self):
        return self._saved

    def _encode(self, texts):
        if hasattr(self._layer, "set_proto"):
            # A SentencePiece model made eagerly would be freed, see
            # `sentencepiece.encode_pieces`.
            self._layer.set_proto(self._layer.proto)
        ids = tf.cast(self._layer(texts), tf.int32)
        # Byte pairs that the vocabulary lacks are -1.
        ids = tf.ragged.boolean_mask(ids, ids >= 0)
        return self._frame(ids, self._start, self._end)

    def detokenize(self, tokens):
        rows = []
        for _, *ids in tf.convert_to_tensor(tokens).numpy().tolist():
            stop = ids.index(self._end) if self._end in ids else len(ids)
            rows.append(ids[:stop])
        return [str(text) for text in self._layer.detokenize(rows)]

    @classmethod
    def _read(cls, folder, config):
        content = read_file(posixpath.join(folder, cls._file), "rb")
        return cls(content, config["context_length"])


def _from_preset(preset):
    try:
        # Rows of any length.
        return keras_hub.tokenizers.Tokenizer.from_preset(
            preset, sequence_length=None
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"The tokenizer of the preset '{preset}' cannot be read ({error}):"
            " name a preset of KerasHub, or a local folder of one."
        ) from error


def _to_bytes(tokenizer):
    """A tokenizer's configuration and its files, as JSON."""
    saved = keras.saving.serialize_keras_object(tokenizer)
    # Keras numbers the layers of a program.
    del saved["config"]["name"]
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_assets(folder)
        # Every byte is a character of this encoding.
        saved["files"] = {
            path.name: path.read_bytes().decode("latin-1")
            for path in sorted(pathlib.Path(folder).iterdir())
        }
    return json.dumps(saved, sort_keys=True).encode()


def _from_bytes(content):
    saved = json.loads(content)
    files = saved.pop("files")
    tokenizer = keras.saving.deserialize_keras_object(saved)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.write_bytes(text.encode("latin-1"))
        tokenizer.load_assets(folder)
    return tokenizer
