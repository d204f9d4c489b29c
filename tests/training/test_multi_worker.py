"""Two worker processes over loopback against one device."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest
from tiny_corpus import draw
from tiny_corpus import png
from tiny_corpus import write_tar

ROOT = pathlib.Path(__file__).parents[2]

SCRIPT = """
import functools, sys
import keras, numpy as np, tensorflow as tf
from uniclip_keras import data, models, training

strategy = training.distribution_strategy(sys.argv[1])
keras.utils.set_random_seed(0)
with strategy.scope():
    model = models.UniCLIP(
        models.conv_stem_vit(8, width=8, layers=1, heads=2, stem=(8, 8)),
        models.clip_text(20, 5, width=8, layers=1, heads=2),
        embedding_dim=8, augmentation_units=(4,), projection_blocks=1,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.5, global_clipnorm=0.1))

def batches():
    for step in range(4):
        rng = np.random.default_rng(step)
        yield {
            "views": rng.random((8, 2, 8, 8, 3), "float32"),
            "augmentations": rng.random((8, 2, 11), "float32"),
            "tokens": rng.integers(1, 20, (8, 5)).astype("int32"),
            "id": np.arange(8) // 2,
        }

def own_rows(context):
    workers, worker = context.num_input_pipelines, context.input_pipeline_id
    def rows():
        for batch in batches():
            yield tf.nest.map_structure(
                lambda x: np.split(x, workers)[worker], batch
            )
    signature = tf.nest.map_structure(
        lambda x: tf.TensorSpec(x.shape, x.dtype), next(rows())
    )
    return tf.data.Dataset.from_generator(rows, output_signature=signature)

history = model.fit(
    strategy.distribute_datasets_from_function(own_rows),
    steps_per_epoch=4, shuffle=False, verbose=0,
)
tokenizer = data.SubwordTokenizer.train(["red heart"], 40, 5)
make = functools.partial(
    data.training_dataset,
    data.WebDataset(sys.argv[3], id_field="id"),
    tokenizer,
    data.augmentation.recipe_from_config(["identity"]),
    8,
    seed=0,
)
iterator = iter(training.distribute_dataset(make, 4, strategy=strategy))
seen = [
    strategy.experimental_local_results(next(iterator)["id"])[0].numpy()
    for _ in range(2)
]
weights = {str(i): w.numpy() for i, w in enumerate(model.weights)}
np.savez(sys.argv[2], seen=seen, loss=history.history["loss"][-1], **weights)
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(strategy, output, tars, task=None):
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    if task is not None:
        environment["TF_CONFIG"] = json.dumps(task)
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, strategy, str(output), tars],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def tars(tmp_path):
    """Eight samples, ids 0 to 7, in four tars."""
    for shard in range(4):
        write_tar(
            tmp_path / f"{shard}.tar",
            [
                (
                    f"{number}",
                    {
                        "png": png(draw("red", "dot")),
                        "txt": b"red dot",
                        "json": json.dumps({"id": number}).encode(),
                    },
                )
                for number in (2 * shard, 2 * shard + 1)
            ],
        )
    return str(tmp_path)


def test_two_workers_equal_one_device_and_share_the_data(tmp_path, tars):
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [start("one_device", tmp_path / "one.npz", tars)] + [
        start(
            "multi_worker",
            tmp_path / f"worker{index}.npz",
            tars,
            {
                "cluster": {"worker": workers},
                "task": {"type": "worker", "index": index},
            },
        )
        for index in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors[-3000:]
    one = np.load(tmp_path / "one.npz")
    found = [np.load(tmp_path / f"worker{index}.npz") for index in range(2)]
    for worker in found:
        assert worker["loss"] == pytest.approx(float(one["loss"]), rel=1e-5)
        for name in set(one.files) - {"seen"}:
            np.testing.assert_allclose(worker[name], one[name], atol=1e-5)
    shares = [worker["seen"].ravel().tolist() for worker in found]
    assert sorted(shares[0] + shares[1]) == list(range(8))
    assert sorted(one["seen"].ravel()) == list(range(8))
