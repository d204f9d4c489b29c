"""The retrieval benchmark: what it measures and how its table reads."""

from experiments.benchmarks import measuring
from experiments.benchmarks import retrieval


def test_measures_both_directions(run, monkeypatch, capsys):
    def call_in_process(function, threads, **case):
        assert function == f"{retrieval.__name__}:measure"
        return retrieval.measure(**case) | {"extra": 3e6, "seconds": 1.5}

    monkeypatch.setattr(measuring, "call_in_process", call_in_process)
    run(retrieval, "--threads=1", "--images=30", "--captions=2", "--dim=64")
    row, *ways = capsys.readouterr().out.splitlines()[-3:]
    assert row.startswith("| 30 x 60 | 64 | 0 | 0 | 3 | ")
    assert " | 1.5 | " in row
    assert ways[0].startswith("image_to_text: R@1 0.")
    assert all(" mAP 0." in way for way in ways)
