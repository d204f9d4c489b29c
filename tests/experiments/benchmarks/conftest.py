import pytest
from absl import flags

from experiments.benchmarks import benchmark


@pytest.fixture
def run():
    """Runs a benchmark's `main` with arguments of the command line."""

    def call(module, *arguments):
        values = flags.FlagValues()
        benchmark.define_flags(module.OPTIONS, values)
        values([module.__name__, *arguments])
        module.main(values)

    return call
