"""Files: finding them by patterns, and counting their samples once."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import posixpath
import time

import tensorflow as tf
from braceexpand import UnbalancedBracesError
from braceexpand import braceexpand

from uniclip_keras.errors import InputError

# Counting waits for storage, not for the processor.
_THREADS = 8
_SECONDS_BETWEEN_LINES = 10


def find_files(patterns, *suffixes):
    """Finds the files that patterns name, in order and without repeats.

    Args:
        patterns: A path or a list of paths. Each may be a folder, and may
            hold globs and braces: `train-{00000..00012}.tar`.
        *suffixes: Endings of the names of the files to take from a folder,
            such as ".tar".

    Returns:
        A list of paths.

    Raises:
        InputError: A pattern matches nothing.
    """
    if isinstance(patterns, str | os.PathLike):
        patterns = [patterns]
    patterns = [os.fspath(pattern) for pattern in patterns]
    if not patterns:
        raise InputError(
            "The list of paths is empty: give at least one path, such as "
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
        names = sorted(tf.io.gfile.listdir(path))
        found = [n for n in names if n.lower().endswith(suffixes)]
        if not found:
            raise InputError(
                f"The folder '{path}' holds no {' or '.join(suffixes)} file: "
                "write the files there, or name the folder that has them."
            )
        return [posixpath.join(path, name) for name in found]
    # A missing folder is the more likely mistake, so it is checked first,
    # unless the folder is itself a glob.
    folder = posixpath.dirname(path) or "."
    is_plain = not any(letter in folder for letter in "*?[")
    if is_plain and not tf.io.gfile.isdir(folder):
        raise InputError(
            f"The folder '{folder}' of '{path}' does not exist: prepare the "
            "data there, or correct the path."
        )
    found = sorted(tf.io.gfile.glob(path))
    if not found:
        raise InputError(
            f"No file matches '{path}': correct the pattern, which may hold "
            "globs (*) and braces ({00..12}), or prepare the data."
        )
    return found


def count_samples(files, count_file):
    """Counts the samples of all files, or returns the remembered count.

    Counts are kept under `~/.cache/uniclip_keras` (or `$XDG_CACHE_HOME`). The
    name of an entry depends on the paths, sizes and times of the files, so
    changed files are counted again. Long counts print their progress.

    Args:
        files: List of paths.
        count_file: Function of a path that returns its number of samples.

    Returns:
        The number of samples in all files together.
    """
    entry = _cache_entry(files)
    try:
        return int(json.loads(entry.read_text())["samples"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    samples = _count(files, count_file)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may count at once; none sees half an entry.
        draft = entry.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"samples": samples, "first": files[0]}))
        draft.replace(entry)
    except OSError:
        # Without a cache folder, the next run counts again.
        pass
    return samples


def _count(files, count_file):
    started = printed = time.monotonic()
    samples = 0
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        for done, count in enumerate(pool.map(count_file, files), start=1):
            samples += count
            now = time.monotonic()
            if now - printed > _SECONDS_BETWEEN_LINES:
                left = (now - started) * (len(files) - done) / done
                print(
                    f"Counting samples: {done:,} of {len(files):,} files, "
                    f"{samples:,} samples, {left:.0f} s left",
                    flush=True,
                )
                printed = now
    return samples


def _cache_entry(files):
    identity = hashlib.sha256()
    for path in files:
        stat = tf.io.gfile.stat(path)
        identity.update(f"{path}\n{stat.length}\n{stat.mtime_nsec}\n".encode())
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    name = identity.hexdigest()[:32]
    return pathlib.Path(cache) / "uniclip_keras" / f"count-{name}.json"
