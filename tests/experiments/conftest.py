"""The tiny corpus on disk, a run trained on it, and commands in-process."""

import contextlib
import io
import shutil
import sys

import pytest
from absl.testing import flagsaver
from tiny_corpus import make_config
from tiny_corpus import write_corpus

from experiments.pretrain import pretrain
from experiments.run.command import run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def trained_output(corpus, tmp_path_factory):
    """`(config, workdir, stdout)` of a finished run of four steps."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    config = make_config(corpus)
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        pretrain(config, workdir)
    return config, workdir, stdout.getvalue()


@pytest.fixture(scope="session")
def trained(trained_output):
    """`(config, workdir)` of the finished run, for tests that only read."""
    return trained_output[:2]


@pytest.fixture
def copied(trained, tmp_path):
    """`(config, workdir)` of a copy of the finished run."""
    config, workdir = trained
    return config, shutil.copytree(workdir, tmp_path / "copy")


@pytest.fixture
def run_command(monkeypatch, capsys):
    """Runs a command with arguments; returns `(status, stdout, stderr)`."""

    def call(command, *arguments, **options):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [command.__name__, *arguments])
        with flagsaver.flagsaver(), pytest.raises(SystemExit) as ended:
            run(command.main, **options)
        return ended.value.code, *capsys.readouterr()

    return call
