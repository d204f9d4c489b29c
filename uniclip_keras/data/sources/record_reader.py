"""Records of a TFRecord file, from its beginning or from any record."""

import struct

import google_crc32c

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import stream as streams
from uniclip_keras.data.sources.compression import BAD_BYTES
from uniclip_keras.data.sources.compression import decompress
from uniclip_keras.data.sources.stream import BrokenFileError

# Each record is its length, the checksum of the length, its data, and the
# checksum of the data.
_HEADER = struct.Struct("<Q4s")
_CHECKSUM_BYTES = 4


class RecordReader:
    """Reads records; files with names in .gz are compressed.

    Args:
        stream: A `Stream` of the file.
        position: Where to begin: 0 or the `position` of another reader.
        is_packed: Whether the file is compressed.

    Attributes:
        position: Place of the next record in the (decompressed) file.
        is_packed: Whether the file is compressed.
    """

    def __init__(self, stream, position=0, is_packed=False):
        self.stream = stream
        self.position = position
        self.is_packed = is_packed
        self._file = decompress(stream, b"\x1f\x8b" * is_packed)

    def read(self, is_wanted=False):
        """Reads the next record, or only moves behind it.

        Returns:
            Its bytes; b"" if it is not wanted; None at the end of the file; or
            a str, the kind of a bad sample.

        Raises:
            BrokenFileError: There are no further records: the file breaks.
        """
        try:
            return self._read(is_wanted)
        except BAD_BYTES as error:
            raise BrokenFileError(str(error)) from error

    def _read(self, is_wanted):
        self._file.seek(self.position)
        header = self._file.read(_HEADER.size)
        if not header:
            return None
        if len(header) < _HEADER.size:
            raise EOFError("half a header")
        length, checksum = _HEADER.unpack(header)
        if checksum != _checksum(header[:8]):
            raise EOFError("wrong checksum of a length")
        start = self.position + _HEADER.size
        end = start + length + _CHECKSUM_BYTES
        is_small = length <= streams.MAX_BYTES
        if is_wanted and is_small:
            content = self._file.read(length + _CHECKSUM_BYTES)
            record, checksum = content[:length], content[length:]
            if len(checksum) < _CHECKSUM_BYTES:
                raise EOFError("half a record")
            if checksum != _checksum(record):
                record = bad.CORRUPT_RECORD
        elif not streams.reaches(self._file, end):
            raise EOFError("half a record")
        else:
            record = bad.OVERSIZE_SAMPLE if is_wanted else b""
        self.position = end
        return record


def _checksum(content):
    """The masked CRC-32C of TFRecord files, 4 bytes."""
    value = google_crc32c.value(content)
    masked = ((value >> 15) | (value << 17)) + 0xA282EAD8
    return struct.pack("<L", masked & 0xFFFFFFFF)
