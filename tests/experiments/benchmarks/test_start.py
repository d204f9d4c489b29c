"""The benchmark of starts: every kind of source has the samples."""

from types import SimpleNamespace

from experiments.benchmarks.input import start


def test_every_source_is_written_and_read(tmp_path):
    makers = start.write_sources(tmp_path, 30)
    assert len(makers) == 6
    options = SimpleNamespace(batch=8, buffer=240)
    for make in makers.values():
        source = make()
        assert source.count() == 30
        start.first_rows(source, 1_000, options)
    mixture = start.mixture_of([*makers.values()])()
    assert mixture.count() == 6 * 30
    start.first_rows(mixture, 1_000, options)
