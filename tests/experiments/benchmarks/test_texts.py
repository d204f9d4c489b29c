"""The benchmark of short texts: its texts, its table, its check."""

import numpy as np
import pytest

from experiments.benchmarks import texts

ARGUMENTS = (
    "--batch=8",
    "--mean=5",
    "--context=12",
    "--lengths=6",
    "--width=8",
    "--layers=1",
    "--vocabulary=20",
    "--repeats=1",
)


@pytest.fixture(autouse=True)
def keep_threads(monkeypatch):
    """The process of the tests has its threads already."""
    threading = texts.tf.config.threading
    monkeypatch.setattr(
        threading, "set_intra_op_parallelism_threads", lambda n: None
    )
    monkeypatch.setattr(
        threading, "set_inter_op_parallelism_threads", lambda n: None
    )


def test_texts_have_the_lengths_asked_for():
    tokens = texts.make_tokens(4000, 10, 77, 50)
    lengths = np.count_nonzero(tokens, 1)
    assert lengths.min() == 3 and lengths.mean() == pytest.approx(10, abs=0.5)


def test_measures_and_compares(run, capsys, monkeypatch):
    run(texts, *ARGUMENTS)
    *_, padded, cut, differences = capsys.readouterr().out.splitlines()
    assert padded.startswith("| padded | ") and padded.endswith(" 1.00 |")
    assert cut.startswith("| cut | ")
    assert differences.startswith("mean tokens ")
    monkeypatch.setattr(texts, "TOLERANCE", -1)
    with pytest.raises(RuntimeError, match="differences are above"):
        run(texts, *ARGUMENTS)
