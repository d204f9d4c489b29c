"""Files: finding them by patterns."""

import os
import posixpath

import tensorflow as tf
from braceexpand import UnbalancedBracesError
from braceexpand import braceexpand

from uniclip_keras.data.sources.stream import retry
from uniclip_keras.errors import InputError

# Listing and counting wait for storage, not for the processor.
THREADS = 8


def find_files(patterns, *suffixes):
    """Finds the files that patterns name, in order and without repeats.

    Args:
        patterns: A path or a list of paths. Each may be a folder, and may
            hold globs and braces: `train-{00000..00012}.tar`.
        *suffixes: Endings of the files to take from a folder, such as ".tar".

    Raises:
        InputError: A pattern matches nothing.
    """
    if isinstance(patterns, str | os.PathLike):
        patterns = [patterns]
    patterns = [os.fspath(pattern) for pattern in patterns]
    if not patterns:
        raise InputError(
            "The list of paths is empty: give at least one, such as "
            f"'data/train-*{suffixes[0]}'."
        )
    files = {}
    for pattern in patterns:
        for path in expand_braces(pattern):
            files.update(dict.fromkeys(_matches(path, suffixes)))
    return list(files)


def expand_braces(pattern):
    """`a-{00..02}` -> `a-00, a-01, a-02`; `{x,y}.tar` -> `x.tar, y.tar`."""
    try:
        # Backslashes belong to the path; they escape nothing.
        return list(braceexpand(pattern, escape=False))
    except UnbalancedBracesError:
        return [pattern]


def _matches(path, suffixes):
    if tf.io.gfile.isdir(path):
        names = sorted(retry(path, tf.io.gfile.listdir, path))
        found = [n for n in names if n.lower().endswith(suffixes)]
        if not found:
            raise InputError(
                f"The folder '{path}' holds no {' or '.join(suffixes)} file: "
                "name the folder that has them."
            )
        return [posixpath.join(path, name) for name in found]
    # A missing folder is the more likely mistake.
    folder = posixpath.dirname(path) or "."
    if not set("*?[") & set(folder):
        require_folder(folder)
    found = sorted(retry(path, tf.io.gfile.glob, path))
    if not found:
        raise InputError(
            f"No file matches '{path}': correct the pattern, which may hold "
            "globs (*) and braces ({00..12}), or prepare the data."
        )
    return found


def require_folder(folder):
    """Raises `InputError` if the folder does not exist."""
    if not tf.io.gfile.isdir(folder):
        raise InputError(
            f"The folder '{folder}' does not exist: prepare the data there, "
            "or correct the path."
        )
