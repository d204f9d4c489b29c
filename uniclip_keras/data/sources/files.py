"""Files: finding them by patterns, and counting their samples once."""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import posixpath
import tarfile
import time
import zlib

import tensorflow as tf
from braceexpand import UnbalancedBracesError
from braceexpand import braceexpand

from uniclip_keras.errors import InputError

# What files, decompressors and tarfile raise for bad bytes.
READ_ERRORS = (
    EOFError,
    OSError,
    OverflowError,
    ValueError,
    tarfile.TarError,
    zlib.error,
    tf.errors.OpError,
)

# Listing and counting wait for storage, not for the processor.
THREADS = 8
_SECONDS_BETWEEN_LINES = 10


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
        names = sorted(tf.io.gfile.listdir(path))
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
    found = sorted(tf.io.gfile.glob(path))
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


def count_samples(files, count_file):
    """Counts the samples of all files, or returns the remembered count.

    Counts are kept under `~/.cache/uniclip_keras` (or `$XDG_CACHE_HOME`). The
    name of an entry depends on the paths, sizes and times of the files, so
    changed files are counted again. Long counts print their progress.

    Args:
        files: List of paths.
        count_file: Function from a path to its number of samples.
    """
    entry = _cache_entry(files)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads(entry.read_text())["samples"])
    samples = _count(files, count_file)
    # Without a cache folder, the next run counts again.
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may count at once; none sees half an entry.
        draft = entry.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"samples": samples, "first": files[0]}))
        draft.replace(entry)
    return samples


def _count(files, count_file):
    started = printed = time.monotonic()
    samples = 0
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
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
