import dataclasses
import gzip

import numpy as np
import pytest
from tiny_corpus import idx

from experiments.corpora.emoji.plan import plan_corpus


@pytest.fixture(scope="session")
def plan():
    return plan_corpus(seed=0)


@pytest.fixture(scope="session")
def small_plan(plan):
    """Nine drawings of each split."""
    samples = {split: rows[:9] for split, rows in plan.samples.items()}
    return dataclasses.replace(plan, samples=samples)


@pytest.fixture
def originals(tmp_path_factory):
    """Fashion-MNIST of 12 images of labels 0 to 9, 0, 1, and 3 of label 9."""
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(0)
    for word, labels in (("train", np.arange(12) % 10), ("t10k", [9, 9, 9])):
        labels = np.asarray(labels)
        images = rng.integers(0, 256, [len(labels), 28, 28])
        images[:, 0] = labels[:, None]
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{word}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx(values)))
    return folder
