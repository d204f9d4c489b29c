"""The learning rate's schedule, and which weights decay."""

import numpy as np
import pytest
import tiny_model as tiny

from uniclip_keras.errors import InputError
from uniclip_keras.training import adamw


@pytest.fixture(scope="module")
def model():
    """A model with position embeddings."""
    return tiny.make_transformers()


def test_schedule_warms_up_and_ends_at_zero(model):
    schedule = adamw(model, 1e-2, 100, 10)._learning_rate
    rates = np.array([float(schedule(step)) for step in range(101)])
    np.testing.assert_allclose(rates[:11], np.linspace(0, 1e-2, 11), atol=1e-7)
    assert (np.diff(rates[10:]) <= 1e-9).all()
    assert rates[55] == pytest.approx(5e-3, rel=1e-3)
    assert rates[100] == pytest.approx(0.0, abs=1e-8)


def test_only_weight_matrices_decay(model):
    optimizer = adamw(model, 1e-2, 6, warmup_steps=2, weight_decay=0.1)
    optimizer.build(model.trainable_variables)
    decayed = {
        v.path
        for v in model.trainable_variables
        if optimizer._use_weight_decay(v.value)
    }
    assert any("projection" in path for path in decayed)
    for variable in model.trainable_variables:
        exempt = len(variable.shape) < 2 or "position" in variable.path
        assert (variable.path in decayed) != exempt
    assert not any("domain_similarity" in path for path in decayed)


def test_warm_up_must_end_before_the_training(model):
    for warmup in (-1, 10, 11):
        with pytest.raises(InputError, match=f"warmup_steps={warmup}.*10"):
            adamw(model, 1e-3, 10, warmup)
