"""Keeps TensorFlow's own log off the terminal, so that errors stand out.

Set `TF_CPP_MIN_LOG_LEVEL=0` to see the whole log.
"""

import contextlib
import importlib.util
import os
import subprocess
import sys

# TensorFlow's own variable: 3 hides all but fatal errors. What else fails
# raises an exception too.
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
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
    """Mutes the log from the first `import tensorflow` on.

    Does nothing where the user asks for another level, and does not import
    TensorFlow.
    """
    level = os.environ.setdefault(_LEVEL, "3")
    if level == "3" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _TensorFlowFinder)


class _TensorFlowFinder:
    """Finds `tensorflow` as usual and filters stderr during its import.

    Its libraries log while they are loaded, before they read the level.
    """

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(cls)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_quietly(module):
                with _filtered_stderr():
                    execute(module)

            spec.loader.exec_module = execute_quietly
        return spec


@contextlib.contextmanager
def _filtered_stderr():
    """Drops log lines written to file descriptor 2, by C++ code too.

    A process of its own filters, so that the reason of a crash passes too.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with subprocess.Popen(
        [sys.executable, "-SEc", _FILTER],
        stdin=subprocess.PIPE,
        stdout=terminal,
        # Ctrl-C ends this process, whose end ends the filter.
        start_new_session=True,
    ) as process:
        os.dup2(process.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
