"""Each worker's own batches."""

import tensorflow as tf


def distribute_dataset(make, batch_size, first_step=0, strategy=None):
    """A dataset for `fit` under any strategy.

    In one process it is the dataset of global batches, which a strategy
    splits over its replicas. Several workers each make the batches of their
    own replicas, from their own share of the samples, so that none is read
    or trained on twice.

    Args:
        make: function of a batch size and the keywords `first_batch`,
            `shard_index` and `num_shards` that returns a `tf.data.Dataset`,
            such as `training_dataset` with all else filled in.
        batch_size: samples of the global batch.
        first_step: step to begin with.
        strategy: a `tf.distribute.Strategy`; the current one by default.

    Returns:
        A `tf.data.Dataset`, or a `tf.distribute.DistributedDataset`.

    Raises:
        ValueError: the workers' replicas do not divide the batch.

    Example:

    ```python
    make = functools.partial(training_dataset, source, tokenizer, recipe, 224,
                             seed=0)
    with strategy.scope():
        ...
    model.fit(distribute_dataset(make, 4096, strategy=strategy), ...)
    ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return make(
            batch_size, first_batch=first_step, shard_index=0, num_shards=1
        )

    def make_own(context):
        workers = context.num_input_pipelines
        replicas = context.num_replicas_in_sync // workers
        return make(
            context.get_per_replica_batch_size(batch_size),
            first_batch=first_step * replicas,
            shard_index=context.input_pipeline_id,
            num_shards=workers,
        )

    return strategy.distribute_datasets_from_function(make_own)
