"""The emoji corpus on disk."""

import io
import json
import shutil
import tarfile

import PIL.Image
import pytest
from tiny_corpus import folder_bytes

from experiments.corpora.emoji.corpus import prepare
from experiments.corpora.emoji.plan import SPLITS


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, small_plan):
    folder = tmp_path_factory.mktemp("emoji") / "made"
    prepare(folder, plan=small_plan)
    return folder


def read_tar(path):
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read()
            for member in archive
        }


def test_two_runs_give_identical_bytes(prepared, tmp_path, small_plan, capsys):
    prepare(tmp_path / "again", plan=small_plan)
    files = folder_bytes(tmp_path / "again")
    assert files == folder_bytes(prepared)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]
    captured = capsys.readouterr()
    assert "63 / 63 drawings" in captured.err
    assert "train_tones" in captured.out
    corpus = json.loads(files["corpus.json"])
    assert set(corpus["files"]) == set(files) - {"corpus.json"}
    for style in ("facebook", "joypixels"):
        assert "never to be shipped" in corpus["licences"][style]
    assert sum(corpus["counts"]["train"].values()) == 9


def test_samples_hold_picture_text_and_record(prepared):
    ids = {}
    for entry in json.loads((prepared / "names_all.json").read_bytes()):
        ids[entry["label"]] = len(ids)
    for split in SPLITS:
        files = read_tar(prepared / f"{split}-00000.tar")
        assert len(files) == 27
        for key in {name.partition(".")[0] for name in files}:
            record = json.loads(files[f"{key}.json"])
            image = PIL.Image.open(io.BytesIO(files[f"{key}.png"]))
            assert (image.mode, image.size) == ("RGB", (72, 72))
            assert key == f"{record['item']}-{record['style']}"
            assert record["split"] == split
            assert record["names"]["en"][0] == files[f"{key}.txt"].decode()
            assert record["names"]["en"][0] in record["captions"]
            assert record["id"] == ids[record["item"]]


def test_up_to_date_corpus_is_kept(prepared, tmp_path, small_plan, capsys):
    target = shutil.copytree(prepared, tmp_path / "out")
    before = (target / "corpus.json").stat().st_mtime_ns
    prepare(target, plan=small_plan)
    assert "up to date" in capsys.readouterr().out
    assert (target / "corpus.json").stat().st_mtime_ns == before
    prepare(target, overwrite=True, plan=small_plan)
    assert (target / "corpus.json").stat().st_mtime_ns != before
    (target / "train-00000.tar").unlink()
    prepare(target, plan=small_plan)
    assert (target / "train-00000.tar").exists()
