import pytest
from absl import flags

from experiments.benchmarks import command


@pytest.fixture
def run():
    """Runs a benchmark's `main` with arguments of the command line."""

    def call(benchmark, *arguments):
        values = flags.FlagValues()
        command.define_flags(benchmark.OPTIONS, values)
        values([benchmark.__name__, *arguments])
        benchmark.main(values)

    return call
