"""The tiny corpus on disk, a run trained on it, and commands in-process."""

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
def trained(corpus, tmp_path_factory):
    """`(config, workdir)` of a finished run."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    config = make_config(corpus)
    pretrain(config, workdir)
    return config, workdir


@pytest.fixture
def run_command(monkeypatch, capsys):
    """Runs a command with arguments; returns `(status, stdout, stderr)`."""

    def call(command, *arguments):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [command.__name__, *arguments])
        with flagsaver.flagsaver(), pytest.raises(SystemExit) as ended:
            run(command.main)
        return ended.value.code, *capsys.readouterr()

    return call
