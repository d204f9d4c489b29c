"""WebDataset tar files whose bytes depend on their contents alone."""

import io
import json
import tarfile

SHARD_SIZE = 1000


def to_json(value):
    """Encodes JSON as bytes, with sorted keys and a final newline."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def write_shards(folder, split, samples, shard_size=SHARD_SIZE):
    """Writes `split-00000.tar`, `split-00001.tar`, ...

    Args:
        folder: `pathlib.Path` of an existing folder.
        split: the files' first word.
        samples: iterable of (key, {extension: bytes}), in their final order;
            consumed one at a time.
        shard_size: samples per file.

    Returns:
        {file name: bytes in the file}.
    """
    sizes = {}
    archive = path = None
    for number, (key, files) in enumerate(samples):
        if number % shard_size == 0:
            if archive:
                archive.close()
                sizes[path.name] = path.stat().st_size
            path = folder / f"{split}-{number // shard_size:05d}.tar"
            # The format is named because Python's default has changed before.
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
