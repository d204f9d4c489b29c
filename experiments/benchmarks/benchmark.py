"""The command line that the benchmarks share."""

import pathlib

from absl import flags

from experiments.run.command import run
from uniclip_keras.errors import InputError

# `--help` of a benchmark then shows the flags that this module defines for it.
flags.disclaim_key_flags()

_DEFINE = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    list: flags.DEFINE_list,
}


def define_flags(options, values=flags.FLAGS):
    """Adds flags `{name: (default, help)}` of the kinds of their defaults.

    The lowest and the highest value of a number may follow its help.
    """
    for name, (default, *rest) in options.items():
        _DEFINE[type(default)](name, default, *rest, flag_values=values)


def run_benchmark(options, main):
    """Parses the flags of `options` and calls `main(flags)`."""
    define_flags(options)
    run(lambda argv: main(flags.FLAGS))


def parse_integers(name, texts, least):
    """Turns the texts of a list flag into integers of at least `least`."""
    if not all(text.isdecimal() and int(text) >= least for text in texts):
        raise InputError(
            f"--{name}={','.join(texts)}: give integers of at least {least}, "
            f"e.g. --{name}=64,32."
        )
    return [int(text) for text in texts]


def make_output_dir(name):
    """Makes the folder of `--output_dir` and returns its path."""
    folder = pathlib.Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot write to {name!r} ({error.strerror}): choose an "
            "--output_dir that you may write to."
        ) from None
    return folder
