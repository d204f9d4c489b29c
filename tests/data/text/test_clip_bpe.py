"""CLIP's tokenizer against open_clip's ids and a slow merge loop."""

import gzip
import random

import numpy as np
import pytest

from uniclip_keras.data.text import CLIPTokenizer
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def tokenizer(clip_golden):
    return CLIPTokenizer([merge for _, merge in clip_golden["merges"]])


def test_ids_are_open_clips(tokenizer, clip_golden):
    """The fixture has the ids of all merges, but only some of the merges."""
    ranks = [rank for rank, _ in clip_golden["merges"]]
    ids = {512 + rank: 512 + index for index, rank in enumerate(ranks)}
    ids |= {49_406: 512 + len(ranks), 49_407: 513 + len(ranks)}
    for entry in clip_golden["texts"]:
        row = tokenizer([entry["text"]]).numpy()[0]
        expected = [ids.get(i, i) for i in entry["ids"]]
        assert row.shape == (77,)
        assert row[: len(expected)].tolist() == expected, entry["text"]
        assert not row[len(expected) :].any()
    # These words need only the first merges, of which the fixture has all.
    assert tokenizer(["a the"]).numpy()[0, 1:3].tolist() == [320, 518]
    assert tokenizer(["! x!"]).numpy()[0, 1:4].tolist() == [256, 343, 256]


def slow_merges(word, ranks):
    """Merges pair by pair, least rank first (Sennrich et al., 2016)."""
    symbols = [*word[:-1], word[-1] + "</w>"]
    while len(symbols) > 1:
        pairs = list(zip(symbols, symbols[1:], strict=False))
        best = min(pairs, key=lambda pair: ranks.get(pair, 1e9))
        if best not in ranks:
            break
        index = pairs.index(best)
        symbols[index : index + 2] = ["".join(best)]
    return symbols


def test_random_words_are_merged_as_pair_by_pair(tokenizer, clip_golden):
    merges = [tuple(merge.split()) for _, merge in clip_golden["merges"]]
    ranks = {merge: rank for rank, merge in enumerate(merges)}
    symbols = ["".join(merge) for merge in merges]
    rng, letters = random.Random(0), "eeaitonsrhlcdaeio"
    lengths = (rng.randint(1, 14) for _ in range(500))
    words = ["".join(rng.choices(letters, k=length)) for length in lengths]
    words += ["a" * n for n in range(1, 12)] + ["the" * n for n in range(1, 6)]
    for word, row in zip(words, tokenizer(words).numpy(), strict=True):
        found = [i - 512 for i in row[1 : row.argmax()]]
        for rank, symbol in zip(found, slow_merges(word, ranks), strict=True):
            if rank >= 0:
                assert symbols[rank] == symbol, word
            else:
                assert len(symbol.removesuffix("</w>")) == 1, word


def test_files_of_merges(tokenizer, clip_golden, tmp_path):
    lines = "\n".join(merge for _, merge in clip_golden["merges"]) + "\n"
    text = tmp_path / "merges.txt"
    text.write_text("#version: 0.2\n" + lines, encoding="utf-8")
    packed = tmp_path / "merges.txt.gz"
    packed.write_bytes(gzip.compress(text.read_bytes()))
    for path in (str(text), packed):
        again = CLIPTokenizer(path)
        assert again.fingerprint == tokenizer.fingerprint
        assert again.vocabulary_size == 512 + 1120 + 2
    for path in (text, packed):
        path.write_bytes(np.arange(256, dtype=np.uint8).tobytes())
        with pytest.raises(InputError, match="cannot be read"):
            CLIPTokenizer(path)


def test_detokenize_knows_bytes_and_spaces(tokenizer):
    tokens = tokenizer(["It's 10 cafés!", "红苹果 😀"])
    read = tokenizer.detokenize(tokens)
    assert read == ["it 's 1 0 cafés !", "红苹果 😀"]
    # A text can be cut off within a character.
    short = CLIPTokenizer(tokenizer.merges, 3)
    assert short.detokenize(short(["红"])) == ["\ufffd"]


@pytest.mark.parametrize(
    "merges, message",
    [
        ("none.txt", "none.txt' does not exist"),
        (["a b", "ab c d"], "'ab c d' of the list"),
        (["ab c"], "'ab c' of the list"),
        (["a b", "b c", "ab c", "a bc"], "1 merges of the list"),
    ],
)
def test_bad_merges(merges, message):
    with pytest.raises(InputError, match=message):
        CLIPTokenizer(merges)
