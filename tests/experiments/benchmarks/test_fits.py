"""The comparison of fits: what flags are called, and its table."""

import numpy as np
import pytest
from samples import encode
from samples import smooth_pixels

from experiments.benchmarks import fits
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores


def test_flags_are_named_by_their_letters(tmp_path):
    for name in ("fr", "zz", "gb-sct"):
        image = encode(smooth_pixels(0, 8))
        (tmp_path / f"{name}.png").write_bytes(image)
    flags = fits.read_flags(tmp_path, {"1f1eb-1f1f7": ["flag: France"]})
    assert list(flags) == ["1f1eb-1f1f7"]
    assert flags["1f1eb-1f1f7"].shape == (8, 8, 3)
    with pytest.raises(InputError, match="holds no flags named like fr.png"):
        fits.read_flags(tmp_path / "gone", {})


def test_fits_are_compared_with_squash():
    def scores(*hits):
        values = np.array(hits, float)
        ranks = Scores(2 - values, statistic="median")
        recalls = dict.fromkeys(("R@1", "R@5"), Scores(values))
        return recalls | {"median_rank": ranks}

    found = {"squash": scores(0, 0, 1, 1), "pad": scores(0, 1, 1, 1)}
    rows = fits.rows(found)
    assert [row[:3] for row in rows[::3]] == [
        ["squash", "R@1", "50.0 %"],
        ["pad", "R@1", "75.0 %"],
    ]
    assert [row[4] for row in rows] == ["", "", "", "+25.0", "+25.0", ""]
