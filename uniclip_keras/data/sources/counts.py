"""Counting samples once: the result is kept for the next run."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import time

import tensorflow as tf

# Counting waits for files, not for the processor.
_THREADS = 8
_SECONDS_BETWEEN_LINES = 10


def count_files(files, count_file):
    """Samples in all files together, counted or remembered.

    What was counted is kept under `~/.cache/uniclip_keras` (or
    `$XDG_CACHE_HOME`), under a name that follows from the paths, sizes and
    times of the files: a changed file is counted again. Long counts say how
    far they are.

    Args:
        files: Paths.
        count_file: From a path to the number of its samples.
    """
    memory = _memory(files)
    try:
        return int(json.loads(memory.read_text())["samples"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    samples = _count(files, count_file)
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may count at once; each leaves a whole file.
        draft = memory.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"samples": samples, "first": files[0]}))
        draft.replace(memory)
    except OSError:
        # A machine without a place to remember counts again next time.
        pass
    return samples


def _count(files, count_file):
    started = said = time.monotonic()
    samples = 0
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        for done, count in enumerate(pool.map(count_file, files), start=1):
            samples += count
            now = time.monotonic()
            if now - said > _SECONDS_BETWEEN_LINES:
                left = (now - started) * (len(files) - done) / done
                print(
                    f"Counting samples: {done:,} of {len(files):,} files, "
                    f"{samples:,} samples, {left:.0f} s left",
                    flush=True,
                )
                said = now
    return samples


def _memory(files):
    identity = hashlib.sha256()
    for path in files:
        stat = tf.io.gfile.stat(path)
        identity.update(f"{path}\n{stat.length}\n{stat.mtime_nsec}\n".encode())
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    name = identity.hexdigest()[:32]
    return pathlib.Path(cache) / "uniclip_keras" / f"count-{name}.json"
