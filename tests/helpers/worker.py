"""A short training that workers run as processes, or a test by itself."""

import functools
import sys

import keras
import numpy as np
import tensorflow as tf
from tiny_model import make_batch
from tiny_model import make_image_encoder
from tiny_model import make_model

from uniclip_keras import data
from uniclip_keras import training

STEPS = 4


def train(strategy, tars):
    """Trains, reads samples, and returns what workers must agree on.

    Args:
        strategy: The strategy of all workers.
        tars: Folder of eight samples with ids.

    Returns:
        Dict of arrays: the ids `seen` in two batches of the samples, the last
        `loss`, and each weight by its index.
    """
    with strategy.scope():
        model = make_model(
            functools.partial(make_image_encoder, normalized=True)
        )
        model.compile(optimizer=keras.optimizers.SGD(0.5, global_clipnorm=0.1))

    def own_rows(context):
        workers, index = context.num_input_pipelines, context.input_pipeline_id
        rows = [
            tf.nest.map_structure(
                lambda x: np.split(x, workers)[index], make_batch(seed=step)
            )
            for step in range(STEPS)
        ]
        return tf.data.Dataset.from_tensor_slices(
            tf.nest.map_structure(lambda *x: np.stack(x), *rows)
        )

    history = model.fit(
        strategy.distribute_datasets_from_function(own_rows),
        steps_per_epoch=STEPS,
        shuffle=False,
        verbose=0,
    )
    make = functools.partial(
        data.training_dataset,
        data.WebDataset(tars, id_field="id"),
        data.SubwordTokenizer.train(["red heart"], 40, 5),
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
    return {"seen": seen, "loss": history.history["loss"][-1], **weights}


if __name__ == "__main__":
    name, tars, output = sys.argv[1:]
    np.savez(output, **train(training.distribution_strategy(name), tars))
