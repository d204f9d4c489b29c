"""One compiled model for all tests that train."""

import pytest
import tiny_model as tiny

from uniclip_keras import training

STEPS, BATCH_SIZE = 6, 4


@pytest.fixture(scope="session")
def compiled():
    """A traced model and the start values of all its variables."""
    model = tiny.make_model()
    model.compile(
        optimizer=training.adamw(
            model, 1e-2, STEPS, warmup_steps=2, weight_decay=0.1, clip_norm=1.0
        )
    )
    model.make_train_function()
    variables = [
        *model.variables,
        *model.optimizer.variables,
        *model.counts.variables,
        *model.recent_loss.variables,
    ]
    return model, variables, tiny.values(variables)


@pytest.fixture
def model(compiled):
    """The compiled model as it was before any step."""
    model, variables, start = compiled
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    return model


@pytest.fixture
def variables(compiled):
    """All that a run changes in the compiled model."""
    return compiled[1]


@pytest.fixture(scope="session")
def batches():
    """Function from a first step to the dataset of a run's other steps."""
    steps = [tiny.make_batch(BATCH_SIZE, seed=step) for step in range(STEPS)]
    return lambda first_step=0: tiny.dataset(steps[first_step:])
