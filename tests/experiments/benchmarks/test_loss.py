"""The loss benchmark: fair rivals, sound measurements, a complete report."""

import importlib.util
import json
import pkgutil

import numpy as np
import pytest
import tensorflow as tf

from experiments.benchmarks import measuring
from experiments.benchmarks.loss import __main__ as loss
from experiments.benchmarks.loss import cases
from experiments.benchmarks.loss import tensorflow_loss
from experiments.benchmarks.loss.cases import TILED
from uniclip_keras.errors import InputError

DENSE, LEAN = "dense TensorFlow", "lean dense TensorFlow"
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
    batch = cases.make_batch(6, 5)
    # Two of the six share their id.
    batch = *batch[:2], batch[2] % 5, batch[3] % 5
    temperature, offset = [0.2, 0.5, 0.3], [0.1, -0.2, 0.05]
    value = tensorflow_loss.dense_mp_nce(
        [tf.constant(array) for array in batch],
        tf.math.log(temperature),
        tf.constant(offset),
        gather_positives,
    )
    np.testing.assert_allclose(
        value, loop_mp_nce(*batch, temperature, offset), rtol=1e-5
    )


@pytest.fixture(scope="module")
def measured():
    """The measurements at the size of the warm-up, which is traced once."""
    return {
        method: cases.measure(method, cases.TINY, **SETTINGS)
        for method in (TILED, DENSE)
    }


def test_the_package_and_dense_code_agree(measured):
    for case in measured.values():
        loss.check_agreement(case, measured[TILED])
        assert case["embeddings"] == 24
        assert case["calls"] == 2
        assert 0 < case["seconds_min"] <= case["seconds_median"]
        assert case["gradient_norm"] > 0
        assert case["extra_mb"] >= 0


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="no torch")
def test_pytorch_agrees(measured):
    case = {"method": "dense PyTorch", "pairs": cases.TINY} | SETTINGS
    case = measuring.call_in_process(f"{cases.__name__}:measure", 1, **case)
    loss.check_agreement(case, measured[TILED])


def test_the_benchmark(run, measured, monkeypatch, tmp_path, capsys):
    def call(function, threads, method, pairs, **settings):
        assert pkgutil.resolve_name(function) is cases.measure
        assert settings == SETTINGS
        case = measured[method.removeprefix("lean ")]
        return case | {"embeddings": 3 * pairs}

    monkeypatch.setattr(measuring, "call_in_process", call)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    new = tmp_path / "new"
    small = "--pairs=32,16", "--dense_up_to=16", "--dim=8", "--repeats=2"
    run(loss, f"--output_dir={new}", "--threads=1", *small)
    results = json.loads((new / "loss_benchmark.json").read_text())
    assert results["settings"] == SETTINGS
    assert f"tensorflow {tf.__version__}" in results["hardware"]
    keys = ("method", "pairs", "embeddings", "calls")
    sizes = [tuple(case[key] for key in keys) for case in results["cases"]]
    dense = [(method, 16, 48, 2) for method in (TILED, DENSE, LEAN)]
    assert sizes == [*dense, (TILED, 32, 96, 2)]
    tiled, dense, *_ = results["cases"]
    assert tiled["loss"] == pytest.approx(dense["loss"], rel=1e-5)
    assert tiled["ratio_to_tiled"] == 1.0
    assert dense["ratio_to_tiled"] == pytest.approx(
        dense["seconds_min"] / tiled["seconds_min"]
    )
    assert (new / "loss_benchmark.png").stat().st_size > 10_000
    out = capsys.readouterr().out
    assert "PyTorch is not installed" in out
    assert loss.format_table(results) in out


def test_the_table():
    case = {"method": DENSE, "embeddings": 12288, "calls": 3, "loss": 2.0}
    case |= {"seconds_min": 3.14159, "seconds_median": 3.5}
    case |= {"ratio_to_tiled": 1.25, "extra_mb": 1234.4}
    head, _, row = loss.format_table({"cases": [case]}).splitlines()
    columns = zip(head.split(" | "), row.split(" | "), strict=True)
    assert dict(columns) == {
        "| embeddings": "| 12,288",
        "method": "dense TensorFlow",
        "calls": "3",
        "seconds min": "3.142",
        "median": "3.500",
        "x tiled": "1.25",
        "extra MB": "1,234",
        "loss |": "2.000000 |",
    }


def test_a_long_call_is_timed_once(measured, monkeypatch):
    monkeypatch.setattr(cases, "LONG_CALL", 0.0)
    case = cases.measure(LEAN, cases.TINY, **SETTINGS)
    assert case["calls"] == 1
    loss.check_agreement(case, measured[TILED])


def test_wrong_code_is_not_timed():
    right = {"loss": 2.0, "gradient_norm": 0.5}
    loss.check_agreement({"loss": 2.0001, "gradient_norm": 0.5001}, right)
    for wrong in (
        {"loss": 2.001, "gradient_norm": 0.5},
        {"loss": 2.0, "gradient_norm": 0.6},
        {"loss": float("nan"), "gradient_norm": 0.5},
    ):
        with pytest.raises(RuntimeError, match="tiled has"):
            loss.check_agreement(wrong, right)


@pytest.mark.parametrize("texts", ["16,1", "many", "-4", "1.5", ""])
def test_impossible_sizes(texts, tmp_path, run):
    with pytest.raises(InputError, match="--pairs"):
        run(loss, f"--output_dir={tmp_path}", f"--pairs={texts}")


def test_failures_say_what_to_change(monkeypatch, tmp_path, run):
    def call(function, threads, **case):
        raise MemoryError(f"{function} with {case} was ended by signal 9")

    monkeypatch.setattr(measuring, "call_in_process", call)
    with pytest.raises(InputError, match="tiled.* 16.*signal 9.*--pairs"):
        run(loss, f"--output_dir={tmp_path}", "--pairs=16")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--output_dir"):
        run(loss, f"--output_dir={tmp_path / 'file'}", "--pairs=16")
