"""Flags and exit statuses of commands, and what reaches the terminal."""

import os
import pathlib
import subprocess
import sys

import pytest

from experiments import evaluate
from experiments import export
from experiments import prepare_emoji

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.parametrize("flag", ["--seed=-1", "--sed=1", "stray"])
def test_bad_flags_are_one_sentence(flag, run_command):
    # Each command has the first one.
    status, _, stderr = run_command(prepare_emoji, "--tensorflow_log", flag)
    assert status == 2
    (line,) = stderr.splitlines()
    assert line.startswith("error: ")
    assert flag.strip("-").split("=")[0] in line


@pytest.mark.parametrize("command", [evaluate, export])
def test_a_folder_without_a_run(command, tmp_path, run_command):
    status, _, stderr = run_command(command, f"--workdir={tmp_path}")
    assert status == 2
    assert "config.json" in stderr.splitlines()[-1]


def test_output_that_nobody_reads(monkeypatch, run_command):
    # As in `| head`, whose end closes the pipe.
    reader, writer = os.pipe()
    os.close(reader)

    class Prints:
        __name__ = "prints"

        @staticmethod
        def main(argv):
            print(argv)

    with os.fdopen(writer, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        status, _, stderr = run_command(Prints())
    assert status == 141 and stderr == ""


def run_process(name, *arguments):
    """Runs a command as a user does."""
    environment = dict(os.environ)
    del environment["TF_CPP_MIN_LOG_LEVEL"]
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_command_prints_its_own_lines_only(trained, tmp_path):
    _, workdir = trained
    path = tmp_path / "saved_model"
    done = run_process(
        "export", f"--workdir={workdir}", f"--saved_model={path}"
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == f"SavedModel of step 4: {path}\n"


def test_a_mistake_is_one_line_and_status_2(tmp_path):
    done = run_process("evaluate", f"--workdir={tmp_path}")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path} holds no config.json")
