"""A dataset for each strategy."""

import functools

import tensorflow as tf

from uniclip_keras.errors import InputError


def distribute_dataset(make, batch_size, first_row=0, strategy=None):
    """Makes the dataset that `fit` needs under a strategy.

    Each process makes its share of the global batches, and makes it replica
    by replica, so no process ever holds more in one piece than one replica
    trains on. While a batch trains, the next one waits on the devices.

    Args:
        make: Function of the keyword arguments `batch_size`, `first_row`,
            `shard_index`, `num_shards` and `replicas` that returns a
            `tf.data.Dataset`, such as `training_dataset` with its other
            arguments bound.
        batch_size: int. Samples of the global batch.
        first_row: int. Position of the first batch: samples taken before.
        strategy: A `tf.distribute.Strategy`; by default the current one.

    Returns:
        A `tf.data.Dataset` without a strategy, else a
        `tf.distribute.DistributedDataset`.

    Raises:
        InputError: If the replicas do not divide the batch.

    Example:

    ```python
    make = functools.partial(training_dataset, source, tokenizer, recipe, 224,
                             seed=0)
    model.fit(distribute_dataset(make, 4096, strategy=strategy), ...)
    ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    check_replicas(batch_size, strategy)
    make = functools.partial(make, batch_size=batch_size, first_row=first_row)

    def make_share(context):
        pipelines = context.num_input_pipelines
        return make(
            shard_index=context.input_pipeline_id,
            num_shards=pipelines,
            replicas=strategy.num_replicas_in_sync // pipelines,
        )

    device = _accelerator()
    # Buffers in front of a processor would only hold one batch more.
    options = tf.distribute.InputOptions(
        experimental_per_replica_buffer_size=1 if device else 0
    )
    batches = strategy.distribute_datasets_from_function(make_share, options)
    if device and isinstance(batches, tf.data.Dataset):
        batches = batches.apply(
            tf.data.experimental.prefetch_to_device(device, buffer_size=1)
        )
    return batches


def check_replicas(batch_size, strategy):
    """Raises `InputError` unless the replicas divide the global batch."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise InputError(
            f"batch_size={batch_size} cannot be divided by {replicas} "
            f"replicas: give a multiple of {replicas}."
        )


def _accelerator():
    """Returns the name of the first GPU or TPU core, or None."""
    for kind in ("GPU", "TPU"):
        if devices := tf.config.list_logical_devices(kind):
            return devices[0].name
    return None
