"""Reading tars whose adjacent members `key.png`, `key.txt` are one sample.

Everything here is plain Python on bytes; paths go through `tf.io.gfile`, so
`gs://` works where TensorFlow has it.
"""

import posixpath
import tarfile
import zlib

import tensorflow as tf

IMAGE_SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif")

# What tarfile, the decompressors and TensorFlow's files raise on bad bytes.
TAR_ERRORS = (
    tarfile.TarError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
    tf.errors.OpError,
)


class _StrictTarInfo(tarfile.TarInfo):
    """Tells the end of a tar from a break in it, which tarfile passes over."""

    @classmethod
    def fromtarfile(cls, tar):
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError("unexpected end of tar") from error


def read_members(path, wanted=None):
    """Groups the members of one tar by sample.

    Args:
        path: The tar, compressed or not.
        wanted: Function of a suffix that says whether to read that member.
            None reads all of them.

    Yields:
        `(key, {suffix: bytes})` for each run of members with one key; None
        in the place of the bytes of members that are not wanted.

    Raises:
        tarfile.TarError, EOFError, OSError, tf.errors.OpError: The tar ends
            or breaks here; what came before it has been yielded.
    """
    key, members = None, {}
    try:
        for member_key, suffix, content in _read_each(path, wanted):
            if member_key != key:
                if members:
                    yield key, members
                key, members = member_key, {}
            members[suffix] = content
    except TAR_ERRORS:
        # The sample before the break may be whole.
        if members:
            yield key, members
        raise
    if members:
        yield key, members


def _read_each(path, wanted):
    with (
        tf.io.gfile.GFile(path, "rb") as file,
        tarfile.open(fileobj=file, mode="r", tarinfo=_StrictTarInfo) as tar,
    ):
        for member in tar:
            # A tar remembers every member, for look-ups that nobody makes.
            tar.members = []
            if not member.isfile():
                continue
            folder, name = posixpath.split(member.name)
            stem, _, suffix = name.partition(".")
            suffix = suffix.lower()
            content = None
            if wanted is None or wanted(suffix):
                content = tar.extractfile(member).read()
                if len(content) != member.size:
                    raise tarfile.ReadError("unexpected end of data")
            yield posixpath.join(folder, stem), suffix, content


def count_samples(path):
    """Samples in one tar, bad ones included, from its headers alone."""
    count = 0
    try:
        for _ in read_members(path, wanted=lambda suffix: False):
            count += 1
    except TAR_ERRORS:
        pass
    return count
