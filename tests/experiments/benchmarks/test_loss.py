"""The loss benchmark: fair rivals, sound measurements, a complete report."""

import importlib.util
import json
import pkgutil

import numpy as np
import pytest
import tensorflow as tf
from loss_batches import make_similarity
from loss_twins import twin_value

from experiments.benchmarks import measuring
from experiments.benchmarks.loss import __main__ as loss
from experiments.benchmarks.loss import cases
from experiments.benchmarks.loss import tensorflow_loss
from experiments.benchmarks.loss import tile_sizes
from experiments.benchmarks.loss.cases import TILED
from uniclip_keras.errors import InputError
from uniclip_keras.losses import MPNCE
from uniclip_keras.losses import tiles

DENSE, LEAN = "dense TensorFlow", "lean dense TensorFlow"
SETTINGS = {"dim": 8, "temperature": 0.07, "repeats": 2}


@pytest.mark.parametrize("gather_positives", [False, True])
def test_dense_tensorflow_equals_the_twin(gather_positives):
    similarity = make_similarity()
    images, texts, image_ids, text_ids = cases.make_batch(6, 5)
    # Two of the six share their id.
    ids = {"image": image_ids % 5, "text": text_ids % 5}
    batch = images, texts, *map(tf.constant, ids.values())
    parameters = similarity.log_temperature.value, similarity.offset.value
    value = tensorflow_loss.dense_mp_nce(batch, *parameters, gather_positives)
    embeddings = {"image": images, "text": texts}
    twin = twin_value(MPNCE(similarity), embeddings, ids)
    np.testing.assert_allclose(value, twin, rtol=1e-5)


@pytest.fixture(scope="module")
def measured():
    methods = (TILED, DENSE)
    return {m: cases.measure(m, cases.TINY, **SETTINGS) for m in methods}


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
    assert head == (
        "| embeddings | method | calls | seconds min | median | x tiled "
        "| extra MB | loss |"
    )
    assert row == (
        "| 12,288 | dense TensorFlow | 3 | 3.142 | 3.500 | 1.25 "
        "| 1,234 | 2.000000 |"
    )


def test_a_long_call_is_timed_once(measured, monkeypatch):
    monkeypatch.setattr(cases, "LONG_CALL", 0.0)
    case = cases.measure(LEAN, cases.TINY, **SETTINGS)
    assert case["calls"] == 1
    loss.check_agreement(case, measured[TILED])


def test_wrong_code_is_not_timed():
    right = {"loss": 2.0, "gradient_norm": 0.5}
    loss.check_agreement({"loss": 2.0001, "gradient_norm": 0.5001}, right)
    for value, norm in [(2.001, 0.5), (2.0, 0.6), (float("nan"), 0.5)]:
        wrong = {"loss": value, "gradient_norm": norm}
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


def test_tile_sizes(monkeypatch, run, capsys):
    calls = []

    def call(function, threads, hide_gpus, where, size, **case):
        assert not hide_gpus
        calls.append((where, size))
        if (where, size) != ("positives", 4):
            default = {"negatives": 1024, "positives": 256}[where]
            found = {"embeddings": 18, "seconds_min": 1.0}
            return found | {"size": size or default}
        with monkeypatch.context() as patch:
            for name in tile_sizes.TABLES.values():
                patch.setattr(tiles, name, dict(getattr(tiles, name)))
            return tile_sizes.measure(where, size, **case)

    monkeypatch.setattr(measuring, "call_in_process", call)
    run(loss, "--pairs=6", "--tile_sizes=4", "--dim=8", "--repeats=1")
    sizes = None, 4
    assert calls == [(w, n) for w in ("negatives", "positives") for n in sizes]
    out = capsys.readouterr().out
    assert "| 18 | negatives | 1,024 (default) | " in out
    assert "| 18 | positives | 256 (default) | " in out
    assert "| 18 | positives | 4 | " in out
    with pytest.raises(InputError, match="--tile_sizes=0"):
        run(loss, "--pairs=6", "--tile_sizes=0")
