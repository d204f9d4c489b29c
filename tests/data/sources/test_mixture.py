import numpy as np
import pytest

from uniclip_keras.data import WebDataset
from uniclip_keras.data import mix
from uniclip_keras.errors import InputError


@pytest.fixture
def source(write_tar, sample):
    samples = sample("k0") + sample("k1") + sample("k2")
    return WebDataset(write_tar("t.tar", samples))


def test_mixture_sums_up_and_scales_its_weights(source):
    mixture = mix([source, source], [5, 1])
    np.testing.assert_allclose(mixture.weights, [5 / 6, 1 / 6])
    assert mixture.count() == 6
    assert len(list(mixture.samples())) == 6
    assert mix([source, source]).weights == (0.5, 0.5)


def test_weight_zero_is_there_and_not_drawn(source, write_tar, sample):
    other = WebDataset(write_tar("o.tar", sample("k3")))
    mixture = mix([source, other], [0, 2.0])
    assert mixture.sources == (source, other)
    assert mixture.weights == (0, 1)
    assert mixture.drawn == (other,)
    assert [s["key"] for s in mixture.samples()] == ["k3"]
    assert mixture.count() == 1


@pytest.mark.parametrize("weights", [[1], [0, 0], [1, -2], [1, 1, 1]])
def test_mixture_refuses_weights_that_do_not_fit(source, weights):
    with pytest.raises(InputError, match="one number from 0 up for each"):
        mix([source, source], weights)
    with pytest.raises(InputError, match="empty"):
        mix([])
