"""Compressed files, whole and damaged."""

import bz2
import gzip
import lzma

import numpy as np
import pytest

from uniclip_keras.data.sources import compression
from uniclip_keras.data.sources.stream import Stream

CONTENT = np.random.default_rng(0).bytes(50_000)


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
@pytest.mark.parametrize("damage", ["none", "cut", "flip"])
def test_damaged_files_break_at_one_place(tmp_path, module, damage):
    content = CONTENT * 5
    packed = bytearray(module.compress(content))
    middle = len(packed) // 2
    if damage == "cut":
        del packed[middle:]
    elif damage == "flip":
        packed[middle] ^= 255
    (tmp_path / "a").write_bytes(packed)

    def read(sizes):
        unpacked = compression.decompress(Stream(tmp_path / "a"))
        found, place = b"", 0
        try:
            for size in sizes:
                place = unpacked.tell()
                piece = unpacked.read(size)
                found += piece
                if not piece:
                    break
        except compression.BAD_BYTES:
            # One byte at a time up to where it breaks.
            unpacked.seek(place)
            while True:
                try:
                    found += unpacked.read(1)
                except compression.BAD_BYTES:
                    return found
        return found

    whole = read([1000] * 1000)
    assert whole == read([77_777] * 100) == read([13, 200_000] * 100)
    assert (whole == CONTENT * 5) == (damage == "none")
    if damage == "cut":
        assert whole == content[: len(whole)]
