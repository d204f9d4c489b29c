"""What workdirs hold, and which runs are seeds of one method."""

import json
import pathlib
import shutil

import pytest

from experiments.comparison.runs import group_methods
from experiments.comparison.runs import read_runs
from uniclip_keras.errors import InputError


def test_runs_that_differ_in_their_seed_only_are_one_method(write_run):
    paths = [
        write_run("clip_seed0", seed=0),
        write_run("other", seed=0, optimizer={"learning_rate": 1.0}),
        # What the training does not depend on may differ.
        write_run("clip_seed1", seed=1, log_every=7),
    ]
    runs = read_runs(paths)
    assert [run.label for run in runs] == ["clip_seed0", "other", "clip_seed1"]
    methods = group_methods(runs)
    assert [method.label for method in methods] == ["clip", "other"]
    assert methods[0].runs == [runs[0], runs[2]]


def test_runs_of_equal_seed_steps_or_other_weights_are_methods(write_run):
    first = pathlib.Path(write_run("first"))
    for name in ("again", "fine_tuned", "stopped", "served"):
        shutil.copytree(first, first.parent / name)
    folder = first.parent
    for name in ("fine_tuned", "stopped"):
        config = json.loads((first / "config.json").read_text())
        config["seed"] = 1
        (folder / name / "config.json").write_text(json.dumps(config))
    (folder / "fine_tuned/init_from.json").write_text('{"workdir": "first"}')
    path = folder / "stopped/history.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:-1]))
    (folder / "stopped/validation.jsonl").unlink()
    (folder / "served/config.json").unlink()
    runs = read_runs(sorted(map(str, folder.iterdir())))
    methods = group_methods(runs)
    assert [len(method.runs) for method in methods] == [1] * 5
    assert len({method.label for method in methods}) == 5


def test_labels_tell_folders_apart(write_run, tmp_path):
    paths = [write_run("a/x"), write_run("b/x"), write_run("b/y")]
    labels = [run.label for run in read_runs(paths)]
    assert labels == ["a/x", "b/x", "b/y"]
    assert [run.label for run in read_runs(paths[:1])] == ["x"]


def test_a_seed_alone_is_no_label(write_run, tmp_path):
    paths = [write_run(f"clip/seed_{i}", seed=i) for i in range(2)]
    (method,) = group_methods(read_runs(paths))
    assert method.label == "clip"
    assert [run.label for run in method.runs] == ["clip/seed_0", "clip/seed_1"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "nothing to compare: give the workdirs"),
        (["a", "a/"], "given twice"),
        (["a"], "holds no results.json: evaluate it first"),
    ],
)
def test_nothing_to_read(given, words, tmp_path):
    with pytest.raises(InputError, match=words):
        read_runs([f"{tmp_path}/{name}" for name in given])


def test_results_without_a_task(tmp_path):
    (tmp_path / "results.json").write_text('{"run": {}}')
    with pytest.raises(InputError, match="holds no result of a task"):
        read_runs([str(tmp_path)])
