"""The training data that a configuration describes, and mistakes in it."""

import numpy as np
import pytest
from ml_collections import ConfigDict
from shapes import SHAPES
from tiny_corpus import make_config

from experiments.run import data
from uniclip_keras.data import WebDataset
from uniclip_keras.data.sources.texts import text_id
from uniclip_keras.errors import InputError

LABELS = {"label_field": "group", "classes": "groups.json"}


def config_of(corpus, prompts="plain", **entries):
    config = make_config(corpus)
    with config.unlocked(), config.ignore_type():
        config.data.train = ConfigDict(
            {
                name: {"path": "train-*.tar", **entry}
                for name, entry in entries.items()
            }
        )
        config.data.prompts = prompts
    return config


def ids_of(source):
    return [[s["id"] for s in part.samples()] for part in source.sources]


def test_captions_and_labels_side_by_side(corpus):
    config = config_of(
        corpus,
        prompts=("a photo of a {}", "{}"),
        labels={**LABELS, "weight": 1.0},
        pairs={"weight": 3.0},
    )
    source = data.build_source(config)
    labels, pairs = source.sources
    assert isinstance(labels, WebDataset) and isinstance(pairs, WebDataset)
    assert labels.class_names == SHAPES and pairs.class_names is None
    assert source.weights == (0.25, 0.75)
    assert pairs.id_field == "id" and pairs.caption_field == "captions"
    tokenizer = data.build_tokenizer(config, source)
    # Words of templates, of class names and of captions.
    assert {"photo", *SHAPES, "green"} <= set(tokenizer.vocabulary)
    with config.unlocked():
        config.batch_size = 24
        config.data.views = config.data.views[:1]
    batch = next(iter(data.build_dataset(config, source, tokenizer)))
    texts = tokenizer.detokenize(batch["tokens"])
    ids = batch["id"].numpy()
    names = {text_id(shape): shape for shape in SHAPES}
    for sample_id, text in zip(ids, texts, strict=True):
        if sample_id in names:
            name = names[sample_id]
            assert text in (name, f"a photo of a {name}")
        else:
            # Two words, the color first.
            assert text.removeprefix("a ").count(" ") == 1
    assert 0 < np.isin(ids, list(names)).sum() < 24


def test_each_part_may_have_fields_of_its_own(corpus):
    source = data.build_source(
        config_of(
            corpus,
            a={},
            b={"id_field": "", "caption_field": ""},
            c={"path": str(corpus / "train-0.tar"), "id_field": "item"},
        )
    )
    plain, texts, items = ids_of(source)
    assert set(plain) == set(range(9))
    assert texts[0] == text_id("red dot")
    assert len({*plain, *texts, *items}) == 3 * 9
    assert source.weights == (1 / 3,) * 3


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"clases": "x"}, "data.train.part.clases .* mean 'classes'"),
        ({"path": ""}, "data.train.part.path is missing"),
        ({"kind": "tfds"}, "data.train.part.name is missing"),
        ({"kind": "tfrecords"}, "part.kind='tfrecords' .* mean 'tfrecord'"),
        ({**LABELS, "id_field": "id"}, "leave out .* id_field='id'"),
        ({**LABELS, "classes": "none.json"}, "none.json' does not exist"),
        ({**LABELS, "classes": "names.json"}, "'dot', which are none of"),
        ({"classes": "groups.json"}, r"'cls' \(label_field\)"),
        ({**LABELS, "label_field": "grup"}, r"'grup' \(label_field\)"),
        ({"weight": 0.0}, "not all of them 0"),
    ],
)
def test_mistakes_in_an_entry(corpus, entry, words):
    with pytest.raises(InputError, match=words):
        data.build_source(config_of(corpus, part=entry))


def test_templates_by_name_or_one_by_one(corpus):
    def prompts(templates):
        config = config_of(corpus, templates, a=LABELS)
        return list(data.training_texts(config, data.build_source(config)))

    assert prompts("plain") == list(SHAPES)
    assert prompts(["{}", "a {}"])[:2] == ["dot", "a dot"]
    with pytest.raises(InputError, match="'plane'.*'plain'"):
        prompts("plane")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a-*.tar", "data/emoji/a-*.tar"),
        ("../b/c.json", "data/emoji/../b/c.json"),
        ("/b/c.json", "/b/c.json"),
        ("gs://b/c.json", "gs://b/c.json"),
    ],
)
def test_data_path(name, path):
    config = ConfigDict({"data": {"directory": "data/emoji"}})
    assert data.data_path(config, name) == path
