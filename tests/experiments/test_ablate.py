"""`ablate`: a grid is trained as far as it is not finished, and compared."""

import json
import pathlib

import pytest
from evaluated import write_tiny_run
from tiny_corpus import make_config

from experiments import ablate as command
from experiments.ablation import results
from experiments.ablation.grid import grid
from experiments.ablation.grid import runs_of


class WritingPool:
    """A pool whose runs leave the files of trained and evaluated ones."""

    def __init__(self, corpus, failing=()):
        self.corpus, self.failing = corpus, failing
        self.trained, self.lines = [], []

    def print_line(self, line):
        self.lines.append(line)

    def run(self, runs):
        for run in runs:
            self.trained.append(run.name)
            if run.name not in self.failing:
                config = run.config
                change = {"objective": config.objective, "steps": config.steps}
                folder = pathlib.Path(run.workdir)
                write_tiny_run(folder, self.corpus, seed=config.seed, **change)
            yield run, 2 * (run.name in self.failing)


@pytest.fixture
def runs(corpus, tmp_path):
    configs = {
        name: make_config(corpus, steps=200, objective={"kind": name})
        for name in ("mp_nce", "info_nce")
    }
    evaluation = configs["mp_nce"].evaluation.copy_and_resolve_references()
    evaluation.zero_shot = {"test/zero": evaluation.zero_shot["test/groups"]}
    return runs_of(grid(configs, evaluation, seeds=(0, 1)), tmp_path / "grid")


def test_a_grid_is_resumed_until_it_is_whole(runs, corpus, tmp_path):
    folder = tmp_path / "grid"
    failing = "info_nce/seed_0", "info_nce/seed_1"
    first = WritingPool(corpus, failing)
    failed = command.ablate(runs, folder, first)
    assert tuple(run.name for run in failed) == failing
    assert first.lines[0] == "0 of 4 runs are finished."
    assert "info_nce/seed_0 FAILED with exit status 2" in first.lines[2]
    # What is there is shown.
    table = (folder / "table.txt").read_text()
    assert "mp_nce" in table and "info_nce" not in table
    second = WritingPool(corpus)
    assert not command.ablate(runs, folder, second)
    assert second.lines[0] == "2 of 4 runs are finished."
    assert second.trained == [*failing]
    rows = [
        json.loads(line)
        for line in (folder / "results.jsonl").read_text().splitlines()
    ]
    assert [row["run"] for row in rows] == [run.name for run in runs]
    assert rows[0]["steps"] == 200 and rows[0]["images"] == 200 * 6 * 2
    found = json.loads((folder / "mp_nce/seed_0/results.json").read_text())
    measured = found["retrieval"]["test"]["image_to_text"]["R@1"]
    assert rows[0]["retrieval/test/image_to_text/R@1"] == measured
    top1 = found["zero_shot"]["test/zero"]["top1"]
    assert rows[0]["zero_shot/test/zero/top1"] == top1
    assert "info_nce" in (folder / "table.txt").read_text()
    page = " ".join((folder / "compare.html").read_text().split())
    assert "4 runs of 2 methods" in page
    third = WritingPool(corpus)
    assert not command.ablate(runs, folder, third) and not third.trained


def test_what_makes_a_run_finished(runs, corpus):
    run = runs[0]
    assert not results.is_finished(run)
    list(WritingPool(corpus).run([run]))
    assert results.is_finished(run)
    other = run.config.evaluation.copy_and_resolve_references()
    with other.unlocked():
        other.retrieval["other"] = {}
    assert not results.is_finished(run, other)
    run.config.steps = 201
    assert not results.is_finished(run)


def test_a_run_is_measured_once(copied, capsys):
    config, workdir = copied
    evaluation = config.evaluation
    (run,) = runs_of(grid({"tiny": config}, evaluation, seeds=(0,)), "runs")
    run = type(run)(run.name, str(workdir), run.config)
    (workdir / "results.json").unlink(missing_ok=True)
    results.evaluate_run(run)
    assert results.is_finished(run)
    assert "retrieval: test" in capsys.readouterr().out
    results.evaluate_run(run)
    assert not capsys.readouterr().out


GRID = "--grid=experiments/configs/grids/identity.py"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([GRID, "--workdir=gs://bucket/runs"], "is an address"),
        (
            [GRID, "--workdir=runs", "--only=identity_0.5/seed_0"],
            "is no run of the grid; did you mean 'identity_0.25/seed_0'",
        ),
        (["--grid=gone.py", "--workdir=runs"], "cannot be read"),
    ],
)
def test_mistakes(arguments, words, run_command):
    status, _, stderr = run_command(command, *arguments)
    assert status == 2 and words in stderr
