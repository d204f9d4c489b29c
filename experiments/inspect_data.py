"""Shows the data that a configuration trains on, as one HTML page.

    python -m experiments.inspect_data --config=experiments/configs/demo.py \
        [--output_dir=runs/inspect] [--samples=12] [--batches=10]

`--workdir` uses the tokenizer of that run, and its configuration unless
`--config` is given. Without it, a vocabulary is learned as by `pretrain`.
"""

import pathlib

from absl import flags
from ml_collections import config_flags

from experiments.report import data_page
from experiments.report.page import write_page
from experiments.run import data
from experiments.run import workdir as workdirs
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.data import BadSamples
from uniclip_keras.errors import InputError


def main(argv):
    del argv
    options = flags.FLAGS
    config, workdir = options.config, options.workdir
    if config is None and workdir is None:
        raise InputError(
            "There is no data to show: give --config, or --workdir of a run."
        )
    config = config or workdirs.read_config(workdir)
    sizes = options.samples, options.batches
    inspect(config, options.output_dir, *sizes, workdir)


def inspect(config, output_dir, samples=12, batches=10, workdir=None):
    """Writes `data.html` about the training data; returns its path.

    Shows `samples` and counts `batches`, fewer if they take a minute. The
    tokenizer is that of the run in `workdir`, if given.
    """
    if samples < 1 or batches < 2:
        raise InputError(
            f"--samples={samples} and --batches={batches} are too few: give at "
            "least 1 and 2."
        )
    print("Reading the sources ...", flush=True)
    source = data.build_source(config)
    tokenizer = data.find_tokenizer(config, workdir, source)
    print(f"Drawing {samples} samples ...", flush=True)
    shown = data_page.draw_samples(config, source, tokenizer, samples)
    # Without a limit, so that data too bad for training can be seen.
    bad_samples = BadSamples()
    statistics, speed = data_page.count_batches(
        config, source, tokenizer, bad_samples, batches
    )
    path = pathlib.Path(output_dir) / "data.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(
        path,
        "data_page.html",
        config=config.to_dict(),
        tokenizer=tokenizer,
        samples=shown,
        statistics=statistics,
        speed=speed,
        parts=data_page.describe_parts(config, source, statistics),
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
