"""Runs a command: a mistake of the user is one sentence and exit status 2."""

import functools
import os
import re
import signal
import sys

from absl import app
from absl import flags
from absl import logging

from experiments.run import options
from uniclip_keras.errors import InputError

# `experiments.run.quiet` reads it, before the flags are parsed.
flags.DEFINE_bool("tensorflow_log", False, "Show TensorFlow's own log.")


class Stopped(Exception):
    """A signal has ended a command early, its work saved.

    Args:
        signal: The `signal.Signals` that came.
    """

    def __init__(self, signal):
        super().__init__(signal)
        self.signal = signal


def run(main, arguments=False):
    """Parses the flags, calls `main(argv)` and exits.

    `arguments` tells whether the command takes any beside its flags.

    A mistake of the user (`InputError`, a wrong flag, a stray argument) is
    printed to stderr as `error: <sentence>` with exit status 2. A signal is
    the exit status that a shell shows for it: 143 for SIGTERM, 130 for
    Ctrl-C, 141 where nobody reads the output any more, as in `| head`. Any
    other exception is a defect of the program and keeps its traceback.
    """
    options.register()
    # TensorFlow logs every file that it writes at a lower level.
    logging.set_verbosity(logging.WARNING)
    try:
        parse = functools.partial(_parse_flags, arguments)
        app.run(lambda argv: _call(main, argv), flags_parser=parse)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stopped:
        sys.exit(128 + stopped.signal)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Python would fail once more as it flushes what is left.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _call(main, argv):
    try:
        status = main(argv)
        sys.stdout.flush()
        return status
    except OSError as error:
        # ml_collections raises it where a configuration is first used.
        if "Configuration is not available" not in str(error):
            raise
        raise _unreadable(error.__cause__) from None


def _unreadable(error):
    return InputError(
        f"the configuration file cannot be read: {_sentence(error)}; name one "
        "such as experiments/configs/emoji.py."
    )


def _parse_flags(arguments, argv):
    # Flags may follow arguments.
    flags.FLAGS.set_gnu_getopt()
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        raise InputError(
            f"{_sentence(error)}; `{argv[0]} --help` lists the flags."
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # ml_collections raises these for a key or value that does not fit.
        raise InputError(
            f"the configuration does not fit: {_sentence(error)}; its file and "
            "experiments/configs/base.py list the keys."
        ) from None
    except OSError as error:
        raise _unreadable(error) from None
    if len(rest) > 1 and not arguments:
        raise InputError(
            f"Unexpected argument {rest[1]!r}: give options as --name=value; "
            "`--help` lists them."
        )
    return rest


def _sentence(error):
    """Returns the innermost message of an exception on one line."""
    while error.args and isinstance(error.args[0], Exception):
        error = error.args[0]
    message = str(error.args[0]) if len(error.args) == 1 else str(error)
    # A locked ConfigDict lists its whole contents before the nearest key.
    message = re.sub(
        r"(?s)Other fields present: .*(?=Did you mean)", "", message
    )
    message = re.sub(r"(?s)Failed loading config file .*?\]:\s+", "", message)
    # An error inside a configuration file comes with its whole traceback.
    message = re.sub(
        r"(?s)Error whilst parsing config file:.*\n[\w.]*Error: ", "", message
    )
    return " ".join(message.split()).rstrip(".?")
