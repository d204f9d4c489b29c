"""Reading WebDataset tars, the layout that img2dataset writes.

A shard is a tar whose adjacent members `key.png`, `key.txt`, `key.json` make
up one sample. Everything here is plain Python on bytes; paths go through
`tf.io.gfile`, so `gs://` works where TensorFlow has it.
"""

import hashlib
import json
import posixpath
import tarfile
import zlib

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad

IMAGE_SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif")

# What tarfile, the decompressors and TensorFlow's files raise on bad bytes.
_TAR_ERRORS = (
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


def read_members(path, read_data=True):
    """Groups the members of one tar by sample.

    Args:
        path: The tar, compressed or not.
        read_data: False reads the headers alone, and yields sizes in the
            place of bytes.

    Yields:
        `(key, {suffix: bytes})` for each run of members with one key.

    Raises:
        tarfile.TarError, EOFError, OSError, tf.errors.OpError: The tar ends
            or breaks here; what came before it has been yielded.
    """
    # Seeking skips the contents when only headers are wanted.
    mode = "r|*" if read_data else "r"
    with (
        tf.io.gfile.GFile(path, "rb") as file,
        tarfile.open(fileobj=file, mode=mode, tarinfo=_StrictTarInfo) as tar,
    ):
        key, members = None, {}
        for member in tar:
            if not member.isfile():
                continue
            folder, name = posixpath.split(member.name)
            stem, _, suffix = name.partition(".")
            member_key = posixpath.join(folder, stem)
            if member_key != key:
                if members:
                    yield key, members
                key, members = member_key, {}
            content = member.size
            if read_data:
                content = tar.extractfile(member).read()
                if len(content) != member.size:
                    raise tarfile.ReadError("unexpected end of data")
            members[suffix.lower()] = content
        if members:
            yield key, members


def read_samples(path, id_field, caption_field, bad_samples):
    """Reads the good samples of one tar and counts the bad ones.

    Args:
        path: The tar.
        id_field: JSON field of the id, or None for the caption's hash.
        caption_field: JSON field with the captions, or None for `key.txt`.
        bad_samples: A `BadSamples`, or None.

    Yields:
        Dicts of `key` str, `image` encoded bytes, `text` (captions joined by
        a newline), `id` int of 63 bits, `metadata` dict.
    """
    try:
        for key, members in read_members(path):
            if bad_samples is not None:
                bad_samples.record_read(1)
            try:
                yield parse_sample(key, members, id_field, caption_field)
            except BadSampleError as error:
                if bad_samples is not None:
                    bad_samples.record(error.kind, key)
    except _TAR_ERRORS:
        if bad_samples is not None:
            bad_samples.record(bad.TRUNCATED_TAR, path)


def count_samples(path):
    """Samples in one tar, bad ones included, from its headers alone."""
    count = 0
    try:
        for _ in read_members(path, read_data=False):
            count += 1
    except _TAR_ERRORS:
        pass
    return count


class BadSampleError(Exception):
    """A sample to skip; `kind` is one of the kinds of `bad_samples`."""

    def __init__(self, kind):
        super().__init__(kind)
        self.kind = kind


def parse_sample(key, members, id_field=None, caption_field=None):
    """Makes a sample of the members of one key.

    Raises:
        BadSampleError: Something is missing, empty or unreadable.
    """
    image = next(
        (members[name] for name in IMAGE_SUFFIXES if name in members), None
    )
    if image is None:
        raise BadSampleError(bad.MISSING_IMAGE)
    metadata = read_metadata(members)
    if caption_field is not None:
        captions = metadata.get(caption_field)
        if captions is None:
            raise BadSampleError(bad.MISSING_TEXT)
        captions = [captions] if isinstance(captions, str) else captions
        if not isinstance(captions, list):
            raise BadSampleError(bad.UNREADABLE_TEXT)
    elif "txt" in members:
        try:
            captions = [members["txt"].decode("utf-8")]
        except UnicodeDecodeError:
            raise BadSampleError(bad.UNREADABLE_TEXT) from None
    else:
        raise BadSampleError(bad.MISSING_TEXT)
    # A newline separates captions, so none may hold one.
    captions = [" ".join(str(caption).split()) for caption in captions]
    text = "\n".join(caption for caption in captions if caption)
    if not text:
        raise BadSampleError(bad.EMPTY_CAPTION)
    return {
        "key": key,
        "image": image,
        "text": text,
        "id": _sample_id(text if id_field is None else metadata.get(id_field)),
        "metadata": metadata,
    }


def read_metadata(members):
    """The sample's JSON, empty if it has none."""
    if "json" not in members:
        return {}
    try:
        metadata = json.loads(members["json"])
    except ValueError:
        raise BadSampleError(bad.UNREADABLE_METADATA) from None
    if not isinstance(metadata, dict):
        raise BadSampleError(bad.UNREADABLE_METADATA)
    return metadata


def _sample_id(value):
    if isinstance(value, int) and 0 <= value < 2**63:
        return value
    if isinstance(value, (int, str)):
        return stable_hash(str(value))
    raise BadSampleError(bad.MISSING_ID)


def stable_hash(text):
    """A hash in [0, 2^63) that is the same in every process and release."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
