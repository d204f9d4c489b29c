"""Distribution strategies by name."""

import tensorflow as tf

from uniclip_keras.errors import InputError

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker", "tpu")


def distribution_strategy(name="auto"):
    """Makes the `tf.distribute` strategy of a name.

    Args:
        name: str. "auto" (mirrored over the GPUs if there are several, else
            one device), "one_device", "mirrored" (all GPUs, or all logical
            CPUs), "multi_worker" (the workers that TF_CONFIG names) or "tpu"
            (the TPU that the environment names).

    Raises:
        InputError: If the name is unknown.
    """
    if name not in STRATEGIES:
        raise InputError(
            f"distribution={name!r} is unknown; choose from {STRATEGIES}."
        )
    if name == "multi_worker":
        # Workers can join only before TensorFlow initializes a device.
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([d.name for d in devices])
    if name == "tpu":
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    return tf.distribute.get_strategy()
