"""Samples of a tar, from its beginning or from the place of any sample."""

import posixpath
import tarfile

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import stream as streams
from uniclip_keras.data.sources.compression import BAD_BYTES
from uniclip_keras.data.sources.compression import decompress
from uniclip_keras.data.sources.stream import BrokenFileError
from uniclip_keras.errors import InputError

# What tarfile raises for bad bytes; long chains of headers recurse.
_BAD_BYTES = (
    *BAD_BYTES,
    OverflowError,
    RecursionError,
    ValueError,
    tarfile.TarError,
)


class TarReader:
    """Reads samples, runs of members `key.suffix` with one key.

    A member is there if all of its bytes are; the first that is not ends the
    samples. Which samples there are does not depend on what is read of them.

    Args:
        stream: A `Stream` of the tar.
        position: Where to begin: 0 or the `position` of another reader.

    Attributes:
        position: Place of the next sample in the (decompressed) tar: its
            first header, extended ones included.
        is_packed: Whether the tar is compressed.
    """

    def __init__(self, stream, position=0):
        self.position = position
        self.stream = stream
        self._unpacked = decompress(stream)
        self.is_packed = self._unpacked is not stream
        self._tar = None
        # The header of the next member; or None at the end, or an error.
        self._next = None

    def read(self, suffixes=()):
        """Reads the next sample, and of its members only these suffixes.

        Returns:
            `(key, {suffix: content})`, or None at the end. A content is bytes,
            None if it is not read, or a str: the kind of a bad sample.

        Raises:
            BrokenFileError: There are no further samples: the tar breaks.
        """
        if self._tar is None:
            self._open()
        if self._next is None:
            return None
        key, members = None, {}
        while isinstance(self._next, tarfile.TarInfo):
            member_key, suffix = _split(self._next.name)
            if members and member_key != key:
                break
            key = member_key
            try:
                members[suffix] = self._content(self._next, suffix in suffixes)
            except _BAD_BYTES as error:
                self._break(error)
                break
            self._advance()
        if not members:
            raise self._next
        if isinstance(self._next, tarfile.TarInfo):
            self.position = self._next.offset
        else:
            self.position = self._tar.offset
        return key, members

    def _open(self):
        try:
            self._unpacked.seek(self.position)
            self._file = _LimitedReads(self._unpacked)
            self._tar = tarfile.TarFile(
                fileobj=self._file, tarinfo=_StrictTarInfo
            )
        except _BAD_BYTES as error:
            self._break(error)
            # Without headers there is nothing to read.
            self._tar = False
            raise self._next from None
        self._advance()

    def _break(self, error):
        if isinstance(error, InputError):
            raise error
        self._next = BrokenFileError(str(error))

    def _advance(self):
        """Reads headers up to that of the next regular file."""
        last = self._next
        try:
            while True:
                self._next = self._tar.next()
                # tarfile keeps every member for lookups, which would add up.
                self._tar.members = []
                if self._next is None:
                    return self._require_end()
                leads_back = last and self._next.offset <= last.offset
                if self._next.size < 0 or leads_back:
                    raise tarfile.ReadError("impossible size")
                if self._next.isreg():
                    return None
                last = self._next
        except _BAD_BYTES as error:
            self._break(error)

    def _require_end(self):
        """Raises an error if more than zeros follow the end of the tar."""
        while content := self._unpacked.read(2**16):
            if content.count(0) < len(content):
                raise tarfile.ReadError("data behind the end of the tar")

    def _content(self, member, is_wanted):
        is_small = member.size <= streams.MAX_BYTES
        if is_wanted and is_small:
            try:
                content = self._tar.extractfile(member).read()
                is_whole = len(content) == member.size
                if is_whole and not member.issparse():
                    return content
            except _BAD_BYTES as error:
                if isinstance(error, InputError):
                    raise
                is_whole = False
            content = content if is_whole else bad.CORRUPT_RECORD
        else:
            content = bad.OVERSIZE_SAMPLE if is_wanted else None
        end = member.offset_data + member.size
        # The size of a sparse member is not what it takes in the tar.
        end = self._tar.offset if member.issparse() else end
        if not streams.reaches(self._file, end):
            raise tarfile.ReadError("unexpected end of data")
        return content


class _LimitedReads:
    """A file that refuses to read more at once than any header has."""

    def __init__(self, file):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size):
        if not 0 <= size <= streams.MAX_BYTES:
            raise tarfile.ReadError("impossible size")
        return self._file.read(size)


class _StrictTarInfo(tarfile.TarInfo):
    """Tells the end of a tar from a break in it; tarfile ignores breaks."""

    @classmethod
    def fromtarfile(cls, tar):
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError("unexpected end of tar") from error


def _split(name):
    """`a/b.seg.PNG` -> `("a/b", "seg.png")`."""
    folder, name = posixpath.split(name)
    stem, _, suffix = name.partition(".")
    return posixpath.join(folder, stem), suffix.lower()
