"""The gradient caching benchmark: its cases, its table, its errors."""

import pytest

from experiments.benchmarks import gradient_cache
from experiments.benchmarks import measuring
from uniclip_keras.errors import InputError


@pytest.fixture
def run_cases(run, monkeypatch):
    def call(measure, *arguments):
        def call_in_process(function, threads, **case):
            assert function == f"{gradient_cache.__name__}:measure"
            return measure(**case)

        monkeypatch.setattr(measuring, "call_in_process", call_in_process)
        run(gradient_cache, "--threads=1", *arguments)

    return call


def test_measures_and_compares(run_cases, monkeypatch, capsys):
    monkeypatch.setattr(gradient_cache, "IMAGE_SIZE", 16)
    measured = gradient_cache.measure(2, 4, 8, 1, 1)
    assert measured["loss"] > 0 and measured["seconds"] > 0
    assert measured["extra"] >= 0

    def measure(size, batch, **rest):
        extra, seconds = 1e6 * (size or batch), 1.0 if size else 0.5
        return measured | {"extra": extra, "seconds": seconds}

    run_cases(measure, "--batch=4", "--chunks=3")
    whole, chunks = capsys.readouterr().out.splitlines()[-2:]
    assert whole.startswith("| whole batch | 4 | 1.00 | 0.50 | 1.00 |")
    assert chunks.startswith("| 3 | 3 | 0.75 | 1.00 | 2.00 |")
    loss = f" {measured['loss']:.5f} "
    assert whole.split("|")[-2] == chunks.split("|")[-2] == loss


def test_wrong_losses_and_chunks_are_errors(run_cases):
    def measure(size, **rest):
        return {"loss": float(size or 1), "extra": 1, "seconds": 1.0}

    with pytest.raises(RuntimeError, match="chunks of 2"):
        run_cases(measure, "--chunks=2")
    with pytest.raises(InputError, match="--chunks=0"):
        run_cases(None, "--chunks=0")
