"""Trains cases on a topology; each of its processes runs this module.

    python -m experiments.benchmarks.replicas.training 1x4 MPNCE,SLIP out.jsonl

The process writes a line of JSON per case: what `train` returns.
"""

import functools
import gc
import json
import os
import sys

import keras
import tensorflow as tf
from tensorflow.python.distribute import collective_all_reduce_strategy

from experiments.benchmarks.replicas import topologies
from experiments.benchmarks.replicas.cases import CASES
from experiments.benchmarks.replicas.cases import ITEMS
from experiments.benchmarks.replicas.cases import STEPS
from experiments.benchmarks.replicas.cases import make_dataset
from experiments.benchmarks.replicas.cases import make_model
from uniclip_keras import training


def train(case, strategy):
    """Trains a `Case` under a strategy and returns what must be equal.

    Returns:
        Dict of JSON values: `losses` of the steps, `weights` at the end, a
        list of numbers by index for each local replica, `moved`, the largest
        change of a weight, and `counts` of skipped steps and the loss scale.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(case.policy)
    try:
        with strategy.scope():
            model = make_model(case)
        start = weights(model)
        history = model.fit(
            training.distribute_dataset(
                functools.partial(make_dataset, case), ITEMS, strategy=strategy
            ),
            # Keras' loss is the mean over an epoch.
            epochs=STEPS,
            steps_per_epoch=1,
            shuffle=False,
            verbose=0,
        ).history
    finally:
        keras.config.set_dtype_policy(before)
    end = weights(model)
    scale = getattr(model.optimizer, "dynamic_scale", 1.0)
    return {
        "losses": history["loss"],
        "weights": end,
        "moved": max(
            abs(x - y)
            for name, values in end[0].items()
            for x, y in zip(values, start[0][name], strict=True)
        ),
        "counts": {
            "skipped": int(tf.identity(model.counts.skipped)),
            "scale": float(tf.identity(scale)),
        },
    }


def weights(model):
    """Returns the weights as each local replica has them: list of dicts."""
    local = model.distribute_strategy.experimental_local_results
    # Paths of weights differ between two models of one process.
    copies = {
        str(index): [x.numpy().ravel().tolist() for x in values]
        for index, weight in enumerate(model.weights)
        for values in [local(weight.value)]
    }
    replicas = len(next(iter(copies.values())))
    return [
        {name: values[replica] for name, values in copies.items()}
        for replica in range(replicas)
    ]


def make_strategy(topology):
    """Makes the strategy of a `Topology` or of one device, in its process."""
    if topology is None:
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * topology.devices
    tf.config.set_logical_device_configuration(cpu, logical)
    if topology.processes == 1:
        return training.distribution_strategy("mirrored")
    # TensorFlow gives a worker all of its GPUs, but one CPU.
    extended = collective_all_reduce_strategy.CollectiveAllReduceExtended
    extended._initialize_local_devices = lambda self, resolver, worker: (
        tuple(f"{worker}/device:CPU:{i}" for i in range(topology.devices)),
        "CPU",
    )
    return training.distribution_strategy("multi_worker")


def main(name, cases, output):
    # Optimizing a graph takes longer than it saves over ten steps.
    options = {"disable_meta_optimizer": True}
    tf.config.optimizer.set_experimental_options(options)
    strategy = make_strategy(None if name == "one" else topologies.parse(name))
    with open(output, "w") as file:
        for case in cases.split(","):
            line = json.dumps(train(CASES[case], strategy))
            file.write(line + "\n")
            file.flush()
            keras.backend.clear_session()
            gc.collect()
    # Destructors of distributed iterators may wait for each other.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
