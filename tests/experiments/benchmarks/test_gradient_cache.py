"""The gradient caching benchmark: its cases, its table, its errors."""

import pytest
from absl import flags

from experiments.benchmarks import gradient_cache
from uniclip_keras.errors import InputError


def run(monkeypatch, measure, *arguments):
    def call(function, threads, **case):
        assert function == f"{gradient_cache.__name__}:measure"
        return measure(**case)

    monkeypatch.setattr(gradient_cache, "call_in_process", call)
    values = flags.FlagValues()
    gradient_cache.define_flags(values)
    values(["gradient_cache", "--threads=1", *arguments])
    gradient_cache.main([], values)


def test_measures_and_compares(monkeypatch, capsys):
    monkeypatch.setattr(gradient_cache, "IMAGE_SIZE", 16)
    measured = gradient_cache.measure(2, 4, 8, 1, 1)
    assert measured["loss"] > 0
    assert measured["extra"] >= 0
    assert measured["seconds"] > 0

    def measure(size, batch, **rest):
        extra, seconds = 1e6 * (size or batch), 1.0 if size else 0.5
        return measured | {"extra": extra, "seconds": seconds}

    run(monkeypatch, measure, "--batch=4", "--chunks=3")
    whole, chunks = capsys.readouterr().out.splitlines()[-2:]
    assert whole.startswith("| whole batch | 4 | 1.00 | 0.50 | 1.00 |")
    assert chunks.startswith("| 3 | 3 | 0.75 | 1.00 | 2.00 |")
    loss = f" {measured['loss']:.5f} "
    assert whole.split("|")[-2] == chunks.split("|")[-2] == loss


def test_losses_that_differ_are_an_error(monkeypatch):
    def measure(size, **rest):
        return {"loss": float(size or 1), "extra": 1, "seconds": 1.0}

    with pytest.raises(RuntimeError, match="chunks of 2"):
        run(monkeypatch, measure, "--chunks=2")


def test_chunks_are_numbers(monkeypatch):
    with pytest.raises(InputError, match="--chunks=0"):
        run(monkeypatch, None, "--chunks=0")
