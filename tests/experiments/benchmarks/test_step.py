"""The step benchmark on tiny towers: its sides, losses and tables."""

import json
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

from experiments.benchmarks import measuring
from experiments.benchmarks.step import __main__ as benchmark
from experiments.benchmarks.step import keras_sides
from experiments.benchmarks.step import parts
from experiments.benchmarks.step import sides
from uniclip_keras.errors import InputError

TINY = [
    *("--batch=4", "--image_size=8", "--patch_size=4", "--width=8"),
    *("--heads=2", "--layers=1", "--text_layers=1", "--vocabulary=20"),
    *("--context=5", "--steps=1", "--repeats=1"),
]


def test_tables_and_file_of_the_keras_sides(run, tmp_path, monkeypatch, capsys):
    def call(function, threads, python, hide_gpus, **case):
        """Measures in the test's own process."""
        assert hide_gpus
        module, function = function.removeprefix(f"{sides.__package__}.").split(
            ":"
        )
        modules = {"sides": sides, "keras_sides": keras_sides, "parts": parts}
        return getattr(modules[module], function)(**case)

    monkeypatch.setattr(measuring, "call_in_process", call)
    names = sides.OURS, sides.KERAS, sides.TORCH
    few = {name: sides.SIDES[name] for name in names}
    monkeypatch.setattr(sides, "SIDES", few)
    monkeypatch.setitem(sys.modules, "torch", None)
    output = tmp_path / "results.json"
    before = tf.config.optimizer.get_experimental_options()
    run(benchmark, *TINY, "--gpus=no", f"--output={output}")
    # The suite runs with the setting of `pretrain`.
    assert tf.config.optimizer.get_experimental_options() == before
    printed = capsys.readouterr().out
    assert printed.count("PyTorch is left out: ") == 1
    results = json.loads(output.read_text())
    ours, plain = (results["turns"][s][0] for s in (sides.OURS, sides.KERAS))
    # The same model, and the same first update up to rounding.
    for ours_loss, plain_loss, tolerance in zip(
        ours["losses"], plain["losses"], benchmark.TOLERANCES, strict=True
    ):
        assert ours_loss == pytest.approx(plain_loss, rel=tolerance)
    assert ours["losses"][1] < ours["losses"][0]
    for found in (ours, plain):
        keys = "first_step", "pairs_per_second", "processor"
        assert min(found[key] for key in keys) > 0
    assert results["parts"]["step"] > results["parts"]["loss"] > 0
    assert f"| {sides.KERAS} | " in printed


def test_only_equal_losses_are_timed(monkeypatch):
    losses = iter([[2.0, 1.9], [2.0, 1.9002], [2.1, 1.9]])

    def call(function, threads, python, **case):
        measured = {"first_step": 1.0, "pairs_per_second": 9.0}
        return measured | {"losses": next(losses)}

    monkeypatch.setattr(measuring, "call_in_process", call)
    options = SimpleNamespace(
        repeats=1, steps=1, threads=1, gpus="no", python="peers"
    )
    with pytest.raises(RuntimeError, match=f"^{sides.KERAS} has the losses"):
        benchmark.take_turns({}, options)


def test_the_ratios_are_of_turns():
    def turns(*pairs):
        return [
            {"pairs_per_second": speed, "processor": 1.0, "first_step": first}
            for speed, first in pairs
        ]

    table = benchmark.format_table(
        {
            sides.OURS: turns((10.0, 1.0), (30.0, 4.0), (20.0, 2.0)),
            sides.KERAS: turns((5.0, 4.0), (30.0, 8.0), (10.0, 2.0)),
        }
    )
    for cells in (
        "| Keras fit | 10 (5-30) | 2.00 |",
        "| 1.00 (1.00-1.00) | 1.00 | 4.0 (2.0-8.0) | 0.50 |",
    ):
        assert cells in table


def test_gpus_are_used_or_not(run):
    with pytest.raises(InputError, match="--gpus=maybe"):
        run(benchmark, *TINY, "--gpus=maybe")
