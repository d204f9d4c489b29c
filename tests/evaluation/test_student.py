"""Student's t against closed forms and published quantiles."""

import math
import statistics

import pytest

from uniclip_keras.evaluation import student


def test_closed_forms():
    for t in (-30.0, -1.0, 0.0, 0.5, 4.0):
        cauchy = 0.5 + math.atan(t) / math.pi
        assert student.cumulative(t, 1) == pytest.approx(cauchy, abs=1e-12)
        two = 0.5 + t / (2 * math.sqrt(2 + t * t))
        assert student.cumulative(t, 2) == pytest.approx(two, abs=1e-12)
        normal = statistics.NormalDist().cdf(t)
        assert student.cumulative(t, 1e9) == pytest.approx(normal, abs=1e-6)
    assert student.cumulative(1e9, 5000) == 1.0


def test_quantiles_of_the_tables():
    for freedom, expected in (
        (1, 12.7062047),
        (4, 2.7764451),
        (29, 2.0452296),
        (1000, 1.9623391),
    ):
        found = student.quantile(0.975, freedom)
        assert found == pytest.approx(expected, abs=1e-6)
        assert student.quantile(0.025, freedom) == pytest.approx(-found)
