"""A dataset for each strategy."""

import functools

import tensorflow as tf

from uniclip_keras.errors import InputError


def distribute_dataset(make, batch_size, first_row=0, strategy=None):
    """Makes the dataset that `fit` needs under a strategy.

    In one process this is the dataset of global batches, which the strategy
    splits over its replicas. Each of several workers makes its share of the
    same batches.

    Args:
        make: Function of the keyword arguments `batch_size`, `first_row`,
            `shard_index` and `num_shards` that returns a `tf.data.Dataset`,
            such as `training_dataset` with its other arguments bound.
        batch_size: int. Samples of the global batch.
        first_row: int. Position of the first batch: samples taken before.
        strategy: A `tf.distribute.Strategy`; by default the current one.

    Raises:
        InputError: If the replicas of the workers do not divide the batch.

    Example:

    ```python
    make = functools.partial(training_dataset, source, tokenizer, recipe, 224,
                             seed=0)
    model.fit(distribute_dataset(make, 4096, strategy=strategy), ...)
    ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    make = functools.partial(make, batch_size=batch_size, first_row=first_row)
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return make(shard_index=0, num_shards=1)
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise InputError(
            f"batch_size={batch_size} cannot be divided by {replicas} "
            f"replicas: give a multiple of {replicas}."
        )

    def make_shard(context):
        batches = make(
            shard_index=context.input_pipeline_id,
            num_shards=context.num_input_pipelines,
        )
        return batches.rebatch(batch_size // replicas, drop_remainder=True)

    return strategy.distribute_datasets_from_function(make_shard)
