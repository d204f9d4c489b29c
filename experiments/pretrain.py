"""Trains a model as a configuration describes it.

    python -m experiments.pretrain --config=experiments/configs/demo.py \
        --workdir=runs/emoji [--config.batch_size=64 ...]

Started again with the same workdir, it continues from the last checkpoint.
`--allow_changes` continues with another configuration, and records the change
in the workdir. `--init_from=WORKDIR` begins a new run with the weights and
the tokenizer of another one.

SIGTERM and Ctrl-C end a run after its running step, saved, with exit status
143 and 130: the run is not finished. A second Ctrl-C ends it at once.
"""

import signal

import keras
import tensorflow as tf
from absl import flags
from ml_collections import config_flags

from experiments.run import building
from experiments.run import changes
from experiments.run import checking
from experiments.run import data
from experiments.run import files
from experiments.run import fine_tuning
from experiments.run import workdir as workdirs
from experiments.run.bad_batch import describe_batch
from experiments.run.command import Stopped
from experiments.run.command import run
from experiments.run.validation import ValidationMeasure
from uniclip_keras import training
from uniclip_keras.data import BadSamples

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration file of the experiment."
)
_ALLOW_CHANGES = flags.DEFINE_bool(
    "allow_changes", False, "Continue a run with another configuration."
)
_INIT_FROM = flags.DEFINE_string(
    "init_from", None, "Workdir of a run whose weights a new run begins with."
)


def main(argv):
    del argv
    pretrain(
        _CONFIG.value,
        workdirs.WORKDIR.value,
        init_from=_INIT_FROM.value,
        allow_changes=_ALLOW_CHANGES.value,
    )


def pretrain(config, workdir, init_from=None, allow_changes=False):
    """Trains up to `config.steps`, from the last checkpoint if there is one.

    Args:
        config: The configuration.
        workdir: Directory of the run, which may be an address.
        init_from: Workdir of the run to take weights and tokenizer from, for
            a new run.
        allow_changes: bool. Whether to continue a run whose configuration
            differs in what the training depends on.

    Returns:
        The model.

    Raises:
        InputError: The configuration, the data or the workdir is not usable.
        Stopped: A signal has ended the run early, and it is saved.
    """
    workdir = str(workdir)
    checking.check_config(config)
    changed = changes.find_changes(workdir, config, allow_changes)
    workdirs.check_whole(workdir)
    init_from = fine_tuning.resolve(workdir, init_from)
    # Before anything touches a device: workers must be joined first.
    strategy = training.distribution_strategy(config.distribution)
    checking.check_replicas(config, strategy)
    # The chief alone writes, and others hear of what it cannot.
    share = training.share_from_chief(strategy)
    source = data.build_source(config)
    share(lambda: files.check_writable(workdir) or b"")
    source.prepare(folder=files.join(workdir, workdirs.INDEX), share=share)
    start = fine_tuning.load_start(workdir, init_from)
    keras.utils.set_random_seed(config.seed)
    # Optimizing the graph delays the start and saves no time per step.
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    tokenizer = data.share_tokenizer(config, workdir, source, share, start)
    with strategy.scope():
        model = building.build_model(config, tokenizer)
        model.compile(
            optimizer=building.build_optimizer(config, model),
            steps_per_execution=config.steps_per_execution,
        )
    checkpoints = training.Checkpoints(
        files.join(workdir, workdirs.CHECKPOINTS),
        every=config.checkpoint_every,
        best=config.validation.best if config.validation.every else None,
        samples_per_step=config.batch_size,
    )
    if start is not None:
        # Before the optimizer makes its averages, which begin as the weights.
        start.copy_weights(config, model)
    first_step = checkpoints.restore(model)
    checking.check_rest(config, first_step)
    record = start and start.record()
    share(
        lambda: workdirs.save_start(workdir, config, tokenizer, record) or b""
    )
    # Before the first step: a full disk is found now, not hours later.
    checkpoints.save()
    share(
        lambda: (
            changes.record_changes(workdir, config, changed, first_step) or b""
        )
    )
    print_line = _print_line if training.is_chief(strategy) else _no_line
    print_line(
        f"{config.name}: {model.count_params():,} parameters, "
        f"{source.count():,} images, {tokenizer.vocabulary_size:,} tokens, "
        f"{strategy.num_replicas_in_sync} replica(s), "
        f"steps {first_step} to {config.steps} of {config.batch_size} pairs"
    )
    if first_step >= config.steps:
        print_line(f"{workdir} has been trained already.")
        return model
    bad_samples = BadSamples(config.data.max_bad_share)
    batches = data.build_dataset(
        config,
        source,
        tokenizer,
        first_row=checkpoints.position,
        strategy=strategy,
        bad_samples=bad_samples,
    )
    progress = training.Progress(
        workdir,
        config.steps,
        config.batch_size,
        config.log_every,
        first_step=first_step,
        print_line=print_line,
    )
    callbacks = [
        progress,
        training.DataReport(
            bad_samples,
            logdir=progress.logdir if training.is_chief(strategy) else None,
            epoch_steps=max(1, source.count() // config.batch_size),
            first_step=first_step,
            print_line=print_line,
        ),
    ]
    if config.validation.every:
        callbacks.append(
            training.Validation(
                config.validation.every,
                ValidationMeasure(config, tokenizer, strategy, share, workdir),
                workdir,
                config.steps,
                print_line,
            )
        )
    guard = training.NonFiniteGuard(
        describe=lambda: describe_batch(
            config,
            source,
            tokenizer,
            checkpoints.position - config.batch_size,
            workdir if training.is_chief(strategy) else None,
        )
    )
    stop = training.StopOnSignal()
    try:
        model.fit(
            batches,
            steps_per_epoch=config.steps - first_step,
            callbacks=[*callbacks, guard, checkpoints, stop],
            shuffle=False,
            verbose=0,
        )
    finally:
        stop.restore_handlers()
        print_line(bad_samples.summary())
    step = int(tf.identity(model.counts.steps))
    if step < config.steps:
        print_line(
            f"Stopped and saved at step {step}; start again with the same "
            "workdir to continue."
        )
        raise Stopped(stop.signal or signal.SIGTERM)
    return model


def _print_line(line):
    print(line, flush=True)


def _no_line(line):
    """The chief alone prints."""


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    run(main)
