"""Intervals hold the truth as often as they say, in a short simulation."""

import pytest

from experiments.benchmarks.coverage import __main__ as coverage
from experiments.benchmarks.coverage.cases import make_cases

CASES = {case.name: case for case in make_cases()}


@pytest.mark.parametrize(
    "name",
    [
        "mean 0.99, 1000 items",
        "mean 0.5, 30 groups, share of group 0.8",
        "mean per class, 20 of 6 groups each",
        "mean per class, 40 classes that are groups",
        "median, 40 groups",
        "difference 40 groups",
        "difference of methods, 3 seeds of deviation 0.039, 100 groups",
    ],
)
def test_coverage(name):
    below, above, *_ = coverage.simulate(CASES[name], 200, 0, seed=0)
    # Three standard errors about 95 %.
    assert 0.904 <= 1 - below - above <= 0.996


def test_plain_bootstrap_covers_too_seldom_with_few_groups():
    case = CASES["mean 0.9, 30 groups, share of group 0.8"]
    *_, plain = coverage.simulate(case, 100, 100, seed=0)
    assert plain < 0.92


def test_power_at_the_detectable_difference():
    gap, power, before = coverage.simulate_power(200, seed=0)
    assert 0.7 < power < 0.9
    assert gap < before < 2 * gap


def test_table(run, monkeypatch, capsys):
    cases = [CASES["median, 200 items"], CASES["difference 500 items"]]
    monkeypatch.setattr(coverage, "make_cases", lambda: cases)
    run(coverage, "--repeats=5", "--resamples=10", "--items=100")
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("| median, 200 items | ")
    assert lines[4].startswith("| difference 500 items | ")
    assert lines[4].endswith("| - |")
