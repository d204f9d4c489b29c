"""Runs a script's main: bad input becomes one sentence and status 2."""

import sys

from absl import app
from absl import flags
from absl import logging

from uniclip_keras.errors import InputError


def run(main):
    """Parses the flags, calls `main(argv)` and exits.

    A mistake of the user (`InputError`, a wrong flag, a stray argument) is
    printed to stderr as `error: <sentence>` with exit status 2; anything else
    is a defect of the program and keeps its traceback.

    Args:
        main: function of the list of arguments left after the flags.
    """
    # TensorFlow logs every file that it writes at a lower level.
    logging.set_verbosity(logging.WARNING)
    try:
        app.run(main, flags_parser=_parse_flags)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _parse_flags(argv):
    """Parses the flags.

    Raises:
        InputError: a flag is unknown or has a bad value, or an argument is
            no flag.
    """
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        message = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{message}; `--help` lists the flags.") from None
    if len(rest) > 1:
        raise InputError(
            f"Unexpected argument {rest[1]!r}: options are given as "
            f"--name=value; `--help` lists them."
        )
    return rest
