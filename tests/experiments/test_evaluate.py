"""`evaluate`: results.json, the report and the table."""

import json

import pytest

from experiments.evaluate import evaluate


def test_results_report_and_table(trained, capsys):
    _, workdir = trained
    results = evaluate(workdir)
    assert json.loads((workdir / "results.json").read_text()) == results
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
    assert "data:image/png" in page
    out = capsys.readouterr().out
    assert "test, image to text" in out
    assert str(workdir / "report.html") in out
