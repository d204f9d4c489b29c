"""Shows the data that a configuration trains on, as one HTML page.

    python -m experiments.inspect_data --config=experiments/configs/emoji.py \
        [--output_dir=runs/inspect] [--samples=12] [--batches=10]

`--workdir` uses the tokenizer of that run, and its configuration unless
`--config` is given. Without it, the command learns a vocabulary as `pretrain`
does.
"""

import pathlib

from absl import flags
from ml_collections import config_flags

from experiments.report.data_page import count_batches
from experiments.report.data_page import describe_parts
from experiments.report.data_page import draw_samples
from experiments.report.page import write_page
from experiments.run import data
from experiments.run import workdir as workdirs
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.data import BadSamples
from uniclip_keras.errors import InputError

PAGE = "data.html"


def main(argv):
    del argv
    options = flags.FLAGS
    config = options.config
    if config is None and options.workdir is None:
        raise InputError(
            "There is no data to show: give --config, or the --workdir of a "
            "run."
        )
    if config is None:
        config = workdirs.read_config(options.workdir)
    inspect(
        config,
        options.output_dir,
        options.samples,
        options.batches,
        options.workdir,
    )


def inspect(config, output_dir, samples=12, batches=10, workdir=None):
    """Looks at the training data and writes the page.

    Args:
        config: The configuration.
        output_dir: Folder for `data.html`. Created if missing.
        samples: Number of samples to show, at least 1.
        batches: Number of batches to count, at least 2. Slow data ends the
            count after a minute.
        workdir: A run whose tokenizer to use, or None.

    Returns:
        Path of the page.

    Raises:
        InputError: If a number is too small, or if the data cannot be used
            for training.
    """
    if samples < 1 or batches < 2:
        raise InputError(
            f"--samples={samples} and --batches={batches} are too few: give "
            "at least 1 and 2."
        )
    print("Reading the sources ...", flush=True)
    source = data.build_source(config)
    tokenizer = data.find_tokenizer(config, workdir, source)
    print(f"Drawing {samples} samples ...", flush=True)
    shown = draw_samples(config, source, tokenizer, samples)
    # Without a limit, so that data too bad for training can be seen.
    bad_samples = BadSamples()
    statistics, speed = count_batches(
        config, source, tokenizer, bad_samples, batches
    )
    path = pathlib.Path(output_dir) / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(
        path,
        "data_page.html",
        config=config.to_dict(),
        tokenizer=tokenizer,
        samples=shown,
        statistics=statistics,
        speed=speed,
        parts=describe_parts(config, source, statistics),
        bad_samples=bad_samples,
        hardware=describe_hardware(config.data.threads, ("tensorflow",)),
    )
    print(bad_samples.summary())
    print(f"page: {path}")
    return path


def define_flags():
    """Defines the flags, except `--workdir` of `experiments.run.workdir`."""
    config_flags.DEFINE_config_file(
        "config", None, "The experiment's configuration file."
    )
    flags.DEFINE_string("output_dir", "runs/inspect", "Folder of the page.")
    flags.DEFINE_integer("samples", 12, "Samples to show.")
    flags.DEFINE_integer("batches", 10, "Batches to count and time.")


if __name__ == "__main__":
    define_flags()
    run(main)
