"""File patterns: folders, globs and braces, through `tf.io.gfile`."""

import itertools
import os
import posixpath
import re

import tensorflow as tf

from uniclip_keras.errors import InputError

_BRACES = re.compile(r"\{([^{}]*)\}")


def expand_braces(pattern):
    """`a-{00..02}` -> `a-00, a-01, a-02`; `{x,y}.tar` -> `x.tar, y.tar`."""
    match = _BRACES.search(pattern)
    if not match:
        return [pattern]
    first, separator, last = match.group(1).partition("..")
    if separator and first.isdigit() and last.isdigit():
        choices = [
            str(number).zfill(len(first))
            for number in range(int(first), int(last) + 1)
        ]
    else:
        choices = match.group(1).split(",")
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return list(
        itertools.chain.from_iterable(
            expand_braces(head + choice + tail) for choice in choices
        )
    )


def find_files(patterns, *suffixes):
    """Files that `patterns` name, in order, none twice.

    Args:
        patterns: A path, or a list of paths; each may be a folder, and may
            hold globs and braces.
        *suffixes: Ends of the names of the files that are meant by a folder,
            such as ".tar".

    Raises:
        InputError: A pattern matches nothing.
    """
    if isinstance(patterns, str | os.PathLike):
        patterns = [patterns]
    patterns = [os.fspath(pattern) for pattern in patterns]
    if not patterns:
        raise InputError(
            "The list of paths is empty: give at least one such as "
            f"'data/train-*{suffixes[0]}'."
        )
    files = {}
    for pattern in patterns:
        for path in expand_braces(pattern):
            for file in _matches(path, suffixes):
                files[file] = None
    return list(files)


def _matches(path, suffixes):
    if tf.io.gfile.isdir(path):
        names = sorted(tf.io.gfile.listdir(path))
        found = [n for n in names if n.lower().endswith(suffixes)]
        if not found:
            raise InputError(
                f"The folder '{path}' holds no {' or '.join(suffixes)} file: "
                "write the files there, or name the folder that has them."
            )
        return [posixpath.join(path, name) for name in found]
    # A folder that does not exist is the likelier mistake, so it is named
    # before the pattern in it; globs in the folder part are left to glob.
    folder = posixpath.dirname(path) or "."
    plain = not any(letter in folder for letter in "*?[")
    if plain and not tf.io.gfile.isdir(folder):
        raise InputError(
            f"The folder '{folder}' of '{path}' does not exist: prepare the "
            "data there, or correct the path."
        )
    found = sorted(tf.io.gfile.glob(path))
    if not found:
        raise InputError(
            f"No file matches '{path}': globs (*) and braces ({{00..12}}) "
            "are allowed; correct the pattern or prepare the data."
        )
    return found
