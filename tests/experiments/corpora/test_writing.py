"""Shards of reproducible bytes, and the folders that they replace."""

import functools
import tarfile

import pytest
from tiny_corpus import folder_bytes

from experiments.corpora import fashion_mnist
from experiments.corpora import writing
from experiments.corpora.emoji import corpus
from experiments.corpora.emoji import drawings
from uniclip_keras.errors import InputError


@pytest.fixture(params=["emoji", "fashion_mnist"])
def prepare(request, small_plan, originals):
    if request.param == "fashion_mnist":
        return functools.partial(fashion_mnist.prepare, originals)
    return functools.partial(corpus.prepare, overwrite=True, plan=small_plan)


def test_shards_are_split_and_carry_no_time_or_owner(tmp_path):
    samples = [(f"key{n}", {"txt": b"a", "png": b"b"}) for n in range(5)]
    sizes = writing.write_shards(tmp_path, "train", iter(samples), shard_size=2)
    assert list(sizes) == [f"train-0000{n}.tar" for n in range(3)]
    with tarfile.open(tmp_path / "train-00002.tar") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["key4.png", "key4.txt"]
    for member in members:
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0)


def test_foreign_output_folders_are_refused(prepare, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "notes.txt", tmp_path / "notes.txt/a"):
        with pytest.raises(InputError, match="output_dir"):
            prepare(str(target))
    (tmp_path / "corpus.json").write_text("[]")
    (tmp_path / "classes.json").write_text('[{"label": "mine"}]')
    with pytest.raises(InputError, match="something else"):
        prepare(str(tmp_path))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_interrupted_run_leaves_the_old_corpus(prepare, tmp_path, monkeypatch):
    prepare(tmp_path / "out")
    before = folder_bytes(tmp_path / "out")

    def interrupt(*args):
        raise KeyboardInterrupt

    # The first is called in a thread.
    monkeypatch.setattr(drawings, "render", interrupt)
    monkeypatch.setattr(writing, "to_sample", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "out")
    assert folder_bytes(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
