"""Which devices train: a distribution strategy by name."""

import tensorflow as tf

from uniclip_keras.errors import InputError

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker", "tpu")


def distribution_strategy(name="auto"):
    """Makes the `tf.distribute` strategy of that name.

    Args:
        name: "auto" (mirrored over the GPUs where there are several, else one
            device), "one_device", "mirrored" (all GPUs, or all logical CPUs),
            "multi_worker" (workers named by TF_CONFIG) or "tpu" (the TPU
            that the environment names).

    Returns:
        `tf.distribute.Strategy`.

    Raises:
        InputError: for another name.
    """
    if name not in STRATEGIES:
        raise InputError(
            f"distribution={name!r} is unknown; choose from {STRATEGIES}."
        )
    if name == "multi_worker":
        # Before anything touches a device, or the workers cannot be joined.
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
