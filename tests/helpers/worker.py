"""A short training that workers run as processes, or a test by itself."""

import functools
import os
import signal
import sys

import keras
import numpy as np
import tiny_model as tiny

from uniclip_keras import data
from uniclip_keras import training
from uniclip_keras.errors import InputError

STEPS = 4


class Preempt(keras.callbacks.Callback):
    """Sends SIGTERM to the last worker, long before the end of the data."""

    def on_train_batch_end(self, batch, logs=None):
        strategy = self.model.distribute_strategy
        several = training.workers.several_workers(strategy)
        if batch + 1 == STEPS and several != training.is_chief(strategy):
            os.kill(os.getpid(), signal.SIGTERM)


def train(strategy, tars, workdir):
    """Returns arrays that the workers must agree on.

    These are the last `loss`, the `counts`, each weight by its index, losses
    and step in the `workdir`, what the chief has `shared`, the error of
    `different` workdirs, and, of each worker, the ids `seen` in two batches of
    the eight samples in the folder `tars`. Workers take two steps at a time.
    """
    several = training.workers.several_workers(strategy)
    with strategy.scope():
        model = tiny.make_model(tiny.make_normalized_encoder)
        model.compile(
            optimizer=keras.optimizers.SGD(0.5, global_clipnorm=0.1),
            steps_per_execution=2 if several else 1,
        )

    def own_rows(context):
        workers, index = context.num_input_pipelines, context.input_pipeline_id
        batches = [tiny.make_batch(seed=step) for step in range(3 * STEPS)]
        # In the rows of one worker.
        batches[1] = tiny.spoiled(batches[1])
        return tiny.dataset(
            {n: np.split(x, workers)[index] for n, x in batch.items()}
            for batch in batches
        )

    checkpoints = f"{workdir}/checkpoints"
    history = model.fit(
        strategy.distribute_datasets_from_function(own_rows),
        steps_per_epoch=3 * STEPS,
        callbacks=[
            training.Progress(workdir, 3 * STEPS, 8, every=2),
            training.Checkpoints(checkpoints, every=3),
            Preempt(),
            training.StopOnSignal(),
        ],
        shuffle=False,
        verbose=0,
    )
    # Waits for the chief, which writes the last checkpoint.
    shared = share(strategy)
    restored = training.restore_model(model, checkpoints)
    rows = training.read_history(f"{workdir}/history.jsonl")
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
    return {
        "seen": seen,
        "loss": history.history["loss"][-1],
        "counts": tiny.counts(model),
        "restored": restored,
        "losses": [row["loss"] for row in rows],
        "shared": shared,
        "different": different(model, workdir),
        **weights,
    }


def share(strategy):
    """Returns the process that was asked, and an error of the chief."""

    def fail():
        raise InputError("no captions")

    share = training.share_from_chief(strategy)
    process = share(lambda: f"process {os.getpid()}".encode())
    try:
        share(fail)
    except InputError as error:
        return [process.decode(), str(error), share(lambda: b"").decode()]


def different(model, workdir):
    """Returns the error of workers that have a workdir each."""
    name = "" if training.is_chief(model.distribute_strategy) else "_other"
    checkpoints = training.Checkpoints(f"{workdir}{name}/checkpoints", 1)
    try:
        checkpoints.restore(model)
    except InputError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    name, tars, workdir, output = sys.argv[1:]
    strategy = training.distribution_strategy(name)
    np.savez(output, **train(strategy, tars, workdir))
