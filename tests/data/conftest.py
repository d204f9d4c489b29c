"""What several tests of the pipeline need."""

import pytest
import training_batches


@pytest.fixture(scope="package")
def tokenizer():
    return training_batches.make_tokenizer()


@pytest.fixture(scope="package")
def tars(tmp_path_factory):
    """Nine good samples, ids 0 to 8, each with two captions of its own."""
    folder = tmp_path_factory.mktemp("tars")
    return training_batches.write_nine_samples(folder)
