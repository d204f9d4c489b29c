"""The files of a corpus: reproducible shards, written beside the old folder."""

import contextlib
import io
import itertools
import json
import shutil
import sys
import tarfile
import time

from uniclip_keras.errors import InputError


def to_json(value):
    """Encodes JSON as bytes, with sorted keys and a final newline."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def to_sample(key, png, text, record):
    """Encodes a sample for `write_shards`."""
    return key, {"png": png, "txt": text.encode(), "json": to_json(record)}


def write_shards(folder, split, samples, shard_size=1000):
    """Writes `split-00000.tar`, ...: WebDataset tars of reproducible bytes.

    The samples, `(key, {extension: bytes})`, are consumed one at a time.
    Returns `{file name: size in bytes}`.
    """
    samples, sizes = iter(samples), {}
    for first in samples:
        path = folder / f"{split}-{len(sizes):05d}.tar"
        rest = itertools.islice(samples, shard_size - 1)
        # Python's default format has changed before.
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            for key, files in itertools.chain([first], rest):
                for extension, content in sorted(files.items()):
                    # A fresh TarInfo has time, owner and group 0.
                    entry = tarfile.TarInfo(f"{key}.{extension}")
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
        sizes[path.name] = path.stat().st_size
    return sizes


def read_summary(target, name, is_valid, corpus):
    """Reads the JSON file `name` that tells what the folder `target` holds.

    `is_valid` recognizes its value. Returns None where the folder is empty or
    missing, and refuses a file and a folder of something else.
    """
    with contextlib.suppress(
        OSError, ValueError, TypeError, KeyError, AttributeError
    ):
        summary = json.loads((target / name).read_bytes())
        if is_valid(summary):
            return summary
    if target.is_file() or target.is_dir() and any(target.iterdir()):
        raise InputError(
            f"--output_dir={target} is a file or holds something else than "
            f"{corpus}: name an empty or new folder."
        )
    return None


@contextlib.contextmanager
def replaced(target):
    """Gives a new folder that takes the place of `target` at the end.

    An interrupted or failed run leaves `target` untouched and nothing else.
    """
    partial = target.with_name(f"{target.name}.partial")
    old = target.with_name(f"{target.name}.old")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"Cannot write {str(target)!r} ({error.strerror}): choose an "
            "--output_dir in a folder that you may write."
        ) from None
    try:
        yield partial
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        partial.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def with_progress(items, what, total):
    """Yields the items; prints "done / total what, time left" to stderr."""
    start = printed = time.monotonic()
    for done, item in enumerate(items, 1):
        now = time.monotonic()
        if done == total or now - printed >= 1:
            printed = now
            left = (now - start) / done * (total - done)
            print(
                f"\r{done:6,d} / {total:,d} {what}, {left:3.0f} s left",
                end="\n" if done == total else "",
                file=sys.stderr,
                flush=True,
            )
        yield item
