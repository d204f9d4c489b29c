"""Streams of what is in compressed files."""

import bz2
import gzip
import lzma
import zlib

# What decompressors raise for bad bytes. Errors of storage are `InputError`.
BAD_BYTES = (EOFError, OSError, zlib.error, lzma.LZMAError)

_DECOMPRESSORS = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    b"BZ": bz2.BZ2File,
    b"\xfd7": lzma.LZMAFile,
}


def decompress(stream, magic=None):
    """Returns a stream of what is in a compressed file, or the same stream.

    Args:
        stream: A `Stream` at its beginning.
        magic: Bytes that name the compression. None: the first of the file.
    """
    if magic is None:
        magic = stream.read(2)
        stream.seek(0)
    unpack = _DECOMPRESSORS.get(magic)
    return stream if unpack is None else _Unpacked(unpack(stream))


class _Unpacked:
    """Reads a decompressor in equal steps.

    So the place where a damaged file breaks does not depend on what is read of
    it before.
    """

    _STEP = 2**16

    def __init__(self, file):
        self._file = file
        self._error = None
        self._block, self._start = b"", 0
        self._position = 0

    def tell(self):
        return self._position

    def seek(self, offset):
        self._position = offset

    def read(self, size):
        if self._position < self._start:
            self._file.seek(0)
            self._error, self._block, self._start = None, b"", 0
        pieces = []
        while size > 0:
            inside = self._position - self._start
            piece = self._block[inside : inside + size]
            if not piece and not self._read_block():
                break
            pieces.append(piece)
            self._position += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _read_block(self):
        if self._error is not None:
            raise self._error
        self._start += len(self._block)
        try:
            self._block = self._file.read1(self._STEP)
        except BAD_BYTES as error:
            self._block, self._error = b"", error
            raise
        return bool(self._block)
