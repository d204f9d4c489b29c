"""The evaluation benchmark: every image counts, memory and speed are told."""

import re

from experiments.benchmarks import evaluation


def test_measures_an_evaluation(run, capsys):
    run(
        evaluation,
        "--count=7",
        "--class_count=3",
        "--size=32",
        "--batch=4",
        "--photo=tests/fixtures/grace_hopper.jpg",
    )
    *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"7 images in [\d.]+ s: \d+ images/s, peak memory [\d,]+ MB", last
    )
