"""`evaluate`: results.json, the report and the table."""

import json

import pytest

from experiments import evaluate as command
from experiments.evaluate import evaluate
from uniclip_keras.training import read_history


def test_results_report_and_table(trained, capsys):
    _, workdir = trained
    results = evaluate(workdir, "best")
    assert json.loads((workdir / "results.json").read_text()) == results
    rows = read_history(workdir / "validation.jsonl")
    best = min(rows, key=lambda row: row["validation/loss"])
    assert results["run"]["steps"] == best["step"]
    description = results["run"]["description"]
    assert description == "UniCLIP, 6 pairs x 2 views per step."
    retrieval = results["retrieval"]["test"]["image_to_text"]
    assert retrieval["n"] == 9
    assert retrieval["chance"]["R@1"] == pytest.approx(1 / 9)
    assert results["zero_shot"]["test/groups"]["n"] == 9
    check = results["augmentation_check"]
    assert check["loss"] != check["loss_shuffled"]
    page = (workdir / "report.html").read_text()
    assert "red dot" in page
    # The curves of the validation.
    assert "text to image, R@5" in page and "validation <b>" in page
    assert "data:image/png" in page
    out = capsys.readouterr().out
    assert "test, image to text" in out
    assert str(workdir / "report.html") in out


def test_a_checkpoint_that_does_not_exist(trained, run_command):
    _, workdir = trained
    status, _, stderr = run_command(
        command, f"--workdir={workdir}", "--checkpoint=3"
    )
    assert status == 2
    assert "has no checkpoint 3; choose from ['last', " in stderr
