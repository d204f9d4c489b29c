"""The tiny corpus on disk, and a run trained on it."""

import json

import pytest
from tiny_corpus import SHAPES
from tiny_corpus import make_config
from tiny_corpus import make_samples
from tiny_corpus import write_tar

from experiments.pretrain import pretrain


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Folder with 9 good samples, a corrupt image and an empty caption."""
    folder = tmp_path_factory.mktemp("corpus")
    samples = list(make_samples())
    bad_image = dict(samples[0][1], png=samples[0][1]["png"][:40])
    no_caption = dict(
        samples[1][1], json=b'{"id": 1, "item": "x", "captions": [""]}'
    )
    write_tar(
        folder / "train-0.tar",
        [*samples[:5], ("bad", bad_image), ("dumb", no_caption), *samples[5:]],
    )
    write_tar(folder / "test-0.tar", samples)
    names = [
        {"label": f"item-{i}", "texts": [members["txt"].decode()]}
        for i, (_, members) in enumerate(samples)
    ]
    groups = [{"label": shape, "texts": [shape]} for shape in SHAPES]
    (folder / "names.json").write_text(json.dumps(names))
    (folder / "groups.json").write_text(json.dumps(groups))
    return folder


@pytest.fixture(scope="session")
def trained(corpus, tmp_path_factory):
    """`(config, workdir)` of a finished run."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    config = make_config(corpus)
    pretrain(config, workdir)
    return config, workdir
