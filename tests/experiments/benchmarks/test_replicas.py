"""Trainings on replicas are compared with one device."""

import copy
import math

import pytest
import tensorflow as tf

from experiments.benchmarks.replicas import __main__ as replicas
from experiments.benchmarks.replicas import topologies
from experiments.benchmarks.replicas.cases import CASES
from experiments.benchmarks.replicas.cases import FLOAT32
from experiments.benchmarks.replicas.comparison import compare
from experiments.benchmarks.replicas.training import train
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def one():
    return train(CASES["labels"], tf.distribute.get_strategy())


def test_two_replicas_equal_one_device(two_replicas, one):
    found = train(CASES["labels"], two_replicas)
    assert len(found["weights"]) == 2
    assert one["moved"] > 0.1
    assert compare([found], one, FLOAT32)["equal"]


def change(result, changed):
    result = copy.deepcopy(result)
    changed(result)
    return result


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("loss", lambda r: r["losses"].__setitem__(3, r["losses"][3] * 1.001)),
        ("loss", lambda r: r["losses"].__setitem__(9, math.nan)),
        # One number of one copy.
        ("weights", lambda r: r["weights"][1]["b"].__setitem__(0, 2.0001)),
        ("weights", lambda r: r["weights"][0]["b"].__setitem__(1, math.nan)),
        ("counts", lambda r: r["counts"].update(scale=2.0)),
    ],
)
def test_a_difference_is_noticed(key, changed, run, monkeypatch, tmp_path):
    one = {
        "losses": [float(n) for n in range(1, 11)],
        "weights": [{"a": [1.0], "b": [2.0, 3.0]}],
        "moved": 1.0,
        "counts": {"skipped": 0, "scale": 1.0},
    }
    two = one | {"weights": one["weights"] * 2}
    assert compare([two, two], one, FLOAT32)["equal"]
    wrong = change(two, changed)
    found = compare([two, wrong], one, FLOAT32)
    assert not found["equal"]
    assert (not found[key]) if key == "counts" else found[key] > 1e-5
    trained = {"one": {"CLIP": [one]}, "2x2": {"CLIP": [two, wrong]}}
    monkeypatch.setattr(replicas, "train", lambda *_: trained)
    arguments = "--cases=CLIP", "--topologies=2x2", f"--output_dir={tmp_path}"
    with pytest.raises(SystemExit, match="Not equal.*CLIP on 2x2"):
        run(replicas, *arguments)
    assert "**" in (tmp_path / "replicas.md").read_text()
    trained["2x2"] = {"CLIP": [two, two]}
    # The other dictionary was taken apart.
    trained["one"] = {"CLIP": [one]}
    run(replicas, *arguments)
    assert (
        "| CLIP | 1 | 1e-05 / 1e-05 | 0 / 0 |"
        in (tmp_path / "replicas.md").read_text()
    )


def test_names():
    assert topologies.parse("2x3") == topologies.Topology(2, 3)
    for name in ("5x1", "two", "0x1"):
        with pytest.raises(InputError, match="divides 24"):
            topologies.parse(name)
    with pytest.raises(InputError, match="--cases=CLIPS: give"):
        replicas.check_cases(["CLIPS"])
