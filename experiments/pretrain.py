"""Trains a model as a configuration describes it.

    python -m experiments.pretrain --config=experiments/configs/emoji.py \
        --workdir=runs/emoji [--config.batch_size=64 ...]

Started again with the same workdir, it continues from the last checkpoint.
"""

import pathlib
import signal

import keras
import tensorflow as tf
from absl import flags
from ml_collections import config_flags

from experiments.run import building
from experiments.run import data
from experiments.run import workdir as workdirs
from experiments.run.command import run
from uniclip_keras import training
from uniclip_keras.data import BadSamples
from uniclip_keras.errors import InputError

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration file of the experiment."
)


def main(argv):
    del argv
    pretrain(_CONFIG.value, workdirs.WORKDIR.value)


def pretrain(config, workdir):
    """Trains up to `config.steps`, from the last checkpoint if there is one.

    Returns the model. Refuses a `workdir` that another configuration has
    trained in.
    """
    workdir = pathlib.Path(workdir)
    workdirs.check_config(workdir, config)
    # Before anything touches a device: workers must be joined first.
    strategy = training.distribution_strategy(config.distribution)
    source = data.build_source(config)
    bad_samples = BadSamples(config.data.max_bad_share)
    keras.utils.set_random_seed(config.seed)
    # Optimizing the graph delays the start and saves no time per step.
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    tokenizer = data.find_tokenizer(config, workdir, source)
    with strategy.scope():
        model = building.build_model(config, tokenizer.vocabulary_size)
        model.compile(optimizer=building.build_optimizer(config, model))
    workdirs.save_config(workdir, config, tokenizer)
    checkpoints = training.Checkpoints(
        workdir / workdirs.CHECKPOINTS, every=config.checkpoint_every
    )
    first_step = checkpoints.restore(model)
    print(
        f"{config.name}: {model.count_params():,} parameters, "
        f"{source.count():,} images, {tokenizer.vocabulary_size:,} tokens, "
        f"{strategy.num_replicas_in_sync} replica(s), "
        f"steps {first_step} to {config.steps} of {config.batch_size} pairs",
        flush=True,
    )
    if first_step >= config.steps:
        print(f"{workdir} has been trained already.")
        return model
    batches = data.build_dataset(
        config,
        source,
        tokenizer,
        first_step=first_step,
        strategy=strategy,
        bad_samples=bad_samples,
    )
    # SIGTERM announces that the machine is taken away: save, then leave.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = training.Progress(
        workdir,
        config.steps,
        config.batch_size,
        config.log_every,
        first_step=first_step,
        print_line=lambda line: print(line, flush=True),
    )
    report = training.DataReport(
        bad_samples,
        logdir=progress.logdir,
        epoch_steps=max(1, source.count() // config.batch_size),
        first_step=first_step,
        print_line=progress.print_line,
    )
    try:
        model.fit(
            batches,
            steps_per_epoch=config.steps - first_step,
            callbacks=[progress, report, checkpoints],
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        checkpoints.save()
        print("Interrupted; start again to continue from this step.")
        raise
    except tf.errors.OpError:
        # The pipeline can only raise TensorFlow's errors: explain them.
        bad_samples.check()
        if bad_samples.good <= 0:
            raise InputError(
                f"Not one sample can be trained on. {bad_samples.summary()}"
            ) from None
        raise
    finally:
        print(bad_samples.summary())
    return model


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    run(main)
