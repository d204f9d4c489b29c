"""A short training that workers run as processes, or a test by itself."""

import functools
import sys

import keras
import numpy as np
import tiny_model as tiny

from uniclip_keras import data
from uniclip_keras import training

STEPS = 4


def train(strategy, tars):
    """Returns arrays that the workers must agree on.

    These are the last `loss`, each weight by its index, and, of each worker,
    the ids `seen` in two batches of the eight samples in the folder `tars`.
    """
    with strategy.scope():
        model = tiny.make_model(tiny.make_normalized_encoder)
        model.compile(optimizer=keras.optimizers.SGD(0.5, global_clipnorm=0.1))

    def own_rows(context):
        workers, index = context.num_input_pipelines, context.input_pipeline_id
        batches = [tiny.make_batch(seed=step) for step in range(STEPS)]
        return tiny.dataset(
            {n: np.split(x, workers)[index] for n, x in batch.items()}
            for batch in batches
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
