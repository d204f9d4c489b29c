import dataclasses

import pytest

from experiments.corpora.emoji.plan import plan_corpus


@pytest.fixture(scope="session")
def plan():
    return plan_corpus(seed=0)


@pytest.fixture(scope="session")
def small_plan(plan):
    """Nine drawings of each split."""
    samples = {split: rows[:9] for split, rows in plan.samples.items()}
    return dataclasses.replace(plan, samples=samples)
