"""The files of a corpus: reproducible shards, written beside the old folder."""

import contextlib
import io
import json
import shutil
import sys
import tarfile
import time

from uniclip_keras.errors import InputError

SHARD_SIZE = 1000


def to_json(value):
    """Encodes JSON as bytes, with sorted keys and a final newline."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def write_shards(folder, split, samples, shard_size=SHARD_SIZE):
    """Writes `split-00000.tar`, ...: WebDataset tars of reproducible bytes.

    Args:
        folder: `pathlib.Path` of an existing folder.
        split: First word of the file names.
        samples: Iterable of `(key, {extension: bytes})` in their final order;
            consumed one at a time.
        shard_size: Samples per file.

    Returns:
        `{file name: size in bytes}`.
    """
    sizes = {}
    archive = path = None
    for number, (key, files) in enumerate(samples):
        if number % shard_size == 0:
            if archive:
                archive.close()
                sizes[path.name] = path.stat().st_size
            path = folder / f"{split}-{number // shard_size:05d}.tar"
            # Python's default format has changed before.
            archive = tarfile.open(  # noqa: SIM115
                path, "w", format=tarfile.USTAR_FORMAT
            )
        for extension, content in sorted(files.items()):
            # A fresh TarInfo has time, owner and group 0.
            entry = tarfile.TarInfo(f"{key}.{extension}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    if archive:
        archive.close()
        sizes[path.name] = path.stat().st_size
    return sizes


def read_summary(target, name, is_valid, corpus):
    """Reads the JSON file that tells what a folder holds.

    Args:
        target: `pathlib.Path` of the folder.
        name: Name of the JSON file.
        is_valid: Function of its value that recognizes the corpus.
        corpus: Name of the corpus, for the message.

    Returns:
        The value, or None where the folder is empty or missing.

    Raises:
        InputError: `target` is a file or holds something else.
    """
    with contextlib.suppress(
        OSError, ValueError, TypeError, KeyError, AttributeError
    ):
        summary = json.loads((target / name).read_bytes())
        if is_valid(summary):
            return summary
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(
            f"--output_dir={target} is a file or holds something else than "
            f"{corpus}: name an empty or new folder."
        )
    return None


@contextlib.contextmanager
def replaced(target):
    """Gives a new folder that takes the place of `target` at the end.

    An interrupted or failed run leaves `target` untouched and nothing else.

    Args:
        target: `pathlib.Path` of the folder to write.

    Yields:
        `pathlib.Path` of an empty folder beside it.

    Raises:
        InputError: The folder cannot be written.
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


class Progress:
    """Prints "done / total what, time left" to stderr once a second.

    Args:
        what: Word for what is counted, such as "drawings".
        total: Number of them.
    """

    def __init__(self, what, total):
        self._what, self._total, self._done = what, total, 0
        self._start = self._printed = time.monotonic()

    def step(self):
        """Counts one more."""
        self._done += 1
        now = time.monotonic()
        if self._done < self._total and now - self._printed < 1:
            return
        self._printed = now
        left = (now - self._start) / self._done * (self._total - self._done)
        print(
            f"\r{self._done:6,d} / {self._total:,d} {self._what}, "
            f"{left:3.0f} s left",
            end="\n" if self._done == self._total else "",
            file=sys.stderr,
            flush=True,
        )
