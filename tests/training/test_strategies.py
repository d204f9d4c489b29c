"""Strategies: their names, and worker processes against one device."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import worker
from samples import encode
from samples import smooth_pixels
from samples import write_tar

from uniclip_keras import training
from uniclip_keras.errors import InputError
from uniclip_keras.training.strategies import worker_count

ROOT = pathlib.Path(__file__).parents[2]


def test_strategies_by_name():
    assert training.distribution_strategy("auto").num_replicas_in_sync == 1
    mirrored = training.distribution_strategy("mirrored")
    assert mirrored.num_replicas_in_sync == 2
    with pytest.raises(InputError, match="'mirored'.*mirrored"):
        training.distribution_strategy("mirored")


CLUSTER = {"worker": ["a:1", "b:2"], "chief": ["c:3"]}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        json.dumps({"cluster": CLUSTER}),
        json.dumps({"cluster": CLUSTER, "task": {"type": "ps", "index": 0}}),
        json.dumps({"cluster": CLUSTER, "task": {"type": "chief", "index": 1}}),
    ],
)
def test_workers_need_tf_config(text, monkeypatch):
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(
        InputError, match="environment variable TF_CONFIG.*2222"
    ):
        training.distribution_strategy("multi_worker")
    assert worker_count("mirrored") == 1


def test_workers_are_counted(monkeypatch):
    assert worker_count("auto") == 1
    own = {"type": "worker", "index": 1}
    text = json.dumps({"cluster": CLUSTER, "task": own})
    monkeypatch.setenv("TF_CONFIG", text)
    assert [worker_count(n) for n in ("auto", "multi_worker")] == [3, 3]


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "no TPU on this machine"), ("other", "TPU_NAME='other'.*one host")],
)
def test_tpus_are_of_this_machine(name, words, monkeypatch):
    monkeypatch.setenv("TPU_NAME", name)
    with pytest.raises(InputError, match=words):
        training.distribution_strategy("tpu")


@pytest.fixture
def tars(tmp_path):
    """Eight samples, ids 0 to 7, in four tars."""
    image = encode(smooth_pixels(0, 8))
    for shard in range(4):
        members = []
        for n in (2 * shard, 2 * shard + 1):
            members += [(f"{n}.png", image), (f"{n}.txt", b"red dot")]
            members.append((f"{n}.json", {"id": n}))
        write_tar(tmp_path / f"{shard}.tar", members)
    return str(tmp_path)


def start_workers(tars, workdir, outputs):
    # Free ports.
    with socket.create_server(("", 0)) as a, socket.create_server(("", 0)) as b:
        addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in (a, b)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    env = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    processes = []
    for index, output in enumerate(outputs):
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": addresses}, "task": task}
        process = subprocess.Popen(
            [
                *(sys.executable, worker.__file__, "multi_worker"),
                *(tars, workdir, output),
            ],
            env={**env, "TF_CONFIG": json.dumps(cluster)},
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    return processes


def test_two_workers_equal_one_device_and_share_the_data(tmp_path, tars):
    outputs = [str(tmp_path / f"worker{index}.npz") for index in range(2)]
    processes = start_workers(tars, str(tmp_path / "workers"), outputs)
    one = worker.train(tf.distribute.get_strategy(), tars, tmp_path / "one")
    assert one["counts"] == [worker.STEPS, 1, 0]
    assert one["restored"] == worker.STEPS
    assert one["different"] == ""
    # The one that ends first may tell why the other does.
    errors = [p.communicate(timeout=240)[1][-3000:] for p in processes]
    assert [p.returncode for p in processes] == [0, 0], "\n".join(errors)
    found = [np.load(output) for output in outputs]
    for values in found:
        assert values["loss"] == pytest.approx(one["loss"], rel=1e-5)
        expected = [f"process {processes[0].pid}", "no captions", ""]
        assert values["shared"].tolist() == expected
        words = "worker 0 is at step 4, and worker 1 is at step 0; .*shared"
        assert re.search(words, str(values["different"]))
        for name in set(one) - {"seen", "shared", "different"}:
            np.testing.assert_allclose(values[name], one[name], atol=1e-5)
    shares = [values["seen"].ravel().tolist() for values in found]
    assert sorted(shares[0] + shares[1]) == list(range(8))
    assert sorted(np.ravel(one["seen"])) == list(range(8))
