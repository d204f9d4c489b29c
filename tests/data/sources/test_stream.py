"""Reading files: again where storage fails, never what is no file."""

import io
import os

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data.sources import stream as streams
from uniclip_keras.data.sources.stream import MissingFileError
from uniclip_keras.data.sources.stream import Stream
from uniclip_keras.errors import InputError

CONTENT = np.random.default_rng(0).bytes(300_000)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT)
    return str(tmp_path / "a")


@pytest.fixture
def fail(monkeypatch):
    """Makes the next reads fail with the given errors."""
    monkeypatch.setattr(streams, "WAITS", (0, 0, 0))
    errors = []

    class Failing(io.FileIO):
        def read(self, size=-1):
            if errors:
                super().read(7)
                raise errors.pop()
            return super().read(size)

    monkeypatch.setattr(streams, "open_file", Failing)
    return errors.extend


def test_a_stream_reads_and_seeks_like_a_file(path):
    rng = np.random.default_rng(1)
    with Stream(path) as stream, open(path, "rb") as twin:
        assert stream.size == len(CONTENT)
        for _ in range(300):
            place, size = rng.integers(0, [310_000, 9000])
            assert stream.seek(place) == twin.seek(place) == stream.tell()
            assert stream.read(int(size)) == twin.read(int(size))
        stream.seek(0)
        assert stream.read() == CONTENT


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.UnavailableError(None, None, "busy"),
        tf.errors.DeadlineExceededError(None, None, "slow"),
        tf.errors.AbortedError(None, None, "reset"),
        tf.errors.ResourceExhaustedError(None, None, "full"),
        OSError(5, "EIO"),
        OSError(110, "ETIMEDOUT"),
        OSError(104, "ECONNRESET"),
        OSError(116, "ESTALE"),
    ],
)
def test_errors_that_pass_cost_no_byte(path, fail, error):
    with Stream(path) as stream:
        first = stream.read(1000)
        fail([error] * 3)
        assert first + stream.read(5000) + stream.read() == CONTENT
        stream.seek(0)
        fail([error] * 4)
        message = f"'{path}' cannot be read in 4 attempts"
        with pytest.raises(InputError, match=message):
            stream.read(1)


def test_other_errors_are_not_tried_again(path, fail):
    fail([tf.errors.PermissionDeniedError(None, None, "no")])
    with pytest.raises(MissingFileError, match="cannot be read .no.: correct"):
        Stream(path).read(1)
    # What is no error of storage is not swallowed.
    fail([ZeroDivisionError("a mistake")])
    with pytest.raises(ZeroDivisionError):
        Stream(path).read(1)
    assert Stream(path).read(1) == CONTENT[:1]


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/dev/zero")
    paths = [tmp_path / name for name in ("pipe", "folder", "link", "none")]
    for path in (*paths, "/dev/zero", "a\0b", b"\xff", "ram://none", "x://y"):
        with pytest.raises(MissingFileError, match="cannot be read"):
            Stream(path)


def test_files_over_the_limit_are_not_read(path, monkeypatch):
    assert streams.read_file(path) == CONTENT
    monkeypatch.setattr(streams, "MAX_BYTES", len(CONTENT) - 1)
    assert streams.read_file(path) is None
