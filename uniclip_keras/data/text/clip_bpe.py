"""CLIP's byte-pair tokenizer in TensorFlow operations."""

import gzip

import tensorflow as tf
import tensorflow_text as tf_text
from sentencepiece import sentencepiece_model_pb2

from uniclip_keras.data.text.sentencepiece import encode_pieces
from uniclip_keras.data.text.tokenizer import Tokenizer
from uniclip_keras.data.text.tokenizer import read_file
from uniclip_keras.data.text.tokenizer import register_tokenizer
from uniclip_keras.errors import InputError

# CLIP uses only the first merges of its file: of its 49,408 ids, 512 are bytes
# and two are start and end.
MERGES = 49_408 - 512 - 2

_WORD_END = "</w>"
# SentencePiece's symbol for a space, which ends every word here.
_SPACE = "\u2581"

# The fixed replacements of ftfy and `html.unescape`.
_REPAIRS = (
    (r"[\x00-\x08\x0b\x0e-\x1f\x7f\x{206a}-\x{206f}\x{feff}\x{fff9}-\x{fffc}]",
     ""),
    ("&(amp;)+", "&"),
    ("&(lt|#60);", "<"),
    ("&(gt|#62);", ">"),
    ("&(quot|#34|#x22);", '"'),
    ("&(apos|#0?39|#x27);", "'"),
    ("&(nbsp|#160|#xa0);", " "),
    ("[\u02bc\u2018-\u201b]", "'"),
    ("[\u201c-\u201f]", '"'),
)  # fmt: skip
_SPACES = r"[\s\x{85}\p{Z}]+"
_WORD = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


@register_tokenizer
class CLIPTokenizer(Tokenizer):
    """The tokenizer of CLIP (Radford et al., 2021) and models trained like it.

    Texts are cleaned, lower-cased and split into words: sequences of letters,
    single digits, and sequences of other characters. The UTF-8 bytes of each
    word are merged in the order of the merges. The ids are the 256 bytes, the
    256 bytes at the end of a word, the merges in their order, start and end.
    Padding is 0, which is also the id of a "!" within a word. A text encoder
    therefore has to pool at the end, the largest id, as CLIP's does.

    CLIP cleans texts with ftfy and `html.unescape`; this class does part of
    it: control characters are removed, characters are composed (NFC),
    typographic quotes become plain ones, and the entities of `& < > " '` and
    the space are resolved. Other entities, wrongly decoded text, ligatures and
    full-width letters stay. "<|startoftext|>" has no special meaning.

    Args:
        merges: Path of CLIP's `bpe_simple_vocab_16e6.txt.gz` or of a text file
            with one merge a line such as Hugging Face's `merges.txt`; or the
            merges themselves, strings of two symbols separated by a space.
            The first 48,894 count, and must be learned merges.
        context_length: Int. Ids per text.

    Raises:
        InputError: If the file is missing or is not a list of merges.

    Example:

    ```python
    tokenizer = CLIPTokenizer("bpe_simple_vocab_16e6.txt.gz")
    tokens = tokenizer(["a photo of a cat."])  # int32 [1, 77]
    ```
    """

    kind = "clip"
    _file = "merges.txt"

    def __init__(self, merges, context_length=77):
        super().__init__(context_length)
        if isinstance(merges, str) or hasattr(merges, "__fspath__"):
            source, merges = str(merges), _read_merges(str(merges))
        else:
            source, merges = "the list", list(merges)[:MERGES]
        self.merges = tuple(merges)
        self._pieces = _pieces(self.merges, source)
        self._model = _model(self._pieces)

    @property
    def vocabulary_size(self):
        return len(self._pieces) + 2

    @property
    def _content(self):
        return "\n".join(self.merges)

    def _encode(self, texts):
        # Each distinct word is merged only once.
        words = tf.strings.split(_spaced_words(texts))
        unique, indices = tf.unique(words.flat_values)
        unique = tf.strings.join([unique, " "])
        # Makes a character of each byte.
        unique = tf.strings.unicode_transcode(unique, "ISO-8859-1", "UTF-8")
        ids = tf.gather(encode_pieces(self._model, unique), indices)
        ids = words.with_flat_values(ids).merge_dims(1, 2)
        return self._frame(ids, self.vocabulary_size - 2)

    def detokenize(self, tokens):
        start, end = self.vocabulary_size - 2, self.vocabulary_size - 1
        texts = []
        for row in tf.convert_to_tensor(tokens).numpy().tolist():
            row = row[: row.index(end)] if end in row else row
            text = "".join(self._pieces[i] for i in row if i != start)
            text = text.replace(_SPACE, " ").strip(" ")
            texts.append(text.encode("latin-1").decode("utf-8", "replace"))
        return texts


