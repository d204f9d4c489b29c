import numpy as np
import pytest
from samples import sample_members
from samples import write_tar

from uniclip_keras.data import WebDataset
from uniclip_keras.data import mix
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("tars") / "t.tar"
    samples = sample_members("k0") + sample_members("k1") + sample_members("k2")
    return WebDataset(write_tar(path, samples))


def test_a_mixture_adds_counts_and_scales_weights(source):
    mixture = mix([source, source], [5, 1])
    np.testing.assert_allclose(mixture.weights, [5 / 6, 1 / 6])
    assert mixture.count() == 6
    assert len(list(mixture.samples())) == 6
    assert mix([source, source]).weights == (0.5, 0.5)


def test_a_source_of_weight_zero_is_kept_and_not_drawn(source, tmp_path):
    other = WebDataset(write_tar(tmp_path / "o.tar", sample_members("k3")))
    mixture = mix([source, other], [0, 2.0])
    assert mixture.sources == (source, other)
    assert mixture.weights == (0, 1)
    assert mixture.drawn == (other,)
    assert [s["key"] for s in mixture.samples()] == ["k3"]
    assert mixture.count() == 1


@pytest.mark.parametrize("weights", [[1], [0, 0], [1, -2], [1, 1, 1]])
def test_weights_that_do_not_fit_are_refused(source, weights):
    with pytest.raises(InputError, match="one number from 0 up for each"):
        mix([source, source], weights)
    with pytest.raises(InputError, match="empty"):
        mix([])
