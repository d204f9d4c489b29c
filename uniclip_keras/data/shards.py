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


def read_samples(path, parse, bad_samples):
    """Reads the good samples of one tar and counts the bad ones.

    Args:
        path: The tar.
        parse: Function of a key and its members that returns the sample or
            raises `BadSampleError`, such as `parse_sample`.
        bad_samples: A `BadSamples`, or None.

    Yields:
        What `parse` returns.
    """
    try:
        for key, members in read_members(path):
            if bad_samples is not None:
                bad_samples.record_read(1)
            try:
                yield parse(key, members)
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


def parse_sample(
    key, members, id_field=None, caption_field=None, id_space=None
):
    """Makes an image-text sample of the members of one key.

    Args:
        key: The sample's key.
        members: `{suffix: bytes}`.
        id_field: JSON field of the id, or None for the captions' hash.
        caption_field: JSON field with the captions, or None for `key.txt`.
        id_space: Name that is hashed with the value of `id_field`, or None.

    Returns:
        Dict of `key` str, `image` encoded bytes, `text` (captions joined by
        a newline), `id` int of 63 bits, `is_name` False, `metadata` dict.

    Raises:
        BadSampleError: Something is missing, empty or unreadable.
    """
    image = find_image(members)
    metadata = read_metadata(members)
    text = join_lines(_read_captions(members, metadata, caption_field))
    if not text:
        raise BadSampleError(bad.EMPTY_CAPTION)
    if id_field is None:
        sample_id = text_id(text)
    else:
        sample_id = _field_id(metadata.get(id_field), id_space)
    return {
        "key": key,
        "image": image,
        "text": text,
        "id": sample_id,
        "is_name": False,
        "metadata": metadata,
    }


def find_image(members):
    """The sample's encoded image."""
    for suffix in IMAGE_SUFFIXES:
        if suffix in members:
            return members[suffix]
    raise BadSampleError(bad.MISSING_IMAGE)


def _read_captions(members, metadata, caption_field):
    if caption_field is not None:
        captions = metadata.get(caption_field)
        if captions is None:
            raise BadSampleError(bad.MISSING_TEXT)
        captions = [captions] if isinstance(captions, str) else captions
        if not isinstance(captions, list):
            raise BadSampleError(bad.UNREADABLE_TEXT)
        return captions
    if "txt" not in members:
        raise BadSampleError(bad.MISSING_TEXT)
    try:
        return [members["txt"].decode("utf-8")]
    except UnicodeDecodeError:
        raise BadSampleError(bad.UNREADABLE_TEXT) from None


def join_lines(texts):
    """One line per text that is not empty: a newline separates texts."""
    lines = (" ".join(str(text).split()) for text in texts)
    return "\n".join(line for line in lines if line)


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


def _field_id(value, space):
    if not isinstance(value, (int, str)):
        raise BadSampleError(bad.MISSING_ID)
    if space is not None:
        return stable_hash(f"{space}\n{value}")
    if isinstance(value, int) and 0 <= value < 2**63:
        return value
    return stable_hash(str(value))


def text_id(text):
    """The id of a sample that is known by its text alone.

    Upper and lower case make no difference, so that a caption that is a
    class's name shares its id, wherever either comes from.
    """
    return stable_hash(text.strip().casefold())


def stable_hash(text):
    """A hash in [0, 2^63) that is the same in every process and release."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
