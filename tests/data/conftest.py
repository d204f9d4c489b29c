"""What several tests of the pipeline need."""

import pytest
import training_batches


@pytest.fixture(scope="package")
def tokenizer():
    return training_batches.make_tokenizer()
