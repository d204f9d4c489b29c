"""The filter of TensorFlow's log lines, on a module that stands in for it."""

import os
import pathlib
import subprocess
import sys

import pytest

from experiments.run.quiet import mute_tensorflow

ROOT = pathlib.Path(__file__).parents[3]
LOG = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog()\\n")
os.write(2, b"I0000 00:00:1.0 2 port.cc:153] oneDNN is on\\n")
os.write(2, b"F0000 00:00:1.0 2 cpu.cc:1] this CPU has no AVX\\n")
"""


@pytest.mark.parametrize(
    ("level", "end", "shown"),
    [
        (None, "", ["F0000"]),
        ("0", "", ["WARNING", "I0000", "F0000"]),
        (None, "os.abort()", ["F0000"]),
        (None, "raise ImportError('broken')", ["F0000", "broken"]),
    ],
    ids=["muted", "shown", "crash", "import error"],
)
def test_only_log_lines_are_dropped(tmp_path, level, end, shown):
    (tmp_path / "tensorflow.py").write_text(LOG + end)
    environment = dict(os.environ, PYTHONPATH=f"{tmp_path}:{ROOT}")
    del environment["TF_CPP_MIN_LOG_LEVEL"]
    if level:
        environment["TF_CPP_MIN_LOG_LEVEL"] = level
    done = subprocess.run(
        [sys.executable, "-c", "import experiments, tensorflow"],
        env=environment,
        capture_output=True,
        text=True,
    )
    for word in ("WARNING", "I0000", "F0000", "broken"):
        assert (word in done.stderr) == (word in shown)
    assert (done.returncode == 0) == (not end)


@pytest.mark.parametrize(
    ("flag", "level", "expected"),
    [
        ("--workdir=x", None, "3"),
        ("--notensorflow_log", None, "3"),
        ("--tensorflow_log=false", None, "3"),
        ("--tensorflow_log", None, None),
        ("-tensorflow_log=True", None, None),
        ("--workdir=x", "0", "0"),
    ],
)
def test_a_flag_or_the_environment_shows_the_log(
    flag, level, expected, monkeypatch
):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    if level:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    monkeypatch.setattr(sys, "argv", ["-m", flag])
    mute_tensorflow()
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == expected
