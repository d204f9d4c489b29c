"""Files of a workdir, local or remote, by TensorFlow's file systems."""

import contextlib
import json
import posixpath

import tensorflow as tf

from uniclip_keras.errors import InputError


@contextlib.contextmanager
def clear_errors(folder, does="be written"):
    """Turns what a file system refuses into one sentence about a folder."""
    try:
        yield
    except tf.errors.UnimplementedError as error:
        scheme = str(folder).partition("://")[0]
        raise InputError(
            f"{folder} cannot {does}: this TensorFlow knows no file system "
            f"{scheme!r}; give a local folder, or one in gs://."
        ) from error
    except (tf.errors.OpError, OSError) as error:
        reason = " ".join(str(getattr(error, "message", error)).split())
        raise InputError(
            f"{folder} cannot {does} ({reason[:200]}): give another folder, or "
            "mend this one's permissions and free space."
        ) from error


def join(folder, name):
    """Returns the path of a file in a folder, which may be an address."""
    return posixpath.join(str(folder), name)


def exists(path):
    """Tells whether there is a file or folder."""
    with clear_errors(path, "be read"):
        return tf.io.gfile.exists(str(path))


def read_bytes(path):
    """Returns the content of a file, or None if there is none."""
    with clear_errors(path, "be read"):
        if not tf.io.gfile.exists(path):
            return None
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()


def read_text(path):
    """Returns the text of a file, or None if there is none."""
    content = read_bytes(path)
    return None if content is None else content.decode("utf-8", "replace")


def read_json(path):
    """Returns the object of a JSON file, or None if there is no file.

    Raises:
        InputError: If the file is broken.
    """
    text = read_text(path)
    if text is None:
        return None
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("it holds no object")
    except ValueError as error:
        raise InputError(
            f"{path} is broken ({error}): restore it from a copy, or start "
            "again in another workdir."
        ) from None
    return found


def write_bytes(path, content):
    """Writes a file that is never seen half-written, and its folder."""
    with clear_errors(path):
        tf.io.gfile.makedirs(posixpath.dirname(path) or ".")
        with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
            file.write(content)
        tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def write_text(path, text):
    """Writes a file that is never seen half-written, and its folder."""
    write_bytes(path, text.encode())


def write_json(path, value):
    """Writes a JSON file that is never seen half-written."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def check_writable(folder):
    """Makes a folder and raises `InputError` unless it can hold files."""
    probe = join(folder, "writable.partial")
    with clear_errors(folder):
        tf.io.gfile.makedirs(str(folder))
        with tf.io.gfile.GFile(probe, "w") as file:
            file.write("yes")
        tf.io.gfile.remove(probe)
