"""Keeps TensorFlow's own log off the terminal, so that errors stand out.

`--tensorflow_log`, or `TF_CPP_MIN_LOG_LEVEL=0` in the environment, shows it.
"""

import importlib
import os
import re
import subprocess
import sys

# How absl logs information, warnings and errors; fatal errors pass.
_LOG_LINE = b"WARNING: All log messages before absl|[IWE][0-9]{4} "
_FILTER = f"""
import re, sys
for line in sys.stdin.buffer:
    if not re.match({_LOG_LINE}, line):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
"""


def mute_tensorflow():
    """Imports TensorFlow without its log, unless the user asks for the log.

    Its libraries write lines while they are loaded, before they read
    `TF_CPP_MIN_LOG_LEVEL`: those pass through a filter.
    """
    # The import comes before absl parses the flags.
    flag = re.compile("--?tensorflow_log(=(true|t|1))?", re.IGNORECASE)
    if any(flag.fullmatch(argument) for argument in sys.argv[1:]):
        return
    # 3 hides all but fatal errors. What else fails raises an exception too.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if level != "3" or "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    # A process of its own filters, so that the reason of a crash passes too.
    with subprocess.Popen(
        [sys.executable, "-SEc", _FILTER],
        stdin=subprocess.PIPE,
        stdout=terminal,
        # Ctrl-C ends this process, whose end ends the filter.
        start_new_session=True,
    ) as process:
        os.dup2(process.stdin.fileno(), 2)
        try:
            importlib.import_module("tensorflow")
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
