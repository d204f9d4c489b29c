"""Evaluated workdirs, made without training."""

import functools

import pytest
from evaluated import write_tiny_run


@pytest.fixture
def write_run(corpus, tmp_path):
    """Writes the workdir of a name; returns its path."""

    def write(name, *arguments, **options):
        write_run = functools.partial(write_tiny_run, tmp_path / name, corpus)
        return write_run(*arguments, **options)

    return write
