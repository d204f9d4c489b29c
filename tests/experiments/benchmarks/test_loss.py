"""The loss benchmark: fair rivals, sound measurements, a complete report."""

import importlib.util
import json
import os
import re
import sys

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from experiments.benchmarks.loss import __main__ as loss
from experiments.benchmarks.loss import cases as loss_cases
from experiments.benchmarks.loss import dense_tensorflow as loss_tensorflow
from experiments.benchmarks.loss.cases import DENSE_TENSORFLOW as DENSE
from experiments.benchmarks.loss.cases import TILED
from experiments.benchmarks.loss.report import format_table
from experiments.benchmarks.memory import extra_peak
from uniclip_keras.errors import InputError

MEGABYTE = 10**6
SETTINGS = {"dim": 8, "temperature": 0.07, "repeats": 2}


def loop_mp_nce(images, texts, image_ids, text_ids, temperature, offset):
    """MP-NCE by double loops in float64, the pairs of domains alike."""
    rows = np.concatenate([images, texts]).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ids = np.concatenate([image_ids, text_ids])
    domain = [0] * len(images) + [1] * len(texts)
    sums, weights = np.zeros(3), np.zeros(3)
    for i, anchor in enumerate(rows):
        pair = [domain[i] + d for d in domain]
        logits = [
            (anchor @ other - offset[p]) / temperature[p]
            for other, p in zip(rows, pair, strict=True)
        ]
        against = np.logaddexp.reduce(
            [s for s, other in zip(logits, ids, strict=True) if other != ids[i]]
        )
        positives = np.flatnonzero(ids == ids[i])
        for p in positives:
            term = np.logaddexp(0.0, against - logits[p])
            sums[pair[p]] += term / len(positives)
            weights[pair[p]] += 1 / len(positives)
    return np.mean(sums / weights)


@pytest.mark.parametrize("gather_positives", [False, True])
def test_dense_tensorflow_equals_the_loop(gather_positives):
    batch = loss_cases.make_batch(6, 5)
    # Two of the six share their id.
    batch = *batch[:2], batch[2] % 5, batch[3] % 5
    temperature, offset = [0.2, 0.5, 0.3], [0.1, -0.2, 0.05]
    value = loss_tensorflow.dense_mp_nce(
        *map(tf.constant, batch),
        tf.math.log(temperature),
        tf.constant(offset),
        gather_positives,
    )
    np.testing.assert_allclose(
        value, loop_mp_nce(*batch, temperature, offset), rtol=1e-5
    )


@pytest.fixture(scope="module")
def measured():
    """By both, one of them in a process of its own as the script has it."""
    case = SETTINGS | {"pairs": 8}
    return {
        TILED: loss.measure_in_process(case | {"method": TILED}, threads=1),
        DENSE: loss_cases.measure(case | {"method": DENSE}),
    }


def test_the_package_and_dense_code_agree(measured):
    loss.check_agreement({}, measured[DENSE], measured[TILED])
    for case in measured.values():
        assert case["embeddings"] == 24
        assert len(case["seconds"]) == 2
        assert case["gradient_norm"] > 0
        assert case["extra_bytes"] >= 0


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="no torch")
def test_pytorch_agrees(measured):
    case = SETTINGS | {"pairs": 8, "method": "dense PyTorch"}
    loss.check_agreement(
        case, loss.measure_in_process(case, threads=1), measured[TILED]
    )