def _spaced_words(texts):
    """Repairs and lower-cases texts, and puts a space after each word."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    for pattern, replacement in _REPAIRS:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    texts = tf_text.normalize_utf8(texts, "NFC")
    texts = tf.strings.lower(texts, "utf-8")
    texts = tf.strings.regex_replace(texts, _SPACES, " ")
    # \0 is the whole match: RE2 is eight times slower if it captures a group.
    return tf.strings.regex_replace(texts, _WORD, r"\0 ")


def _read_merges(path):
    content = read_file(path, "rb")
    try:
        if path.endswith(".gz"):
            content = gzip.decompress(content)
        lines = content.decode("utf-8").split("\n")
    except (OSError, EOFError, UnicodeDecodeError):
        raise InputError(
            f"The merges file '{path}' cannot be read: give CLIP's "
            "bpe_simple_vocab_16e6.txt.gz or a merges.txt in UTF-8."
        ) from None
    header = int("#version" in lines[0])
    lines = [line.strip() for line in lines[header : MERGES + header]]
    return [line for line in lines if line]


def _pieces(merges, source):
    """The text of each id except start and end, a character per byte."""
    byte_of = _byte_of_symbol()
    symbols = [*byte_of, *(symbol + _WORD_END for symbol in byte_of)]
    known = set(symbols)
    for merge in merges:
        parts = merge.split()
        if len(parts) != 2 or not known.issuperset(parts):
            raise InputError(
                f"The merge {merge!r} of {source} is not two symbols that are "
                "bytes or merges before it: give CLIP's file or one like it."
            )
        symbols.append("".join(parts))
        known.add(symbols[-1])
    if len(known) < len(symbols):
        raise InputError(
            f"{len(symbols) - len(known)} merges of {source} make a symbol "
            "that another merge makes, too: leave one of them out."
        )

    def piece(symbol):
        body = symbol.removesuffix(_WORD_END)
        end = _SPACE if len(body) < len(symbol) else ""
        return "".join(byte_of[character] for character in body) + end

    return [piece(symbol) for symbol in symbols]


def _byte_of_symbol():
    """CLIP's symbols in its order: `{symbol: chr(byte)}`, printable first."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    codes = [*printable, *range(256, 256 + len(others))]
    return dict(zip(map(chr, codes), map(chr, printable + others), strict=True))


def _model(pieces):
    """A SentencePiece model that merges the pieces in their order.

    It joins two pieces whenever their joint text is a piece; CLIP does so only
    if the two are a merge. Learned merges give the same words in both ways,
    because each text that becomes one piece is merged in only one way.
    """
    proto = sentencepiece_model_pb2.ModelProto()
    proto.trainer_spec.model_type = proto.trainer_spec.BPE
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = False
    proto.normalizer_spec.remove_extra_whitespaces = False
    for rank, piece in enumerate(pieces):
        # The end of a word is joined to its last byte before anything else.
        proto.pieces.add(piece=piece, score=512 - rank)
    proto.pieces.add(piece="<unknown>", type=proto.SentencePiece.UNKNOWN)
    return proto.SerializeToString()
