"""The helpers of `samples` as fixtures."""

import pytest
import samples


@pytest.fixture
def encode_image():
    return samples.encode


@pytest.fixture
def pixels():
    return samples.smooth_pixels


@pytest.fixture
def sample():
    return samples.sample_members


@pytest.fixture
def write_tar(tmp_path):
    """Writes members as a tar of this name in the test's own folder."""

    def write(name, members):
        return samples.write_tar(tmp_path / name, members)

    return write
