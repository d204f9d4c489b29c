"""Tiny presets of KerasHub in a folder: a backbone and its tokenizer."""

import keras_hub

SIZES = {
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 16,
    "max_sequence_length": 16,
}
_COLORS = ["red", "green", "blue"]
_SHAPES = ["circle", "square", "tri", "##angle", "a", "!"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_COLORS, *_SHAPES]
MERGES = ["r e", "re d", "Ġ red", "Ġ a", "t i", "ti s", "' t"]


def write_preset(folder, architecture):
    """Writes the preset of "Bert", "DistilBert" or "Roberta".

    Returns:
        The backbone and the tokenizer of KerasHub.
    """
    classes = vars(keras_hub.models)
    make = classes[f"{architecture}Tokenizer"]
    if architecture == "Roberta":
        tokenizer = make(_byte_pair_vocabulary(), MERGES)
    else:
        tokenizer = make(PIECES, lowercase=True)
    backbone = classes[f"{architecture}Backbone"](
        vocabulary_size=tokenizer.vocabulary_size(), **SIZES
    )
    backbone.save_to_preset(str(folder))
    tokenizer.save_to_preset(str(folder))
    return backbone, tokenizer


def _byte_pair_vocabulary():
    # The printable bytes and the space, which byte-pair vocabularies write so.
    characters = [*map(chr, range(0x21, 0x7F)), "Ġ"]
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = [*special, *characters, *(m.replace(" ", "") for m in MERGES)]
    return {piece: number for number, piece in enumerate(pieces)}
