"""Trains a model as a configuration describes it.

    python -m experiments.pretrain --config=experiments/configs/emoji.py \
        --workdir=runs/emoji [--config.batch_size=64 ...]

Started again with the same workdir, it goes on from the last checkpoint.
"""

import pathlib
import signal

import keras
import tensorflow as tf
from absl import flags
from ml_collections import config_flags

from experiments import building
from experiments import workdir as workdirs
from experiments.runner import run
from uniclip_keras import training
from uniclip_keras.data import BadSamples
from uniclip_keras.data import training_dataset
from uniclip_keras.data.augmentation import recipe_from_config
from uniclip_keras.data.text import load_tokenizer

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "The experiment's configuration file."
)


def main(argv):
    del argv
    pretrain(_CONFIG.value, workdirs.WORKDIR.value)


def pretrain(config, workdir):
    """Trains until `config.steps`, from the last checkpoint if there is one.

    Returns:
        The trained `UniCLIP` model.
    """
    workdir = pathlib.Path(workdir)
    workdirs.check(workdir, config)
    recipe = recipe_from_config(config.data.views)
    source = building.build_source(config)
    keras.utils.set_random_seed(config.seed)
    # Optimising the graph takes longer to start and gains no time per step.
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    tokenizer = find_tokenizer(config, workdir, source)
    strategy = training.distribution_strategy(config.distribution)
    with strategy.scope():
        model = building.build_model(config, tokenizer.vocabulary_size)
        model.compile(optimizer=building.build_optimizer(config, model))
    workdirs.claim(workdir, config, tokenizer)
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
    bad_samples = BadSamples()
    dataset = training_dataset(
        source,
        tokenizer,
        recipe,
        config.image_size,
        config.batch_size,
        config.seed,
        templates=building.training_templates(config),
        shuffle_buffer=config.data.shuffle_buffer,
        cache=config.data.cache,
        bad_samples=bad_samples,
        threads=config.data.threads,
        first_step=first_step,
    )
    # A preempted machine is told so by SIGTERM: save, then leave.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = training.Progress(
        workdir,
        config.steps,
        config.batch_size,
        config.log_every,
        first_step=first_step,
        print_line=lambda line: print(line, flush=True),
    )
    try:
        model.fit(
            dataset,
            steps_per_epoch=config.steps - first_step,
            callbacks=[progress, checkpoints],
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        checkpoints.save()
        print("Interrupted; start again to go on from this step.")
        raise
    finally:
        print(bad_samples.summary())
    return model


def find_tokenizer(config, workdir, source):
    """The run's own tokenizer where it goes on, else one newly learned."""
    if (workdir / workdirs.CONFIG_FILE).exists():
        return load_tokenizer(str(workdir))
    print("Learning the vocabulary ...", flush=True)
    return building.train_tokenizer(config, source)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    run(main)
