"""The gap of runs: each image with its first text."""

import types

import numpy as np
import pytest

from experiments.benchmarks import gap
from experiments.evaluation import storage
from uniclip_keras.errors import InputError


def test_each_image_has_its_first_text(tmp_path, capsys):
    texts = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    arrays = {
        "images/embeddings": np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]]),
        "images/labels": np.array(["b", "a", "b"]),
        "candidates/embeddings": texts,
        "candidates/labels": np.array(["a", "b", "b"]),
    }
    storage.write(str(tmp_path / "one"), "style", arrays)
    _, own = gap.read_pairs(str(tmp_path / "one"), "style")
    np.testing.assert_array_equal(own, texts[[1, 0, 1]])

    def options(runs, task="style"):
        return types.SimpleNamespace(runs=[str(tmp_path / runs)], task=task)

    gap.main(options("*"))
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.startswith(f"| {tmp_path / 'one'} | 0.000 | 1.000 | ")
    with pytest.raises(InputError, match="keeps no embeddings of 'novel'"):
        gap.main(options("one", "novel"))
    with pytest.raises(InputError, match="names no folder"):
        gap.main(options("gone"))
