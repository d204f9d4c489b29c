"""The workdir of a run: what it holds, and files that do not fit."""

import json
import os

import pytest

from experiments.run.workdir import flatten
from experiments.run.workdir import load_run
from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.errors import InputError


def test_a_workdir_holds_all_that_a_run_needs(trained):
    config, workdir = trained
    read, tokenizer, _, step = load_run(workdir)
    assert step == config.steps
    assert read.image_size == config.image_size
    assert tokenizer.context_length == config.tokenizer.context_length
    rows = (workdir / "history.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [2, 4]


def test_a_vocabulary_of_another_size_is_refused(trained, tmp_path):
    config, workdir = trained
    for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
        (tmp_path / name).write_bytes((workdir / name).read_bytes())
    os.symlink(workdir / "checkpoints", tmp_path / "checkpoints")
    vocabulary = (tmp_path / "vocabulary.txt").read_text().splitlines()
    longer = [*vocabulary[:-1], "more", vocabulary[-1]]
    (tmp_path / "vocabulary.txt").write_text("\n".join(longer) + "\n")
    with pytest.raises(InputError, match="vocabulary"):
        load_run(tmp_path)
    # Also where the tokenizer's own check agrees with the vocabulary.
    SubwordTokenizer(longer, config.tokenizer.context_length).save(
        str(tmp_path)
    )
    with pytest.raises(InputError, match="another model.*vocabulary"):
        load_run(tmp_path)


def test_flatten_names_options_as_the_command_line_does():
    views = [{"crop": (0.6, 1.0)}, {}]
    config = {"seed": 0, "image": {"size": 32}, "views": views}
    assert flatten(config) == {
        "seed": 0,
        "image.size": 32,
        "views.0.crop": (0.6, 1.0),
        "views.1": {},
    }
