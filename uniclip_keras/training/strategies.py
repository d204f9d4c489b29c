"""Distribution strategies by name."""

import json
import os

import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker", "tpu")


def distribution_strategy(name="auto"):
    """Makes the `tf.distribute` strategy of a name.

    Args:
        name: str. "one_device", "mirrored" (all GPUs, or all logical CPUs),
            "multi_worker" (the workers that TF_CONFIG names), "tpu" (the TPUs
            of this machine) or "auto": multi_worker if TF_CONFIG names several
            workers, mirrored if there are several GPUs, else one device.

    Raises:
        InputError: If the name is unknown, TF_CONFIG names no workers, or
            this machine has no TPU.
    """
    if name not in STRATEGIES:
        raise InputError(
            f"distribution={name!r} is unknown{suggest(name, STRATEGIES)}."
        )
    if name == "tpu":
        return _tpu_strategy()
    workers = worker_count(name)
    if name == "multi_worker" or workers > 1:
        # Workers can join only before TensorFlow initializes a device.
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([d.name for d in devices])
    return tf.distribute.get_strategy()


def worker_count(name):
    """Returns how many workers train under a strategy, from TF_CONFIG.

    Raises:
        InputError: If the strategy needs TF_CONFIG, and it is missing or
            broken.
    """
    text = os.environ.get("TF_CONFIG")
    if name not in ("auto", "multi_worker") or not (
        text or name == "multi_worker"
    ):
        return 1
    try:
        given = json.loads(text or "")
        cluster, task = given["cluster"], given["task"]
        # A chief is worker 0 by another name.
        workers = {kind: cluster.get(kind, []) for kind in ("chief", "worker")}
        own = workers[task["type"]][int(task["index"])]
        whole = all(isinstance(w, list) for w in workers.values())
        if whole and isinstance(own, str) and int(task["index"]) >= 0:
            return sum(map(len, workers.values()))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        pass
    raise InputError(
        f"distribution={name!r} takes its workers from the environment "
        f"variable TF_CONFIG, which is {text!r}; give each worker the "
        'addresses of all and its own place, as in {"cluster": {"worker": '
        '["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": '
        "0}}."
    )


def _tpu_strategy():
    # Python reads the samples, in this process: the TPUs must be its own.
    address = os.environ.get("TPU_NAME") or "local"
    if address != "local":
        raise InputError(
            "distribution='tpu' trains on the TPUs of the machine that runs "
            f"it, and TPU_NAME={address!r} names others; run it on a TPU VM "
            "with one host, with TPU_NAME=local."
        )
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver("local")
    try:
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        strategy = tf.distribute.TPUStrategy(resolver)
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise InputError(
            "distribution='tpu' found no TPU on this machine "
            f"({str(error).splitlines()[0][:100]}); run it on a TPU VM with a "
            "TensorFlow for TPUs, or choose another distribution."
        ) from error
    hosts = strategy.extended.num_hosts
    if hosts > 1:
        raise InputError(
            f"distribution='tpu' found TPUs of {hosts} hosts, and feeds those "
            "of one; take a TPU with one host."
        )
    return strategy
