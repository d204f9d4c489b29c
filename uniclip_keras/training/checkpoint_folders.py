"""The folders of checkpoints, and which of them are whole.

A checkpoint is a folder such as `step-000000200` with TensorFlow's files
`state.index` and `state.data-*`, and with `complete.json`, written last, which
says their sizes. Without this file a folder is what an interrupted save has
left. All paths are those of `tf.io.gfile`.
"""

import contextlib
import json
import posixpath
import re

import tensorflow as tf

STATE = "state"
COMPLETE = "complete.json"
PREFIX = "step-"

FILE_ERRORS = (OSError, tf.errors.OpError)


class DamagedCheckpoint(Exception):
    """A complete checkpoint that cannot be read any more; says why."""


def path(directory, step):
    return posixpath.join(directory, f"{PREFIX}{step:09d}")


def steps(directory):
    """Returns the steps of all complete checkpoints, damaged or not, sorted."""
    found = _folders(directory)
    return sorted(
        step
        for step, name in found.items()
        if tf.io.gfile.exists(posixpath.join(directory, name, COMPLETE))
    )


def read(directory, step):
    """Reads what `complete.json` says, and compares the sizes of the files.

    Raises:
        DamagedCheckpoint: If it is not readable or a file has another size.
    """
    folder = path(directory, step)
    try:
        with tf.io.gfile.GFile(posixpath.join(folder, COMPLETE), "rb") as file:
            about = json.loads(file.read())
        sizes = about["files"].items()
        if about["step"] != step:
            raise DamagedCheckpoint(f"{COMPLETE} is of step {about['step']}")
        for name, size in sizes:
            found = tf.io.gfile.stat(posixpath.join(folder, name)).length
            if found != size:
                raise DamagedCheckpoint(
                    f"{name} has {found} bytes instead of {size}"
                )
    except (
        *FILE_ERRORS,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise DamagedCheckpoint(reason(error)) from error
    return about


def reason(error):
    """Returns the kind and the text of an error in one line."""
    # Without the names of TensorFlow's operations.
    text = re.sub(r"{{.*?}}|\s+", " ", str(error)).strip()
    return f"{type(error).__name__}: {text[:200]}"


def write(directory, step, write_state, about):
    """Writes a checkpoint, or none at all.

    Args:
        directory: Directory of the checkpoints.
        step: int.
        write_state: Function that writes the state's files, given a prefix.
        about: Dict that `complete.json` shall hold besides.

    Raises:
        OSError or tf.errors.OpError: If a file cannot be written.
    """
    folder = path(directory, step)
    remove(directory, step)
    try:
        tf.io.gfile.makedirs(folder)
        write_state(posixpath.join(folder, STATE))
        names = sorted(tf.io.gfile.listdir(folder))
        files = {
            name: tf.io.gfile.stat(posixpath.join(folder, name)).length
            for name in names
            if name.startswith(f"{STATE}.")
        }
        # Renamed, so that a crash leaves no file with half of its text.
        complete = posixpath.join(folder, COMPLETE)
        with tf.io.gfile.GFile(f"{complete}.part", "w") as file:
            file.write(json.dumps({"step": step, **about, "files": files}))
        tf.io.gfile.rename(f"{complete}.part", complete, overwrite=True)
    except BaseException:
        # The reason why writing has failed says more than another one.
        with contextlib.suppress(*FILE_ERRORS):
            remove(directory, step)
        raise


def remove(directory, step):
    """Removes a checkpoint, whole or not, if there is one."""
    folder = path(directory, step)
    if not tf.io.gfile.isdir(folder):
        return
    complete = posixpath.join(folder, COMPLETE)
    # First of all: what is left after a crash must not seem complete.
    if tf.io.gfile.exists(complete):
        tf.io.gfile.remove(complete)
    tf.io.gfile.rmtree(folder)


def remove_all_but(directory, keep):
    """Removes all checkpoints but those of some steps."""
    for step in _folders(directory):
        if step not in keep:
            remove(directory, step)


def _folders(directory):
    """Returns a dict step -> name of all folders, incomplete ones, too."""
    if not tf.io.gfile.isdir(directory):
        return {}
    # Object stores end the names of folders in a slash.
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(directory)]
    numbers = {name.removeprefix(PREFIX): name for name in names}
    return {
        int(number): name
        for number, name in numbers.items()
        if number.isdecimal() and name != number
    }
