"""What is kept of runs compares as the runs do, without their embeddings."""

import pathlib

import pytest

from experiments.comparison.keeping import keep
from experiments.comparison.runs import group_methods
from experiments.comparison.runs import read_runs
from experiments.comparison.tasks import compare
from experiments.evaluation import storage
from uniclip_keras.errors import InputError


@pytest.fixture
def paths(write_run):
    runs = {"a": {}, "b": {"optimizer": {"beta_1": 0.5}}}
    return [
        write_run(f"runs/{name}/seed_{seed}", seed=seed, **changes)
        for name, changes in runs.items()
        for seed in (0, 1)
    ]


def compared(paths, names=None):
    return compare(group_methods(read_runs(paths)), names)


def test_comparisons_are_the_same(paths, tmp_path):
    keep(read_runs(paths), tmp_path / "kept")
    kept = [path.replace("/runs/", "/kept/") for path in paths]
    expected = compared(paths)
    assert all(m.differences["b"].found for m in expected[0].measures)
    # The dataclasses of results compare by value.
    assert compared(kept) == expected
    names = r"item-[1-5]\b"
    assert compared(kept, names) == compared(paths, names)


def test_only_what_comparisons_need_is_kept(paths, tmp_path):
    (pathlib.Path(paths[0]) / "model.weights").write_text("large")
    keep(read_runs(paths[:1]), tmp_path / "kept")
    kept = tmp_path / "kept/a/seed_0"
    found = [p.relative_to(kept) for p in kept.rglob("*") if p.is_file()]
    assert sorted(map(str, found)) == [
        "config.json",
        "evaluation/test.npz",
        "evaluation/test/zero.npz",
        "history.jsonl",
        "results.json",
        "validation.jsonl",
    ]
    whole = pathlib.Path(paths[0], "evaluation/test.npz").stat().st_size
    assert (kept / "evaluation/test.npz").stat().st_size < whole
    assert "images/embeddings" in storage.read(paths[0], "test")
    assert not any("embedd" in name for name in storage.read(kept, "test"))


def test_runs_are_not_replaced(paths, tmp_path):
    before = storage.read(paths[0], "test").keys()
    with pytest.raises(InputError, match="would replace .*give another folder"):
        keep(read_runs(paths), tmp_path / "runs")
    assert storage.read(paths[0], "test").keys() == before