def test_the_script(measured, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        loss,
        "measure_in_process",
        lambda case, threads: (
            measured[case["method"].removeprefix("lean ")]
            | {"embeddings": 3 * case["pairs"]}
        ),
    )
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    values = flags.FlagValues()
    loss.define_flags(values)
    values(
        ["loss", "--pairs=32,16", "--dense_up_to=16", "--dim=8", "--repeats=2"]
        + [f"--output_dir={tmp_path / 'new'}", "--threads=1"]
    )
    loss.main([], values)
    results = json.loads((tmp_path / "new/loss_benchmark.json").read_text())
    assert results["settings"] == SETTINGS
    assert f"tensorflow {tf.__version__}" in results["hardware"]
    assert [
        (case["method"], case["pairs"], case["embeddings"], case["calls"])
        for case in results["cases"]
    ] == [
        (TILED, 16, 48, 2),
        (DENSE, 16, 48, 2),
        (f"lean {DENSE}", 16, 48, 2),
        (TILED, 32, 96, 2),
    ]
    tiled, dense, *_ = results["cases"]
    assert tiled["loss"] == pytest.approx(dense["loss"], rel=1e-5)
    assert tiled["ratio_to_tiled"] == 1.0
    assert dense["ratio_to_tiled"] == pytest.approx(
        dense["seconds_min"] / tiled["seconds_min"]
    )
    assert 0 < dense["seconds_min"] <= dense["seconds_median"]
    assert (tmp_path / "new/loss_benchmark.png").stat().st_size > 10_000
    out = capsys.readouterr().out
    assert "PyTorch is not installed" in out
    assert format_table(results) in out


def test_the_table():
    case = {
        "method": DENSE,
        "embeddings": 12288,
        "calls": 3,
        "seconds_min": 3.14159,
        "seconds_median": 3.5,
        "ratio_to_tiled": 1.25,
        "extra_mb": 1234.4,
        "loss": 2.0,
    }
    head, row = format_table({"cases": [case]}).splitlines()
    columns = zip(
        re.split(" {2,}", head), re.split(" {2,}", row.strip()), strict=True
    )
    assert dict(columns) == {
        "embeddings": "12,288",
        "method": "dense TensorFlow",
        "calls": "3",
        "seconds min": "3.142",
        "median": "3.500",
        "x tiled": "1.25",
        "extra MB": "1,234",
        "loss": "2.000000",
    }


def test_a_long_call_is_timed_once(monkeypatch):
    monkeypatch.setattr(loss_cases, "LONG_CALL", 0.0)
    case = SETTINGS | {"method": DENSE, "pairs": 8}
    assert len(loss_cases.measure(case)["seconds"]) == 1


def test_wrong_code_is_not_timed():
    right = {"loss": 2.0, "gradient_norm": 0.5}
    loss.check_agreement({}, {"loss": 2.0001, "gradient_norm": 0.5001}, right)
    for wrong in (
        {"loss": 2.001, "gradient_norm": 0.5},
        {"loss": 2.0, "gradient_norm": 0.6},
        {"loss": float("nan"), "gradient_norm": 0.5},
    ):
        with pytest.raises(RuntimeError, match="tiled has"):
            loss.check_agreement({}, wrong, right)


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK),
    reason="the highest memory cannot be reset here",
)
def test_extra_peak_sees_what_a_call_holds_at_once():
    np.ones(100 * MEGABYTE, np.uint8)  # an earlier peak does not hide it

    def call():
        for _ in range(3):
            np.ones(50 * MEGABYTE, np.uint8)
        return np.ones(10 * MEGABYTE, np.uint8)

    peak, result = extra_peak(call)
    assert result.nbytes == 10 * MEGABYTE
    assert peak == pytest.approx(50 * MEGABYTE, abs=5 * MEGABYTE)


@pytest.mark.parametrize("texts", [["16", "1"], ["many"], ["-4"], ["1.5"], []])
def test_impossible_sizes(texts):
    with pytest.raises(InputError, match="--pairs"):
        loss.parse_pairs(texts)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--output_dir"):
        loss.benchmark([16], tmp_path / "file", [TILED], 16, 1, **SETTINGS)


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        ("kill -9 $$", InputError, "tiled with 16 pairs.*signal 9.*--pairs"),
        ("echo the cause >&2; exit 1", RuntimeError, "(?s)failed.*the cause"),
    ],
)
def test_a_process_that_fails(command, error, words, monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{command}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(error, match=words):
        loss.measure_in_process({"method": TILED, "pairs": 16}, threads=1)
