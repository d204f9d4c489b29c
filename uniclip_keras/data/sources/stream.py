"""Streams of files: retried where storage fails for a moment, and limited."""

import contextlib
import errno
import io
import os
import stat
import time

import tensorflow as tf

from uniclip_keras.errors import InputError

# Larger members, records and image files are not read (64 MB).
MAX_BYTES = 2**26

# Seconds to wait before each new attempt to read.
WAITS = (1, 4, 16)

_TRANSIENT = (
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnavailableError,
    # Local disks: EIO and other codes that TensorFlow has no name for.
    tf.errors.UnknownError,
)
_TRANSIENT_CODES = {
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.EINTR,
    errno.EIO,
    errno.EMFILE,
    errno.ENETUNREACH,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.ESTALE,
    errno.ETIMEDOUT,
}


class BrokenFileError(Exception):
    """The bytes of a file are not what its format asks for."""


class MissingFileError(InputError):
    """A file is not there, must not be read, or is no regular file."""


class Stream(io.RawIOBase):
    """A regular file, or one of remote storage, to read and to seek in.

    Reads that fail for a moment are tried again at the same place.

    Args:
        path: Path, str or bytes.

    Attributes:
        path: The path, for messages.
        size: Number of bytes in the file when it was opened.

    Raises:
        MissingFileError: There is no such file that may be read.
        InputError: It cannot be read in several attempts.
    """

    def __init__(self, path):
        super().__init__()
        self._path = os.fsencode(path)
        self.path = self._path.decode("utf-8", "replace")
        self._file = None
        # The next byte to read for the user, and the one that the file is at.
        self._position = self._at = 0
        self.size = retry(self.path, self._find_size)

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._position

    def seek(self, offset, whence=io.SEEK_SET):
        start = (0, self._position, self.size)[whence]
        # Broken files ask for any place; behind the end there is nothing.
        self._position = max(0, start + offset)
        return self._position

    def read(self, size=-1):
        left = max(0, self.size - self._position)
        size = left if size is None or size < 0 else min(size, left)
        if not size:
            return b""
        content = retry(self.path, self._read, size)
        self._position += len(content)
        return content

    def readall(self):
        return self.read()

    def readinto(self, buffer):
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self):
        self._drop_file()
        super().close()

    def _drop_file(self):
        file, self._file = self._file, None
        if file is not None:
            # Nothing was written that closing could lose.
            with contextlib.suppress(OSError, tf.errors.OpError):
                file.close()

    def _find_size(self):
        if not _is_remote(self._path):
            # Opening a pipe would wait, and a device may have no end.
            if b"\0" in self._path:
                raise FileNotFoundError(errno.ENOENT, "no path has a NUL")
            local = os.stat(self._path)
            if not stat.S_ISREG(local.st_mode):
                raise FileNotFoundError(errno.ENOENT, "no regular file")
            return local.st_size
        return tf.io.gfile.stat(self._path).length

    def _read(self, size):
        try:
            if self._file is None:
                self._file, self._at = open_file(self._path), 0
            if self._at != self._position:
                self._file.seek(self._position)
            content = self._file.read(size)
            self._at = self._position + len(content)
            return content
        except tf.errors.OutOfRangeError:
            # The file has become shorter.
            self._drop_file()
            return b""
        except Exception:
            # Where a file is after an error is not known.
            self._drop_file()
            raise


def open_file(path):
    """Opens a file for reading; `path` is bytes."""
    if _is_remote(path):
        return tf.io.gfile.GFile(path, "rb")
    # A seek of TensorFlow's files takes 0.1 ms, most of it in Python.
    return open(path, "rb", buffering=2**14)


def _is_remote(path):
    return b"://" in path


def retry(path, function, *arguments):
    """Calls a function of storage, several times if it fails for a moment.

    Args:
        path: What it reads, for messages.

    Raises:
        MissingFileError, InputError: See `Stream`.
    """
    for wait in (*WAITS, None):
        try:
            return function(*arguments)
        except UnicodeError:
            # TensorFlow's message quotes a path that is no text.
            raise MissingFileError(
                f"'{path}' cannot be read: give it a name in UTF-8."
            ) from None
        except (OSError, tf.errors.OpError) as error:
            if not _is_transient(error):
                raise MissingFileError(
                    f"'{path}' cannot be read ({_first_line(error)}): correct "
                    "the path, or make the file readable."
                ) from error
            if wait is None:
                raise InputError(
                    f"'{path}' cannot be read in {1 + len(WAITS)} attempts "
                    f"({_first_line(error)}): check the storage and start "
                    "again."
                ) from error
        time.sleep(wait)


def _is_transient(error):
    if isinstance(error, tf.errors.OpError):
        return isinstance(error, _TRANSIENT)
    return error.errno in _TRANSIENT_CODES


def _first_line(error):
    text = str(getattr(error, "message", None) or error)
    return text.splitlines()[0] if text else type(error).__name__


def read_file(path):
    """Returns the bytes of a file, or None if it has over `MAX_BYTES`."""
    stream = Stream(path)
    return None if stream.size > MAX_BYTES else stream.read()


def reaches(stream, end):
    """Moves to the byte `end` of a stream; False if it ends before."""
    stream.seek(end - 1)
    return bool(stream.read(1))
