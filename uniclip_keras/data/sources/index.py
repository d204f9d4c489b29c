"""Where samples are in files: made once by scanning, and kept.

The index of a list of files knows how many samples each holds, where every
64th of them begins, and about how many are lost where a file breaks.
"""

import concurrent.futures
import contextlib
import hashlib
import io
import os
import pathlib
import posixpath
import time
import typing
import uuid
import zipfile
import zlib

import numpy as np
import tensorflow as tf

from uniclip_keras.data.sources import files
from uniclip_keras.data.sources.stream import BrokenFileError
from uniclip_keras.data.sources.stream import retry

# Samples between two places that the index knows.
STEP = 64

# Part of the name of entries: others read the same files differently.
_VERSION = "1"
_SECONDS_BETWEEN_LINES = 10


class Index(typing.NamedTuple):
    """What an index knows of F files, int64 arrays.

    Attributes:
        counts: `[F]`, the number of samples in each file.
        lost: `[F]`, the estimated number of samples behind its break, or 0.
        packed: `[F]`, 1 for compressed files.
        places: The positions of every 64th sample, file after file.
        firsts: `[F]`, where the places of each file begin.
    """

    counts: np.ndarray
    lost: np.ndarray
    packed: np.ndarray
    places: np.ndarray
    firsts: np.ndarray

    def place(self, file, number):
        """The position of the sample `STEP * number` of a file."""
        return int(self.places[self.firsts[file] + number])


def load_index(paths, name, make_reader, folder=None):
    """Returns the bytes of an index: kept ones, or by scanning the files.

    Indices are kept under `~/.cache/uniclip_keras` (or `$XDG_CACHE_HOME`) and
    in `folder`. The name of an entry depends on the paths, sizes and times of
    the files, so changed files are scanned again.

    Args:
        paths: List of the paths of files.
        name: Name of their format.
        make_reader: Function from a path to a reader at its beginning.
        folder: Another folder that keeps the index, or None.
    """
    entry = _entry_name(paths, name)
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    places = [posixpath.join(str(cache), "uniclip_keras", entry)]
    if folder is not None:
        places.insert(0, posixpath.join(str(folder), entry))
    entries = {place: _read_entry(place, len(paths)) for place in places}
    content = next(filter(None, entries.values()), None)
    if content is None:
        file = io.BytesIO()
        np.savez_compressed(file, **_scan_files(paths, make_reader))
        content = file.getvalue()
    for place, kept in entries.items():
        if kept is None:
            # Without a cache folder, the next run scans again.
            with contextlib.suppress(OSError, tf.errors.OpError):
                _write_entry(place, content)
    return content


def read_index(content):
    """Returns the `Index` in bytes of `load_index`.

    Raises:
        ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile,
        zlib.error: The bytes hold no index.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        counts, lost, packed, places = (
            arrays[name].astype(np.int64)
            for name in ("counts", "lost", "packed", "places")
        )
    sizes = -(-counts // STEP)
    fits = counts.shape == lost.shape == packed.shape
    if not fits or places.shape != (sizes.sum(),):
        raise ValueError("The arrays do not fit each other.")
    return Index(counts, lost, packed, places, np.cumsum(sizes) - sizes)


def _entry_name(paths, name):
    identity = hashlib.sha256(f"{_VERSION} {STEP} {name}\n".encode())
    with concurrent.futures.ThreadPoolExecutor(files.THREADS) as pool:
        stats = pool.map(
            lambda path: retry(path, tf.io.gfile.stat, path), paths
        )
        for path, stat in zip(paths, stats, strict=True):
            line = f"{path}\n{stat.length}\n{stat.mtime_nsec}\n"
            identity.update(line.encode("utf-8", "surrogateescape"))
    return f"index-{identity.hexdigest()[:32]}.npz"


def _read_entry(place, num_files):
    bad_entry = (EOFError, KeyError, OSError, ValueError, zlib.error)
    with contextlib.suppress(*bad_entry, zipfile.BadZipFile, tf.errors.OpError):
        with tf.io.gfile.GFile(place, "rb") as file:
            content = file.read()
        if len(read_index(content).counts) == num_files:
            return content
    return None


def _write_entry(place, content):
    tf.io.gfile.makedirs(posixpath.dirname(place))
    # Several processes may write at once; none sees half an entry.
    draft = f"{place}.{uuid.uuid4().hex}"
    try:
        with tf.io.gfile.GFile(draft, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(draft, place, overwrite=True)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(draft)
        raise


def _scan_files(paths, make_reader):
    """Returns the arrays of an `Index` by name."""

    def scan(path):
        return _scan_file(make_reader(path))

    scanned = []
    started = printed = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(files.THREADS) as pool:
        # If one fails, `map` cancels those that wait.
        for found in pool.map(scan, paths):
            scanned.append(found)
            done, now = len(scanned), time.monotonic()
            if now - printed > _SECONDS_BETWEEN_LINES:
                samples = sum(count for count, *_ in scanned)
                left = (now - started) * (len(paths) - done) / done
                print(
                    f"Counting samples: {done:,} of {len(paths):,} files, "
                    f"{samples:,} samples, {left:.0f} s left",
                    flush=True,
                )
                printed = now
    counts, packed, good, behind, places = zip(*scanned, strict=True)
    # A file that breaks at once is as dense as the others.
    mean = sum(good) / max(1, sum(counts))
    lost = [
        0
        if behind[file] is None
        else _estimate(behind[file], good[file] / count if count else mean)
        for file, count in enumerate(counts)
    ]
    return {
        "counts": np.array(counts),
        "lost": np.array(lost),
        "packed": np.array(packed),
        "places": np.concatenate(places),
    }


def _scan_file(reader):
    """Returns `(samples, is packed, bytes before a break, behind it, places)`.

    The bytes behind are None if the file does not break.
    """
    stream = reader.stream
    count, places, good, behind = 0, [], stream.size, None
    try:
        while True:
            place = reader.position
            if reader.read() is None:
                break
            if count % STEP == 0:
                places.append(place)
            count += 1
    except BrokenFileError:
        # In a compressed file, only what was read of it tells how much is left.
        good = stream.tell() if reader.is_packed else reader.position
        good = min(good, stream.size)
        behind = stream.size - good
    finally:
        stream.close()
    return count, reader.is_packed, good, behind, np.array(places, np.int64)


def _estimate(num_bytes, bytes_per_sample):
    """About how many samples there are in bytes of a broken file."""
    return max(1, round(num_bytes / max(bytes_per_sample, 1)))
