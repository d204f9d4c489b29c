"""The tokenizer that a configuration describes."""

import dataclasses
import pathlib
import types

import pytest
from tiny_corpus import make_config

from experiments.run.data import build_tokenizer
from experiments.run.data import find_tokenizer
from experiments.run.data import training_texts
from uniclip_keras.data.text import CLIPTokenizer
from uniclip_keras.data.text import SentencePieceTokenizer
from uniclip_keras.data.text import SigLIPTokenizer
from uniclip_keras.errors import InputError

SIGLIP = pathlib.Path(__file__).parents[2] / "fixtures/siglip/transformers"


@dataclasses.dataclass
class Part:
    """The parts of a source that a vocabulary needs."""

    texts: tuple
    class_names: tuple | None = None

    def samples(self, images):
        assert not images
        is_name = self.class_names is not None
        return ({"text": text, "is_name": is_name} for text in self.texts)


SOURCE = types.SimpleNamespace(
    sources=(
        Part(("red heart\nrotes herz", "blue heart")),
        Part(("unused",), ("dog", "hound")),
        Part(("cat\nfeline", "cat\nfeline", "cow"), ()),
        Part(("green apple",)),
    )
)

WORDS = "an emoji", "a drawing", "a picture", "an icon", "a cartoon", "a symbol"
TEMPLATES = ("{}", *(f"{words} of {{}}" for words in WORDS))


def make(**options):
    config = make_config(pathlib.Path("data"))
    with config.unlocked(), config.ignore_type():
        config.data.prompts = TEMPLATES
        config.tokenizer.update(options)
    return config


def test_texts_are_names_in_templates_then_captions():
    names = ("dog", "hound", "cat", "feline", "cow")
    prompts = [t.replace("{}", n) for n in names for t in TEMPLATES]
    assert "an icon of hound" in prompts
    captions = ["red heart\nrotes herz", "blue heart"]
    found = training_texts(make(training_texts=2), SOURCE)
    assert list(found) == prompts + captions


@pytest.mark.parametrize("kind", ["subword", "sentencepiece"])
def test_learned_kinds(kind, capsys):
    config = make(kind=kind, file="", vocabulary_size=70)
    tokenizer = find_tokenizer(config, None, SOURCE)
    assert tokenizer.kind == kind and tokenizer.context_length == 8
    assert 20 < tokenizer.vocabulary_size <= 70
    texts = ["a symbol of hound", "green apple"]
    for text, read in zip(
        texts, tokenizer.detokenize(tokenizer(texts)), strict=True
    ):
        assert len(read) > 3 and text.startswith(read)
    assert "Learning the vocabulary" in capsys.readouterr().out


def test_kinds_from_a_file(tmp_path, capsys):
    merges = tmp_path / "merges.txt"
    merges.write_text("#version: 0.2\nr e\nre d</w>\n")
    clip = build_tokenizer(make(kind="clip", file=str(merges)), None)
    assert isinstance(clip, CLIPTokenizer) and clip.vocabulary_size == 516
    assert clip(["red"]).numpy()[0].tolist() == [514, 513, 515, *[0] * 5]
    learned = SentencePieceTokenizer.train(["red heart", "blue heart"], 30)
    model = tmp_path / "my.model"
    model.write_bytes(learned.model)
    read = build_tokenizer(make(kind="sentencepiece", file=str(model)), None)
    assert read.model == learned.model and read.context_length == 8
    siglip = build_tokenizer(
        make(kind="siglip", file=str(SIGLIP / "spiece.model")), None
    )
    assert isinstance(siglip, SigLIPTokenizer) and siglip.context_length == 8
    assert "Learning" not in capsys.readouterr().out


def test_a_run_keeps_its_own(tmp_path):
    config = make(kind="clip", file="gone")
    tokenizer = CLIPTokenizer(["a b"], 8)
    tokenizer.save(str(tmp_path))
    with pytest.raises(InputError, match="'gone' does not exist"):
        find_tokenizer(config, tmp_path, SOURCE)
    (tmp_path / "config.json").write_text("{}")
    found = find_tokenizer(config, tmp_path, SOURCE)
    assert found.fingerprint == tokenizer.fingerprint


@pytest.mark.parametrize(
    "options, message",
    [
        ({"kind": "clap"}, "tokenizer.kind='clap'.*did you mean 'clip'"),
        ({"kind": "clip", "file": ""}, "tokenizer.file is empty"),
        ({"kind": "siglip", "file": ""}, "empty: name SigLIP's spiece.model"),
        ({"kind": "subword", "file": "a"}, "'a' does not fit.*'subword'"),
        ({"kind": "clip", "file": "no.txt"}, "no.txt' does not exist"),
        ({"kind": "sentencepiece", "file": "x"}, "'x' does not exist"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(InputError, match=message):
        build_tokenizer(make(**options), SOURCE)
