"""From a configuration to its tokenizer."""

import itertools
import pathlib

from experiments.run import workdir as workdirs
from experiments.run.building import check_choice
from experiments.run.training_data import training_templates
from uniclip_keras.data.text import CLIPTokenizer
from uniclip_keras.data.text import SentencePieceTokenizer
from uniclip_keras.data.text import SubwordTokenizer
from uniclip_keras.data.text import load_tokenizer
from uniclip_keras.errors import InputError

# The class of each kind, and whether it learns a vocabulary, and takes a file.
KINDS = {
    "clip": (CLIPTokenizer, False, True),
    "sentencepiece": (SentencePieceTokenizer, True, True),
    "subword": (SubwordTokenizer, True, False),
}


def find_tokenizer(config, workdir, source):
    """The run's own tokenizer where it goes on, else a new one.

    Args:
        config: the configuration.
        workdir: the run's directory, or None for no run.
        source: the training source, to learn from.
    """
    if workdir and (pathlib.Path(workdir) / workdirs.CONFIG_FILE).exists():
        return load_tokenizer(str(workdir))
    return build_tokenizer(config, source)


def build_tokenizer(config, source):
    """The tokenizer of `config.tokenizer.kind`.

    "subword" is learned from the training source, "clip" reads the merges
    that `config.tokenizer.file` names, and "sentencepiece" does either.

    Raises:
        InputError: for an unknown kind, or a file that is missing or too
            much.
    """
    options = config.tokenizer
    kind, file = options.get("kind", "subword"), options.get("file", "")
    check_choice("tokenizer.kind", kind, KINDS)
    tokenizer_class, learns, takes_file = KINDS[kind]
    if file and not takes_file:
        raise InputError(
            f"tokenizer.file={file!r} does not fit the kind {kind!r}, which "
            "learns its vocabulary from the training texts: leave it empty, "
            "or choose the kind 'clip' or 'sentencepiece'."
        )
    if file:
        return tokenizer_class(file, options.context_length)
    if not learns:
        raise InputError(
            f"tokenizer.file is empty, but the kind {kind!r} needs one: name "
            "CLIP's bpe_simple_vocab_16e6.txt.gz, or choose the kind "
            "'subword' to learn a vocabulary."
        )
    print("Learning the vocabulary ...", flush=True)
    return tokenizer_class.train(
        training_texts(config, source),
        vocabulary_size=options.vocabulary_size,
        context_length=options.context_length,
    )


def training_texts(config, source):
    """What the training source has to say, of all its parts.

    Yields:
        every class name in every template, then captions, at most
        `config.tokenizer.training_texts` samples of them.
    """
    captions = []
    for part in source.sources:
        if part.class_names is None:
            captions.append(part)
            continue
        for name in part.class_names or _names(part):
            for template in training_templates(config):
                yield template.replace("{}", name)
    samples = (sample["text"] for part in captions for sample in part.samples())
    yield from itertools.islice(samples, config.tokenizer.training_texts)


def _names(part):
    """The class names of a source that has no list of them, in order."""
    names = {}
    for sample in part.samples():
        names.update(dict.fromkeys(sample["text"].split("\n")))
    return names
