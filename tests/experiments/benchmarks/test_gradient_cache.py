"""The gradient caching benchmark: its cases, its table, its errors."""

import pytest
from absl import flags

from experiments.benchmarks import gradient_cache
from uniclip_keras.errors import InputError


def run(monkeypatch, measure, *arguments):
    monkeypatch.setattr(gradient_cache, "measure_in_process", measure)
    for kind in ("INTRAOP", "INTEROP"):
        monkeypatch.setenv(f"TF_NUM_{kind}_THREADS", "1")
    values = flags.FlagValues()
    gradient_cache.define_flags(values)
    values(["gradient_cache", "--threads=1", *arguments])
    gradient_cache.main([], values)


def test_measures_and_compares(monkeypatch, capsys):
    loss, extra, seconds = gradient_cache.measure(3, 4, 8, 1, 1)
    assert loss > 0
    assert extra >= 0
    assert seconds > 0

    def measure(size, batch, *rest):
        return loss, 1e6 * (size or batch), 1.0 if size else 0.5

    run(monkeypatch, measure, "--batch=4", "--chunks=3")
    whole, chunks = capsys.readouterr().out.splitlines()[-2:]
    assert whole.startswith("| whole batch | 4 | 1.00 | 0.50 | 1.00 |")
    assert chunks.startswith("| 3 | 3 | 0.75 | 1.00 | 2.00 |")
    assert whole.split("|")[-2] == chunks.split("|")[-2] == f" {loss:.5f} "


def test_cases_that_disagree_are_no_benchmark(monkeypatch):
    with pytest.raises(RuntimeError, match="chunks of 2"):
        run(
            monkeypatch,
            lambda size, *rest: (float(size or 1), 1.0, 1.0),
            "--chunks=2",
        )


def test_chunks_are_numbers(monkeypatch):
    with pytest.raises(InputError, match="--chunks=0"):
        run(monkeypatch, None, "--chunks=0")
